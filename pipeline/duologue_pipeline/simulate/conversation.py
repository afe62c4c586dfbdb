"""Simulates one conversation from its specification, in the order in which sound travels.

Speech, room, bleed, noise; then what devices do: suppression, clipping, coding, lost packets; then what recorders do:
both on one track, speakers swapped, clocks that differ.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from duologue_pipeline.records import SPEAKERS, Speaker
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.simulate import SimulateRules
from duologue_pipeline.simulate import acoustics, faults
from duologue_pipeline.simulate.seeds import generator
from duologue_pipeline.simulate.spec import (
    Bleed,
    Clipping,
    ConversationSpec,
    Drift,
    Dropouts,
    Duplicate,
    Fault,
    MonoMix,
    Offset,
    OverSuppression,
    Separated,
    Swap,
)
from duologue_pipeline.simulate.structure import plan
from duologue_pipeline.simulate.truth import activity_of, event_json, events_of, words_of
from duologue_pipeline.simulate.voices import VoiceBank

__all__ = ["FAULT_NAMES", "Simulated", "simulate_conversation"]

F32 = npt.NDArray[np.float32]

FAULT_NAMES: Final[Mapping[type[Fault], str]] = {
    Bleed: "bleed",
    Duplicate: "duplicate",
    MonoMix: "mono_mix",
    OverSuppression: "over_suppression",
    Swap: "swap",
    Offset: "offset",
    Drift: "drift",
    Clipping: "clipping",
    Dropouts: "dropouts",
    Separated: "separated",
}
"""The name of each fault, as in ``--fault`` and in the truth."""


@dataclass(frozen=True)
class Simulated:
    """Holds a simulated conversation and its truth, which docs/simulate.md describes.

    ``a`` and ``b`` are float32 [T] in [-1, 1] at ``sample_rate_hz``.
    """

    a: F32
    b: F32
    sample_rate_hz: int
    truth: dict[str, Any]


def simulate_conversation(spec: ConversationSpec, voices: VoiceBank) -> Simulated:
    """Simulates a conversation; the same specification and voices give the same samples.

    Raises:
        KeyError: the bank does not have a voice that the specification names.
    """
    return _Simulation(spec, voices).run()


class _Simulation:
    def __init__(self, spec: ConversationSpec, voices: VoiceBank) -> None:
        self.spec, self.rules = spec, load_rules(SimulateRules)
        self.rate_hz = spec.sample_rate_hz
        self.samples = round(spec.duration_s * self.rate_hz)
        self.utterances = plan(spec, {s: voices.clips(spec.side(s).voice) for s in SPEAKERS})
        self.activity = {s: activity_of(self.utterances, s) for s in SPEAKERS}
        self.masks = {s: acoustics.mask_of(self.activity[s], self.samples, self.rate_hz) for s in SPEAKERS}
        self.found: list[dict[str, Any]] = []

    def rng(self, *purpose: object) -> np.random.Generator:
        return generator(self.spec.seed, self.spec.recording_id, *purpose)

    def run(self) -> Simulated:
        speech = {s: self._speech(s) for s in SPEAKERS}
        tracks = {s: self._microphone(s, speech) for s in SPEAKERS}
        for fault in self.spec.faults:
            if isinstance(fault, OverSuppression):
                partner = self.activity[_other(fault.side)]
                tracks[fault.side] *= faults.suppression_gain(fault, partner, self.samples, self.rate_hz)
                self._note(fault)
            elif isinstance(fault, Clipping):
                tracks[fault.side], exact = faults.clip(fault, tracks[fault.side], self.masks[fault.side])
                self._note(fault, **exact)
        tracks = {s: acoustics.code(track, self.spec.line) for s, track in tracks.items()}
        for fault in self.spec.faults:
            if isinstance(fault, Dropouts):
                rng = self.rng("dropouts", fault.side)
                tracks[fault.side], exact = faults.drop_out(fault, tracks[fault.side], rng, self.rate_hz)
                self._note(fault, **exact)
        tracks = self._recorder(tracks)
        bounded = {s: np.clip(track, -1, 1).astype(np.float32) for s, track in tracks.items()}
        return Simulated(bounded["a"], bounded["b"], self.rate_hz, self._truth())

    def _note(self, fault: Fault, **exact: Any) -> None:
        self.found.append({"kind": FAULT_NAMES[type(fault)], **asdict(fault), **exact})

    # --- sound -------------------------------------------------------------------------------------------------------

    def _speech(self, speaker: Speaker) -> F32:
        """Makes the speech of one speaker in its room behind the line, at its level."""
        side = self.spec.side(speaker)
        own = [u for u in self.utterances if u.speaker == speaker]
        pcm = acoustics.band_limit(acoustics.render(own, side.speed, self.samples, self.rate_hz), self.spec.line)
        if side.t60_s:
            ratio_db = self.rules.room_direct_to_tail_db
            response = acoustics.room_response(self.rng("room", speaker), side.t60_s, ratio_db, self.rate_hz)
            pcm = acoustics.reverberate(pcm, response)
        level = acoustics.rms(pcm, self.masks[speaker])
        return pcm * np.float32(10 ** (side.level_dbfs / 20) / max(level, 1e-12))

    def _microphone(self, speaker: Speaker, speech: Mapping[Speaker, F32]) -> F32:
        """Records a track: its speaker, noise and hum, and copies of the partner."""
        side, partner = self.spec.side(speaker), _other(speaker)
        pcm = speech[speaker] + self._noise(speaker, side.noise, "noise")
        if self.spec.hum_dbfs is not None:
            pcm += acoustics.hum(self.samples, self.rate_hz, self.spec.hum_hz, self.spec.hum_dbfs)
        if side.silence != "noise":
            pcm = self._gated(speaker, pcm)
        for number, fault in enumerate(self.spec.faults):
            if isinstance(fault, Bleed) and fault.into == speaker:
                copy, exact = faults.bleed_copy(
                    fault, speech[partner], self.masks[partner], self.rng("bleed", number), self.rules, self.rate_hz
                )
                pcm += copy
                self._note(fault, **exact)
        return pcm

    def _noise(self, speaker: Speaker, colour: str, purpose: str) -> F32:
        level_dbfs = self.spec.side(speaker).noise_dbfs
        return acoustics.noise(self.rng(purpose, speaker), self.samples, colour, level_dbfs, self.spec.line)

    def _gated(self, speaker: Speaker, pcm: F32) -> F32:
        """Suppresses silence: some time after the speaker it sends zeros or comfort noise in place of the track."""
        hold = self.rules.sent_after_speech_ms * self.rate_hz // 1000
        sent = self.masks[speaker].copy()
        for end in np.flatnonzero(np.diff(self.masks[speaker].astype(np.int8)) == -1).tolist():
            sent[end : end + hold] = True
        return np.where(sent, pcm, self._silence(speaker))

    def _silence(self, speaker: Speaker) -> F32:
        """Makes what the track carries while its speaker is not sent."""
        match self.spec.side(speaker).silence:
            case "digital":
                return np.zeros(self.samples, np.float32)
            case "comfort":
                return self._noise(speaker, "white", "comfort noise")
            case "noise":
                return self._noise(speaker, self.spec.side(speaker).noise, "filling")

    # --- recorder ----------------------------------------------------------------------------------------------------

    def _recorder(self, tracks: dict[Speaker, F32]) -> dict[Speaker, F32]:
        for fault in self.spec.faults:
            rng = self.rng("recorder")
            if isinstance(fault, Duplicate):
                tracks = faults.duplicate(fault, tracks, rng, self.rate_hz)
            elif isinstance(fault, MonoMix):
                mix = tracks["a"] + tracks["b"]
                tracks = {s: faults.with_noise(mix, fault.noise_db, rng) for s in SPEAKERS}
            elif isinstance(fault, Separated):
                tracks = faults.separate(tracks, fault.leak_db, self.rate_hz)
            else:
                continue
            self._note(fault)
        for fault in self.spec.faults:
            if isinstance(fault, Swap):
                at = round(fault.at_s * self.rate_hz)
                a, b = tracks["a"], tracks["b"]
                tracks = {"a": np.concatenate([a[:at], b[at:]]), "b": np.concatenate([b[:at], a[at:]])}
                self._note(fault)
        for s, (ppm, late_s) in self._clocks().items():
            if ppm or late_s:
                tracks[s] = faults.stretch_and_shift(tracks[s], ppm, late_s, self._silence(s), self.rate_hz)
        for fault in self.spec.faults:
            if isinstance(fault, Offset | Drift):
                self._note(fault)
        return tracks

    def _clocks(self) -> dict[Speaker, tuple[float, float]]:
        """Gives how fast each track's clock is in ppm, and how late the track is in seconds."""
        return {
            s: (
                sum(fault.ppm for fault in self.spec.faults if isinstance(fault, Drift) and fault.side == s),
                sum(fault.late_s for fault in self.spec.faults if isinstance(fault, Offset) and fault.side == s),
            )
            for s in SPEAKERS
        }

    # --- truth -------------------------------------------------------------------------------------------------------

    def _truth(self) -> dict[str, Any]:
        spec = self.spec
        return {
            "schema": "simulation/1.0",
            "rules": self.rules.version,
            "recording_id": spec.recording_id,
            "seed": spec.seed,
            "duration_s": spec.duration_s,
            "sample_rate_hz": self.rate_hz,
            "language": spec.language,
            "line": spec.line,
            "hum_dbfs": spec.hum_dbfs,
            "tracks": {
                s: {**asdict(spec.side(s)), "clock": {"fast_ppm": ppm, "late_s": late_s}}
                for s, (ppm, late_s) in self._clocks().items()
            },
            "activity": {
                s: [[span.start_ms / 1000, span.end_ms / 1000] for span in self.activity[s]] for s in SPEAKERS
            },
            "words": {s: words_of(self.utterances, s, spec.side(s).speed) for s in SPEAKERS},
            "events": self._events(),
            "faults": self.found,
        }

    def _events(self) -> list[dict[str, Any]]:
        meant = {(u.speaker, u.start_ms) for u in self.utterances if u.barges_in}
        rows = []
        for event in events_of(self.utterances):
            row = event_json(event)
            if event.kind == "interruption" and event.floor_taking:
                row["meant"] = (event.speaker, event.start_ms) in meant
            rows.append(row)
        return rows


def _other(speaker: Speaker) -> Speaker:
    return "b" if speaker == "a" else "a"
