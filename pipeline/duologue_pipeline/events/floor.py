"""Finds who holds the floor: one state machine gives every inter-pausal unit (IPU) of both speakers exactly one role.

It walks the IPUs in order of onset, while at most one speaker holds the floor:

1. Nobody holds the floor until the first IPU that is no backchannel, which takes it. From then on it always has one
   holder: whoever began the latest turn, also in silence and in the overlap in which it changes.
2. **Words first.** An IPU with words in a language that has a lexicon is a **backchannel** if they say so
   (:func:`duologue_pipeline.words.backchannels.backchannel_ipus`), and else none; where all of its words are marked
   ``unsure``, timing decides in the second case.
3. An IPU of the holder continues the holder's **turn** (Sacks, Schegloff & Jefferson 1974).
4. An IPU of the listener is

   - a **backchannel**, where words do not decide, if timing says so (the same function): it is short and stands alone,
     and the holder has spoken shortly before and goes on or speaks next (Gravano & Hirschberg 2011);
   - else, where the holder is still speaking when it ends, a failed **attempt**: the floor stays where it is. So is
     what begins in the holder's silence less than 200 ms before the holder goes on, and ends first: both began
     together;
   - else the beginning of the listener's own **turn**: the floor changes hands at its onset.

How an IPU begins in the holder's speech (:data:`Onset`) decides whether it interrupts. Who begins less than 200 ms
after the holder's IPU began is taken not to know of it (``simultaneous``: Schegloff 2000, "simultaneous starts");
whoever begins less than that before its end is taken to clip its last syllable only (``terminal``: Schegloff 2000,
"terminal overlaps"; Jefferson's transitional onset). Neither interrupts, and a holder who stops so soon has not stopped
because of it. All else is an ``interruption``.

Two ties have to be broken. Where both begin at the same millisecond the holder goes first, so that the other one
speaks in overlap. Where nobody holds the floor yet the longer of the two takes it, and ``a`` if they are equally long:
the only case in which it matters who is called ``a``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from duologue_pipeline.events.ipus import Unit, other_speaker, spoken_units, units_as_words
from duologue_pipeline.records import SPEAKERS, Activity, Span, Speaker
from duologue_pipeline.rules.backchannel_words import BackchannelWordsRules
from duologue_pipeline.rules.events import EventsRules
from duologue_pipeline.words.backchannels import BackchannelIpu, backchannel_ipus
from duologue_pipeline.words.track import TrackWords

__all__ = ["Ipu", "Onset", "read_floor"]

Role = Literal["turn", "backchannel", "attempt"]
Onset = Literal["simultaneous", "terminal", "interruption"]


@dataclass(frozen=True)
class Ipu:
    """Holds an IPU and the role that it plays.

    ``over`` is the holder's IPU in which it begins, or with which an attempt begins, ``onset`` how; both None where the
    holder is silent or it is the holder's own. ``takes_floor`` opens a turn. ``type`` is that of a backchannel told by
    its words, else empty, ``confidence`` that of a backchannel, in [0, 1].
    """

    unit: Unit
    role: Role
    type: str = ""
    over: Unit | None = None
    onset: Onset | None = None
    takes_floor: bool = False
    confidence: float = 1.0

    @property
    def speaker(self) -> Speaker:
        """Gives the one who speaks."""
        return self.unit.speaker

    @property
    def span(self) -> Span:
        """Gives when it is spoken."""
        return self.unit.span


def read_floor(
    activity: Activity | None,
    words: Mapping[Speaker, TrackWords],
    *,
    duration_ms: int,
    rules: EventsRules,
    backchannels: BackchannelWordsRules | None = None,
) -> list[Ipu]:
    """Makes the IPUs of both speakers and gives each its role.

    Args:
        activity: when each speaker is heard; None if there are only words.
        words: of each speaker; in a language without a lexicon all roles come from timing.
        duration_ms: of the conversation.
        rules: the rule set ``events``.
        backchannels: the rule set ``backchannel_words``, the packaged one if None.

    Returns:
        In order of onset.
    """
    units = {
        speaker: spoken_units(
            speaker,
            None if activity is None else getattr(activity, speaker),
            words[speaker].words,
            silence_ms=rules.ipu_silence_ms,
            duration_ms=duration_ms,
        )
        for speaker in SPEAKERS
    }
    said = {
        speaker: _as_heard(units[speaker], words[speaker], duration_ms=duration_ms, rules=rules) for speaker in SPEAKERS
    }
    return _Floor(units, _responses(units, said, backchannels), rules).walk()


def _as_heard(units: Sequence[Unit], track: TrackWords, *, duration_ms: int, rules: EventsRules) -> TrackWords:
    """Moves the times of a speaker's words so that whoever finds IPUs in them finds these units."""
    placed = units_as_words(units, track.words, silence_ms=rules.ipu_silence_ms, duration_ms=duration_ms)
    return track.moved([i for unit in units for i in range(unit.first, unit.last) or (None,)], placed)


def _responses(
    units: Mapping[Speaker, Sequence[Unit]],
    said: Mapping[Speaker, TrackWords],
    rules: BackchannelWordsRules | None,
) -> dict[Speaker, list[BackchannelIpu | None]]:
    """Tells of each IPU whether it is a backchannel, by its words or else by timing."""
    responses: dict[Speaker, list[BackchannelIpu | None]] = {}
    for speaker in SPEAKERS:
        answers = backchannel_ipus(said[speaker], said[other_speaker(speaker)], rules=rules)
        found = {Span(each.start_ms, each.end_ms): each for each in answers}
        responses[speaker] = [found.get(unit.span) for unit in units[speaker]]
    return responses


class _Floor:
    """Walks the IPUs and gives out the roles: ``done`` counts the IPUs of each speaker that have their role."""

    def __init__(
        self,
        units: Mapping[Speaker, Sequence[Unit]],
        responses: Mapping[Speaker, Sequence[BackchannelIpu | None]],
        rules: EventsRules,
    ) -> None:
        self._units, self._responses, self._rules = units, responses, rules
        self._done: dict[Speaker, int] = {"a": 0, "b": 0}
        self._holder: Speaker | None = None
        self._held: Unit | None = None  # the holder's latest IPU that belongs to the turn

    def walk(self) -> list[Ipu]:
        ipus = []
        for _ in range(sum(len(units) for units in self._units.values())):
            speaker = self._next_speaker()
            ipu = self._judged(speaker)
            if ipu.takes_floor:
                self._holder = speaker
            if ipu.role == "turn":
                self._held = ipu.unit
            self._done[speaker] += 1
            ipus.append(ipu)
        return ipus

    def _next_speaker(self) -> Speaker:
        """Chooses whose IPU comes next: the earlier; then the holder's; then the longer; then a's."""

        def rank(speaker: Speaker) -> tuple[int, bool, int, Speaker]:
            span = self._units[speaker][self._done[speaker]].span
            return span.start_ms, speaker != self._holder, -span.end_ms, speaker

        return min((s for s in SPEAKERS if self._done[s] < len(self._units[s])), key=rank)

    def _judged(self, speaker: Speaker) -> Ipu:
        at = self._done[speaker]
        unit, response = self._units[speaker][at], self._responses[speaker][at]
        own = speaker == self._holder
        over = None if own or self._held is None or unit.span.start_ms >= self._held.span.end_ms else self._held
        onset = None if over is None else self._onset(unit.span, over.span)
        if response is not None and (response.type or (self._holder is not None and not own)):
            return Ipu(unit, "backchannel", response.type, over, onset, confidence=response.confidence)
        if own:
            return Ipu(unit, "turn")
        if over is not None and unit.span.end_ms <= over.span.end_ms:
            return Ipu(unit, "attempt", "", over, onset)
        together = self._begins_with(unit.span) if over is None else None
        if together is not None:
            return Ipu(unit, "attempt", "", together, "simultaneous")
        return Ipu(unit, "turn", "", over, onset, takes_floor=True)

    def _begins_with(self, span: Span) -> Unit | None:
        """Gives the holder's next IPU, if it began together with this one and outlasts it; else None."""
        if self._holder is None or self._done[self._holder] == len(self._units[self._holder]):
            return None
        after = self._units[self._holder][self._done[self._holder]]
        starts_ms = span.start_ms, min(span.end_ms, span.start_ms + self._rules.hear_onset_ms)
        return (
            after if starts_ms[0] <= after.span.start_ms < starts_ms[1] and span.end_ms <= after.span.end_ms else None
        )

    def _onset(self, span: Span, over: Span) -> Onset:
        if span.start_ms - over.start_ms < self._rules.hear_onset_ms:
            return "simultaneous"
        if over.end_ms - span.start_ms < self._rules.terminal_overlap_ms:
            return "terminal"
        return "interruption"
