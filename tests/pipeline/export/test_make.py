"""The frame: what is killed goes on, the same gives the same bytes, nothing of anybody else is touched, all is counted."""

import errno
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from duologue_pipeline.errors import UsageError
from duologue_pipeline.export import folder as folder_module
from duologue_pipeline.export.folder import Folder
from duologue_pipeline.export.format import Option
from duologue_pipeline.export.formats.moshi_finetune import MoshiFinetune
from duologue_pipeline.export.make import make_export
from duologue_pipeline.export.request import ExportRequest
from duologue_pipeline.export.upkeep import export_status, kept_request
from duologue_pipeline.files.storage import write_bytes
from duologue_pipeline.reader.dataset import PurposeError, open_dataset
from duologue_pipeline.withdrawal.protocol import propagate_release
from tests.object_store import Kind, serve_store
from tests.pipeline.export.support import bytes_of, document_of, export
from tests.pipeline.withdrawal.support import Call, make_calls
from tests.pipeline.withdrawal.world import make_world

SMALL = (
    Call("call-1", "train-00000", "anna", "ben", 2.0),
    Call("call-2", "train-00001", "carl", "dora", 2.0),
    Call("call-3", "train-00002", "emil", "fred", 2.0),
)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_calls(tmp_path_factory.mktemp("calls"), SMALL)


class _Killed(BaseException):
    """Stands for SIGKILL: from then on nothing changes a file."""


@pytest.fixture
def kill_after(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Lets so many changes of files happen, and no more."""
    left = [10**9]

    def dying(change: Any) -> Any:
        def changed(*arguments: Any, **options: Any) -> Any:
            if isinstance(arguments[0], Path) and arguments[0].name == "lock":  # the system gives it back
                return change(*arguments, **options)
            left[0] -= 1
            if left[0] < 0:
                raise _Killed
            return change(*arguments, **options)

        return changed

    for owner, name in ((os, "replace"), (shutil, "rmtree"), (folder_module, "write_bytes")):
        monkeypatch.setattr(owner, name, dying(getattr(owner, name)))
    for name in ("unlink", "rmdir"):
        monkeypatch.setattr(Path, name, dying(getattr(Path, name)))

    def set_left(changes: int) -> None:
        left[0] = changes

    yield set_left
    left[0] = 10**9


def killed_everywhere(kill_after: Callable[[int], None], work: Callable[[], Any], check: Callable[[], None]) -> int:
    """Kills the work after each of its changes, lets it go on, and checks what there is; gives how many changes it makes."""
    for changes in range(1000):
        kill_after(changes)
        try:
            work()
        except _Killed:
            kill_after(10**9)
            work()
            check()
            continue
        kill_after(10**9)
        return changes
    raise AssertionError("it never ends")


@pytest.mark.slow  # 20 s
def test_an_export_that_is_killed_anywhere_goes_on_to_the_same_bytes(
    release: Path, tmp_path: Path, kill_after: Callable[[int], None]
) -> None:
    out = tmp_path / "e"
    export(release, tmp_path / "whole", options={"rate": 8000})
    expected = bytes_of(tmp_path / "whole")

    def check() -> None:
        assert bytes_of(out) == expected
        shutil.rmtree(out)

    changes = killed_everywhere(kill_after, lambda: export(release, out, options={"rate": 8000}), check)
    assert changes > 3 * 4  # files of three parts


@pytest.mark.slow  # 20 s
def test_a_refresh_that_is_killed_anywhere_goes_on_to_the_same_bytes(
    tmp_path: Path, kill_after: Callable[[int], None]
) -> None:
    world = make_world(tmp_path, calls=SMALL)
    export(world.out, tmp_path / "old", options={"rate": 8000})
    world.withdraw("anna")
    propagate_release(str(world.out), world.ledger)
    export(world.out, tmp_path / "whole", options={"rate": 8000})
    expected, out = bytes_of(tmp_path / "whole"), tmp_path / "e"
    shutil.copytree(tmp_path / "old", out)

    def check() -> None:
        assert bytes_of(out) == expected
        shutil.rmtree(out)
        shutil.copytree(tmp_path / "old", out)

    assert killed_everywhere(kill_after, lambda: export(world.out, out, options={"rate": 8000}), check) > 10


def test_parts_that_are_there_are_not_written_again(
    release: Path, tmp_path: Path, kill_after: Callable[[int], None]
) -> None:
    out = tmp_path / "e"
    kill_after(18)
    with pytest.raises(_Killed):
        export(release, out)
    kill_after(10**9)
    outcome = export(release, out)
    assert outcome.kept > 0
    assert outcome.kept + outcome.written == len(SMALL)
    again = export(release, out)
    assert not again.changed
    assert (again.kept, again.written) == (len(SMALL), 0)


def test_a_part_that_lost_a_file_is_written_again(release: Path, tmp_path: Path) -> None:
    out = tmp_path / "e"
    export(release, out)
    expected = bytes_of(out)
    (out / "train-00001" / "call-2-00000-a.wav").unlink()
    assert export(release, out).written == 1
    assert bytes_of(out) == expected


def test_two_at_once_are_refused(release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, entered, go_on = tmp_path / "e", threading.Event(), threading.Event()
    part = MoshiFinetune.part

    def waiting(self: Any, *arguments: Any) -> Any:
        entered.set()
        go_on.wait(60)
        return part(self, *arguments)

    monkeypatch.setattr(MoshiFinetune, "part", waiting)
    first = threading.Thread(target=lambda: export(release, out))
    first.start()
    assert entered.wait(60)
    with pytest.raises(UsageError, match=r"is still held by process \d+ on this machine"):
        export(release, out)
    go_on.set()
    first.join()
    monkeypatch.undo()
    export(release, tmp_path / "alone")
    assert bytes_of(out) == bytes_of(tmp_path / "alone")


def test_the_bytes_do_not_depend_on_where_the_release_lies(release: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    shutil.copytree(release, moved)
    export(release, tmp_path / "a")
    export(moved, tmp_path / "b")
    assert bytes_of(tmp_path / "a") == bytes_of(tmp_path / "b")


def test_a_disk_that_is_full_is_told_and_the_export_goes_on(
    release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, left = Path.write_bytes, [5]

    def full(self: Path, data: bytes) -> int:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(self, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(UsageError, match=r"e: the disk is full .* run the command again: what is done is kept"):
        export(release, tmp_path / "e")
    assert not (tmp_path / "e" / "export.json").exists()
    monkeypatch.undo()
    assert export(release, tmp_path / "e").kept > 0


def test_a_folder_with_files_of_others_is_left_alone(release: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match=r"holds thesis\.txt, which is of no export"):
        export(release, mine)
    assert [path.name for path in mine.iterdir()] == ["thesis.txt"]
    out = tmp_path / "e"
    export(release, out)
    (out / "train-00000" / "notes.txt").write_text("mine")
    before = bytes_of(out)
    with pytest.raises(UsageError, match=r"holds train-00000/notes\.txt, which is not of the export"):
        export(release, out)
    assert bytes_of(out) == before


@pytest.mark.parametrize("where", ["in the release", "the release", "around the release", "a file", "a store"])
def test_an_export_lies_beside_the_release(where: str, release: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    out = {
        "in the release": str(release / "export"),
        "the release": str(release),
        "around the release": str(release.parent),
        "a file": str(tmp_path / "file"),
        "a store": "s3://bucket/export",
    }[where]
    before = {path.name for path in release.iterdir()}
    with pytest.raises(UsageError, match="--out"):
        make_export(str(release), out, ExportRequest(format="moshi-finetune"))
    assert {path.name for path in release.iterdir()} == before


def test_another_request_is_not_mixed_into_an_export(release: Path, tmp_path: Path) -> None:
    export(release, tmp_path / "e", model_speaker="a")
    before = bytes_of(tmp_path / "e")
    with pytest.raises(UsageError, match="holds an export with model_speaker 'a', and 'b' is asked for"):
        export(release, tmp_path / "e", model_speaker="b")
    assert bytes_of(tmp_path / "e") == before


def test_an_option_that_a_newer_version_brings_does_not_part_an_export_from_its_refresh(
    release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, options = tmp_path / "e", MoshiFinetune.options
    export(release, out)
    monkeypatch.setattr(MoshiFinetune, "options", {**options, "loud": Option(False, "Be loud.")})
    assert not export_status(str(out)).is_current
    _, request, _ = kept_request(Folder(str(out)), None, None)
    assert make_export(str(release), str(out), request).written == len(SMALL)
    assert document_of(out)["options"] == {"loud": False, "rate": 24000}
    with pytest.raises(UsageError, match="holds an export with options"):
        export(release, out, options={"loud": "yes"})


def test_every_word_is_written_or_counted(tmp_path: Path) -> None:
    release = make_calls(tmp_path, (Call("call-1", "train-00000", "anna", "ben", 3.0),))
    document = export(release, tmp_path / "e").document
    listed = sum(len(sample.metadata["words"]) for sample in open_dataset(str(release)))
    words = document["words"]
    assert words["listed"] == listed == 20
    assert words["written"] == 20


def test_what_is_not_chosen_is_counted(release: Path, tmp_path: Path) -> None:
    document = export(release, tmp_path / "e", where=(("recording_id", "!=", "call-2"),)).document
    assert document["samples"] == {"written": 2, "left_out": {"not_chosen": 1}}
    assert document["why_left_out"] == {"not_chosen": "It does not fulfil the conditions of --where."}
    assert [part["name"] for part in document["parts"]] == ["train-00000", "train-00002"]
    with pytest.raises(UsageError, match="no sample of train is to be exported"), pytest.warns(match="no sample"):
        export(release, tmp_path / "none", where=(("recording_id", "==", "call-9"),))
    assert not (tmp_path / "none").exists()


def test_a_role_chooses_the_model(release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_roles = {"conditions": {"a": {"role": "caller"}, "b": {"role": "agent"}}}
    part = MoshiFinetune.part

    def told(self: Any, samples: Any, *arguments: Any) -> Any:
        return part(self, (replace(each, metadata=each.metadata | with_roles) for each in samples), *arguments)

    monkeypatch.setattr(MoshiFinetune, "part", told)
    export(release, tmp_path / "e", model_speaker="role:agent")
    assert {path.stem[-2:] for path in (tmp_path / "e").rglob("*.wav")} == {"-b"}
    export(release, tmp_path / "f", model_speaker="role:host")
    assert document_of(tmp_path / "f")["samples"] == {"written": 0, "left_out": {"no_model_side": 3}}


def test_a_format_that_miscounts_is_found_out(release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = MoshiFinetune.part
    monkeypatch.setattr(MoshiFinetune, "part", lambda *given: replace(part(*given), words=3))
    with pytest.raises(AssertionError, match="counts 3 of 20 words"):
        export(release, tmp_path / "e")
    assert not (tmp_path / "e" / "export.json").exists()


# --- purposes -------------------------------------------------------------------------------------------------------


def test_a_release_is_exported_for_its_own_purposes_alone(release: Path, tmp_path: Path) -> None:
    with pytest.raises(PurposeError, match="may be used for training_inhouse and not for redistribution"):
        export(release, tmp_path / "e", public=True, purpose="redistribution")
    assert not (tmp_path / "e").exists()
    with pytest.raises(UsageError, match="what goes to anybody is for redistribution"):
        export(release, tmp_path / "e", public=True)


def test_audio_is_not_made_of_a_release_whose_speakers_were_asked_for_tokens(tmp_path: Path) -> None:
    release = make_calls(tmp_path, SMALL, audio=False)
    with pytest.raises(
        UsageError, match="holds no audio, and moshi-finetune writes audio, which its speakers were not"
    ):
        export(release, tmp_path / "e")
    assert not (tmp_path / "e").exists()


def test_a_release_without_what_the_format_needs_is_refused(release: Path, tmp_path: Path) -> None:
    moved = tmp_path / "release"
    shutil.copytree(release, moved)
    document = json.loads((moved / "dataset.json").read_bytes())
    for change, fault in (
        ({"words": "none"}, "was made without transcripts"),
        ({"codec": document["codec"] | {"frame_rate_hz": 75.0}}, "its codec gives 75 frames a second"),
    ):
        (moved / "dataset.json").write_text(json.dumps(document | change))
        with pytest.raises(UsageError, match=fault):
            name = "moshi-finetune" if "words" in change else "dgslm"
            export(moved, tmp_path / "e", name)
    assert not (tmp_path / "e").exists()


@pytest.mark.parametrize("name", ["moshi-finetune", "dgslm"])
def test_a_public_export_names_neither_speakers_nor_recordings(name: str, tmp_path: Path) -> None:
    world = make_world(tmp_path, calls=SMALL, purpose="redistribution")
    out = tmp_path / "public"
    export(world.out, out, name, public=True, purpose="redistribution")
    snapshot = world.ledger.snapshot()
    ids = [*(call.name for call in SMALL), *(snapshot.commitment(each) for each in snapshot.speakers), str(tmp_path)]
    for path in out.rglob("*"):
        data = path.relative_to(out).as_posix().encode() + (path.read_bytes() if path.is_file() else b"")
        assert not [each for each in ids if each.encode() in data], path
    assert any(b"train-00001-00000-00000" in name.encode() + data for name, data in bytes_of(out).items())
    document = document_of(out)
    assert document["public"] is True
    assert document["samples"]["written"] == len(SMALL)


@pytest.mark.parametrize("column", ["speaker_a", "speaker_b", "recording_id", "key", "samples_sha256_b"])
def test_a_public_export_is_not_chosen_by_who_speaks(column: str) -> None:
    """The conditions stand in ``export.json``."""
    chosen: Any = {"where": ((column, "==", "c" * 64),), "format": "hf"}
    ExportRequest(**chosen)
    with pytest.raises(UsageError, match=f"--public --where '{column} ...': the condition would stand in export.json"):
        ExportRequest(**chosen, public=True, purpose="redistribution")
    ExportRequest(format="hf", where=(("language", "==", "en"),), public=True, purpose="redistribution")


# --- requests -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "fault"),
    [
        ({"format": "moshi-tune"}, "format 'moshi-tune': there is no such format; did you mean moshi-finetune"),
        ({"splits": ("test",)}, "--split test: expected some of train, validation, bridge, each once"),
        ({"splits": ("train", "train")}, "each once"),
        ({"splits": ()}, "each once"),
        ({"model_speaker": "c"}, "--model-speaker 'c': expected a, b, both, or role:NAME"),
        ({"model_speaker": "role:"}, "expected a, b, both, or role:NAME"),
        ({"purpose": "fun"}, "--purpose 'fun': expected one of recording"),
        ({"tokenizer": "t.model"}, "--tokenizer t.model: moshi-finetune holds no text tokens; leave it out"),
        ({"options": {"speed": "1"}}, "--set speed: moshi-finetune has no such option; it has rate"),
        ({"options": {"rate": "fast"}}, "--set rate=fast: expected a whole number"),
        (
            {"where": (("speaker_a", "==", "f00d"),), "public": True, "purpose": "redistribution"},
            "name a speaker or recording",
        ),
        ({"where": (("colour", "==", "red"),)}, "there is no column 'colour'"),
    ],
)
def test_a_request_that_cannot_be_is_refused(asked: dict[str, Any], fault: str) -> None:
    with pytest.raises(UsageError) as raised:
        ExportRequest(**{"format": "moshi-finetune", **asked})
    assert fault in str(raised.value)


@pytest.mark.parametrize("rate", ["0", "-24000", "999999999"])
def test_a_rate_that_cannot_be_is_refused(rate: str, release: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a sample rate of"):
        export(release, tmp_path / "e", options={"rate": rate})


# --- where releases lie ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["s3", "gs"])
def test_a_release_in_a_bucket_gives_the_same_bytes(kind: Kind, release: Path, tmp_path: Path) -> None:
    export(release, tmp_path / "local")
    with serve_store(kind, "duologue-exports") as bucket:
        for path in release.rglob("*"):
            if path.is_file():
                write_bytes(f"{bucket.uri}/r/{path.relative_to(release).as_posix()}", path.read_bytes())
        make_export(f"{bucket.uri}/r", str(tmp_path / "e"), ExportRequest(format="moshi-finetune"))
        assert export_status(str(tmp_path / "e")).is_current
    assert bytes_of(tmp_path / "e") == bytes_of(tmp_path / "local")


def test_a_name_that_leads_out_of_the_folder_is_refused(
    release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = MoshiFinetune.part

    def hostile(self: Any, samples: Any, *arguments: Any) -> Any:
        return part(self, (replace(each, key="../../" + each.key) for each in samples), *arguments)

    monkeypatch.setattr(MoshiFinetune, "part", hostile)
    with pytest.raises(UsageError, match="is no name of a sample"):
        export(release, tmp_path / "e")
    assert not list(tmp_path.rglob("*.wav"))
