"""Reads off the plan what is true of a simulated conversation: activity, words and events.

Events follow the definitions of :data:`duologue_pipeline.events.find.KINDS`, but their roles are those of the plan:
they are not judged from timing, so they can hold the judgement to account.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from duologue_pipeline.records import Event, Span, Speaker
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.events import EventsRules
from duologue_pipeline.simulate.structure import Utterance

__all__ = ["activity_of", "event_json", "events_of", "words_of"]


def activity_of(utterances: Sequence[Utterance], speaker: Speaker) -> list[Span]:
    """Gives when a speaker is heard; ``utterances`` come in order of onset."""
    return [Span(u.start_ms, u.end_ms) for u in utterances if u.speaker == speaker]


def events_of(utterances: Sequence[Utterance]) -> list[Event]:
    """Lists every event of the plan; ``utterances`` come in order of onset."""
    turns = _turns(utterances)
    events = [Event("ipu", u.speaker, u.start_ms, u.end_ms) for u in utterances]
    for turn in turns:
        events.append(Event("turn", turn[0].speaker, turn[0].start_ms, turn[-1].end_ms))
        for x, y in pairwise(turn):
            events.append(Event("pause", x.speaker, x.end_ms, y.start_ms))
            if not any(u.start_ms < y.start_ms and x.end_ms < u.end_ms for u in utterances if u.speaker != x.speaker):
                events.append(Event("hold", x.speaker, x.end_ms, y.start_ms))
    for before, after in pairwise(turns):
        events += _transfer(before[-1], after[0])
    holders = [u for u in utterances if u.role == "turn"]
    for act in utterances:
        if act.role == "turn":
            continue
        shared = [
            (max(act.start_ms, held.start_ms), min(act.end_ms, held.end_ms))
            for held in holders
            if held.speaker != act.speaker and held.start_ms < act.end_ms and act.start_ms < held.end_ms
        ]
        events += [Event("overlap_within", act.speaker, start, end) for start, end in shared]
        if act.role == "backchannel":
            events.append(Event("backchannel", act.speaker, act.start_ms, act.end_ms))
        elif any(_interrupts(held, act) for held in holders if held.speaker != act.speaker):
            events.append(Event("interruption", act.speaker, act.start_ms, act.end_ms, floor_taking=False))
    return sorted(events, key=lambda e: (e.start_ms, e.end_ms, e.kind, e.speaker))


def words_of(utterances: Sequence[Utterance], speaker: Speaker, speed: float) -> list[dict[str, Any]] | None:
    """Gives a speaker's words as schemas/words.schema.json has them, or None where the voice says no known words.

    A word in which the speaker breaks off ends there, and in a hyphen.
    """
    words: list[dict[str, Any]] = []
    for u in utterances:
        if u.speaker != speaker:
            continue
        if u.clip.words is None:
            return None
        for word, start_s, end_s in u.clip.words:
            start_ms, end_ms = (u.start_ms + round(1000 * s / speed) for s in (start_s, end_s))
            if start_ms >= u.end_ms:
                break
            whole = end_ms <= u.end_ms + 2  # clips are cut to whole milliseconds
            words.append(
                {
                    "word": word if whole else f"{word}-",
                    "start_s": start_ms / 1000,
                    "end_s": min(end_ms, u.end_ms) / 1000,
                }
            )
    return words


def event_json(event: Event) -> dict[str, Any]:
    """Writes an event in seconds, without the fields that it does not have."""
    row: dict[str, Any] = {
        "kind": event.kind,
        "speaker": event.speaker,
        "start_s": event.start_ms / 1000,
        "end_s": event.end_ms / 1000,
    }
    if event.fto_ms is not None:
        row["fto_s"] = event.fto_ms / 1000
    if event.floor_taking is not None:
        row["floor_taking"] = event.floor_taking
    return row


def _turns(utterances: Sequence[Utterance]) -> list[list[Utterance]]:
    turns: list[list[Utterance]] = []
    for utterance in utterances:
        if utterance.takes_floor:
            turns.append([utterance])
        elif utterance.role == "turn":
            turns[-1].append(utterance)
    return turns


def _transfer(before: Utterance, after: Utterance) -> list[Event]:
    """Gives a floor transfer, its gap or overlap, and the interruption if it is one by the definition of the kind."""
    fto_ms = after.start_ms - before.end_ms
    kinds = ["floor_transfer"]
    if fto_ms:
        kinds.append("gap" if fto_ms > 0 else "overlap_between")
    bounds = min(before.end_ms, after.start_ms), max(before.end_ms, after.start_ms)
    events = [Event(kind, after.speaker, *bounds, fto_ms=fto_ms) for kind in kinds]
    if _interrupts(before, after):
        events.append(Event("interruption", after.speaker, after.start_ms, after.end_ms, floor_taking=True))
    return events


def _interrupts(held: Utterance, act: Utterance) -> bool:
    """Says whether one begins while the other speaks, but not with its beginning and not with its last syllable."""
    rules = load_rules(EventsRules)
    earliest_ms, latest_ms = held.start_ms + rules.hear_onset_ms, held.end_ms - rules.terminal_overlap_ms
    return earliest_ms <= act.start_ms <= latest_ms
