"""Which stream of a transcript is a track's: from the file or from a person, never from who speaks first."""

from typing import Any

import pytest

from duologue_pipeline.files.sealed import hashed_name
from duologue_pipeline.transcripts.choose import Wanted, stream_of
from duologue_pipeline.transcripts.model import TranscriptError
from tests.pipeline.transcripts import support as given
from tests.pipeline.transcripts.support import read

STEREO = {"shared": True, "shared_audio": True}


def chosen(content: Any, **wanted: Any) -> list[str]:
    return [word.word for word in stream_of(read(content), Wanted(**wanted), name="call.json").words]


def refusal(content: Any, **wanted: Any) -> str:
    with pytest.raises(TranscriptError) as raised:
        chosen(content, **wanted)
    return str(raised.value)


DIARIZED = {
    "segments": [
        {"start": 0, "end": 1, "text": "hi", "speaker": "SPEAKER_00"},
        {"start": 1, "end": 2, "text": "yes", "speaker": "SPEAKER_01"},
    ]
}
MIXED_DOWN = {"metadata": {"channels": 1}, "results": {"channels": given.DEEPGRAM["results"]["channels"][:1]}}  # type: ignore[index]


def test_a_channel_goes_to_the_track_of_that_channel_of_the_same_file() -> None:
    assert chosen(given.DEEPGRAM, channel=0, **STEREO) == ["Hello", "there."]
    assert chosen(given.DEEPGRAM, channel=1, **STEREO) == ["yes"]


def test_a_person_may_name_the_channel_or_the_tier() -> None:
    assert chosen(given.DEEPGRAM, label="1", shared=True) == ["yes"]
    assert chosen(given.EAF, label="B") == ["yes", "I", "do"]
    assert refusal(given.EAF, label="C") == "call.json: has no stream 'C'; it has 'W', 'B'"


def test_two_files_of_audio_with_one_transcript_need_to_be_told() -> None:
    assert "has channel 0, channel 1: name one with words_channel" in refusal(given.DEEPGRAM, shared=True)


def test_tiers_need_to_be_told() -> None:
    assert "it has 'Anna', 'Ben': name one with words_channel" in refusal(given.SRT, **STEREO)


def test_a_file_of_one_track_goes_to_the_track_that_names_it() -> None:
    assert chosen(given.WHISPERX, channel=1) == ["It", "costs", "58.", "Okay?"]


def test_one_stream_for_two_tracks_was_mixed_down_and_is_refused() -> None:
    assert "has the words of both tracks in one stream" in refusal(MIXED_DOWN, **STEREO)
    assert chosen(MIXED_DOWN) == ["Hello", "there."]


def test_diarization_is_refused_for_two_tracks_with_the_reason() -> None:
    assert "told apart by a machine (diarization), which mixes up who speaks where it matters" in refusal(
        DIARIZED, **STEREO
    )
    assert chosen(DIARIZED) == ["hi", "yes"]


def test_the_left_channel_of_moshi_is_not_taken_for_the_right_one() -> None:
    assert chosen(given.MOSHI, channel=0, shared_audio=True) == ["Hello", "there"]
    assert "name one with words_channel" in refusal(given.MOSHI, channel=1, shared_audio=True)


def test_of_several_recordings_in_one_file_the_one_of_that_name_is_taken() -> None:
    ctm = "call-1 0 0.1 0.2 so\ncall-2 0 0.1 0.2 well\n"
    assert chosen(ctm, recordings=("id", "call-2")) == ["well"]
    assert "holds 2 recordings (call-1, call-2, ...) and none of them is called id" in refusal(ctm, recordings=("id",))


def test_a_name_that_is_known_by_its_hash_alone_is_not_written_as_such() -> None:
    assert chosen(given.SRT, label=hashed_name("Ben"), shared=True) == chosen(given.SRT, label="Ben", shared=True)
    assert (
        refusal(given.SRT, label=hashed_name("Carl"))
        == "call.json: has no stream of the name that words_channel gives; it has 'Anna', 'Ben'"
    )
