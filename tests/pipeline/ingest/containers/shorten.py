"""Compresses samples with Shorten, as SPHERE files hold them (Robinson 1994), the simplest way: each block as it is."""

import numpy as np
import numpy.typing as npt

__all__ = ["shortened", "sphere"]


class _Bits:
    def __init__(self) -> None:
        self._bits: list[str] = []

    def unsigned(self, value: int, width: int) -> None:
        """A number as its upper part in unary, and ``width`` lower bits."""
        self._bits.append("0" * (value >> width) + "1" + (f"{value & (1 << width) - 1:0{width}b}" if width else ""))

    def long(self, value: int) -> None:
        width = max(0, value.bit_length() - 1)
        self.unsigned(width, 2)
        self.unsigned(value, width)

    def signed(self, value: int, width: int) -> None:
        self.unsigned(value << 1 if value >= 0 else (~value << 1) | 1, width)

    def content(self) -> bytes:
        text = "".join(self._bits)
        text += "0" * (-len(text) % 32)
        return int(text, 2).to_bytes(len(text) // 8, "big")


def shortened(samples: npt.NDArray[np.int16], block: int = 256) -> bytes:
    """A Shorten stream, version 2, of int16 [T, channels]."""
    bits = _Bits()
    for value in (
        5,
        samples.shape[1],
        block,
        0,
        0,
        0,
    ):  # little-endian; no prediction, no running mean, nothing skipped
        bits.long(value)
    for start in range(0, len(samples), block):
        part = samples[start : start + block]
        if len(part) != block:
            bits.unsigned(5, 2)
            bits.long(len(part))
        for channel in part.T:
            bits.unsigned(0, 2)
            bits.unsigned(11, 3)
            for value in channel:
                bits.signed(int(value), 12)
    bits.unsigned(4, 2)
    return b"ajkg\2" + bits.content()


def sphere(
    stream: bytes, *, samples: int | None, channels: int, rate_hz: int, coding: str = "pcm,embedded-shorten-v2.00"
) -> bytes:
    """A SPHERE file of a stream."""
    lines = ["NIST_1A", "   1024", f"channel_count -i {channels}", f"sample_rate -i {rate_hz}", "sample_n_bytes -i 2"]
    lines += ["sample_byte_format -s2 01", f"sample_coding -s{len(coding)} {coding}"]
    lines += [] if samples is None else [f"sample_count -i {samples}"]
    return "\n".join([*lines, "end_head", ""]).encode().ljust(1024) + stream
