"""Reads the header of an MPEG audio frame, which says how long the frame is and how many samples it holds.

ISO/IEC 11172-3, 2.4.1.3 and 2.4.2.3; 13818-3 adds the lower sampling rates, and MPEG 2.5 halves these again.
"""

from dataclasses import dataclass
from typing import Final

__all__ = ["FrameHeader", "parse_frame_header"]

_KBIT_S: Final = {  # (MPEG 1 or 2, layer)
    (1, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES_HZ: Final = (44100, 48000, 32000)
_VERSIONS: Final = {3: (1, 1), 2: (2, 2), 0: (2, 4)}  # bits -> (table, divisor of the rate): MPEG 1, 2 and 2.5
_MONO: Final = 3


@dataclass(frozen=True)
class FrameHeader:
    """Says what one frame holds.

    Attributes:
        size: bytes of the frame, its header included; 0 where the bit rate is free and the header does not say.
        samples: samples per channel.
        rate_hz: sampling rate.
        channels: 1 or 2.
        layer: 1, 2 or 3.
        side_bytes: bytes of side information after the header (and the checksum), in Layer III.
        checked: whether two bytes of checksum follow the header.
    """

    size: int
    samples: int
    rate_hz: int
    channels: int
    layer: int
    side_bytes: int
    checked: bool

    def is_like(self, other: "FrameHeader") -> bool:
        """Tells whether a decoder can go on from one frame to the other."""
        return (self.rate_hz, self.channels, self.layer) == (other.rate_hz, other.channels, other.layer)


def parse_frame_header(header: bytes) -> FrameHeader | None:
    """Reads a frame header.

    Args:
        header: the first four bytes of what may be a frame, or more.

    Returns:
        What they say; None if no frame begins so.
    """
    if len(header) < 4 or header[0] != 0xFF or header[1] >> 5 != 7:
        return None
    version = _VERSIONS.get(header[1] >> 3 & 3)
    layer, bit_rate, rate = 4 - (header[1] >> 1 & 3), header[2] >> 4, header[2] >> 2 & 3
    if version is None or layer == 4 or bit_rate == 15 or rate == 3:
        return None
    table, divisor = version
    rate_hz = _RATES_HZ[rate] // divisor
    samples = 384 if layer == 1 else 1152 if layer == 2 or table == 1 else 576
    mono = header[3] >> 6 == _MONO
    size, padding, bits_s = 0, header[2] >> 1 & 1, _KBIT_S[table, layer][bit_rate] * 1000
    if bit_rate:
        size = (12 * bits_s // rate_hz + padding) * 4 if layer == 1 else samples // 8 * bits_s // rate_hz + padding
    side_bytes = (17 if mono else 32) if table == 1 else (9 if mono else 17)
    return FrameHeader(size, samples, rate_hz, 1 if mono else 2, layer, side_bytes, not header[1] & 1)
