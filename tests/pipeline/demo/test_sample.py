"""The embedded sample: that its truth is true of its audio, and that it can be made again."""

import importlib.resources
import itertools
import json
import shutil
import statistics
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from duologue_consent import Ledger, Purpose, parse_time
from duologue_pipeline.demo import demo_files
from duologue_pipeline.demo.ledger import write_demo_ledger
from duologue_pipeline.ingest.audio import conversation_blocks
from duologue_pipeline.isolation.meter import measure_isolation
from duologue_pipeline.read.manifest import parse_line, read_lines
from duologue_pipeline.records import Recording, Track
from duologue_pipeline.words.files import read_words

DEMO = demo_files().manifest.parent
SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "make_demo_sample.py"
IDS = ("demo-car-repair", "demo-friends", "demo-garden")
AS_OF = datetime(2026, 6, 1, tzinfo=UTC)


def recording(recording_id: str) -> Recording:
    uri = str(DEMO / "manifest.jsonl")
    found = [parse_line(line, manifest_uri=uri) for line in read_lines(uri)]
    (wanted,) = (each for each in found if isinstance(each, Recording) and each.recording_id == recording_id)
    return wanted


def truth(recording_id: str) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads((DEMO / "truth" / f"{recording_id}.json").read_text(encoding="utf-8"))
    return parsed


def events(recording_id: str, kind: str) -> list[dict[str, Any]]:
    return [event for event in truth(recording_id)["events"] if event["kind"] == kind]


def audible(track: Track) -> list[tuple[float, float]]:
    """Where a track is louder than -54 dBFS over 5 ms, on the conversation's clock, silences under 200 ms bridged."""
    pcm, rate_hz = soundfile.read(track.uri, always_2d=True)
    power = np.convolve(pcm[:, track.channel] ** 2, np.full(rate_hz // 200, 200 / rate_hz), mode="same")
    loud_s = np.flatnonzero(power > 10**-5.4) / rate_hz + track.offset_s
    starts, ends = [loud_s[0]], []
    for before_s, after_s in itertools.pairwise(loud_s):
        if after_s - before_s >= 0.2:
            ends.append(before_s)
            starts.append(after_s)
    return list(zip(starts, [*ends, loud_s[-1]], strict=True))


def test_the_sample_is_small() -> None:
    flac = sum(path.stat().st_size for path in DEMO.glob("audio/*.flac"))
    everything = sum(path.stat().st_size for path in DEMO.rglob("*") if path.suffix != ".pyc" and path.is_file())
    assert flac <= 2_700_000
    assert everything <= 3_000_000


def test_demo_files_are_package_data() -> None:
    assert demo_files().manifest.is_file()
    package = importlib.resources.files("duologue_pipeline")
    assert package.joinpath("demo/manifest.jsonl").is_file()


def test_the_manifest_holds_three_conversations_of_six_speakers() -> None:
    recordings = [recording(recording_id) for recording_id in IDS]
    assert len(list(read_lines(str(DEMO / "manifest.jsonl")))) == 3
    assert [track.speaker_id for each in recordings for track in each.tracks] == [
        *("spk-alder", "spk-birch", "spk-cedar", "spk-dogwood", "spk-elm", "spk-fir")
    ]
    assert [(each.setting, each.language) for each in recordings] == [
        ("telephone", "en-US"),
        ("in_person_headsets", "en-US"),
        ("video_call", "en-US"),
    ]
    assert {each.source.license for each in recordings} == {"CC0-1.0"}
    assert [track.offset_s for track in recordings[0].tracks] == [0.0, 0.84]


@pytest.mark.parametrize(
    ("recording_id", "rate_hz", "channels"),
    [("demo-car-repair", 8000, 1), ("demo-friends", 16000, 2), ("demo-garden", 16000, 2)],
)
def test_the_audio_lasts_as_long_as_the_truth_says_and_is_never_digital_zero(
    recording_id: str, rate_hz: int, channels: int
) -> None:
    for track in recording(recording_id).tracks:
        pcm, found_hz = soundfile.read(track.uri, dtype="int16", always_2d=True)
        assert (found_hz, pcm.shape[1]) == (rate_hz, channels)
        assert len(pcm) / rate_hz + track.offset_s == pytest.approx(truth(recording_id)["duration_s"], abs=1e-9)
        blocks = pcm[: len(pcm) // 80 * 80, track.channel].reshape(-1, 80)
        assert np.all(np.any(blocks != 0, axis=1))
        assert np.abs(pcm).max() < 32767


@pytest.mark.parametrize("recording_id", IDS)
def test_activity_is_where_the_audio_is_loud_to_10_ms(recording_id: str) -> None:
    for speaker, track in zip("ab", recording(recording_id).tracks, strict=True):
        spans = truth(recording_id)["activity"][speaker]
        assert np.array(audible(track)) == pytest.approx(np.array(spans), abs=0.010)


@pytest.mark.parametrize("recording_id", IDS)
def test_words_are_inside_activity_and_begin_where_a_silence_ends(recording_id: str) -> None:
    for speaker, track in zip("ab", recording(recording_id).tracks, strict=True):
        words = truth(recording_id)["words"][speaker]
        for start_s, end_s in audible(track):
            inside = [word for word in words if start_s - 0.05 <= word["start_s"] < end_s]
            assert inside[0]["start_s"] == pytest.approx(start_s, abs=0.010)
            assert max(word["end_s"] for word in inside) == pytest.approx(end_s, abs=0.010)
            words = [word for word in words if word not in inside]
        assert words == []


@pytest.mark.parametrize("recording_id", IDS)
def test_the_pipeline_reads_the_words_onto_the_conversations_clock(recording_id: str) -> None:
    for speaker, words in zip("ab", read_words(recording(recording_id), policy="required"), strict=True):
        assert words is not None
        read = [(word.word, word.start_ms, word.end_ms) for word in words]
        assert read == [
            (word["word"], round(word["start_s"] * 1000), round(word["end_s"] * 1000))
            for word in truth(recording_id)["words"][speaker]
        ]


@pytest.mark.parametrize("recording_id", IDS)
def test_gaps_are_silent_and_overlaps_are_not(recording_id: str) -> None:
    heard = {who: audible(track) for who, track in zip("ab", recording(recording_id).tracks, strict=True)}

    def share(speaker: str, event: dict[str, Any]) -> float:
        shared_s = sum(
            max(0.0, min(end_s, event["end_s"]) - max(start_s, event["start_s"])) for start_s, end_s in heard[speaker]
        )
        return shared_s / (event["end_s"] - event["start_s"])

    for gap in events(recording_id, "gap"):
        assert share("a", gap) + share("b", gap) < 0.1, gap
    for overlap in events(recording_id, "overlap_between") + events(recording_id, "overlap_within"):
        assert min(share("a", overlap), share("b", overlap)) > 0.9, overlap
    for backchannel in events(recording_id, "backchannel"):
        listener = backchannel["speaker"]
        assert share(listener, backchannel) > 0.9
        assert (share("b" if listener == "a" else "a", backchannel) > 0) == backchannel["in_overlap"], backchannel


@pytest.mark.parametrize("recording_id", IDS)
def test_each_conversation_has_what_an_event_detector_must_find(recording_id: str) -> None:
    assert sorted(event["floor_taking"] for event in events(recording_id, "interruption")) == [False, True]
    assert {event["in_overlap"] for event in events(recording_id, "backchannel")} == {False, True}
    for kind in ("pause", "gap", "overlap_between", "overlap_within", "filler", "self_correction"):
        assert events(recording_id, kind), kind


def test_the_timing_of_turns_is_human() -> None:
    transfers = [event for each in IDS for kind in ("gap", "overlap_between") for event in events(each, kind)]
    backchannels = [event for each in IDS for event in events(each, "backchannel")]
    assert (len(transfers), len(backchannels)) == (45, 14)
    assert sum(event["fto_s"] < 0 for event in transfers) == 15
    assert statistics.median(event["fto_s"] for event in transfers) == 0.18
    assert sum(not event["in_overlap"] for event in backchannels) == 5


@pytest.mark.parametrize("recording_id", IDS)
def test_the_readme_has_the_figures_of_the_truth(recording_id: str) -> None:
    transfers = events(recording_id, "gap") + events(recording_id, "overlap_between")
    backchannels = events(recording_id, "backchannel")
    overlapped = sum(event["fto_s"] < 0 for event in transfers)
    in_silence = sum(not event["in_overlap"] for event in backchannels)
    lines = (DEMO / "README.md").read_text(encoding="utf-8").splitlines()
    (row,) = (line for line in lines if line.startswith(f"| `{recording_id}`"))
    assert [cell.strip() for cell in row.split("|")][-4:-1] == [
        f"{truth(recording_id)['duration_s']:.1f} s",
        f"{len(transfers)}, {overlapped}",
        f"{len(backchannels)}, {in_silence}",
    ]


@pytest.mark.parametrize(
    ("recording_id", "in_a_db"), [("demo-car-repair", None), ("demo-friends", None), ("demo-garden", -42.0)]
)
def test_bleed_is_measured_as_it_was_made(recording_id: str, in_a_db: float | None) -> None:
    report = measure_isolation(conversation_blocks(recording(recording_id), rate_hz=8000), sample_rate_hz=8000)
    assert report.a_from_b.bleed_db == (None if in_a_db is None else pytest.approx(in_a_db, abs=0.5))
    assert report.b_from_a.bleed_db is None
    bleed = truth(recording_id)["bleed"]
    assert bleed is None if in_a_db is None else (bleed["into"], bleed["level_db"], bleed["lag_ms"]) == ("a", -42, 12)


def test_all_speakers_allow_training_and_one_refuses_redistribution(tmp_path: Path) -> None:
    ledger = Ledger.open(write_demo_ledger(tmp_path / "consent.db")).snapshot()
    refused = {}
    for recording_id in IDS:
        started_at = parse_time(recording(recording_id).started_at or "")
        for track in recording(recording_id).tracks:
            asked: Any = {"recorded_at": started_at, "as_of": AS_OF}
            assert ledger.decide(track.speaker_id, purpose=Purpose.TRAINING_INHOUSE, **asked).allowed
            decision = ledger.decide(track.speaker_id, purpose=Purpose.REDISTRIBUTION, **asked)
            if not decision.allowed:
                refused[track.speaker_id] = decision.reason
    assert refused == {"spk-fir": "consent_refused"}
    assert len(ledger.speakers) == 6


@pytest.mark.slow
def test_the_script_makes_the_same_bytes_again(tmp_path: Path) -> None:
    if not (shutil.which("festival") and shutil.which("flite") and shutil.which("dpkg-query")):
        pytest.skip("the voices are not installed (apt-get install: see scripts/make_demo_sample.py)")
    made = subprocess.run(
        [sys.executable, str(SCRIPT), "--out", str(tmp_path)], check=False, capture_output=True, text=True
    )
    assert made.returncode == 0, made.stderr
    if (tmp_path / "made_with.json").read_bytes() != (DEMO / "made_with.json").read_bytes():
        pytest.skip("other versions than those of made_with.json give other bytes")
    written = {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()}
    by_hand = {Path("__init__.py"), Path("ledger.py"), Path("README.md")}
    packaged = {path.relative_to(DEMO) for path in DEMO.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    assert written == packaged - by_hand
    assert [str(path) for path in sorted(written) if (tmp_path / path).read_bytes() != (DEMO / path).read_bytes()] == []
