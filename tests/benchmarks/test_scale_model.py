"""The model of a large run is of a release like any other: a few hundred recordings of it, with keys and sums that can be told."""

from pathlib import Path

import pytest

from benchmarks import scale_model
from benchmarks.scale_corpus import Corpus, make_demo, name_of, read_rows, write_manifest, write_tables
from duologue_pipeline.consent.decided_files import read_decided
from duologue_pipeline.reader import open_dataset, read_release
from duologue_pipeline.reader.tables import index_fault, read_release_table
from duologue_pipeline.records import Consented

CORPUS = Corpus(recordings=300, speakers=60, minutes=10, shards=20)
TRAIN, VALIDATION = 285, 15  # the last twentieth is validation


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scale")
    make_demo(folder)
    write_tables(CORPUS, folder / "demo", folder)
    scale_model.closing(CORPUS, folder)
    return folder


@pytest.mark.slow
def test_the_sums_of_the_release_are_those_of_its_rows(folder: Path) -> None:
    release = read_release(str(folder))  # follows its schema, totals included
    index, recordings = (read_release_table(str(folder), release, name) for name in ("index", "recordings"))
    assert index_fault(release, index) == ""
    assert recordings["recording_id"].to_pylist() == [name_of(number) for number in range(300)]
    assert sum(recordings["samples"].to_pylist()) == len(index) == release["totals"]["samples"]
    assert (release["totals"]["written"], len(release["shards"])) == (300, 20)
    assert {name: split["recordings"] for name, split in release["splits"].items()} == {
        "train": TRAIN,
        "validation": VALIDATION,
    }
    speakers = read_release_table(str(folder), release, "speakers")
    named = {*recordings["speaker_a"].to_pylist(), *recordings["speaker_b"].to_pylist()}
    assert speakers["speaker"].to_pylist() == sorted(named)
    assert sum(speakers["conversations"].to_pylist()) == 2 * 300


@pytest.mark.slow
def test_the_keys_are_those_of_the_recordings_and_samples_are_read_where_the_index_says(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = open_dataset(str(folder), "train").keys()
    rows = {row["key"]: row for row in read_rows(folder, keys)}
    assert sorted(keys) == sorted(set(keys)) == sorted(rows)
    assert {key.rpartition("-")[0] for key in keys} == {name_of(number) for number in range(TRAIN)}
    scale_model.reading(CORPUS, folder)
    condition = sum(row["backchannels"] > 0 for row in rows.values())
    assert f"{len(keys)} samples, {condition} meet the conditions, {len(keys)} keys listed" in capsys.readouterr().out
    scale_model.prepare_first(CORPUS, folder)
    scale_model.first(CORPUS, folder)
    assert "64 samples read" in capsys.readouterr().out


@pytest.mark.slow
def test_the_launcher_lets_every_recording_through(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_manifest(CORPUS, folder / "manifest.jsonl")
    scale_model.launcher(CORPUS, folder)
    assert "300 recordings, 1 files of decisions" in capsys.readouterr().out
    (path,) = (folder / "launched").rglob("*.jsonl")
    decided = list(read_decided(str(path)))
    assert all(isinstance(each, Consented) for each in decided)
    assert [each.recording_id for each in decided if isinstance(each, Consented)] == [
        name_of(number) for number in range(300)
    ]
    assert "person-" not in path.read_text()
    scale_model.plan(CORPUS, folder)
    assert capsys.readouterr().out.count("shards; every worker that joins shards reads 0 MB of plan") == 2


def test_the_cost_of_hours_is_that_of_their_seconds() -> None:
    rates = {"cpu_s_per_hour": 36.0, "mb_per_hour": 8.0, "peak_mb": 500.0}
    prices = {"vcpu_hour": 0.05, "gb_hour": 0.004, "gb_month": 0.02}  # a vCPU-hour with its memory: .065 $
    lines = scale_model.cost_lines(rates, mimi_s=522.0, idle=1.5, **prices)
    assert lines[2:] == [
        "| 1,000 | embedded | 15 | 1 | 0.01 h | 8 GB | 0.16 |",
        "| 1,000 | Mimi | 450 | 29 | 0.45 h | 8 GB | 0.16 |",
        "| 100,000 | embedded | 1,500 | 98 | 1.50 h | 800 GB | 16.00 |",
        "| 100,000 | Mimi | 45,000 | 2,925 | 45.00 h | 800 GB | 16.00 |",
    ]
