"""Finds what happens between two speakers, from when each of them is heard, from what they say, or from both.

:mod:`duologue_pipeline.events.ipus` makes inter-pausal units (IPUs) of activity and words,
:mod:`duologue_pipeline.events.floor` gives each a role; everything here is read off the roles and the words. The kinds
are defined in :data:`KINDS`, the thresholds are in the rule set ``events``. Every overlap of two IPUs is either between
speakers or within a speaker, never both.

References: Sacks, Schegloff & Jefferson 1974, "A simplest systematics for the organization of turn-taking for
conversation"; Schegloff 2000, "Overlapping talk and the organization of turn-taking for conversation"; Heldner & Edlund
2010, "Pauses, gaps and overlaps in conversations"; Gravano & Hirschberg 2011, "Turn-taking cues in task-oriented
dialogue"; Levinson & Torreira 2015, "Timing in turn-taking and its implications for processing models of language";
Nguyen et al. 2023, "Generative spoken dialogue language modeling" (dGSLM); Lin et al. 2025, "Full-Duplex-Bench".
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Final

from duologue_pipeline.events.addressee import with_addressee
from duologue_pipeline.events.floor import Ipu, read_floor
from duologue_pipeline.events.from_words import (
    Transcript,
    completes,
    disfluency_events,
    laughter_events,
    vocalisation_events,
)
from duologue_pipeline.events.ipus import join_ipus, other_speaker
from duologue_pipeline.events.latencies import latencies
from duologue_pipeline.events.timed import timed_disfluencies, timed_words, vocalisations_outside
from duologue_pipeline.records import SPEAKERS, Activity, Event, Span, Speaker, Word
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.events import EventsRules
from duologue_pipeline.words.disfluency import Disfluency, find_disfluencies
from duologue_pipeline.words.lexicon import NO_LEXICON, Lexicon
from duologue_pipeline.words.track import TrackWords, track_words

__all__ = ["KINDS", "NEED_TWO", "check_activity", "events_of_floor", "find_events", "join_ipus"]

KINDS: Final[Mapping[str, str]] = {
    "ipu": "Inter-pausal unit: speech of one speaker bounded by at least 200 ms of own silence (Nguyen et al. 2023); subtype "
    "is its role: turn, backchannel, or attempt (at a turn, in vain).",
    "turn": "From the first to the last of a speaker's IPUs that no turn of the other one separates; backchannels and "
    "failed interruptions neither make nor break one (Sacks et al. 1974).",
    "pause": "Own silence between two IPUs of the same turn (Sacks et al. 1974); the listener may answer in it.",
    "hold": "A pause in which the listener is silent too: the floor could have changed and did not (hold as opposed to "
    "shift: Ekstedt & Skantze 2022).",
    "floor_transfer": "From the end of a turn to the onset of the other's, or the other way round in overlap; fto_ms is "
    "onset minus end, and speaker takes the floor (Levinson & Torreira 2015).",
    "gap": "A floor transfer with positive offset: nobody holds a turn, though the next speaker may have given a "
    "backchannel (Heldner & Edlund 2010).",
    "overlap_between": "A floor transfer with negative offset: both speak, and the floor changes (Heldner & Edlund 2010); "
    "subtype says how the second one came in: terminal, simultaneous or interruption.",
    "overlap_within": "Both speak and the floor does not change (Heldner & Edlund 2010); speaker is the listener, subtype "
    "what they do: backchannel, terminal, simultaneous or interruption.",
    "backchannel": "A short response of the listener that does not take the floor, in speech or in silence (Yngve 1970); by "
    "its words, with subtype acknowledgement, continuer or reaction, or else a candidate by timing (Gravano & Hirschberg "
    "2011).",
    "interruption": "An IPU that begins while the holder speaks, is no backchannel, and neither begins together with the "
    "holder nor clips only its last syllable (Schegloff 2000; barge-in in Full-Duplex-Bench); floor_taking says whether its "
    "speaker holds the floor after it, subtype competitive or cooperative where words tell.",
    "co_completion": "A candidate: the listener supplies words that the holder's open clause lacks (Lerner 1991).",
    "laughter": "Laughter that the transcript names; without one, what sounds like it.",
    "filler": "A filled pause outside of a repair (Clark & Fox Tree 2002); without words, what sounds like it.",
    "hesitation": "A silence, or a drawn-out word, where a clause cannot end.",
    "repetition": "What is said is said again (Shriberg 1994).",
    "false_start": "What is begun is given up (Shriberg 1994).",
    "self_correction": "What is said is said otherwise (Shriberg 1994).",
}
"""What :func:`find_events` finds, kind by kind."""

NEED_TWO: Final = frozenset(
    {
        "pause",
        "hold",
        "floor_transfer",
        "gap",
        "overlap_between",
        "overlap_within",
        "backchannel",
        "interruption",
        "co_completion",
    }
)
"""The kinds that tell what two people do with each other; they are there only while both tracks are."""


def find_events(
    activity: Activity | None,
    *,
    duration_ms: int,
    words_a: Sequence[Word] | None = None,
    words_b: Sequence[Word] | None = None,
    lexicon: Lexicon = NO_LEXICON,
    rules: EventsRules | None = None,
) -> list[Event]:
    """Finds the events of a conversation, of all :data:`KINDS`.

    Args:
        activity: when each speaker is heard: spans sorted, disjoint, not empty; None where there are only words.
        duration_ms: of the conversation; words are cut to it.
        words_a: of speaker ``a``, in order of start; None where there are none.
        words_b: of speaker ``b``.
        lexicon: of their language.
        rules: the rule set ``events``, the packaged one if None.

    Returns:
        Events sorted by start, end, kind and speaker. Swapping the speakers swaps the labels and changes nothing else,
        but for the tie in the description of :mod:`duologue_pipeline.events.floor`.

    Raises:
        ValueError: spans are out of order, overlap, are empty, or reach beyond the conversation.
    """
    rules = load_rules(EventsRules) if rules is None else rules
    words: dict[Speaker, TrackWords] = {"a": track_words(words_a, lexicon), "b": track_words(words_b, lexicon)}
    if activity is not None:
        check_activity(activity, duration_ms=duration_ms)
    timed = {speaker: timed_words(track) for speaker, track in words.items()}
    ipus = read_floor(activity, timed, duration_ms=duration_ms, rules=rules)
    found = {s: timed_disfluencies(find_disfluencies(words[s]), words[s]) for s in SPEAKERS}
    return events_of_floor(ipus, activity=activity, words=timed, disfluencies=found, rules=rules)


def events_of_floor(
    ipus: Sequence[Ipu],
    *,
    activity: Activity | None,
    words: Mapping[Speaker, TrackWords],
    disfluencies: Mapping[Speaker, Sequence[Disfluency]],
    rules: EventsRules,
    transcribed: Mapping[Speaker, Sequence[Span] | None] = MappingProxyType({}),
    shared: Span | None = None,
) -> list[Event]:
    """Reads the events off the roles that :func:`duologue_pipeline.events.floor.read_floor` gave to the IPUs.

    ``words`` have times of their own, ``disfluencies`` are those of the words of each speaker. Outside of what was
    ``transcribed`` (None: all was) only the signal tells of laughter and fillers. What needs two (:data:`NEED_TWO`) lies wholly
    in the part that is ``shared`` (None: all is): elsewhere a silence is of somebody who has not joined or has left.
    """
    scripts = {speaker: Transcript(words[speaker]) for speaker in SPEAKERS}
    turns = _turns(ipus)
    events = [
        *(_event("ipu", ipu.speaker, ipu.span, [ipu], subtype=ipu.role) for ipu in ipus),
        *_turns_and_pauses(turns, ipus, scripts, rules),
        *_floor_transfers(turns),
        *_overlaps(ipus),
        *_listener_acts(ipus, turns, scripts, rules),
    ]
    for speaker in SPEAKERS:
        said = words[speaker]
        if said.known:
            events += disfluency_events(speaker, said.words, disfluencies[speaker], rules.confidences)
            events += laughter_events(
                speaker, said, joined_ms=rules.ipu_silence_ms, confidence=rules.confidences.laughter
            )
            if activity is not None:
                sounds = getattr(activity, f"vocalisations_{speaker}")
                events += vocalisation_events(speaker, vocalisations_outside(sounds, transcribed.get(speaker)))
        elif activity is not None:
            events += vocalisation_events(speaker, getattr(activity, f"vocalisations_{speaker}"))
    if shared is not None:
        events = [
            event
            for event in events
            if event.kind not in NEED_TWO or (shared.start_ms <= event.start_ms and event.end_ms <= shared.end_ms)
        ]
    events = [replace(event, rules=rules.version) for event in with_addressee(events, ipus, turns)]
    return sorted(events, key=lambda event: (event.start_ms, event.end_ms, event.kind, event.speaker))


def check_activity(activity: Activity, *, duration_ms: int) -> None:
    """Refuses an activity that cannot be: spans out of order, overlapping, empty, or beyond the conversation.

    Raises:
        ValueError: spans are out of order, overlap, are empty, or reach beyond the conversation.
    """
    for speaker, spans in zip(SPEAKERS, (activity.a, activity.b), strict=True):
        end_ms = 0
        for span in spans:
            if not end_ms <= span.start_ms < span.end_ms <= duration_ms:
                raise ValueError(
                    f"activity of speaker {speaker}: {span} is empty, out of order or not within "
                    f"[{end_ms}, {duration_ms}] ms; spans must be sorted, disjoint and inside the conversation"
                )
            end_ms = span.end_ms


# --- what follows from the roles ------------------------------------------------------------------------------------


def _event(kind: str, speaker: str, span: Span, evidence: Iterable[Ipu], **more: Any) -> Event:
    """Makes an event that rests on these IPUs."""
    sources = {ipu.unit.source for ipu in evidence}
    return Event(
        kind, speaker, span.start_ms, span.end_ms, source=sources.pop() if len(sources) == 1 else "both", **more
    )


def _turns(ipus: Sequence[Ipu]) -> list[list[Ipu]]:
    """Gathers the IPUs of each turn. Turns alternate between the speakers."""
    turns: list[list[Ipu]] = []
    for ipu in ipus:
        if ipu.takes_floor:
            turns.append([ipu])
        elif ipu.role == "turn":
            turns[-1].append(ipu)
    return turns


def _turns_and_pauses(
    turns: Sequence[Sequence[Ipu]], ipus: Sequence[Ipu], scripts: Mapping[Speaker, Transcript], rules: EventsRules
) -> list[Event]:
    heard = {speaker: [ipu.span for ipu in ipus if ipu.speaker == speaker] for speaker in SPEAKERS}
    events = []
    for turn in turns:
        speaker = turn[0].speaker
        span = Span(turn[0].span.start_ms, turn[-1].span.end_ms)
        spoken = sum(scripts[speaker].count(ipu.unit.first, ipu.unit.last) for ipu in turn)
        events.append(_event("turn", speaker, span, turn, take_over=_takes_over(span, spoken, rules)))
        listener = heard[other_speaker(speaker)]
        for before, after in pairwise(turn):
            pause = Span(before.span.end_ms, after.span.start_ms)
            events.append(_event("pause", speaker, pause, (before, after)))
            if not _meets(pause, listener):
                events.append(_event("hold", speaker, pause, (before, after)))
    return events


def _floor_transfers(turns: Sequence[Sequence[Ipu]]) -> list[Event]:
    """Finds the transfer between each two turns, and its gap or overlap; an offset of 0 ms is neither."""
    events = []
    for before, after in pairwise(turns):
        evidence = before[-1], after[0]
        end_ms, onset_ms = before[-1].span.end_ms, after[0].span.start_ms
        fto_ms = onset_ms - end_ms
        span = Span(min(end_ms, onset_ms), max(end_ms, onset_ms))
        events.append(_event("floor_transfer", after[0].speaker, span, evidence, fto_ms=fto_ms))
        if fto_ms > 0:
            events.append(_event("gap", after[0].speaker, span, evidence, fto_ms=fto_ms))
        elif fto_ms < 0:
            how = after[0].onset
            events.append(_event("overlap_between", after[0].speaker, span, evidence, fto_ms=fto_ms, subtype=how))
    return events


def _overlaps(ipus: Sequence[Ipu]) -> list[Event]:
    """Finds where IPUs of both coincide and the floor stays: one of the two is no part of a turn."""
    events = []
    for i, ipu in enumerate(ipus):
        for later in ipus[i + 1 :]:
            if later.span.start_ms >= ipu.span.end_ms:
                break
            if later.speaker == ipu.speaker or (later.takes_floor and later.over is ipu.unit):
                continue
            act = ipu if later.role == "turn" else later
            both = Span(later.span.start_ms, min(ipu.span.end_ms, later.span.end_ms))
            what = "backchannel" if act.role == "backchannel" else act.onset
            events.append(_event("overlap_within", act.speaker, both, (ipu, later), subtype=what))
    return events


def _listener_acts(
    ipus: Sequence[Ipu],
    turns: Sequence[Sequence[Ipu]],
    scripts: Mapping[Speaker, Transcript],
    rules: EventsRules,
) -> list[Event]:
    events = []
    turn = -1
    for ipu in ipus:
        own, other = scripts[ipu.speaker], scripts[other_speaker(ipu.speaker)]
        taken = _takes_over(ipu.span, own.count(ipu.unit.first, ipu.unit.last), rules)
        completion = (ipu.takes_floor or ipu.role == "attempt") and turn >= 0 and completes(ipu, own, other, rules)
        if completion:
            certain = rules.confidences.co_completion
            events.append(_event("co_completion", ipu.speaker, ipu.span, [ipu], confidence=certain))
        if ipu.role == "backchannel":
            events.append(
                _event(
                    "backchannel",
                    ipu.speaker,
                    ipu.span,
                    [ipu],
                    confidence=ipu.confidence,
                    subtype=ipu.type or None,
                    take_over=taken,
                )
            )
        elif ipu.onset == "interruption":
            events.append(
                _event(
                    "interruption",
                    ipu.speaker,
                    ipu.span,
                    [ipu],
                    floor_taking=ipu.takes_floor,
                    subtype=_stance(ipu, completion, other, rules),
                    take_over=taken,
                    **latencies(ipu, turns, turn, rules),
                )
            )
        turn += ipu.takes_floor
    return events


def _stance(ipu: Ipu, completion: bool, other: Transcript, rules: EventsRules) -> str | None:
    """Tells how an interruption stands to the holder.

    Cooperative if it helps the holder's sentence along, competitive if it leaves that sentence unfinished.
    """
    if completion:
        return "cooperative"
    if ipu.takes_floor and ipu.over is not None:
        stopped_ms = ipu.over.span.end_ms
        if other.left_open(stopped_ms, within_ms=rules.ipu_silence_ms):
            return "competitive"
    return None


def _takes_over(span: Span, spoken: int, rules: EventsRules) -> bool:
    return span.duration_ms > rules.take_over_ms or spoken > rules.take_over_words


def _meets(span: Span, others: Sequence[Span]) -> bool:
    """Tells whether one of the others, which are sorted and disjoint, shares time with the span."""
    at = bisect_left(others, span.end_ms, key=lambda other: other.start_ms) - 1
    return at >= 0 and others[at].end_ms > span.start_ms
