"""An export whose own records were changed by others: nothing outside of it is touched, and the fault is said in a sentence."""

import json
import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import duologue_pipeline.export.make as make_module
from duologue_pipeline.errors import UsageError
from duologue_pipeline.export.folder import Folder
from duologue_pipeline.export.upkeep import export_status, kept_request
from duologue_pipeline.reader.dataset import open_dataset
from duologue_pipeline.reader.release import DamagedReleaseError
from tests.pipeline.export.support import bytes_of, export
from tests.pipeline.withdrawal.world import make_world

RECORD = ".parts/train-00000.json"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release in ``out`` and an export of it in ``whole``."""
    folder = tmp_path_factory.mktemp("world")
    export(make_world(folder).out, folder / "whole", "textgrid")
    return folder


@pytest.fixture
def out(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made / "whole", tmp_path / "export")
    return tmp_path / "export"


def edit(out: Path, name: str, change: Callable[[Any], Any]) -> None:
    content = json.loads((out / name).read_bytes())
    (out / name).write_text(json.dumps(change(content)))


@pytest.mark.parametrize("place", ["../victim.txt", "train-00000/../../victim.txt", "ABSOLUTE", ".parts/lock", "a//b"])
def test_a_record_that_names_what_is_not_in_the_export_removes_nothing(
    place: str, made: Path, out: Path, tmp_path: Path
) -> None:
    victim = tmp_path / "victim.txt"
    victim.write_text("mine")
    path = place.replace("ABSOLUTE", str(victim))
    edit(out, RECORD, lambda record: {**record, "id": "old", "files": [*record["files"], [path, 4, "0" * 64]]})
    before = bytes_of(out)
    for work in (lambda: export(made / "out", out, "textgrid"), lambda: export_status(str(out))):
        with pytest.raises(UsageError, match="is no file of an export; remove the folder and export again"):
            work()
    assert victim.read_text() == "mine"
    assert bytes_of(out) == before


@pytest.mark.parametrize(
    ("name", "change", "fault"),
    [
        (RECORD, lambda record: {**record, "files": None}, "files is missing, or no list"),
        (RECORD, lambda record: {**record, "files": [["a", "b"]]}, "is no file"),
        (RECORD, lambda record: {**record, "index": "x"}, "index is missing, or no list"),
        (RECORD, lambda record: {**record, "words": None}, "words is missing, or no int"),
        (RECORD, lambda record: [record], "it is no object of JSON"),
        (".parts/finish.json", lambda record: {}, "id is missing, or no str"),
        (".parts/request.json", lambda record: {}, "it does not say what is exported"),
        (".parts/request.json", lambda record: {"told": ["textgrid"]}, "it does not say what is exported"),
    ],
)
def test_a_record_that_is_not_as_it_was_written_is_named(
    name: str, change: Callable[[Any], Any], fault: str, made: Path, out: Path
) -> None:
    edit(out, name, change)
    for work in (lambda: export(made / "out", out, "textgrid"), lambda: export_status(str(out))):
        with pytest.raises(UsageError, match=fault):
            work()


def test_a_request_that_lacks_what_is_exported_is_named(out: Path) -> None:
    edit(out, ".parts/request.json", lambda request: {**request, "told": {"format": "textgrid"}})
    with pytest.raises(UsageError, match=r"request\.json does not say"):
        kept_request(Folder(str(out)), None, None)


@pytest.mark.parametrize("lost", ["export.json", ".parts/request.json"])
def test_a_document_that_is_lost_or_says_nothing_is_written_again(lost: str, made: Path, out: Path) -> None:
    before = bytes_of(out)
    (out / lost).unlink()
    export(made / "out", out, "textgrid")
    assert bytes_of(out) == before
    assert export_status(str(out)).is_current
    (out / "export.json").write_text('{"release": {}}')
    assert not export_status(str(out)).is_current
    export(made / "out", out, "textgrid")
    assert bytes_of(out) == before


def test_folders_that_are_links_are_refused(made: Path, tmp_path: Path) -> None:
    """Also where as many files are found through the link as there should be."""
    out, elsewhere = tmp_path / "export", tmp_path / "elsewhere"
    export(made / "out", out, "hf", splits=("validation",))
    for name in ("data", ".parts"):
        shutil.move(out / name, elsewhere)
        (out / name).symlink_to(elsewhere)
        with pytest.raises(UsageError, match=rf"{name}"):
            export(made / "out", out, "hf", splits=("validation",))
        (out / name).unlink()
        shutil.move(elsewhere, out / name)
    assert export_status(str(out)).is_current


@pytest.mark.parametrize("name", ["textgrid", "hf", "energon", "lhotse", "dualturn", "ctm"])
def test_a_disk_that_is_full_is_said_in_a_sentence_and_what_is_done_goes_on(
    name: str, made: Path, tmp_path: Path
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(UsageError, match="the file would be larger than the system allows"):
            export(made / "out", tmp_path / "export", name)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    export(made / "out", tmp_path / "export", name)
    export(made / "out", tmp_path / "anew", name)
    assert bytes_of(tmp_path / "export") == bytes_of(tmp_path / "anew")


def test_a_version_that_is_put_there_meanwhile_is_taken(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = [0]

    def disturbed(*arguments: Any, **options: Any) -> Any:
        tries[0] += 1
        if tries[0] == 1:
            manifest = made / "out" / "dataset.json"
            manifest.write_bytes(manifest.read_bytes() + b"\n")
            raise DamagedReleaseError("recordings.parquet: is not the file that dataset.json names")
        return open_dataset(*arguments, **options)

    monkeypatch.setattr(make_module, "open_dataset", disturbed)
    assert export(made / "out", tmp_path / "export", "ctm").document["samples"]["written"]
