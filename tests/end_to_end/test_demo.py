"""`duologue demo`: the whole pipeline on the conversations in the package, as a new user meets it."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from duologue_pipeline.codec.registry import open_codec
from duologue_pipeline.reader.dataset import PurposeError, open_dataset
from duologue_schemas import iter_faults
from tests.end_to_end.support import Duologue

pytestmark = pytest.mark.slow


def test_the_release_has_every_file_of_the_contract(demo_release: Path) -> None:
    names = {path.name for path in demo_release.iterdir()}
    assert names == {
        "README.md",
        "cards",
        "checkpoint",
        "croissant.json",
        "dataset.json",
        "events.parquet",
        "index.parquet",
        "ledger.pub",
        "log.jsonl",
        "recordings.parquet",
        "rejected.jsonl",
        "report.html",
        "shards",
        "speakers.parquet",
        "statistics.json",
    }


def test_all_three_conversations_are_written_and_the_totals_add_up(demo_release: Path) -> None:
    release = json.loads((demo_release / "dataset.json").read_text())
    assert list(iter_faults("release", release)) == []
    assert release["totals"]["read"] == 3
    assert release["totals"]["written"] == 3
    assert release["totals"]["rejected"] == 0
    assert release["totals"]["samples"] == sum(split["samples"] for split in release["splits"].values())
    assert release["purposes"] == ["training_inhouse"]


def test_the_release_verifies(demo_release: Path, duologue: Duologue) -> None:
    outcome = duologue("shards", "verify", demo_release)
    assert outcome.code == 0
    assert "all well" in outcome.stdout


def test_no_speaker_is_in_both_splits(demo_release: Path) -> None:
    rows = pq.read_table(demo_release / "recordings.parquet").to_pylist()
    speakers = {
        split: {row[name] for row in rows if row["split"] == split for name in ("speaker_a", "speaker_b")}
        for split in ("train", "validation")
    }
    assert len(speakers["train"]) == 4
    assert len(speakers["validation"]) == 2
    assert speakers["train"].isdisjoint(speakers["validation"])


def test_a_sample_carries_codes_metadata_consent_words_and_audio(demo_release: Path) -> None:
    sample = next(iter(open_dataset(str(demo_release), split="train", purpose="training_inhouse")))
    frames = sample.metadata["codec"]["frames"]
    assert list(iter_faults("sample", sample.metadata)) == []
    assert sample.codes.dtype == np.uint16
    assert sample.codes.shape == (2, 8, frames)
    assert sample.metadata["purposes"] == ["training_inhouse"]
    assert {grant["purpose"] for grant in sample.metadata["consent"]["a"]["grants"]} == {
        "recording",
        "training_inhouse",
    }
    assert sample.metadata["transcripts"] == {"a": True, "b": True}
    assert {word["speaker"] for word in sample.metadata["words"]} == {"a", "b"}
    assert sample.audio is None


def test_with_include_audio_a_sample_carries_both_tracks(audio_release: Path) -> None:
    for sample in open_dataset(str(audio_release)):
        assert sample.audio is not None
        pcm, sample_rate_hz = sample.audio
        assert pcm.shape[0] == 2
        duration_s = sample.metadata["end_s"] - sample.metadata["start_s"]
        assert abs(pcm.shape[1] / sample_rate_hz - duration_s) < 0.001


def test_the_codes_decode_to_the_speech_they_were_made_from(audio_release: Path) -> None:
    """Loudness over 80 ms frames of the decoded codes follows that of the audio beside them."""
    codec = open_codec("embedded")
    sample = next(iter(open_dataset(str(audio_release))))
    assert sample.audio is not None
    pcm, sample_rate_hz = sample.audio
    frame = round(sample_rate_hz / codec.frame_rate_hz)
    frames = pcm.shape[1] // frame
    for speaker in (0, 1):
        decoded = codec.decode(sample.codes[speaker])
        loud = [
            20 * np.log10(1e-4 + np.sqrt((signal[: frames * size].reshape(frames, size) ** 2).mean(axis=1)))
            for signal, size in ((pcm[speaker], frame), (decoded, codec.samples_per_frame))
        ]
        assert np.corrcoef(loud)[0, 1] > 0.9


def test_samples_of_a_recording_join_without_a_gap(demo_release: Path) -> None:
    rows = pq.read_table(demo_release / "index.parquet").to_pylist()
    for recording in pq.read_table(demo_release / "recordings.parquet").to_pylist():
        own = sorted((r for r in rows if r["recording_id"] == recording["recording_id"]), key=lambda r: r["segment"])
        assert own[0]["start_s"] == 0.0
        assert [row["end_s"] for row in own[:-1]] == [row["start_s"] for row in own[1:]]
        assert own[-1]["end_s"] == recording["duration_s"]


def test_no_raw_speaker_id_and_no_path_of_the_machine_is_in_any_file(demo_release: Path) -> None:
    for path in sorted(demo_release.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            assert b"spk-" not in content, path.name
            assert str(demo_release.parent).encode() not in content, path.name


def test_the_summary_says_what_a_person_wants_to_know(duologue: Duologue, tmp_path: Path) -> None:
    outcome = duologue("demo", "--out", tmp_path / "out")
    assert outcome.code == 0
    for words in ("3 written of 3 read", "Overlap", "median gap", "Isolation", "Consent", str(tmp_path / "out")):
        assert words in outcome.stdout
    assert "tokenized 3/3" in outcome.stderr


def test_the_speaker_who_refused_redistribution_is_not_in_a_release_for_it(duologue: Duologue, tmp_path: Path) -> None:
    out = tmp_path / "public"
    outcome = duologue("demo", "--out", out, "--purpose", "redistribution")
    assert outcome.code == 0
    assert "consent_refused" in outcome.stdout
    rows = [json.loads(line) for line in (out / "rejected.jsonl").read_text().splitlines()]
    assert [(row["recording_id"], row["stage"], row["reason"]) for row in rows] == [
        ("demo-garden", "consent", "consent_refused")
    ]
    written = pq.read_table(out / "recordings.parquet")["recording_id"].to_pylist()
    assert sorted(written) == ["demo-car-repair", "demo-friends"]


def test_a_purpose_that_the_release_does_not_carry_is_refused(demo_release: Path) -> None:
    with pytest.raises(PurposeError, match="may be used for training_inhouse and not for redistribution"):
        open_dataset(str(demo_release), purpose="redistribution")


def test_a_run_into_its_own_release_does_nothing_and_into_another_is_refused(
    demo_release: Path, duologue: Duologue
) -> None:
    before = {path: path.stat().st_mtime_ns for path in demo_release.rglob("*")}
    again = duologue("demo", "--out", demo_release)
    assert again.code == 0
    assert "complete already" in again.stdout
    other = duologue("demo", "--out", demo_release, "--purpose", "redistribution")
    assert other.code == 2
    assert "already holds the release duologue-demo 1.0.0 of another run" in other.stderr
    assert {path: path.stat().st_mtime_ns for path in demo_release.rglob("*")} == before
