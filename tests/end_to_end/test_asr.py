"""A run with a real recogniser on a real call, and one with a vendor's transcript: what is written, and that it is the same twice."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import soundfile

from duologue_pipeline.demo import demo_files
from duologue_pipeline.reader import open_dataset
from tests.end_to_end.support import Duologue, recording_line, write_ledger, write_manifest
from tests.end_to_end.test_same_bytes import digests
from tests.whisper_tiny import whisper_tiny_folder

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def arguments(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A run on 40 s of each call with whisper-tiny.en; a third one, of the same sound turned down, is in German."""
    folder = tmp_path_factory.mktemp("asr")
    model = whisper_tiny_folder()
    lines = []
    for name, number, gain, language in (
        ("call-40", 40, 1.0, "en-US"),
        ("call-49", 49, 1.0, "en"),
        ("in-german", 40, 0.5, "de"),
    ):
        for side in ("agent", "caller"):
            source = shared_data / "calls" / f"auto_repairs_{number}_{side}.flac"
            pcm, rate_hz = soundfile.read(source, frames=40 * 8000, dtype="float32")
            soundfile.write(folder / f"{name}.{side}.flac", pcm * gain, rate_hz)
        lines.append(
            recording_line(name, folder / f"{name}.agent.flac", folder / f"{name}.caller.flac", language=language)
        )
    manifest = write_manifest(folder / "manifest.jsonl", lines)
    ledger = write_ledger(folder / "consent.db", [f"{line['recording_id']}-{side}" for line in lines for side in "ab"])
    options = ["--asr", f"faster-whisper:{model}", "--validation-share", "0", "--bridge-share", "0"]
    return ["run", str(manifest), "--ledger", str(ledger), *options]


@pytest.fixture(scope="module")
def release(arguments: list[str], started_duologue: Duologue, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("release") / "out"
    outcome = started_duologue(*arguments, "--out", out)
    assert outcome.code == 0, outcome.stderr
    (out.parent / "stdout").write_text(outcome.stdout)
    return out


def test_the_words_and_what_was_left_out_are_counted(release: Path) -> None:
    rows: dict[str, dict[str, Any]] = {
        row["recording_id"]: row for row in pq.read_table(release / "recordings.parquet").to_pylist()
    }
    for name in ("call-40", "call-49"):
        for side in "ab":
            heard, invented, said = (
                rows[name][f"{it}_{side}"] for it in ("words_heard", "words_invented", "said_words")
            )
            assert heard - invented == said > 5
    assert [rows["in-german"][f"{it}_{s}"] for it in ("words", "words_heard") for s in "ab"] == [
        False,
        False,
        None,
        None,
    ]
    summary = (release.parent / "stdout").read_text()
    assert "words heard on 4 tracks by --asr" in summary
    assert "1 conversation (de) not listened to: --asr does not know the language" in summary


def test_the_release_names_the_model_and_its_samples_have_the_words(release: Path) -> None:
    document = json.loads((release / "dataset.json").read_text())
    assert document["asr"]["program"] == "faster-whisper"
    samples = [sample.metadata for sample in open_dataset(str(release), split="train", purpose="training_inhouse")]
    words = [word for sample in samples for word in sample["words"]]
    assert {word["speaker"] for word in words} == {"a", "b"}
    assert all(0 <= word["confidence"] <= 1 for word in words)


@pytest.mark.parametrize(
    "beam_options",
    [[], ["--", "--direct_running_mode=multi_processing", "--direct_num_workers=2"]],
    ids=["again", "two workers"],
)
def test_the_same_words_again_and_on_two_workers(
    beam_options: list[str], arguments: list[str], release: Path, started_duologue: Duologue, tmp_path: Path
) -> None:
    outcome = started_duologue(*arguments, "--out", tmp_path / "out", *beam_options)
    assert outcome.code == 0, outcome.stderr
    assert digests(tmp_path / "out") == digests(release)


def test_a_run_with_the_transcripts_of_a_vendor(duologue: Duologue, tmp_path: Path) -> None:
    """Deepgram's answer for each stereo call, as ``words_uri`` of both tracks, gives what the words files give."""
    source = demo_files().manifest
    lines: list[dict[str, Any]] = [json.loads(line) for line in source.read_text().splitlines()]
    for line in lines:
        channels = []
        for track in line["tracks"]:
            said = json.loads((source.parent / track["words_uri"]).read_text())
            words = [
                {"word": it["word"], "start": it["start_s"], "end": it["end_s"], "confidence": it.get("confidence", 1)}
                for it in said
            ]
            channels.append({"alternatives": [{"transcript": " ".join(it["word"] for it in said), "words": words}]})
        vendor = tmp_path / f"{line['recording_id']}.json"
        vendor.write_text(json.dumps({"metadata": {"channels": 2}, "results": {"channels": channels}}))
        for number, track in enumerate(line["tracks"]):
            track |= {"uri": str(source.parent / track["uri"]), "words_uri": str(vendor), "words_channel": str(number)}
    speakers = sorted({track["speaker_id"] for line in lines for track in line["tracks"]})
    ledger = write_ledger(tmp_path / "consent.db", speakers)
    outcome = duologue(
        "run", write_manifest(tmp_path / "manifest.jsonl", lines), "--out", tmp_path / "out", "--ledger", ledger,
        "--words", "required", "--validation-share", "0",
    )  # fmt: skip
    assert outcome.code == 0, outcome.stderr
    rows = pq.read_table(tmp_path / "out" / "recordings.parquet").to_pylist()
    assert len(rows) == len(lines)
    assert {row[f"words_check_{side}"] for row in rows for side in "ab"} <= {"fits", "undetermined"}
    assert all(row[f"words_given_{side}"] == row[f"said_words_{side}"] for row in rows for side in "ab")
