"""Holds what an audio file declares against the limits, before memory is taken for it.

A header may say anything: a rate of 2^31 samples a second makes of a block of some seconds all the memory that there is.
"""

from collections.abc import Iterable
from typing import Final

from duologue_pipeline.errors import RejectError
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.ingest import IngestRules

__all__ = ["BLOCK_S", "block_seconds", "check_limits"]

BLOCK_S: Final = 10
"""Seconds of audio that are decoded at a time, where that fits into ``max_block_bytes``."""

_SAMPLE_BYTES: Final = 4


def check_limits(name: str, *, sample_rate_hz: int, channels: int, rules: IngestRules | None = None) -> None:
    """Checks the sampling rate and the number of channels that an audio file declares.

    Args:
        name: of the file, for messages.
        sample_rate_hz, channels: as its header says.
        rules: an ingest rule set; the packaged one by default.

    Raises:
        RejectError: ``audio_over_limit``.
    """
    rules = rules or load_rules(IngestRules)
    if not rules.min_rate_hz <= sample_rate_hz <= rules.max_rate_hz:
        raise RejectError(
            "audio_over_limit",
            f"{name}: its header declares a sampling rate of {sample_rate_hz} Hz, expected {rules.min_rate_hz} to "
            f"{rules.max_rate_hz} Hz; export it again, or convert it",
            {
                "limited": "rate_hz",
                "found": sample_rate_hz,
                "limit": rules.max_rate_hz if sample_rate_hz > rules.max_rate_hz else rules.min_rate_hz,
            },
        )
    if not 1 <= channels <= rules.max_channels:
        raise RejectError(
            "audio_over_limit",
            f"{name}: its header declares {channels} channels, up to {rules.max_channels} are read; export the channels of "
            "the two speakers by themselves",
            {"limited": "channels", "found": channels, "limit": rules.max_channels},
        )


def block_seconds(files: Iterable[tuple[int, int]], *, rules: IngestRules | None = None) -> float:
    """Gives how many seconds of files that are decoded in step may be decoded at a time.

    Args:
        files: (sampling rate in Hz, channels) of each.
        rules: an ingest rule set; the packaged one by default.
    """
    limit = (rules or load_rules(IngestRules)).max_block_bytes
    return min(BLOCK_S, *(limit / (_SAMPLE_BYTES * rate_hz * channels) for rate_hz, channels in files))
