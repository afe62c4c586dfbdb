"""Makes the sound of a recording in which nothing is wrong: rooms, lines and noise."""

import io
from collections.abc import Sequence
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
import soundfile
import soxr
from scipy.signal import butter, lfilter, oaconvolve, sosfilt

from duologue_pipeline.records import Span
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.simulate import SimulateRules
from duologue_pipeline.simulate.spec import LINE_RATES_HZ
from duologue_pipeline.simulate.structure import Utterance
from duologue_pipeline.simulate.voices import CLIP_RATE_HZ

__all__ = [
    "band_limit",
    "code",
    "hum",
    "mask_of",
    "noise",
    "render",
    "reverberate",
    "rms",
    "room_response",
]

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

_BANDS_HZ: Final = {
    "telephone": (300.0, 3400.0),
    "mobile": (200.0, 3400.0),
    "wideband": (50.0, 7000.0),
    "voip": (50.0, 7000.0),
    "studio": (30.0, 11000.0),
}
_FILE_CODECS: Final = {"mobile": ("WAV", "GSM610"), "voip": ("OGG", "OPUS")}
_MU: Final = 255.0


def rms(pcm: npt.NDArray[np.floating], mask: npt.NDArray[np.bool_] | None = None) -> float:
    """Gives the root mean square of float [T], in its unit; 0.0 of no samples.

    ``mask`` bool [T] chooses the samples that count.
    """
    chosen = pcm if mask is None else pcm[mask]
    return float(np.sqrt(np.mean(np.square(chosen, dtype=np.float64)))) if chosen.size else 0.0


def mask_of(spans: Sequence[Span], samples: int, rate_hz: int) -> npt.NDArray[np.bool_]:
    """Marks the samples that lie in the spans: bool [samples]."""
    mask = np.zeros(samples, np.bool_)
    for span in spans:
        mask[span.start_ms * rate_hz // 1000 : span.end_ms * rate_hz // 1000] = True
    return mask


def render(utterances: Sequence[Utterance], speed: float, samples: int, rate_hz: int) -> F32:
    """Puts one speaker's utterances in their places.

    Returns:
        float32 [samples], with an RMS of about 1 while the speaker speaks.
    """
    track = np.zeros(samples, np.float32)
    resampled: dict[int, F32] = {}
    fade = load_rules(SimulateRules).cut_fade_ms * rate_hz // 1000
    for u in utterances:
        pcm = resampled.get(id(u.clip))
        if pcm is None:
            pcm = resampled[id(u.clip)] = soxr.resample(u.clip.pcm, CLIP_RATE_HZ * speed, rate_hz)
        start = u.start_ms * rate_hz // 1000
        said = pcm[: u.duration_ms * rate_hz // 1000] * np.float32(10 ** (u.gain_db / 20))
        if u.cut:
            ramp = np.linspace(1, 0, min(fade, len(said)), dtype=np.float32)
            said[-len(ramp) :] *= ramp
        track[start : start + len(said)] = said
    return track


def band_limit(pcm: F32, line: str) -> F32:
    """Keeps the band that a line lets through, with under a millisecond of delay in its middle: float32 [T]."""
    return sosfilt(_band(line), pcm).astype(np.float32)


@cache
def _band(line: str) -> F64:
    band: F64 = butter(4, _BANDS_HZ[line], "bandpass", fs=LINE_RATES_HZ[line], output="sos")
    return band


def room_response(rng: np.random.Generator, t60_s: float, direct_to_tail_db: float, rate_hz: int) -> F64:
    """Draws the response of a simple room: the direct sound, then decaying noise (Polack 1988).

    Returns:
        float64 [t60_s * rate_hz], one tap a sample, with unit power; the direct sound at 0.
    """
    time_s = np.arange(round(t60_s * rate_hz)) / rate_hz
    tail = rng.standard_normal(len(time_s)) * 10 ** (-3 * time_s / t60_s)
    tail[: round(load_rules(SimulateRules).room_first_reflection_ms * rate_hz / 1000)] = 0
    response: F64 = tail * 10 ** (-direct_to_tail_db / 20) / np.sqrt(np.sum(tail**2))
    response[0] = 1
    return response / np.sqrt(np.sum(response**2))


def reverberate(pcm: F32, response: F64) -> F32:
    """Plays float32 [T] in a room of ``response`` float64 [taps]: float32 [T], in the unit of ``pcm``."""
    return oaconvolve(pcm, response.astype(np.float32))[: len(pcm)].astype(np.float32)


def noise(rng: np.random.Generator, samples: int, colour: str, level_dbfs: float, line: str) -> F32:
    """Makes the noise of a room behind a line: float32 [samples], full scale is 1.

    Args:
        rng: decides the samples.
        samples: how many.
        colour: ``white``; ``pink`` (-3 dB an octave); ``room`` (-6 dB an octave above ``room_noise_corner_hz``).
        level_dbfs: its RMS behind the line.
        line: of :data:`LINE_RATES_HZ`.
    """
    white = rng.standard_normal(samples, dtype=np.float32)
    if colour == "pink":  # Kellet's filter, within .1 dB over most of the band
        white = lfilter(
            np.array([0.049922035, -0.095993537, 0.050612699, -0.004408786]),
            np.array([1, -2.494956002, 2.017265875, -0.522189400]),
            white,
        )
    elif colour == "room":
        corner_hz = load_rules(SimulateRules).room_noise_corner_hz
        white = lfilter([1.0], [1.0, -np.exp(-2 * np.pi * corner_hz / LINE_RATES_HZ[line])], white)
    shaped = band_limit(white, line)
    return shaped * np.float32(10 ** (level_dbfs / 20) / max(rms(shaped), 1e-12))


def hum(samples: int, rate_hz: int, hum_hz: float, level_dbfs: float) -> F32:
    """Makes mains hum with its harmonics: float32 [samples], full scale is 1."""
    time_s = np.arange(samples) / rate_hz
    period = np.zeros(samples)
    for k in (1, 2, 3, 4, 5, 6, 7, 9, 11, 13):
        period += np.sin(2 * np.pi * k * hum_hz * time_s + k * k) / k
    return (period * 10 ** (level_dbfs / 20) / rms(period)).astype(np.float32)


def code(pcm: F32, line: str) -> F32:
    """Codes and decodes float32 [T] in [-1, 1] by a line's codec, without delay; a line may have none."""
    if line == "telephone":
        return _code_mu_law(pcm)
    if line not in _FILE_CODECS:
        return pcm
    container, codec = _FILE_CODECS[line]
    coded = io.BytesIO()
    soundfile.write(coded, np.clip(pcm, -1, 1), LINE_RATES_HZ[line], format=container, subtype=codec)
    coded.seek(0)
    decoded, _ = soundfile.read(coded, dtype="float32")
    return np.pad(decoded, (0, max(len(pcm) - len(decoded), 0)))[: len(pcm)]


def _code_mu_law(pcm: F32) -> F32:
    """Codes in 8 bits of mu-law and decodes again: float32 [T] in [-1, 1] (the continuous form of ITU-T G.711)."""
    bounded = np.clip(pcm, -1, 1)
    code = np.round(127 * np.sign(bounded) * np.log1p(_MU * np.abs(bounded)) / np.log1p(_MU)) / 127
    return (np.sign(code) * np.expm1(np.abs(code) * np.log1p(_MU)) / _MU).astype(np.float32)
