"""A release is complete or not there, and its bytes do not depend on the order in which things arrive."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from duologue_cards.cards import CARDS
from duologue_pipeline.events.figures import statistics_document, statistics_file
from duologue_pipeline.events.totals import totals_of_rows
from duologue_pipeline.files.tables import read_table
from duologue_pipeline.records import Rejected
from duologue_pipeline.release import document as document_module
from duologue_pipeline.release.write import write_release
from duologue_pipeline.shards.write import STAGING
from duologue_schemas import iter_faults
from duologue_schemas.tables import EVENTS, INDEX, RECORDINGS, SPEAKERS, description

ROOT = Path(__file__).resolve().parents[3]
Build = Callable[..., Any]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def document(release: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((release / "dataset.json").read_text())
    return found


def test_a_release_holds_these_files_and_nothing_of_the_work(release: Path) -> None:
    files = contents(release)
    assert sorted(name for name in files if not name.startswith("shards/")) == [
        "README.md",
        *(path for path in sorted(CARDS) if path.startswith("cards/")),
        "croissant.json",
        "dataset.json",
        "events.parquet",
        "index.parquet",
        "recordings.parquet",
        "rejected.jsonl",
        "report.html",
        "speakers.parquet",
        "statistics.json",
    ]
    assert sorted(files) == sorted(
        ["dataset.json", *(entry["path"] for key in ("shards", "files") for entry in document(release)[key])]
    )
    assert not (release / STAGING).exists()


def test_the_pages_name_every_file_of_a_release(release: Path) -> None:
    tree = re.search(r"## What a run writes\n(.*?)\n## ", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert tree
    formats = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    names = {path.name for path in release.iterdir() if path.is_file()}
    assert [name for name in sorted(names) if name not in tree.group(1)] == []
    assert [
        name for name in sorted(names) if not re.search(rf"^### .*\b{re.escape(name)}\b", formats, re.MULTILINE)
    ] == []


def test_another_order_of_parts_and_shards_and_another_folder_give_the_same_bytes(
    tmp_path: Path, make_release: Build
) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    one = contents(make_release(tmp_path / "one"))
    assert one == contents(make_release(tmp_path / "two", backwards=True))


def test_the_manifest_follows_its_schema_and_adds_up(release: Path) -> None:
    found = document(release)
    assert list(iter_faults("release", found)) == []
    assert {**found["totals"], "bytes": 0} == {
        "read": 4,
        "written": 3,
        "rejected": 1,
        "samples": 6,
        "duration_s": 12.3,
        "bytes": 0,
    }
    counts = {"shards": 1, "samples": 5, "recordings": 2, "speakers": 4, "duration_s": 9.5}
    assert found["splits"]["train"] == counts
    counts = {"shards": 1, "samples": 1, "recordings": 1, "speakers": 2, "duration_s": 2.8}
    assert found["splits"]["validation"] == counts


def test_tables_have_the_columns_of_their_schemas_with_descriptions(release: Path) -> None:
    for name, schema in (("index", INDEX), ("recordings", RECORDINGS), ("events", EVENTS)):
        found = pq.read_schema(release / f"{name}.parquet")
        assert found.equals(schema)
        assert [description(field) for field in found] == [description(field) for field in schema]


def test_tables_are_in_the_order_of_the_shards(release: Path) -> None:
    recordings = pq.read_table(release / "recordings.parquet").to_pylist()
    assert [(row["recording_id"], row["split"], row["samples"]) for row in recordings] == [
        ("call-1", "train", 3),
        ("call-2", "train", 2),
        ("call-3", "validation", 1),
    ]
    shards = {entry["path"] for entry in document(release)["shards"]}
    assert {row["shard"] for row in recordings} == shards


def test_neither_ids_of_speakers_nor_folders_of_this_machine_are_published(release: Path, tmp_path: Path) -> None:
    for name, content in contents(release).items():
        for secret in (b"s-1-a", b"s-3-b", str(tmp_path).encode(), b"/calls/"):
            assert secret not in content, name


def test_refusals_are_sorted_and_name_no_file(tmp_path: Path, make_release_options: Build) -> None:
    rejected = [
        Rejected("call-9", "ingest", "audio_missing", "/calls/audio/9.wav: no such file", {"track": "a"}),
        Rejected(None, "read", "manifest_invalid", "broken"),
        Rejected("call-1", "ingest", "audio_empty", "/calls/a.wav and /calls/b.wav: empty"),
    ]
    for order in (1, -1):
        assert write_release([], rejected[::order], out=str(tmp_path), options=make_release_options()) is None
        lines = (tmp_path / "rejected.jsonl").read_text().splitlines()
        assert [json.loads(line)["detail"] for line in lines] == [
            "The audio file does not exist or may not be read. Found: track a.",
            "The manifest line is not valid JSON or does not follow the recording schema.",
            "The track holds no samples.",
        ]


def test_where_nothing_was_written_there_are_only_the_refusals(tmp_path: Path, make_release_options: Build) -> None:
    (tmp_path / STAGING).mkdir()
    assert write_release([], [], out=str(tmp_path), options=make_release_options()) is None
    assert [path.name for path in tmp_path.iterdir()] == ["rejected.jsonl"]


def test_the_manifest_is_written_last(tmp_path: Path, make_release: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> str:
        raise KeyError("killed while the cards were written")

    monkeypatch.setattr(document_module, "write_cards", fail)
    with pytest.raises(KeyError):
        make_release(tmp_path)
    assert not (tmp_path / "out" / "dataset.json").exists()
    assert (tmp_path / "out" / STAGING).exists()


def test_a_shard_that_a_killed_run_has_left_is_removed(tmp_path: Path, make_release: Build) -> None:
    (tmp_path / "out" / "shards").mkdir(parents=True)
    (tmp_path / "out" / "shards" / "train-00000-0123456789ab.tar").write_bytes(b"of an earlier run")
    release = make_release(tmp_path)
    assert sorted(path.name for path in (release / "shards").iterdir()) == [
        entry["path"].removeprefix("shards/") for entry in document(release)["shards"]
    ]


def test_the_statistics_are_those_of_the_recordings(release: Path) -> None:
    rows = read_table(str(release / "recordings.parquet")).to_pylist()
    assert (release / "statistics.json").read_bytes() == statistics_file(totals_of_rows(rows), speakers=6)
    document = json.loads((release / "statistics.json").read_bytes())
    assert list(iter_faults("statistics", document)) == []
    assert document["corpus"]["conversations"] == 3
    assert document["corpus"]["fto_median_s"] == 0.1
    assert document["counts"] == {"conversations": 3, "languages": 1, "speakers": 6}


def test_a_speaker_is_a_row_with_what_the_statistics_say_of_one(release: Path) -> None:
    rows = read_table(str(release / "recordings.parquet")).to_pylist()
    table = read_table(str(release / "speakers.parquet"))
    assert table.schema == SPEAKERS
    expected = {name: totals for (scope, name), totals in totals_of_rows(rows).items() if scope == "speaker"}
    assert [row["speaker"] for row in table.to_pylist()] == sorted(expected)
    for row in table.to_pylist():
        figures = statistics_document(expected[row["speaker"]])
        assert {name: row[name] for name in figures.keys() & row.keys() - {"kinds"}} == {
            name: figures[name] for name in figures.keys() & row.keys() - {"kinds"}
        }
        assert row["fto_p50_s"] == figures["fto_median_s"]
        assert {kind["kind"]: (kind["events"], kind["seconds"]) for kind in row["kinds"]} == {
            kind: (of["count"], of["seconds"]) for kind, of in figures["kinds"].items()
        }
