"""Bad input: each fault gets its own clear message, and the good recordings are written."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from duologue_pipeline.demo import demo_files
from duologue_pipeline.demo.ledger import write_demo_ledger
from tests.end_to_end.support import Duologue, recording_line, rejected, write_ledger, write_manifest

pytestmark = pytest.mark.slow


def good_line(recording_id: str, folder: Path) -> dict[str, Any]:
    """A recording that passes: two tracks of the embedded sample."""
    audio = demo_files().manifest.parent / "audio"
    for name in "ab":
        shutil.copy(audio / f"demo-car-repair.{name}.flac", folder / f"{recording_id}.{name}.flac")
    return recording_line(recording_id, f"{recording_id}.a.flac", f"{recording_id}.b.flac")


def lying_flac(source: Path, target: Path, samples: int) -> None:
    """Copies a FLAC file with another number of samples in its STREAMINFO block (36 bits from bit 108)."""
    data = bytearray(source.read_bytes())
    field = int.from_bytes(data[18:26], "big")
    data[18:26] = ((field >> 36 << 36) | samples).to_bytes(8, "big")
    target.write_bytes(data)


def test_each_fault_has_its_reason_and_the_good_recording_is_written(duologue: Duologue, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(0, 0.05, 32000).astype(np.float32)
    soundfile.write(tmp_path / "noise.wav", noise, 16000)
    soundfile.write(tmp_path / "other.wav", noise[::-1], 16000)
    for name in (
        "unheard-a.wav",
        "unheard-b.wav",
    ):  # of those without consent: who holds the same audio is refused as they are
        soundfile.write(tmp_path / name, noise[: 31000 if name == "unheard-a.wav" else 30000] / 2, 16000)
    whole = (tmp_path / "noise.wav").read_bytes()
    (tmp_path / "cut.wav").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.wav").write_text("This is no audio.\n" * 50)
    soundfile.write(tmp_path / "noise.flac", soundfile.read(tmp_path / "noise.wav", dtype="int16")[0], 16000)
    lying_flac(tmp_path / "noise.flac", tmp_path / "more.flac", 64000)
    lying_flac(tmp_path / "noise.flac", tmp_path / "less.flac", 16000)
    soundfile.write(tmp_path / "one-1.wav", noise[:1], 16000)
    soundfile.write(tmp_path / "one-2.wav", noise[1:2], 16000)
    soundfile.write(tmp_path / "zero.wav", np.zeros(32000), 16000)
    soundfile.write(tmp_path / "short.wav", noise[:12000], 16000)
    soundfile.write(tmp_path / "nan.wav", np.where(np.arange(32000) == 99, np.nan, noise), 16000, subtype="FLOAT")
    third_track = {"speaker_id": "x", "uri": "noise.wav"}
    timeless = recording_line("timeless", "unheard-a.wav", "unheard-b.wav")
    del timeless["started_at"]
    lines: list[dict[str, Any] | str] = [
        good_line("good", tmp_path),
        '{"recording_id": "broken-json", "tracks": [',
        recording_line("cut", "cut.wav", "other.wav"),
        recording_line("text", "text.wav", "other.wav"),
        recording_line("more", "more.flac", "other.wav"),
        recording_line("less", "less.flac", "other.wav"),
        recording_line("one-sample", "one-1.wav", "one-2.wav"),
        recording_line("zero", "zero.wav", "other.wav"),
        recording_line("nan", "nan.wav", "other.wav"),
        recording_line("lengths", "short.wav", "other.wav"),
        recording_line("missing", "nowhere.wav", "other.wav"),
        recording_line("samples", "noise.wav", "noise.flac"),
        {**recording_line("three", "noise.wav", "other.wav"), "tracks": [third_track] * 3},
        recording_line("twice", "noise.wav", "noise.wav"),
        recording_line("../escape", "noise.wav", "other.wav"),
        recording_line("a/slash", "noise.wav", "other.wav"),
        recording_line("same-id", "noise.wav", "other.wav"),
        recording_line("same-id", "other.wav", "noise.wav"),
        recording_line("nobody", "unheard-a.wav", "unheard-b.wav"),
        recording_line("later", "unheard-a.wav", "unheard-b.wav", started_at="2025-01-01T00:00:00Z"),
        timeless,
    ]
    manifest = write_manifest(tmp_path / "manifest.jsonl", lines)
    ids = [line["recording_id"] for line in lines if isinstance(line, dict) and line["recording_id"] != "nobody"]
    ledger = write_ledger(tmp_path / "consent.db", [f"{name}-{track}" for name in dict.fromkeys(ids) for track in "ab"])

    outcome = duologue("run", manifest, "--out", tmp_path / "out", "--ledger", ledger)

    assert outcome.code == 0, outcome.stderr
    assert "1 written of 21 read" in outcome.stdout
    assert rejected(tmp_path / "out") == {
        None: "manifest_invalid",  # also ../escape and a/slash: what is no recording_id is not published
        "cut": "audio_truncated",
        "text": "audio_unreadable",
        "more": "audio_truncated",
        "less": "audio_unreadable",
        "one-sample": "audio_too_short",
        "zero": "audio_all_zero",
        "nan": "audio_not_finite",
        "lengths": "audio_length_mismatch",
        "missing": "audio_missing",
        "samples": "audio_duplicate_samples",
        "three": "manifest_invalid",
        "twice": "manifest_invalid",
        "same-id": "manifest_duplicate_id",
        "nobody": "consent_unknown_speaker",
        "later": "consent_after_recording",
        "timeless": "consent_recording_time_unknown",
    }
    rows = [json.loads(line) for line in (tmp_path / "out" / "rejected.jsonl").read_text().splitlines()]
    assert len(rows) == 20
    for row in rows:
        assert len(row["detail"]) > 30
        assert str(tmp_path) not in row["detail"]
    assert duologue("shards", "verify", tmp_path / "out").code == 0

    validated = duologue("validate", manifest)
    assert validated.code == 1
    head, *found = [line.split("\t") for line in validated.stdout.splitlines()]
    places = {(row[head.index("line")], row[head.index("fault")].partition(":")[0]) for row in found}
    assert {("13", "tracks"), ("14", "tracks[1]"), ("15", "recording_id"), ("16", "recording_id")} <= places
    assert {line for line, _ in places} == {"2", "13", "14", "15", "16", "18", ""}
    assert "21 recordings: " in validated.stderr

    looked = duologue("validate", manifest, "--files", "--ledger", ledger, "--json")
    assert looked.code == 1
    document = json.loads(looked.stdout)
    told = {row["recording_id"]: row["reason"] for row in document["findings"] if row["level"] == "refused"}
    assert {name: reason for name, reason in rejected(tmp_path / "out").items() if told.get(name) != reason} == {
        "same-id": "manifest_duplicate_id"  # which the second of its lines is told for
    }
    assert (document["taken"], sum(document["refused"].values())) == (1, 20)


def test_a_manifest_without_one_usable_line_is_exit_2(duologue: Duologue, tmp_path: Path) -> None:
    manifest = write_manifest(tmp_path / "manifest.jsonl", ["no json at all", "[]"])
    outcome = duologue("run", manifest, "--out", tmp_path / "out", "--ledger", tmp_path / "consent.db")
    assert outcome.code == 2
    assert "none of its 2 lines is a recording" in outcome.stderr
    assert not (tmp_path / "out").exists()


def test_without_a_ledger_nothing_is_written_and_no_audio_is_opened(duologue: Duologue, tmp_path: Path) -> None:
    manifest = write_manifest(tmp_path / "manifest.jsonl", [recording_line("call", "nowhere.wav", "nothing.wav")])
    outcome = duologue("run", manifest, "--out", tmp_path / "out")
    assert outcome.code == 3
    assert "Nothing could be written" in outcome.stdout
    assert rejected(tmp_path / "out") == {"call": "consent_no_ledger"}
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["rejected.jsonl"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--purpose", "world_domination"], "no such purpose; expected one of recording, training_inhouse"),
        (["--codec", "opus"], "opus"),
        (["--segment-s", "0"], "expected 1 to 3600 seconds"),
        (["--words", "perhaps"], "expected one of optional, required, none"),
        (["--validation-share", "1"], "expected 0 to below 1"),
        (["stray"], "options for Beam go after --"),
        (["--", "--direct_num_wokers=2"], "--direct_num_wokers: Apache Beam has no such option"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(
    arguments: list[str], message: str, duologue: Duologue, tmp_path: Path
) -> None:
    files = demo_files()
    outcome = duologue(
        "run",
        files.manifest,
        "--out",
        tmp_path / "out",
        "--ledger",
        write_demo_ledger(tmp_path / "demo.db"),
        *arguments,
    )
    assert outcome.code == 2
    assert message in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("place", ["file", "foreign files", "below a file"])
def test_an_output_that_cannot_be_used_is_refused(place: str, duologue: Duologue, tmp_path: Path) -> None:
    out = tmp_path / "out"
    if place == "file":
        out.write_text("mine")
    elif place == "foreign files":
        out.mkdir()
        (out / "README.md").write_text("mine")
    else:
        (tmp_path / "file").write_text("mine")
        out = tmp_path / "file" / "out"
    files = demo_files()
    outcome = duologue("run", files.manifest, "--out", out, "--ledger", write_demo_ledger(tmp_path / "demo.db"))
    assert outcome.code == 2
    assert str(out) in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert {"file": lambda: out.read_text() == "mine", "foreign files": lambda: os.listdir(out) == ["README.md"]}.get(
        place, lambda: True
    )()
