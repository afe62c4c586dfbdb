"""Says how many samples each packet of an Opus or Vorbis stream holds, without decoding it."""

from typing import Final, Protocol

__all__ = ["OpusPackets", "PacketDurations", "VorbisPackets"]

_OPUS_MOST: Final = 5760  # samples at 48 kHz: a packet is at most 120 ms long (RFC 6716, 3.4)
_SILK, _HYBRID, _CELT = (480, 960, 1920, 2880), (480, 960), (120, 240, 480, 960)
_MODE_BITS: Final = 1 + 16 + 16 + 8
_MOST_MODES: Final = 64


class PacketDurations(Protocol):
    """Tells the durations of the packets of a stream, in order."""

    def samples(self, packet: bytes) -> int | None:
        """Gives the samples of the next packet, of which the first bytes are enough; None if it is none."""


class OpusPackets:
    """Tells how long Opus packets are, in samples at 48 kHz, from their first two bytes (RFC 6716, 3.1)."""

    def samples(self, packet: bytes) -> int | None:
        """Gives the samples of a packet; None if it is no Opus packet."""
        if not packet:
            return None
        config, code = packet[0] >> 3, packet[0] & 3
        frame = _SILK[config % 4] if config < 12 else _HYBRID[config % 2] if config < 16 else _CELT[config % 4]
        frames = (1, 2, 2)[code] if code < 3 else packet[1] & 0x3F if len(packet) > 1 else 0
        return frame * frames if 0 < frame * frames <= _OPUS_MOST else None


class VorbisPackets:
    """Tells how many samples Vorbis packets add, from the sizes of their blocks (Vorbis I, 4.3).

    Args:
        identification, setup: the first and the third packet of the stream.

    Raises:
        ValueError: they are not what they should be.
    """

    def __init__(self, identification: bytes, setup: bytes) -> None:
        if len(identification) < 29:
            raise ValueError("the identification header is too short")
        sizes = 1 << (identification[28] & 15), 1 << (identification[28] >> 4)
        self._blocks = [sizes[flag] for flag in _block_flags(setup)]
        self._mask = (1 << (len(self._blocks) - 1).bit_length()) - 1
        self._last: int | None = None

    def samples(self, packet: bytes) -> int | None:
        """Gives the samples that come out after a packet, 0 after the first; None if it is no sound."""
        if not packet or packet[0] & 1:
            return None
        mode = int.from_bytes(packet[:2], "little") >> 1 & self._mask
        if mode >= len(self._blocks):
            return None
        block, last = self._blocks[mode], self._last
        self._last = block
        return 0 if last is None else (last + block) // 4


def _block_flags(setup: bytes) -> list[int]:
    """Reads from the end of the setup header which modes have long blocks: what comes before has no fixed length."""
    bits = int.from_bytes(setup[-(_MOST_MODES * _MODE_BITS // 8 + 16) :], "little")
    at = bits.bit_length() - 1  # the framing bit
    flags: list[int] = []
    found: list[int] = []
    while at >= _MODE_BITS + 6 and len(flags) < _MOST_MODES:
        at -= _MODE_BITS
        if bits >> at + 1 & 0xFFFFFFFF or bits >> at + 33 & 0xFF >= _MOST_MODES:
            break
        flags.insert(0, bits >> at & 1)
        if bits >> at - 6 & 63 == len(flags) - 1:
            found = list(flags)
    if not found:
        raise ValueError("the setup header has no modes")
    return found
