"""Decodes samples of a release and compares each track with its audio: the tokens of another speaker, or of nothing, are found so.

- ``decoded_unlike``: the loudness of a decoded track does not go with that of its audio.
- ``decoded_swapped``: it goes with that of the other speaker.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from duologue_pipeline.audit.compare import (
    BANDS_HZ,
    log_spectral_distance_db,
    loudness_course,
    resampled,
    si_sdr_db,
    stoi_or_none,
)
from duologue_pipeline.audit.findings import Finding
from duologue_pipeline.codec.base import Codec
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.records import SPEAKERS
from duologue_schemas.tables import WITHDRAWN

__all__ = ["DecodedTrack", "compare_decoded"]

_LEAST_CORRELATION: Final = 0.5
_SWAPPED_BY: Final = 0.3
_LONGEST_S: Final = 30.0
_LEAST_DYNAMICS_DB: Final = 3.0

F32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class DecodedTrack:
    """Compares a decoded track with its audio; a figure is None where there is nothing to measure it on, or with.

    Attributes:
        key, speaker: which.
        seconds: that were compared, from the sample's beginning.
        stoi: intelligibility, 0 to 1; needs pystoi.
        si_sdr_db: signal to distortion.
        log_spectral_distance_db: of spectra.
        level_db: decoded less original.
        loudness_correlation: of the courses of loudness, in steps of 20 ms, -1 to 1.
    """

    key: str
    speaker: str
    seconds: float
    stoi: float | None
    si_sdr_db: float | None
    log_spectral_distance_db: float | None
    level_db: float | None
    loudness_correlation: float | None


def compare_decoded(sample: Sample, codec: Codec) -> Iterator[tuple[DecodedTrack, list[Finding]]]:
    """Decodes the tracks of a sample and compares each with its audio.

    Args:
        sample: with audio.
        codec: that made its tokens.

    Yields:
        Each track of a speaker who is in the release, with its faults.
    """
    audio = sample.audio
    assert audio is not None, "only of samples with audio"
    frames = min(sample.codes.shape[-1], math.floor(_LONGEST_S * codec.frame_rate_hz))
    there = [sample.metadata["speakers"][side]["commitment"] != WITHDRAWN for side in SPEAKERS]
    originals = [resampled(track, audio[1], codec.sample_rate_hz) for track in audio[0]]
    for number, side in enumerate(SPEAKERS):
        if there[number]:
            decoded = codec.decode(np.ascontiguousarray(sample.codes[number, :, :frames]))
            length = min(len(decoded), *map(len, originals))
            own, other = originals[number][:length], originals[1 - number][:length]
            yield _compared_track(sample.key, side, own, other if all(there) else None, decoded[:length], codec)


def _compared_track(
    key: str, side: str, own: F32, other: F32 | None, decoded: F32, codec: Codec
) -> tuple[DecodedTrack, list[Finding]]:
    rate_hz = codec.sample_rate_hz
    bands = [resampled(pcm, rate_hz, BANDS_HZ) for pcm in (own, decoded)]
    length = min(map(len, bands))
    correlation = _correlation(own, decoded, rate_hz)
    with_other = None if other is None else _correlation(other, decoded, rate_hz)
    powers = [float(np.mean(pcm.astype(np.float64) ** 2)) if pcm.size else 0.0 for pcm in (own, decoded)]
    track = DecodedTrack(
        key=key,
        speaker=side,
        seconds=round(len(own) / rate_hz, 3),
        stoi=_rounded(stoi_or_none(own, decoded, rate_hz), 4),
        si_sdr_db=_rounded(si_sdr_db(own, decoded), 2),
        log_spectral_distance_db=_rounded(log_spectral_distance_db(bands[0][:length], bands[1][:length]), 2),
        level_db=_rounded(10 * math.log10(powers[1] / powers[0]), 2) if min(powers) > 0 else None,
        loudness_correlation=_rounded(correlation, 3),
    )
    findings = []
    if correlation is not None and with_other is not None and with_other > max(correlation, 0) + _SWAPPED_BY:
        detail = f"its loudness goes with the other speaker's audio ({with_other:.2f}) and not with its own ({correlation:.2f})"
        findings.append(Finding("decoded_swapped", key, side, detail))
    elif correlation is not None and correlation < _LEAST_CORRELATION:
        detail = f"its loudness does not go with that of its audio (correlation {correlation:.2f}, expected {_LEAST_CORRELATION:g} or more)"
        findings.append(Finding("decoded_unlike", key, side, detail))
    return track, findings


def _correlation(original: F32, decoded: F32, rate_hz: int) -> float | None:
    """Correlates the courses of loudness; None where the original is about equally loud throughout."""
    wanted, found = loudness_course(original, rate_hz), loudness_course(decoded, rate_hz)
    if len(wanted) < 10 or float(wanted.std()) < _LEAST_DYNAMICS_DB:
        return None
    return float(np.corrcoef(wanted, found)[0, 1]) if float(found.std()) > 1e-6 else 0.0


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
