"""Holds voices as banks of short clips, each one inter-pausal unit long, for conversations to be made of.

:class:`NoiseBank` needs nothing but numpy: a glottal pulse train through moving formants, in the rhythm of syllables,
with bursts of noise between them. It says no words, but has what isolation and activity are measured by. Synthesised
and recorded voices are in :mod:`duologue_pipeline.simulate.synthesised` and :mod:`duologue_pipeline.simulate.recorded`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
from scipy.signal import butter, sosfilt

from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.simulate import SimulateRules
from duologue_pipeline.simulate.seeds import generator

__all__ = ["CLIP_RATE_HZ", "Clip", "NoiseBank", "VoiceBank", "VoiceClips", "trim", "unit_rms"]

CLIP_RATE_HZ: Final = 24000
"""Sample rate of all clips."""

F32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Clip:
    """Holds speech without a pause of ``clip_joined_ms``, cut to where it sounds.

    ``pcm`` is float32 [T] at 24 kHz with an RMS of 1. ``words`` are ``(word, start_s, end_s)`` within the clip, sorted;
    None where nobody knows what is said.
    """

    pcm: F32
    words: Sequence[tuple[str, float, float]] | None = None

    @property
    def duration_s(self) -> float:
        """Gives its length in seconds."""
        return len(self.pcm) / CLIP_RATE_HZ


@dataclass(frozen=True)
class VoiceClips:
    """Holds what a voice can say: ``phrases`` make turns, ``backchannels`` are under 800 ms; neither is empty."""

    phrases: Sequence[Clip]
    backchannels: Sequence[Clip]


class VoiceBank(Protocol):
    """Offers voices that :func:`duologue_pipeline.simulate.simulate_conversation` can speak with."""

    def voices(self) -> Sequence[str]:
        """Lists the names of the voices, sorted."""
        ...

    def clips(self, voice: str) -> VoiceClips:
        """Gives what a voice can say.

        Raises:
            KeyError: there is no such voice.
        """
        ...


def trim(pcm: npt.NDArray[np.floating], rate_hz: int) -> list[tuple[int, int]]:
    """Finds where a clip sounds: not too far below the level of its speech, across short silences too.

    How far and how short is in the rule set ``simulate``: ``clip_below_speech_db`` and ``clip_joined_ms``.

    Args:
        pcm: float [T], at any gain.
        rate_hz: of it.

    Returns:
        Sample ranges ``[start, end)``, in multiples of ``clip_frame_ms``.
    """
    rules = load_rules(SimulateRules)
    frame = rate_hz * rules.clip_frame_ms // 1000
    power = np.mean(np.square(pcm[: len(pcm) // frame * frame].reshape(-1, frame), dtype=np.float64), axis=1)
    if not power.any():
        return []
    loud_power = power[power >= power.max() / 10 ** (rules.clip_loud_below_peak_db / 10)].mean()
    ranges: list[tuple[int, int]] = []
    for i in np.flatnonzero(power > loud_power * 10 ** (-rules.clip_below_speech_db / 10)).tolist():
        if ranges and (i - ranges[-1][1]) * rules.clip_frame_ms < rules.clip_joined_ms:
            ranges[-1] = (ranges[-1][0], i + 1)
        else:
            ranges.append((i, i + 1))
    return [(start * frame, end * frame) for start, end in ranges]


def unit_rms(pcm: npt.NDArray[np.floating]) -> F32:
    """Scales float [T] to an RMS of 1 and fades both its ends for ``clip_fade_ms``: float32 [T]."""
    scaled = np.asarray(pcm / np.sqrt(np.mean(np.square(pcm, dtype=np.float64))), np.float32)
    ramp = np.linspace(0, 1, load_rules(SimulateRules).clip_fade_ms * CLIP_RATE_HZ // 1000, dtype=np.float32)
    scaled[: len(ramp)] *= ramp
    scaled[-len(ramp) :] *= ramp[::-1]
    return scaled


# --- voices made of noise -------------------------------------------------------------------------------------------

_VOWELS_HZ: Final = (  # first four formants of ten vowels; means of men, Peterson & Barney 1952, the fourth set
    (270, 2290, 3010, 3700),
    (390, 1990, 2550, 3600),
    (530, 1840, 2480, 3500),
    (660, 1720, 2410, 3500),
    (730, 1090, 2440, 3400),
    (570, 840, 2410, 3400),
    (440, 1020, 2240, 3300),
    (300, 870, 2240, 3300),
    (640, 1190, 2390, 3400),
    (490, 1350, 1690, 3300),
)
_BANDWIDTHS_HZ: Final = (70, 100, 140, 200)


@dataclass(frozen=True)
class NoiseBank:
    """Babbles with voices ``noise-00`` ... that are always the same, each made in about a tenth of a second."""

    size: int = 16

    def voices(self) -> Sequence[str]:
        """Lists the names of the voices, sorted."""
        return [f"noise-{i:02d}" for i in range(self.size)]

    def clips(self, voice: str) -> VoiceClips:
        """Gives what a voice can say.

        Raises:
            KeyError: there is no such voice.
        """
        if voice not in self.voices():
            raise KeyError(f"{voice!r} is not one of {self.size} noise voices")
        return _babble(voice)


@lru_cache(maxsize=32)
def _babble(voice: str) -> VoiceClips:
    rng = generator("noise bank 1.0", voice)
    pitch_hz, tract = float(rng.uniform(90, 230)), float(rng.uniform(0.9, 1.2))
    breath = float(rng.uniform(0.02, 0.15))
    syllables = [*np.clip(rng.lognormal(np.log(6.5), 0.7, 36).round().astype(int), 2, 22).tolist(), *[1, 1, 1, 2, 2, 2]]
    clips = [Clip(_phrase(rng, n, pitch_hz, tract, breath)) for n in syllables]
    return VoiceClips(phrases=clips[:36], backchannels=clips[36:])


def _phrase(rng: np.random.Generator, syllables: int, pitch_hz: float, tract: float, breath: float) -> F32:
    """Babbles ``syllables`` of 170 to 270 ms (4 to 5 Hz on average: Arai & Greenberg 1997)."""
    lengths = (rng.uniform(0.17, 0.27, syllables) * CLIP_RATE_HZ).astype(int)
    edges = np.concatenate([[0], np.cumsum(lengths)])
    total = int(edges[-1])
    time = np.arange(total) / CLIP_RATE_HZ
    contour = (
        1.12 - 0.2 * time / max(time[-1], 0.5) + 0.06 * np.sin(2 * np.pi * rng.uniform(1, 3) * time + rng.uniform(0, 6))
    )
    cycles = np.cumsum(pitch_hz * contour * (1 + 0.01 * rng.standard_normal(total))) / CLIP_RATE_HZ
    pulses = np.diff(np.floor(cycles), prepend=0.0)
    glottis = sosfilt(butter(2, 500, fs=CLIP_RATE_HZ, output="sos"), pulses) * 30
    source = np.diff(glottis, prepend=0.0) * 8 + breath * rng.standard_normal(total) * 0.1
    voiced = np.empty(total)
    state = np.zeros((4, 2))
    shape = np.empty(total)
    for first, last in pairwise(edges.tolist()):
        vowel = np.array(_VOWELS_HZ[rng.integers(len(_VOWELS_HZ))]) * tract
        voiced[first:last], state = sosfilt(_formants(vowel), source[first:last], zi=state)
        hump = np.sin(np.pi * (np.arange(last - first) + 0.5) / (last - first))
        shape[first:last] = rng.uniform(0.6, 1.0) * (0.08 + 0.92 * hump)
    voiced *= shape
    voiced /= np.sqrt(np.mean(voiced**2)) + 1e-12
    for edge in edges[:-1]:
        if rng.random() < 0.55:
            burst = _burst(rng)[: total - edge]
            voiced[edge : edge + len(burst)] += burst
    ((start, end), *_) = trim(voiced, CLIP_RATE_HZ)
    return unit_rms(voiced[start:end])


def _formants(formants_hz: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Makes second-order sections [4, 6], one resonance each (Klatt 1980), with unit gain at 0 Hz."""
    radius = np.exp(-np.pi * np.array(_BANDWIDTHS_HZ) / CLIP_RATE_HZ)
    a1, a2 = -2 * radius * np.cos(2 * np.pi * formants_hz / CLIP_RATE_HZ), radius**2
    zero, one = np.zeros(4), np.ones(4)
    return np.stack([1 + a1 + a2, zero, zero, one, a1, a2], axis=1)


def _burst(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Makes a consonant: 40 to 90 ms of noise around some frequency of 2 to 6 kHz."""
    length = int(rng.uniform(0.04, 0.09) * CLIP_RATE_HZ)
    centre_hz = rng.uniform(2000, 6000)
    band = butter(1, (0.6 * centre_hz, 1.5 * centre_hz), "bandpass", fs=CLIP_RATE_HZ, output="sos")
    return rng.uniform(0.3, 0.9) * np.hanning(length) * sosfilt(band, rng.standard_normal(length))
