"""Finds the words and the turns that a sample owns, on the clock of its frames.

``KEY.json`` lists every word and turn that touches the sample, so what crosses a cut is listed on both sides of it. A word
belongs to the sample in which it begins: one that begins before 0, or at or after the end of the last frame, has no tokens.
"""

from bisect import bisect_left
from collections.abc import Mapping
from operator import attrgetter
from typing import Final, NamedTuple

from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.records import Speaker
from duologue_pipeline.views.sides import FRAME_MS, check_speaker, end_of_frames_ms, frame_count, milliseconds
from duologue_schemas.tables import WITHDRAWN

__all__ = ["SpokenWord", "Turn", "has_transcript", "is_withdrawn", "own_words", "text_of_turn", "turns"]

_START_S: Final = attrgetter("start_s")
_START_MS: Final = attrgetter("start_ms")


class SpokenWord(NamedTuple):
    """Holds a word that begins in the sample.

    Attributes:
        text: the word as written, without white space around it; empty where there is nothing else in it.
        start_s: when it begins, as ``KEY.json`` writes it: the layouts of Kyutai and nu-dialogue count in doubles.
        end_s: when it ends.
        start_ms: when it begins, in whole milliseconds.
    """

    text: str
    start_s: float
    end_s: float
    start_ms: int


class Turn(NamedTuple):
    """Holds a turn that lies in the sample, in whole or in part.

    Attributes:
        speaker: whose turn it is.
        start_ms: when it begins; before 0 where a cut goes through it.
        end_ms: when it ends; after the sample where a cut goes through it.
        first_frame: ``start_ms // 80``, not before 0.
        end_frame: ``ceil(end_ms / 80)``, not after the last frame; the turn is the frames ``[first_frame, end_frame)``.
    """

    speaker: Speaker
    start_ms: int
    end_ms: int
    first_frame: int
    end_frame: int


def has_transcript(sample: Sample, speaker: str) -> bool:
    """Tells whether it is known what the speaker says: not without a transcript, and not after the speaker's withdrawal.

    A transcript without words says that nothing is said; without a transcript nothing is known.
    """
    side = check_speaker(speaker)
    return bool(sample.metadata["transcripts"][side]) and not is_withdrawn(sample, side)


def is_withdrawn(sample: Sample, speaker: str) -> bool:
    """Tells whether the speaker was taken out of the sample on withdrawal."""
    speakers = sample.metadata.get("speakers", {})  # a sample that was put together by hand may not name them
    return bool(speakers.get(check_speaker(speaker), {}).get("commitment") == WITHDRAWN)


def own_words(sample: Sample, speaker: str) -> list[SpokenWord]:
    """Lists the words of a speaker that begin in the sample, by their start.

    Returns:
        The words, those with one start in the order of ``KEY.json``; none without a transcript.
    """
    if not has_transcript(sample, speaker):
        return []
    end_ms = end_of_frames_ms(sample)
    words = []
    for word in sample.metadata["words"]:
        if word["speaker"] == speaker:
            start_s = word["start_s"]
            start_ms = milliseconds(start_s)
            if 0 <= start_ms < end_ms:
                words.append(SpokenWord(word["word"].strip(), start_s, word["end_s"], start_ms))
    words.sort(key=_START_S)
    return words


def turns(sample: Sample) -> list[Turn]:
    """Lists the turns that touch a frame of the sample, by start, end and speaker.

    A sample of which one speaker was taken out has none: turns tell about both.
    """
    frames = frame_count(sample)
    found = []
    for event in sample.metadata["events"]:
        if event["kind"] == "turn":
            start_ms, end_ms = milliseconds(event["start_s"]), milliseconds(event["end_s"])
            first, end = max(0, start_ms // FRAME_MS), min(frames, -(-end_ms // FRAME_MS))
            if first < end:
                found.append(Turn(event["speaker"], start_ms, end_ms, first, end))
    found.sort(key=lambda turn: (turn.start_ms, turn.end_ms, turn.speaker))
    return found


def text_of_turn(turn: Turn, words: Mapping[Speaker, list[SpokenWord]]) -> str:
    """Joins the words of a turn by one space: those of its speaker that begin in ``[start_ms, end_ms)``.

    Args:
        turn: the turn.
        words: speaker -> :func:`own_words`, in their order.
    """
    own = words[turn.speaker]
    first, end = (bisect_left(own, at_ms, key=_START_MS) for at_ms in (turn.start_ms, turn.end_ms))
    return " ".join(word.text for word in own[first:end] if word.text)
