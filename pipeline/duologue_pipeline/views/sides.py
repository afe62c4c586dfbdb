"""Finds the two sides of a sample: who the model is, the codes of each, and whether the release has enough codebooks.

The clock of all views is that of Mimi, 12.5 frames a second: frame t is [80 t, 80 t + 80) ms of the sample.
"""

import warnings
from typing import Final

import numpy as np
import numpy.typing as npt

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.records import SPEAKERS, Speaker

__all__ = [
    "FRAME_MS",
    "FRAME_RATE_HZ",
    "check_speaker",
    "codebook_count",
    "end_of_frames_ms",
    "frame_count",
    "milliseconds",
    "other_speaker",
    "side_codes",
    "whole_step",
]

FRAME_RATE_HZ: Final = 12.5
"""Token frames a second of every release that the views read."""

FRAME_MS: Final = 80
"""How long a token frame lasts."""

_MOST: Final = 1 << 24
_warned: set[str] = set()  # codecs that the process has been warned of


def milliseconds(seconds: float) -> int:
    """Gives whole milliseconds, the clock of a release, of a time that its documents write in seconds."""
    return round(seconds * 1000)


def whole_step(value: int, name: str, *, least: int = 1) -> int:
    """Gives a length in milliseconds or frames, or a number of things, back.

    Raises:
        UsageError: it is no whole number of at least ``least``, or more than there can be.
    """
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or value < least:
        raise UsageError(f"{name} {value!r}: expected a whole number of at least {least}")
    if value > _MOST:
        raise UsageError(f"{name} {value!r}: expected at most {_MOST}")
    return int(value)


def check_speaker(speaker: str) -> Speaker:
    """Gives the speaker back.

    Raises:
        UsageError: it is neither ``a`` nor ``b``.
    """
    for known in SPEAKERS:
        if isinstance(speaker, str) and speaker == known:
            return known
    raise UsageError(f'speaker {speaker!r}: expected "a" or "b", whose side the model speaks')


def other_speaker(speaker: str) -> Speaker:
    """Names the one whom the speaker talks to: the user, where the speaker is the model."""
    return SPEAKERS[1 - SPEAKERS.index(check_speaker(speaker))]


def frame_count(sample: Sample) -> int:
    """Counts the token frames of the sample.

    Raises:
        UsageError: its codec does not give 12.5 frames a second, which is what every view counts time by.
    """
    _codec_name(sample)
    return int(sample.codes.shape[2])


def end_of_frames_ms(sample: Sample) -> int:
    """Gives the end of the last whole token frame, in ms from the start of the sample, at the rate of any codec."""
    rate_hz = sample.metadata.get("codec", {}).get("frame_rate_hz", FRAME_RATE_HZ)
    return int(sample.codes.shape[2] * 1000 / rate_hz)


def codebook_count(sample: Sample, wanted: int | None = None) -> int:
    """Counts the codebooks that a view uses, and looks at what made them.

    Args:
        sample: a sample of the release.
        wanted: how many the model takes, the coarsest first; all if None.

    Returns:
        ``wanted``, or how many there are.

    Raises:
        UsageError: the release has fewer, or its codec does not give 12.5 frames a second.
    """
    name = _codec_name(sample)
    if name == "embedded" and name not in _warned:
        _warned.add(name)
        warnings.warn(
            "the codes are of the embedded codec: its tokens are for trying out; train on a release that was made with "
            "`--codec mimi`",
            stacklevel=3,
        )
    held = int(sample.codes.shape[1])
    if wanted is None:
        return held
    wanted = whole_step(wanted, "codebooks")
    if wanted > held:
        raise UsageError(
            f"{sample.key}: the release has {held} codebooks a frame and {wanted} are asked for; make it with a codec "
            f"that gives {wanted}"
        )
    return wanted


def side_codes(sample: Sample, speaker: str, codebooks: int | None = None) -> npt.NDArray[np.uint16]:
    """Gives the codes of one side: uint16 [codebooks, T], a view of the sample's; do not write in it.

    Raises:
        UsageError: as :func:`check_speaker` and :func:`codebook_count`.
    """
    return sample.codes[SPEAKERS.index(check_speaker(speaker)), : codebook_count(sample, codebooks)]


def _codec_name(sample: Sample) -> str | None:
    """Names what made the codes of a sample, and refuses what does not give 12.5 frames a second."""
    codec = sample.metadata.get("codec", {})  # a sample that was put together by hand may not name it
    name, rate_hz = codec.get("name"), codec.get("frame_rate_hz", FRAME_RATE_HZ)
    if rate_hz != FRAME_RATE_HZ:
        raise UsageError(
            f"{sample.key}: the codec {name} gives {rate_hz:g} frames a second and the views count {FRAME_RATE_HZ:g}; make "
            "the release with `--codec mimi`, or one of its audio with `duologue retokenize --codec mimi`"
        )
    found: str | None = name
    return found
