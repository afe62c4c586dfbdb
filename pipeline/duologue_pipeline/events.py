"""What happens between two speakers, from nothing but when each of them is heard.

The speech of each speaker is first joined into inter-pausal units (IPUs). One state machine then walks the IPUs of
both in order of onset and gives each exactly one role, while at most one speaker holds the floor:

1. Nobody holds the floor until the first IPU, which takes it. From then on it always has one holder: whoever began
   the latest turn, also in silence and in the overlap in which it changes.
2. An IPU of the holder continues the holder's **turn** (Sacks, Schegloff & Jefferson 1974).
3. An IPU of the listener is

   - a **backchannel** if it is short and stands alone, and the holder goes on: is still speaking when it ends, or is
     the next to speak, soon. It may fall into speech or into silence (Gravano & Hirschberg 2011);
   - else, where the holder is still speaking when it ends, a **failed interruption**: the floor stays where it is;
   - else the beginning of the listener's own **turn**: the floor changes hands at its onset.

Two ties have to be broken. Where both begin at the same millisecond the holder goes first, so that the other one
speaks in overlap. Where nobody holds the floor yet the longer of the two takes it, and ``a`` if they are equally long:
the only case in which it matters who is called ``a``.

Everything else is read off the roles; the kinds are defined in :data:`KINDS`. It follows that every overlap of two
IPUs is either between speakers or within a speaker, never both.

References: Sacks, Schegloff & Jefferson 1974, "A simplest systematics for the organization of turn-taking for
conversation"; Schegloff 2000, "Overlapping talk and the organization of turn-taking for conversation"; Heldner & Edlund
2010, "Pauses, gaps and overlaps in conversations"; Gravano & Hirschberg 2011, "Turn-taking cues in task-oriented
dialogue"; Levinson & Torreira 2015, "Timing in turn-taking and its implications for processing models of language";
Nguyen et al. 2023, "Generative spoken dialogue language modeling" (dGSLM); Lin et al. 2025, "Full-Duplex-Bench".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, Literal

from duologue_pipeline.records import SPEAKERS, Activity, Event, Span, Speaker
from duologue_pipeline.rules import load_rules

__all__ = ["KINDS", "find_events", "join_ipus"]

KINDS: Final[Mapping[str, str]] = {
    "ipu": "Inter-pausal unit: speech of one speaker bounded by at least 200 ms of own silence (Nguyen et al. 2023).",
    "turn": "From the first to the last of a speaker's IPUs that no turn of the other one separates; backchannels and "
    "failed interruptions neither make nor break one (Sacks et al. 1974).",
    "pause": "Own silence between two IPUs of the same turn (Sacks et al. 1974); the listener may answer in it.",
    "floor_transfer": "From the end of a turn to the onset of the other's, or the other way round in overlap; fto_ms is "
    "onset minus end, and speaker takes the floor (Levinson & Torreira 2015).",
    "gap": "A floor transfer with positive offset: nobody speaks (Heldner & Edlund 2010).",
    "overlap_between": "A floor transfer with negative offset: both speak, and the floor changes (Heldner & Edlund 2010).",
    "overlap_within": "Both speak and the floor does not change (Heldner & Edlund 2010); speaker is the listener.",
    "backchannel": "A short response of the listener that does not take the floor, in speech or in silence "
    "(Gravano & Hirschberg 2011); a candidate by timing alone.",
    "interruption": "An IPU that begins while the holder speaks and is no backchannel (Schegloff 2000; barge-in in "
    "Full-Duplex-Bench); floor_taking says whether its speaker holds the floor after it.",
}
"""What :func:`find_events` finds, kind by kind."""

_Role = Literal["turn", "backchannel", "interruption"]


@dataclass(frozen=True)
class _Ipu:
    """An IPU with its role. ``over`` is the holder's IPU in which it begins; ``takes_floor`` opens a turn."""

    speaker: Speaker
    span: Span
    role: _Role
    over: Span | None = None
    takes_floor: bool = False


def find_events(activity: Activity, *, duration_ms: int, rules: Mapping[str, Any] | None = None) -> list[Event]:
    """Finds everything in :data:`KINDS`.

    Args:
        activity: when each speaker is heard: spans sorted, disjoint, not empty.
        duration_ms: of the conversation.
        rules: the rule set ``events``, the packaged one if None.

    Returns:
        Events sorted by start, end, kind and speaker. Swapping the speakers swaps the labels and changes nothing else,
        but for the tie in the module's description.

    Raises:
        ValueError: spans are out of order, overlap, are empty, or reach beyond the conversation.
    """
    rules = load_rules("events") if rules is None else rules
    for speaker, spans in zip(SPEAKERS, (activity.a, activity.b), strict=True):
        _check(spans, speaker=speaker, duration_ms=duration_ms)
    silence_ms = rules["ipu_silence_ms"]
    ipus = _with_roles(join_ipus(activity.a, silence_ms), join_ipus(activity.b, silence_ms), rules)
    turns = _turns(ipus)
    events = [
        *(Event("ipu", ipu.speaker, ipu.span.start_ms, ipu.span.end_ms) for ipu in ipus),
        *_turns_and_pauses(turns),
        *_floor_transfers(turns),
        *_overlaps_within(ipus),
        *_listener_acts(ipus, rules["backchannel_confidence"]),
    ]
    return sorted(events, key=lambda event: (event.start_ms, event.end_ms, event.kind, event.speaker))


def join_ipus(spans: Sequence[Span], silence_ms: int) -> list[Span]:
    """Joins speech across silences shorter than ``silence_ms``; ``spans`` are sorted and disjoint."""
    ipus: list[Span] = []
    for span in spans:
        if ipus and span.start_ms - ipus[-1].end_ms < silence_ms:
            ipus[-1] = Span(ipus[-1].start_ms, span.end_ms)
        else:
            ipus.append(span)
    return ipus


def _check(spans: Sequence[Span], *, speaker: Speaker, duration_ms: int) -> None:
    end_ms = 0
    for span in spans:
        if not end_ms <= span.start_ms < span.end_ms <= duration_ms:
            raise ValueError(
                f"activity of speaker {speaker}: {span} is empty, out of order or not within [{end_ms}, {duration_ms}] ms; "
                "spans must be sorted, disjoint and inside the conversation"
            )
        end_ms = span.end_ms


# --- the machine ----------------------------------------------------------------------------------------------------


def _with_roles(a: Sequence[Span], b: Sequence[Span], rules: Mapping[str, Any]) -> list[_Ipu]:
    """Gives every IPU its role; the result is in order of onset."""
    spans: dict[Speaker, Sequence[Span]] = {"a": a, "b": b}
    done: dict[Speaker, int] = {"a": 0, "b": 0}
    holder: Speaker | None = None
    ipus: list[_Ipu] = []
    while any(done[speaker] < len(spans[speaker]) for speaker in SPEAKERS):
        speaker = _next_speaker(spans, done, holder)
        span = spans[speaker][done[speaker]]
        if holder is None:
            ipu = _Ipu(speaker, span, "turn", takes_floor=True)
        elif speaker == holder:
            ipu = _Ipu(speaker, span, "turn")
        else:
            ipu = _listener_ipu(speaker, spans[speaker], done[speaker], spans[holder], done[holder], rules)
        if ipu.takes_floor:
            holder = speaker
        ipus.append(ipu)
        done[speaker] += 1
    return ipus


def _next_speaker(
    spans: Mapping[Speaker, Sequence[Span]], done: Mapping[Speaker, int], holder: Speaker | None
) -> Speaker:
    """Whose IPU comes next: the earlier; then the holder's; then the longer; then a's."""

    def rank(speaker: Speaker) -> tuple[int, bool, int, Speaker]:
        span = spans[speaker][done[speaker]]
        return span.start_ms, speaker != holder, -span.end_ms, speaker

    return min((speaker for speaker in SPEAKERS if done[speaker] < len(spans[speaker])), key=rank)


def _listener_ipu(
    speaker: Speaker, own: Sequence[Span], index: int, holders: Sequence[Span], begun: int, rules: Mapping[str, Any]
) -> _Ipu:
    """Judges ``own[index]``, which begins when the holder has begun ``begun`` of its IPUs ``holders``."""
    span = own[index]
    latest = holders[begun - 1]
    over = latest if span.start_ms < latest.end_ms else None
    still_speaking = span.end_ms <= latest.end_ms

    after_ms = own[index + 1].start_ms if index + 1 < len(own) else None
    resumes_ms = holders[begun].start_ms if begun < len(holders) else None
    short = span.duration_ms <= rules["backchannel_max_ms"]
    alone = (index == 0 or span.start_ms - own[index - 1].end_ms >= rules["backchannel_lone_ms"]) and (
        after_ms is None or after_ms - span.end_ms >= rules["backchannel_lone_ms"]
    )
    goes_on = still_speaking or (
        resumes_ms is not None
        and resumes_ms - span.end_ms <= rules["backchannel_resume_ms"]
        and (after_ms is None or resumes_ms <= after_ms)
    )
    if short and alone and goes_on:
        return _Ipu(speaker, span, "backchannel", over)
    if still_speaking:
        return _Ipu(speaker, span, "interruption", over)
    return _Ipu(speaker, span, "turn", over, takes_floor=True)


# --- what follows from the roles ------------------------------------------------------------------------------------


def _turns(ipus: Sequence[_Ipu]) -> list[list[_Ipu]]:
    """The IPUs of each turn. Turns alternate between the speakers."""
    turns: list[list[_Ipu]] = []
    for ipu in ipus:
        if ipu.takes_floor:
            turns.append([ipu])
        elif ipu.role == "turn":
            turns[-1].append(ipu)
    return turns


def _turns_and_pauses(turns: Sequence[Sequence[_Ipu]]) -> list[Event]:
    events = []
    for turn in turns:
        events.append(Event("turn", turn[0].speaker, turn[0].span.start_ms, turn[-1].span.end_ms))
        for before, after in pairwise(turn):
            events.append(Event("pause", before.speaker, before.span.end_ms, after.span.start_ms))
    return events


def _floor_transfers(turns: Sequence[Sequence[_Ipu]]) -> list[Event]:
    """A transfer between each two turns, and its gap or overlap; an offset of 0 ms is neither."""
    events = []
    for before, after in pairwise(turns):
        end_ms, onset_ms = before[-1].span.end_ms, after[0].span.start_ms
        fto_ms = onset_ms - end_ms
        kinds = ["floor_transfer"]
        if fto_ms:
            kinds.append("gap" if fto_ms > 0 else "overlap_between")
        for kind in kinds:
            events.append(Event(kind, after[0].speaker, min(end_ms, onset_ms), max(end_ms, onset_ms), fto_ms=fto_ms))
    return events


def _overlaps_within(ipus: Sequence[_Ipu]) -> list[Event]:
    """Where the listener's backchannels and failed interruptions coincide with IPUs of the turn they leave alone."""
    events = []
    for i, ipu in enumerate(ipus):
        if ipu.role == "turn":
            continue
        meets = [ipu.over] if ipu.over else []
        for later in ipus[i + 1 :]:
            if later.span.start_ms >= ipu.span.end_ms:
                break
            meets.append(later.span)
        for met in meets:
            start_ms, end_ms = max(ipu.span.start_ms, met.start_ms), min(ipu.span.end_ms, met.end_ms)
            events.append(Event("overlap_within", ipu.speaker, start_ms, end_ms))
    return events


def _listener_acts(ipus: Sequence[_Ipu], backchannel_confidence: float) -> list[Event]:
    events = []
    for ipu in ipus:
        start_ms, end_ms = ipu.span.start_ms, ipu.span.end_ms
        if ipu.role == "backchannel":
            events.append(Event("backchannel", ipu.speaker, start_ms, end_ms, confidence=backchannel_confidence))
        elif ipu.over:
            events.append(Event("interruption", ipu.speaker, start_ms, end_ms, floor_taking=ipu.takes_floor))
    return events
