"""One conversation from Python: the same labels as those of a run, step by step told, and refused for the same reasons."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from duologue_pipeline.activity.vad import load_vad
from duologue_pipeline.conversation import (
    activity_stage,
    annotate_recording,
    events_stage,
    ingest_stage,
    isolation_stage,
    words_stage,
)
from duologue_pipeline.demo import demo_files
from duologue_pipeline.errors import RejectError
from duologue_pipeline.read.files import recording_of_files
from duologue_pipeline.read.manifest import parse_line, read_lines
from duologue_pipeline.records import Annotated, Consented, Recording
from tests.conftest import make_consent

AUDIO = demo_files().manifest.parent / "audio"


def demo_recording(name: str) -> Recording:
    """A recording of the embedded sample."""
    manifest = str(demo_files().manifest)
    (line,) = (line for line in read_lines(manifest) if json.loads(line)["recording_id"] == name)
    parsed = parse_line(line, manifest_uri=manifest)
    assert isinstance(parsed, Recording)
    return parsed


def annotated_by_stages(recording: Recording) -> Annotated:
    """What the stages of a run make of a recording."""
    ingested = ingest_stage(Consented(recording, make_consent(recording)))
    measured = isolation_stage(ingested)
    active = activity_stage(measured, load_vad())
    return events_stage(words_stage(active, policy="optional"))


@pytest.mark.parametrize("name", ["demo-car-repair", "demo-friends"])
def test_the_labels_are_those_of_a_run(name: str) -> None:
    recording = demo_recording(name)
    report, run = annotate_recording(recording), annotated_by_stages(recording)
    assert (report.audio, report.isolation) == (run.audio, run.isolation)
    assert report.annotation.activity == run.activity
    assert (report.annotation.words_a, report.annotation.words_b) == (run.words_a, run.words_b)
    assert (report.annotation.events, report.annotation.statistics) == (run.events, run.statistics)
    assert report.words_checks == {"a": run.words_check_a, "b": run.words_check_b}
    assert report.annotation.events


def test_each_step_is_told_before_it_is_done() -> None:
    told: list[str] = []
    annotate_recording(recording_of_files(str(AUDIO / "demo-friends.flac")), tell=told.append)
    assert told == [
        "reading the audio",
        "measuring the isolation of the tracks",
        "finding speech",
        "labelling",
        "",
    ]


def test_a_recording_is_refused_for_the_reason_of_a_run(tmp_path: Path) -> None:
    with pytest.raises(RejectError) as refused:
        annotate_recording(recording_of_files(str(tmp_path / "no.wav")))
    assert refused.value.reason == "audio_missing"
    with pytest.raises(RejectError) as refused:
        annotate_recording(recording_of_files(str(AUDIO / "demo-friends.flac")), words="required")
    assert refused.value.reason == "words_missing"


def test_a_policy_refuses_what_is_not_isolated(write_audio: Callable[..., Path], noise: Callable[..., object]) -> None:
    mono = noise(3.0, channels=1)
    files = [str(write_audio(f"{side}.wav", mono * gain)) for side, gain in (("a", 1.0), ("b", 0.5))]  # type: ignore[operator]
    assert annotate_recording(recording_of_files(*files)).isolation.verdict == "fail"
    with pytest.raises(RejectError) as refused:
        annotate_recording(recording_of_files(*files), isolation_policy="refuse-fail")
    assert refused.value.reason == "isolation_duplicate_signal"


def test_files_become_a_recording() -> None:
    stereo = recording_of_files("call.wav", language="de-DE", words_b="b.json")
    assert (stereo.a.uri, stereo.a.channel) == (stereo.b.uri, 0) == (str(Path("call.wav").absolute()), 0)
    assert (stereo.b.channel, stereo.language) == (1, "de-DE")
    assert (stereo.a.words_uri, stereo.b.words_uri) == (None, str(Path("b.json").absolute()))
    two = recording_of_files("a.wav", "b.wav", offsets_s=(0.0, 1.5), channels=(1, None))
    assert [(Path(track.uri).name, track.channel, track.offset_s) for track in two.tracks] == [
        ("a.wav", 1, 0.0),
        ("b.wav", 0, 1.5),
    ]
