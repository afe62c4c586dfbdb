"""The two real calls: durations, overlap, verdicts, shards and reader. Skipped without the shared data."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from duologue_pipeline.reader import open_dataset
from tests.end_to_end.support import Duologue, recording_line, rejected, write_ledger, write_manifest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def release(duologue: Duologue, shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on both calls and on the file whose channels hold the same signal."""
    folder = tmp_path_factory.mktemp("calls")
    calls, clips = shared_data / "calls", shared_data / "clips"
    lines = [
        recording_line(f"call-{n}", calls / f"auto_repairs_{n}_agent.flac", calls / f"auto_repairs_{n}_caller.flac")
        for n in ("40", "49")
    ]
    same = recording_line("same-signal", clips / "stereo_same_signal.sph", clips / "stereo_same_signal.sph")
    same["tracks"][1]["channel"] = 1
    manifest = write_manifest(folder / "manifest.jsonl", [*lines, same])
    speakers = [f"{name}-{track}" for name in ("call-40", "call-49", "same-signal") for track in "ab"]
    ledger = write_ledger(folder / "consent.db", speakers)
    outcome = duologue("run", manifest, "--out", folder / "out", "--ledger", ledger)
    assert outcome.code == 0, outcome.stderr
    return folder / "out"


@pytest.fixture(scope="module")
def rows(release: Path) -> dict[str, dict[str, object]]:
    return {row["recording_id"]: row for row in pq.read_table(release / "recordings.parquet").to_pylist()}


def test_durations(rows: dict[str, dict[str, float]]) -> None:
    assert rows["call-49"]["duration_s"] == pytest.approx(237.56, abs=0.001)
    assert rows["call-40"]["duration_s"] == pytest.approx(245.38, abs=0.001)


def test_overlap_shares(rows: dict[str, dict[str, float]]) -> None:
    """By Silero VAD on each track: 8.7 % of the time in call 49, .1 % in call 40, the quiet control."""
    assert 0.07 <= rows["call-49"]["overlap_share_of_time"] <= 0.11
    assert rows["call-40"]["overlap_share_of_time"] < 0.01


def test_the_channels_are_isolated(rows: dict[str, dict[str, object]]) -> None:
    for row in rows.values():
        assert row["isolation"] == "pass"
        for direction in ("a_from_b", "b_from_a"):
            bleed_db = row[f"bleed_db_{direction}"]
            assert bleed_db is None or bleed_db < -45  # type: ignore[operator]


def test_the_same_signal_on_both_channels_is_refused(release: Path) -> None:
    assert rejected(release) == {"same-signal": "isolation_duplicate_signal"}


def test_shards_and_reader(release: Path, duologue: Duologue) -> None:
    assert duologue("shards", "verify", release).code == 0
    samples = list(open_dataset(str(release), split="train", purpose="training_inhouse"))
    seconds = sum(sample.metadata["end_s"] - sample.metadata["start_s"] for sample in samples)
    assert seconds == pytest.approx(237.56 + 245.38, abs=0.002)
    for sample in samples:
        assert sample.codes.dtype == np.uint16
        assert sample.codes.shape == (2, 8, sample.metadata["codec"]["frames"])
        assert sample.codes.max() < 2048
        assert sample.metadata["events"]
    assert sum(sample.codes.shape[2] for sample in samples) == 2970 + 3068
