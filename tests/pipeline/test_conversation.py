"""One conversation from Python: the same labels as those of a run, step by step told, and refused for the same reasons."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from duologue_pipeline.conversation import analysis_steps, annotate_recording
from duologue_pipeline.demo import demo_files
from duologue_pipeline.errors import RejectError
from duologue_pipeline.read.files import recording_of_files
from duologue_pipeline.read.whole import load_manifest
from duologue_pipeline.records import Active, Annotated, Consented, Ingested, Measured, Recording, Worded
from duologue_pipeline.tokens.encode import TokenizeOptions, tokenize_conversation
from tests.conftest import TinyCodec, make_consent

AUDIO = demo_files().manifest.parent / "audio"


def demo_recording(name: str) -> Recording:
    """A recording of the embedded sample."""
    (found,) = (each for each in load_manifest(str(demo_files().manifest)) if each.recording_id == name)
    assert isinstance(found, Recording)
    return found


def test_the_steps_are_the_stages_of_a_run_and_hand_on_from_one_to_the_next() -> None:
    steps = analysis_steps(words="optional", isolation_policy="keep")
    assert [step.name for step in steps] == ["ingest", "isolation", "activity", "words", "events"]
    assert [step.output for step in steps] == [Ingested, Measured, Active, Worded, Annotated]


@pytest.mark.parametrize("name", ["demo-car-repair", "demo-friends"])
def test_a_report_is_what_a_run_finds_but_for_the_consent(name: str) -> None:
    recording = demo_recording(name)
    consented = Consented(**vars(recording), consent=make_consent(recording))
    report, run = annotate_recording(recording), annotate_recording(consented, isolation_policy="refuse-fail")
    assert run == replace(report, recording=consented)
    assert report.events
    assert run.consent == make_consent(recording)


def test_nothing_can_be_written_of_a_recording_that_has_not_passed_the_gate(tmp_path: Path) -> None:
    report = annotate_recording(recording_of_files(str(AUDIO / "demo-friends.flac")))
    with pytest.raises(ValueError, match="conversation: has not passed the consent gate; nothing of it may be written"):
        _ = report.consent
    with pytest.raises(ValueError, match="has not passed the consent gate"):
        tokenize_conversation(
            report,
            codec=TinyCodec(),
            options=TokenizeOptions(),
            staging=str(tmp_path),
        )
    assert list(tmp_path.iterdir()) == []


def test_each_step_is_told_before_it_is_done() -> None:
    told: list[str] = []
    annotate_recording(recording_of_files(str(AUDIO / "demo-friends.flac")), tell=told.append)
    assert told == [
        "reading the audio",
        "measuring the isolation of the tracks",
        "finding speech",
        "finding words",
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


def test_a_policy_that_does_not_exist_is_told_before_any_work() -> None:
    nothing = recording_of_files("nowhere.wav")
    with pytest.raises(ValueError) as error:
        annotate_recording(nothing, words="requierd")
    assert str(error.value) == "words: expected one of optional, required, none, found 'requierd'"
    with pytest.raises(ValueError) as error:
        annotate_recording(nothing, isolation_policy="fail")
    assert str(error.value) == (
        "isolation_policy: expected one of keep, refuse-fail, refuse-warn, require-pass, found 'fail'"
    )


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
