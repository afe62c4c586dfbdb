"""`duologue consent lineage` and its like read releases in stores as the rest of the program does."""

from dataclasses import replace
from pathlib import Path

import pytest

from duologue_consent.lineage import release_facts
from duologue_consent.lineage.release_facts import ReleaseError, read_checkpoints, read_release_facts
from duologue_pipeline.cli import app
from tests.object_store import Kind, serve_store

COMMANDS = app.app  # whose module sets how stores are read


@pytest.mark.parametrize("kind", ["s3", "gs"])
def test_a_release_in_a_store_has_the_facts_of_its_copy_on_disk(kind: Kind, release: Path) -> None:
    here = read_release_facts(str(release))
    with serve_store(kind, "facts") as bucket:
        for path in release.rglob("*"):
            if path.is_file():
                bucket.put(f"a #1/{path.relative_to(release).as_posix()}", path.read_bytes())
        uri = f"{bucket.uri}/a #1"
        there = read_release_facts(uri)
        assert replace(there, checkpoints=here.checkpoints) == here
        assert list(there.checkpoints.values()) == list(here.checkpoints.values())
        assert read_checkpoints(uri) == there.checkpoints
        with pytest.raises(
            ReleaseError, match=r"/none: is no release that can be read \(.*/none/dataset.json: no such file\)"
        ):
            read_release_facts(f"{bucket.uri}/none")


def test_without_a_reader_of_stores_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release_facts, "_stores", [])
    with pytest.raises(ReleaseError, match=r"s3://bucket/out: nothing that reads stores is there; give the command as"):
        read_release_facts("s3://bucket/out")
