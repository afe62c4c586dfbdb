"""Damages recordings: each fault is a function over samples that knows nothing of the others.

Tracks are float32 [T] at the rate of the line, full scale is 1; they are clipped to [-1, 1] at the end only.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr
from scipy.signal import istft, stft

from duologue_pipeline.records import Span, Speaker
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.simulate import SimulateRules
from duologue_pipeline.simulate.acoustics import reverberate, rms, room_response
from duologue_pipeline.simulate.spec import Bleed, Clipping, Curve, Dropouts, Duplicate, OverSuppression

__all__ = [
    "bleed_copy",
    "clip",
    "drop_out",
    "duplicate",
    "separate",
    "stretch_and_shift",
    "suppression_gain",
    "with_noise",
]

F32 = npt.NDArray[np.float32]


def curve_at(curve: Curve, samples: int, rate_hz: int) -> npt.NDArray[np.float64]:
    """Gives the value of a curve at every sample: float64 [samples], in the curve's unit."""
    times_s, values = zip(*curve, strict=True)
    return np.interp(np.arange(samples) / rate_hz, times_s, values)


def bleed_copy(
    fault: Bleed,
    source: F32,
    speech: npt.NDArray[np.bool_],
    rng: np.random.Generator,
    rules: SimulateRules,
    rate_hz: int,
) -> tuple[F32, dict[str, Any]]:
    """Makes the copy of a speaker that is heard in the partner's track, and says what is exactly true of it.

    Args:
        fault: how loud and how late.
        source: float32 [T], the speaker's speech in its own track.
        speech: bool [T], when it speaks: levels are RMS over these samples.
        rng: decides the response of the way.
        rules: how the way sounds, and what counts as early.
        rate_hz: sample rate.

    Returns:
        The copy, float32 [T], and ``early_db``: the level, relative to all of it, of what comes within ``early_ms`` of
        its beginning.
    """
    if fault.t60_s:
        response = room_response(rng, fault.t60_s, rules.bleed_direct_to_tail_db, rate_hz)
    else:
        response = np.zeros(max(round(rules.bleed_direct_taps_within_ms * rate_hz / 1000), 8))
        taps = np.unique(rng.integers(1, len(response), rules.bleed_direct_taps))
        largest = rules.bleed_direct_tap_amplitude
        response[taps] = rng.uniform(-largest, largest, len(taps))
        response[0] = 1.0
    copy = reverberate(source, response)
    copy *= np.float32(rms(source, speech) / max(rms(copy, speech), 1e-12))
    early = np.sum(response[: round(rules.early_ms * rate_hz / 1000)] ** 2) / np.sum(response**2)
    copy = _delay(copy, fault.lag_ms, rate_hz)
    gain = 10 ** (curve_at(fault.level_db, len(copy), rate_hz) / 20)
    return copy * gain.astype(np.float32), {"early_db": _db(np.sqrt(early))}


def _db(amplitude: float) -> float:
    return round(20 * float(np.log10(max(amplitude, 1e-6))), 2) + 0.0  # not -0.0


def _delay(pcm: F32, lag_ms: Curve, rate_hz: int) -> F32:
    """Delays float32 [T] by a lag that may change: a constant lag is rounded to samples, else it interpolates."""
    if len(lag_ms) == 1:
        lag = round(lag_ms[0][1] * rate_hz / 1000)
        return np.concatenate([np.zeros(lag, np.float32), pcm[: len(pcm) - lag]])
    at = np.arange(len(pcm)) - curve_at(lag_ms, len(pcm), rate_hz) * rate_hz / 1000
    return read_at(pcm, at)


def read_at(pcm: F32, positions: npt.NDArray[np.float64]) -> F32:
    """Reads a signal between its samples by Lagrange's cubic; outside of the signal it reads 0.

    Args:
        pcm: float32 [T] in any unit.
        positions: float64 [n] in samples.

    Returns:
        float32 [n], in the unit of ``pcm``.
    """
    padded = np.concatenate([np.zeros(2, np.float32), pcm, np.zeros(3, np.float32)])
    whole = np.floor(np.clip(positions, -1, len(pcm))).astype(np.int64)
    x = (np.clip(positions, -1, len(pcm)) - whole).astype(np.float32)
    before, here, next_, after = (padded[whole + k] for k in (1, 2, 3, 4))
    return (
        -x * (x - 1) * (x - 2) / 6 * before
        + (x + 1) * (x - 1) * (x - 2) / 2 * here
        - (x + 1) * x * (x - 2) / 2 * next_
        + (x + 1) * x * (x - 1) / 6 * after
    )


def suppression_gain(fault: OverSuppression, partner: Sequence[Span], samples: int, rate_hz: int) -> F32:
    """Gives the gain of the suppressor at every sample: 1, and ``-depth_db`` while the partner speaks.

    Returns:
        float32 [samples], an amplitude in (0, 1].
    """
    milliseconds = samples * 1000 // rate_hz + 2
    level_db = np.empty(milliseconds)
    at_ms, now_db = 0, 0.0
    edges = [
        (edge, target) for span in partner for edge, target in ((span.start_ms, -fault.depth_db), (span.end_ms, 0.0))
    ]
    target_db = 0.0
    for edge_ms, next_db in [*edges, (milliseconds, 0.0)]:
        tau_ms = fault.attack_ms if target_db < now_db else fault.release_ms
        decay = np.exp(-np.arange(edge_ms - at_ms + 1) / max(tau_ms, 0.1))
        level_db[at_ms:edge_ms] = target_db + (now_db - target_db) * decay[:-1]
        now_db = target_db + (now_db - target_db) * float(decay[-1])
        at_ms, target_db = edge_ms, next_db
    at = np.arange(samples) * (1000 / rate_hz)
    return (10 ** (np.interp(at, np.arange(milliseconds), level_db) / 20)).astype(np.float32)


def clip(fault: Clipping, pcm: F32, speech: npt.NDArray[np.bool_]) -> tuple[F32, dict[str, Any]]:
    """Cuts off the loudest samples of a track, and says at which level: ``at_dbfs``.

    ``pcm`` is float32 [T], full scale is 1; ``speech`` bool [T], when its speaker speaks. The result is as ``pcm``.
    """
    limit = float(np.quantile(np.abs(pcm[speech]), 1 - fault.share)) if speech.any() else 1.0
    return np.clip(pcm, -limit, limit), {"at_dbfs": _db(limit)}


def drop_out(fault: Dropouts, pcm: F32, rng: np.random.Generator, rate_hz: int) -> tuple[F32, dict[str, Any]]:
    """Replaces lost packets of float32 [T] by zeros, and says where: ``spans_s``."""
    damaged = pcm.copy()
    duration_s = len(pcm) / rate_hz
    starts_s = np.sort(rng.uniform(0, duration_s, rng.poisson(fault.per_minute * duration_s / 60)))
    lengths_s = rng.uniform(*load_rules(SimulateRules).dropout_s, len(starts_s))
    spans_s: list[list[float]] = []
    for start_s, length_s in zip(starts_s.tolist(), lengths_s.tolist(), strict=True):
        start, end = round(start_s * rate_hz), min(round((start_s + length_s) * rate_hz), len(pcm))
        damaged[start:end] = 0
        spans_s.append([round(start / rate_hz, 6), round(end / rate_hz, 6)])
    return damaged, {"spans_s": spans_s}


def duplicate(
    fault: Duplicate, tracks: Mapping[Speaker, F32], rng: np.random.Generator, rate_hz: int
) -> dict[Speaker, F32]:
    """Puts one signal on both tracks: float32 [T] each, full scale is 1."""
    one = tracks["a"] + tracks["b"] if fault.source == "mix" else tracks[fault.source]
    other = _delay(one, ((0.0, fault.delay_ms),), rate_hz) * np.float32(10 ** (fault.gain_db / 20))
    return {"a": with_noise(one, fault.noise_db, rng), "b": with_noise(other, fault.noise_db, rng)}


def with_noise(pcm: F32, noise_db: float, rng: np.random.Generator) -> F32:
    """Adds white noise to float32 [T], ``noise_db`` relative to its RMS."""
    level = np.float32(rms(pcm) * 10 ** (noise_db / 20))
    return pcm + level * rng.standard_normal(len(pcm), dtype=np.float32)


def separate(tracks: Mapping[Speaker, F32], leak_db: float, rate_hz: int) -> dict[Speaker, F32]:
    """Pulls the sum of both tracks apart by their ideal ratio masks (Srinivasan, Roman & Wang 2006).

    ``tracks`` and the result are float32 [T] each, full scale is 1.
    """
    window = rate_hz * load_rules(SimulateRules).separation_window_ms // 1000
    spectra = {s: stft(track, rate_hz, nperseg=window)[2] for s, track in tracks.items()}
    power = {s: np.square(np.abs(spectrum)) for s, spectrum in spectra.items()}
    mix = spectra["a"] + spectra["b"]
    total = power["a"] + power["b"] + 1e-20
    floor = np.float32(10 ** (leak_db / 20))
    apart: dict[Speaker, F32] = {}
    for s, track in tracks.items():
        _, pcm = istft(mix * np.maximum(np.sqrt(power[s] / total), floor), rate_hz, nperseg=window)
        apart[s] = np.resize(pcm.astype(np.float32), len(track))
    return apart


def stretch_and_shift(pcm: F32, ppm: float, late_s: float, filling: F32, rate_hz: int) -> F32:
    """Records a track by another clock: what was at t is at ``t * (1 + ppm / 1e6) + late_s``, in the same length.

    ``filling`` float32 [T] is what stands where the track has not begun or has ended.
    """
    if ppm:
        pcm = soxr.resample(pcm, rate_hz, rate_hz * (1 + ppm * 1e-6), quality="VHQ")
    shift = round(late_s * rate_hz)
    moved = filling.copy()
    start, end = max(shift, 0), min(shift + len(pcm), len(moved))
    moved[start:end] = pcm[start - shift : end - shift]
    return moved
