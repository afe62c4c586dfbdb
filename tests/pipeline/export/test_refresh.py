"""A withdrawal goes on into exports: they are on record, named, brought up to date and searched."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from duologue_pipeline.cli.app import app
from duologue_pipeline.errors import UsageError
from duologue_pipeline.export.upkeep import export_status, scan_export
from duologue_pipeline.withdrawal.protocol import propagate_release
from tests.pipeline.export.support import bytes_of, export
from tests.pipeline.withdrawal.world import World, make_world


def withdrawn_release(folder: Path, *speakers: str) -> Path:
    """A release after these speakers have withdrawn."""
    world = make_world(folder)
    for speaker in speakers:
        world.withdraw(speaker)
    propagate_release(str(world.out), world.ledger)
    return world.out


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


def run(*arguments: object, code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(each) for each in arguments], prog_name="duologue")
    assert result.exit_code == code, result.output
    return result.output


def exported(world: World, out: Path, *options: object) -> str:
    return run("export", "moshi-finetune", world.out, "--out", out, "--ledger", world.path, *options)


def test_a_withdrawal_names_the_export_until_it_is_refreshed(world: World, tmp_path: Path) -> None:
    out = tmp_path / "export"
    exported(world, out)
    assert "propagate" in run("consent", "withdraw", "anna", "--ledger", world.path)
    told = run("consent", "propagate", world.out, "--ledger", world.path)
    assert f"moshi-finetune export in {out} still holds 1 speaker who is gone: duologue export refresh {out}" in told
    assert "holds tiny-dataset 1.0.0, and the release is tiny-dataset 2.0.0" in run("export", "status", out, code=1)
    said = run("export", "refresh", out, "--ledger", world.path)
    assert "parts: 1 written, 1 kept, 1 removed" in said
    run("export", "status", out)
    assert "still holds" not in run("consent", "propagate", world.out, "--ledger", world.path)
    assert "no notice is owed" in run("consent", "lineage", "notices", "--ledger", world.path)


def test_what_is_refreshed_is_what_is_exported_anew(world: World, tmp_path: Path) -> None:
    out, anew = tmp_path / "export", tmp_path / "anew"
    exported(world, out)
    before = bytes_of(out)
    world.withdraw("anna")
    world.withdraw("fred")
    propagate_release(str(world.out), world.ledger)
    run("export", "refresh", out, "--ledger", world.path)
    export(world.out, anew)
    assert bytes_of(out) == bytes_of(anew) != before


def test_nothing_of_who_is_gone_is_left(world: World, tmp_path: Path) -> None:
    out = tmp_path / "export"
    exported(world, out)
    voices = {path.name: soundfile.read(path)[0].T for path in out.rglob("call-1-*.wav")}
    world.withdraw("anna")
    world.withdraw("carl")
    propagate_release(str(world.out), world.ledger)
    run("export", "refresh", out, "--ledger", world.path)
    everything = b"".join(name.encode() + data for name, data in bytes_of(out).items())
    records = b"".join(path.read_bytes() for path in (out / ".parts").rglob("*") if path.is_file())
    for number in range(10):
        assert f"anna{number}".encode() not in everything + records
        assert f"ben{number}".encode() in everything
    assert b"call-2" not in everything + records  # he is heard on the other track, so the whole call is gone
    left = {path.name: soundfile.read(path)[0].T for path in out.rglob("call-1-*.wav")}
    assert set(left) == {f"call-1-{number:05d}-b.wav" for number in range(3)}
    for name, (model, user) in left.items():
        assert not user.any()
        assert np.array_equal(model, voices[name][0])


def test_only_parts_that_changed_are_written(world: World, tmp_path: Path) -> None:
    out = tmp_path / "export"
    exported(world, out)
    kept = {path: path.stat().st_mtime_ns for path in (out / "train-00001").iterdir()}
    world.withdraw("anna")
    propagate_release(str(world.out), world.ledger)
    run("export", "refresh", out, "--ledger", world.path)
    assert {path: path.stat().st_mtime_ns for path in (out / "train-00001").iterdir()} == kept


def test_what_is_revoked_and_not_rewritten_yet_is_left_out(world: World, tmp_path: Path) -> None:
    from duologue_pipeline.withdrawal.revoke import revoke
    from duologue_pipeline.withdrawal.state import read_state

    out = tmp_path / "export"
    export(world.out, out)
    world.withdraw("anna")
    revoke(read_state(str(world.out), world.ledger.snapshot(), datetime.now(UTC)), world.ledger)
    assert not export_status(str(out)).is_current
    run("export", "refresh", out)
    document = json.loads((out / "export.json").read_bytes())
    assert document["samples"]["left_out"]["revoked"] == 5
    assert not list(out.rglob("call-1*"))
    assert scan_export(str(out), str(world.out))


def test_a_speaker_who_is_gone_stops_a_new_export(world: World, tmp_path: Path) -> None:
    world.withdraw("anna")
    said = run("export", "moshi-finetune", world.out, "--out", tmp_path / "e", "--ledger", world.path, code=2)
    assert "holds speakers who no longer allow it for training_inhouse" in said
    assert not (tmp_path / "e").exists()


def test_another_ledger_is_refused(world: World, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = make_world(tmp_path / "other")
    said = run("export", "moshi-finetune", world.out, "--out", tmp_path / "e", "--ledger", other.path, code=2)
    assert "and --ledger is" in said
    assert not (tmp_path / "e").exists()


def test_an_export_of_one_purpose_is_not_named_for_another(tmp_path: Path) -> None:
    from duologue_consent import Purpose

    world = make_world(tmp_path)
    exported(world, tmp_path / "export")
    world.withdraw("anna", Purpose.REDISTRIBUTION)
    assert "still holds" not in run("consent", "propagate", world.out, "--ledger", world.path)


@pytest.mark.parametrize("harm", ["changed", "removed", "foreign", "link"])
def test_the_search_and_the_status_find_files_that_are_not_as_they_should_be(
    harm: str, world: World, tmp_path: Path
) -> None:
    out = tmp_path / "export"
    export(world.out, out)
    victim = out / "train-00000" / "call-1-00000-a.json"
    if harm == "changed":
        victim.write_bytes(victim.read_bytes().replace(b"anna0", b"anna1"))
    elif harm == "removed":
        victim.unlink()
    elif harm == "foreign":
        (out / "train-00000" / "mine.txt").write_text("mine")
    else:
        (out / "elsewhere").symlink_to(tmp_path, target_is_directory=True)
    found = export_status(str(out))
    assert not found.is_current
    assert found.faults
    with pytest.raises(UsageError):
        scan_export(str(out), str(world.out))
    run("export", "status", out, code=1)


@pytest.mark.parametrize("packed", [False, True])
def test_the_search_finds_the_name_of_a_sample_that_is_gone(
    packed: bool, world: World, tmp_path: Path, monkeypatch: Any
) -> None:
    import gzip

    from duologue_pipeline.export.formats.moshi_finetune import MoshiFinetune

    def finish(self: Any, out: Path, parts: Any, context: Any) -> None:
        data = b"x" * 2_000_000 + b"call-2-00000"
        (out / ("left.gz" if packed else "left.txt")).write_bytes(gzip.compress(data, mtime=0) if packed else data)

    out = tmp_path / "export"
    monkeypatch.setattr(MoshiFinetune, "finish", finish)
    world.withdraw("carl")
    propagate_release(str(world.out), world.ledger)
    export(world.out, out)
    with pytest.raises(UsageError, match="names the sample call-2-00000, which was withdrawn"):
        scan_export(str(out), str(world.out))


def test_a_folder_that_is_no_export_is_told(tmp_path: Path) -> None:
    assert "is no export" in run("export", "status", tmp_path, code=2)
    assert "is no export" in run("export", "refresh", tmp_path / "none", code=2)
    assert not (tmp_path / "none").exists()


def test_an_export_that_was_refreshed_without_the_ledger_is_put_on_record_later(world: World, tmp_path: Path) -> None:
    out = tmp_path / "export"
    exported(world, out)
    world.withdraw("anna")
    propagate_release(str(world.out), world.ledger)
    run("export", "refresh", out)
    assert "still holds" in run("consent", "propagate", world.out, "--ledger", world.path)
    run("export", "refresh", out, "--ledger", world.path)
    assert "still holds" not in run("consent", "propagate", world.out, "--ledger", world.path)


def test_an_export_that_was_deleted_is_answered_for_by_its_notice(world: World, tmp_path: Path) -> None:
    out = tmp_path / "export"
    exported(world, out)
    world.withdraw("anna")
    assert "still holds 1 speaker" in run("consent", "propagate", world.out, "--ledger", world.path)
    run("consent", "lineage", "notices", "--out", tmp_path / "notices", "--ledger", world.path)
    (notice,) = (tmp_path / "notices").glob("*.md")
    assert f"duologue export refresh {out}" in notice.read_text()
    number = notice.stem.removeprefix("notice-")
    run("consent", "lineage", "acknowledge", number, "--remark", "deleted", "--ledger", world.path)
    assert "still holds" not in run("consent", "propagate", world.out, "--ledger", world.path)


def test_propagate_tells_programs_of_exports(world: World, tmp_path: Path) -> None:
    exported(world, tmp_path / "export")
    world.withdraw("anna")
    told = run("consent", "propagate", world.out, "--ledger", world.path, "--format", "json")
    (outcome,) = json.loads(told[told.index("[\n") :])
    assert outcome["exports"] == [{"folder": str(tmp_path / "export"), "name": "moshi-finetune export", "gone": 1}]


def test_a_search_that_finds_something_leaves_the_export_on_record(
    world: World, tmp_path: Path, monkeypatch: Any
) -> None:
    from duologue_pipeline.export import upkeep

    out = tmp_path / "export"
    exported(world, out)
    world.withdraw("anna")
    propagate_release(str(world.out), world.ledger)

    def found(*_: object) -> int:
        raise UsageError("something is found")

    monkeypatch.setattr(upkeep, "scan_export", found)
    run("export", "refresh", out, "--ledger", world.path, code=2)
    assert "still holds 1 speaker" in run("consent", "propagate", world.out, "--ledger", world.path)


def test_who_withdraws_while_an_export_is_written_is_not_in_it(world: World, tmp_path: Path, monkeypatch: Any) -> None:
    from duologue_pipeline.export.formats.moshi_finetune import MoshiFinetune

    finish = MoshiFinetune.finish

    def late(self: Any, *given: Any) -> None:
        finish(self, *given)
        if not world.ledger.snapshot().history("anna")[-1].action.startswith("withdraw"):
            world.withdraw("anna")
            revoke(read_state(str(world.out), world.ledger.snapshot(), datetime.now(UTC)), world.ledger)

    from duologue_pipeline.withdrawal.revoke import revoke
    from duologue_pipeline.withdrawal.state import read_state

    monkeypatch.setattr(MoshiFinetune, "finish", late)
    export(world.out, tmp_path / "export")
    assert not list((tmp_path / "export").rglob("call-1*"))
    assert export_status(str(tmp_path / "export")).is_current


def test_an_export_of_which_all_is_withdrawn_is_emptied(world: World, tmp_path: Path) -> None:
    out = tmp_path / "export"
    exported(world, out, "--where", "recording_id == call-2")
    world.withdraw("carl")
    propagate_release(str(world.out), world.ledger)
    with pytest.warns(match="no sample"):
        run("export", "status", out, code=1)
    said = run("export", "refresh", out, "--ledger", world.path)
    assert "note: nothing is in it." in said
    assert set(bytes_of(out)) == {"export.json", "train.jsonl"}
    assert b"carl" not in b"".join(path.read_bytes() for path in out.rglob("*") if path.is_file())
    assert "still holds" not in run("consent", "propagate", world.out, "--ledger", world.path)
