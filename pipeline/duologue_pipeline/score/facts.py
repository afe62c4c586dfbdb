"""Counts what one of the two speakers, the scored one, did in a conversation: the numbers of which figures are formed.

Everything is read off the events (:data:`duologue_pipeline.events.find.KINDS`), so that a model is scored by what labels people:
``take_over`` and the four latencies of an interruption are theirs (:mod:`duologue_pipeline.events.latencies`). In this folder
the *model* is the speaker who is scored, whoever that is, and the *user* the other one.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from duologue_pipeline.events.ipus import other_speaker
from duologue_pipeline.records import Event, Speaker
from duologue_pipeline.rules.score import ScoreRules

__all__ = ["Conversation", "Facts", "facts_of"]


@dataclass(frozen=True)
class Conversation:
    """Holds what is known about a conversation in which a model is scored.

    Attributes:
        name: of the item or recording.
        group: conversations of one group are drawn together by the bootstrap: items that were cut from one recording.
        language: BCP 47; None where unknown.
        model: which speaker is scored.
        duration_ms: its length.
        speech_ms: the time in which each speaker is heard.
        overlap_ms: the time in which both are.
        events: of both speakers.
    """

    name: str
    group: str
    language: str | None
    model: Speaker
    duration_ms: int
    speech_ms: Mapping[Speaker, int]
    overlap_ms: int
    events: Sequence[Event]

    @property
    def primary_language(self) -> str:
        """Gives the primary language subtag, ``und`` where the language is unknown."""
        return (self.language or "und").partition("-")[0].lower()


@dataclass(frozen=True)
class Facts:
    """Holds the counts and the measured times of a conversation, by name; the times are milliseconds."""

    counts: Mapping[str, int] = field(default_factory=dict)
    times_ms: Mapping[str, Sequence[int]] = field(default_factory=dict)


def facts_of(conversation: Conversation, rules: ScoreRules) -> Facts:
    """Counts what the model did in a conversation.

    Args:
        conversation: with its events.
        rules: the rule set ``score``.

    Returns:
        The names are those that :data:`duologue_pipeline.score.figures.FIGURES` forms shares and distributions of.
    """
    model, user = conversation.model, other_speaker(conversation.model)
    by_kind: dict[tuple[str, str], list[Event]] = {}
    for event in sorted(conversation.events, key=lambda event: (event.start_ms, event.end_ms)):
        by_kind.setdefault((event.kind, event.speaker), []).append(event)
    mine = {kind: found for (kind, speaker), found in by_kind.items() if speaker == model}
    theirs = {kind: found for (kind, speaker), found in by_kind.items() if speaker == user}
    speech_ms = conversation.speech_ms
    counts: Counter[str] = Counter(
        time=conversation.duration_ms,
        model_speech=speech_ms[model],
        overlap=conversation.overlap_ms,
        anybody=speech_ms["a"] + speech_ms["b"] - conversation.overlap_ms,
        user_pauses=len(theirs.get("pause", ())),
        user_pauses_silent=len(theirs.get("hold", ())),
        model_pauses=len(mine.get("pause", ())),
        model_interruptions=len(mine.get("interruption", ())),
        model_interruptions_floor=sum(bool(event.floor_taking) for event in mine.get("interruption", ())),
        user_interruptions=len(theirs.get("interruption", ())),
        user_interruptions_floor=sum(bool(event.floor_taking) for event in theirs.get("interruption", ())),
        backchannels=len(mine.get("backchannel", ())),
        backchannels_in_speech=sum(event.addressee == "speaking" for event in mine.get("backchannel", ())),
    )
    times_ms: dict[str, list[int]] = {
        "pause": [event.end_ms - event.start_ms for event in mine.get("pause", ())],
        "backchannel": [event.end_ms - event.start_ms for event in mine.get("backchannel", ())],
        "backchannel_latency": _after_ipus(mine.get("backchannel", ()), theirs.get("ipu", ())),
    }
    offsets_ms = [event.fto_ms for event in mine.get("floor_transfer", ()) if event.fto_ms is not None]
    counts["transfers"] = len(offsets_ms)
    times_ms["offset"] = offsets_ms
    times_ms["gap"] = [offset_ms for offset_ms in offsets_ms if offset_ms > 0]
    times_ms["overlap_onset"] = [-offset_ms for offset_ms in offsets_ms if offset_ms < 0]
    counts["transfers_overlapped"] = len(times_ms["overlap_onset"])
    for name in ("response", "stop", "success", "penalty"):
        found = [getattr(event, f"{name}_latency_ms") for event in theirs.get("interruption", ())]
        times_ms[name] = [latency_ms for latency_ms in found if latency_ms is not None]
    counts["user_interruptions_in_time"] = len(times_ms["success"])
    counts.update(_answers(conversation, mine.get("turn", ()), theirs.get("turn", ()), rules))
    return Facts(dict(counts), times_ms)


def _answers(
    conversation: Conversation, mine: Sequence[Event], theirs: Sequence[Event], rules: ScoreRules
) -> dict[str, int]:
    """Counts the user's turns that the model could answer, those that it did, and those in which it took over.

    Turns alternate, so the next one after a turn of the user is the model's; the last one may have none.
    """
    turns = sorted([*mine, *theirs], key=lambda turn: (turn.start_ms, turn.end_ms))
    found = {"user_turns": 0, "user_turns_answered": 0, "user_turns_taken": 0}
    for turn, after in pairwise([*turns, None]):
        assert turn is not None
        if turn.speaker == conversation.model:
            continue
        if after is None:
            found["user_turns"] += conversation.duration_ms - turn.end_ms >= rules.answer_room_ms
        elif after.speaker == conversation.model:
            found["user_turns"] += 1
            found["user_turns_answered"] += 1
            found["user_turns_taken"] += bool(after.take_over)
    return found


def _after_ipus(backchannels: Sequence[Event], ipus: Sequence[Event]) -> list[int]:
    """Measures how long after the end of the user's last IPU each backchannel begins that is given in the user's silence."""
    ends_ms = sorted(ipu.end_ms for ipu in ipus)
    latencies_ms = []
    for event in backchannels:
        before = bisect_right(ends_ms, event.start_ms)
        if event.addressee != "speaking" and before:
            latencies_ms.append(event.start_ms - ends_ms[before - 1])
    return latencies_ms
