"""Plans who speaks when: it draws turns, backchannels and interruptions from published human statistics.

The figures are in rules/simulate.json, their sources in docs/simulate.md. Each utterance of the plan is one
inter-pausal unit, of which the plan knows the role; so the truth about events is known and not found out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from duologue_pipeline.records import Speaker
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.simulate import SimulateRules
from duologue_pipeline.simulate.seeds import generator
from duologue_pipeline.simulate.spec import ConversationSpec
from duologue_pipeline.simulate.voices import Clip, VoiceClips

__all__ = ["Utterance", "plan"]

Role = Literal["turn", "backchannel", "interruption"]


@dataclass(frozen=True)
class Utterance:
    """Holds one inter-pausal unit of the plan, in milliseconds on the conversation's clock.

    ``role`` is ``turn`` for what the holder of the floor says, else what the listener does without taking it.
    ``takes_floor`` opens a turn. ``barges_in`` is an interruption that was meant: the other one breaks off for it.
    ``cut`` is a clip that is broken off before its end.
    """

    speaker: Speaker
    role: Role
    clip: Clip
    start_ms: int
    end_ms: int
    gain_db: float
    takes_floor: bool = False
    barges_in: bool = False
    cut: bool = False

    @property
    def duration_ms(self) -> int:
        """Gives its length in milliseconds."""
        return self.end_ms - self.start_ms


def _draw_fto_s(rng: np.random.Generator, rules: SimulateRules) -> float:
    """Draws a floor-transfer offset in seconds: it is negative in overlap."""
    fto_s = float(rng.logistic(rules.fto_mode_s, rules.fto_logistic_scale_s))
    if rng.random() < rules.fto_late_share:
        fto_s += float(rng.exponential(rules.fto_late_mean_s))
    return min(fto_s, rules.fto_max_s)


def plan(spec: ConversationSpec, clips: Mapping[Speaker, VoiceClips]) -> list[Utterance]:
    """Draws a conversation of ``spec.duration_s`` out of what both voices can say.

    Returns:
        Utterances in order of onset. Those of one speaker are at least ``own_silence_min_s`` apart, and turns follow
        the rules of :mod:`duologue_pipeline.events.find`: each begins after the onset of the last IPU of the one
        before, and ends after it.
    """
    return sorted(_Planner(spec, clips).run(), key=lambda utterance: (utterance.start_ms, utterance.speaker))


class _Planner:
    def __init__(self, spec: ConversationSpec, clips: Mapping[Speaker, VoiceClips]) -> None:
        self._rules = rules = load_rules(SimulateRules)
        self._rng = generator(spec.seed, spec.recording_id, "structure")
        self._speed: dict[Speaker, float] = {"a": spec.a.speed, "b": spec.b.speed}
        self._phrases = {speaker: _bag(voice.phrases, self._rng) for speaker, voice in clips.items()}
        self._backchannels = {speaker: _bag(voice.backchannels, self._rng) for speaker, voice in clips.items()}
        self._longest_ms = {
            speaker: max(self._length_ms(clip, speaker) for clip in voice.phrases) for speaker, voice in clips.items()
        }
        self._last_ms = round(1000 * (spec.duration_s - rules.tail_s))
        self._mean_ipus = {speaker: self._rng.uniform(*rules.ipus_per_turn_mean) for speaker in clips}
        self._silent_from_ms: dict[Speaker, int] = {"a": 0, "b": 0}
        rates = rules.backchannels_per_partner_minute
        rate = rates.get(spec.language, rates.get(spec.language.split("-")[0], rates["default"]))
        self._per_ms = {
            "backchannel": rate / 60_000,
            "interruption": self._rules.failed_interruptions_per_partner_minute / 60_000,
        }
        # Listener acts are due when the partner has spoken for an exponentially distributed time: a Poisson process.
        # One that finds no room stays due, so that the rate comes out as given.
        self._due = {(speaker, act): self._wait() for speaker in clips for act in self._per_ms}

    def _wait(self) -> float:
        return float(self._rng.exponential())

    def _ms(self, seconds: float) -> int:
        return round(1000 * seconds)

    def run(self) -> Iterator[Utterance]:
        holder: Speaker = "a" if self._rng.random() < 0.5 else "b"
        onset_ms, at_least_ms, barges_in = self._ms(self._rng.uniform(*self._rules.lead_s)), 0, False
        while turn := self._turn(holder, onset_ms, at_least_ms, barges_in):
            listener: Speaker = "b" if holder == "a" else "a"
            turn, onset_ms, barges_in = self._hand_over(turn, listener)
            yield from turn
            self._silent_from_ms[holder] = turn[-1].end_ms
            for act in self._listener_acts(turn, listener, onset_ms):
                yield act
                self._silent_from_ms[listener] = act.end_ms
            at_least_ms = turn[-1].end_ms - onset_ms + self._ms(self._rules.own_silence_min_s)
            holder = listener

    def _turn(self, speaker: Speaker, onset_ms: int, at_least_ms: int, barges_in: bool) -> list[Utterance]:
        """Draws a turn from ``onset_ms`` on, its first IPU at least ``at_least_ms`` long; empty if none fits."""
        ipus: list[Utterance] = []
        for _ in range(int(self._rng.geometric(1 / self._mean_ipus[speaker]))):
            wanted_ms = 0 if ipus else at_least_ms
            clip = next(clip for clip in self._phrases[speaker] if self._length_ms(clip, speaker) >= wanted_ms)
            utterance = self._say(speaker, "turn", clip, onset_ms)
            if utterance.end_ms > self._last_ms:
                break
            ipus.append(replace(utterance, takes_floor=not ipus, barges_in=barges_in and not ipus))
            pause_s = self._rng.lognormal(np.log(self._rules.pause_median_s), self._rules.pause_log_sigma)
            pause_s = np.clip(pause_s, self._rules.pause_min_s, self._rules.pause_max_s)
            onset_ms = utterance.end_ms + self._ms(float(pause_s))
        return ipus

    def _length_ms(self, clip: Clip, speaker: Speaker) -> int:
        return self._ms(clip.duration_s / self._speed[speaker])

    def _say(self, speaker: Speaker, role: Role, clip: Clip, start_ms: int) -> Utterance:
        gain_db = float(
            self._rng.normal(0 if role == "turn" else self._rules.listener_gain_db, self._rules.utterance_gain_sigma_db)
        )
        return Utterance(speaker, role, clip, start_ms, start_ms + self._length_ms(clip, speaker), gain_db)

    def _hand_over(self, turn: list[Utterance], listener: Speaker) -> tuple[list[Utterance], int, bool]:
        """Ends a turn: gives its IPUs, when the listener begins, and whether the listener barges in."""
        last = turn[-1]
        # The listener must have been silent for a while, and must have a phrase that outlasts the overlap.
        alone_ms, outlast_ms = self._ms(self._rules.listener_alone_s), self._ms(self._rules.own_silence_min_s)
        earliest_ms = max(
            self._silent_from_ms[listener] + alone_ms, last.end_ms + outlast_ms - self._longest_ms[listener]
        )
        if self._rng.random() < self._rules.interrupted_turns_share:
            onset_ms = last.start_ms + round(
                self._rng.uniform(*self._rules.interruption_onset_share) * last.duration_ms
            )
            stop_ms = self._ms(self._rng.uniform(*self._rules.stop_latency_s))
            cut_ms = self._ms(self._rules.interruption_min_cut_s)
            if onset_ms >= earliest_ms and onset_ms + stop_ms < last.end_ms - cut_ms:
                return [*turn[:-1], replace(last, end_ms=onset_ms + stop_ms, cut=True)], onset_ms, True
        for _ in range(self._rules.fto_max_draws):
            onset_ms = last.end_ms + self._ms(_draw_fto_s(self._rng, self._rules))
            if onset_ms >= max(earliest_ms, last.start_ms + self._rules.fto_earliest_share * last.duration_ms):
                return turn, onset_ms, False
        return turn, max(last.end_ms, earliest_ms), False

    def _listener_acts(self, turn: Sequence[Utterance], listener: Speaker, next_onset_ms: int) -> Iterator[Utterance]:
        """Draws backchannels and failed interruptions of the listener in this turn, apart from its other utterances."""
        alone_ms = self._ms(self._rules.listener_alone_s)
        free_ms = self._silent_from_ms[listener] + alone_ms
        for i, ipu in enumerate(turn):
            resumes_ms = turn[i + 1].start_ms if i + 1 < len(turn) else None
            for act in self._per_ms:
                self._due[listener, act] -= ipu.duration_ms * self._per_ms[act]
                if self._due[listener, act] > 0:
                    continue
                utterance = (
                    self._backchannel(ipu, resumes_ms, listener)
                    if act == "backchannel"
                    else self._failed_interruption(ipu, listener)
                )
                if utterance and free_ms <= utterance.start_ms and utterance.end_ms <= next_onset_ms - alone_ms:
                    yield utterance
                    free_ms = utterance.end_ms + alone_ms
                    self._due[listener, act] += self._wait()

    def _backchannel(self, ipu: Utterance, resumes_ms: int | None, listener: Speaker) -> Utterance | None:
        clip = next(self._backchannels[listener])
        if self._rng.random() < self._rules.backchannels_in_silence_share:
            start_ms = ipu.end_ms + self._ms(self._rng.uniform(*self._rules.backchannel_after_s))
            if resumes_ms is None or start_ms >= resumes_ms:
                return None
        else:
            start_ms = ipu.start_ms + round(self._rng.uniform(*self._rules.backchannel_onset_share) * ipu.duration_ms)
            if resumes_ms is None and start_ms + self._length_ms(clip, listener) > ipu.end_ms:
                return None
        return self._say(listener, "backchannel", clip, start_ms)

    def _failed_interruption(self, ipu: Utterance, listener: Speaker) -> Utterance | None:
        clip = next(self._phrases[listener])
        length_ms = min(
            self._ms(self._rng.uniform(*self._rules.failed_interruption_s)), self._length_ms(clip, listener)
        )
        start_ms = ipu.start_ms + round(
            self._rng.uniform(*self._rules.failed_interruption_onset_share) * ipu.duration_ms
        )
        if start_ms + length_ms + self._ms(self._rules.failed_interruption_before_end_s) > ipu.end_ms:
            return None
        said = self._say(listener, "interruption", clip, start_ms)
        return replace(said, end_ms=start_ms + length_ms, cut=start_ms + length_ms < said.end_ms)


def _bag(clips: Sequence[Clip], rng: np.random.Generator) -> Iterator[Clip]:
    """Gives all clips in random order, again and again."""
    while True:
        for i in rng.permutation(len(clips)).tolist():
            yield clips[i]
