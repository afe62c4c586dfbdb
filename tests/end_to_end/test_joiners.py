"""A call of which one side is a video and the other joins later, is muted and leaves earlier: from files to a withdrawal."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from duologue_pipeline.codec.embedded import EmbeddedCodec
from duologue_pipeline.demo import demo_files
from duologue_pipeline.files.tables import read_table
from duologue_pipeline.reader import open_dataset
from duologue_pipeline.release.verify import verify_release
from duologue_pipeline.withdrawal.scan.removed import removed_by
from duologue_pipeline.withdrawal.scan.search import scan
from tests.end_to_end.support import Duologue, recording_line, write_ledger, write_manifest
from tests.pipeline.ingest.containers.made import F32, write
from tests.pipeline.withdrawal.support import withdraw

pytestmark = pytest.mark.slow


def demo_tracks() -> tuple[F32, F32]:
    """float32 [T, 1] at 48 kHz each."""
    path = demo_files().manifest.parent / "audio" / "demo-garden.flac"
    pcm, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    a, b = (np.asarray(soxr.resample(pcm[:, i : i + 1], rate_hz, 48000), dtype=np.float32) for i in (0, 1))
    return a, b


def test_who_is_there_for_a_part_only_is_said_in_every_place(duologue: Duologue, tmp_path: Path) -> None:
    a, b = demo_tracks()
    whole_s = len(a) / 48000
    leaves_s = whole_s - 6
    write(tmp_path / "a.mp4", "mp4", a, video=True)
    write(
        tmp_path / "b.webm",
        "webm",
        b[5 * 48000 : round(leaves_s * 48000)],
        starts_s=5.0,
        options={"live": "1"},
        left_out=lambda at_s: 12.0 <= at_s < 12.5,
    )
    manifest = write_manifest(tmp_path / "manifest.jsonl", [recording_line("call", "a.mp4", "b.webm")])
    ledger = write_ledger(tmp_path / "consent.db", ["call-a", "call-b"])
    out = tmp_path / "out"

    outcome = duologue("run", manifest, "--out", out, "--ledger", ledger)

    assert outcome.code == 0, outcome.stdout + outcome.stderr
    (row,) = read_table(str(out / "recordings.parquet")).to_pylist()
    assert (row["from_a_s"], row["filled_a_s"]) == (0.0, 0.0)
    assert row["to_a_s"] == pytest.approx(whole_s, abs=0.01) == row["duration_s"]
    assert (row["from_b_s"], row["filled_b_s"]) == (pytest.approx(5.0, abs=0.02), pytest.approx(0.5, abs=0.03))
    assert row["to_b_s"] == pytest.approx(leaves_s, abs=0.05)
    samples = list(open_dataset(str(out)))
    for sample in samples:
        start_s, end_s = sample.metadata["start_s"], sample.metadata["end_s"]
        there = sample.metadata["audio"]["b"]
        assert there["from_s"] == pytest.approx(min(max(row["from_b_s"] - start_s, 0), end_s - start_s), abs=0.01)
        assert there["to_s"] == pytest.approx(min(max(row["to_b_s"] - start_s, 0), end_s - start_s), abs=0.01)
        heard = [span for span in sample.metadata["activity"] if span["speaker"] == "b"]
        assert all(there["from_s"] <= span["start_s"] < span["end_s"] <= there["to_s"] for span in heard)
        for event in sample.metadata["events"]:
            if event["kind"] in ("gap", "pause", "hold", "floor_transfer", "backchannel"):
                assert there["from_s"] <= event["start_s"] <= event["end_s"] <= there["to_s"]
    first = EmbeddedCodec().decode(samples[0].codes[1])
    rate_hz = EmbeddedCodec.sample_rate_hz
    assert not np.abs(first[: 4 * rate_hz]).max() > 0.01
    assert "a speaker joined later or left earlier" in (out / "README.md").read_text()
    assert verify_release(str(out)).faults == ()

    done = withdraw(out, row["speaker_a"])
    assert verify_release(str(out)).faults == ()
    assert not list(scan(str(out), removed_by(done.plan, done.rewritten)))
    if done.plan.actions == {"call": "silence_a"}:
        (left,) = read_table(str(out / "recordings.parquet")).to_pylist()
        assert (left["from_b_s"], left["to_b_s"], left["filled_b_s"]) == (
            row["from_b_s"],
            row["to_b_s"],
            row["filled_b_s"],
        )
        assert (left["from_a_s"], left["to_a_s"], left["filled_a_s"]) == (0.0, 0.0, 0.0)
