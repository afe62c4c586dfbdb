"""Counts the frames of an MP3 file, because its headers may understate its length.

libsndfile takes the length of a file without a Xing or VBRI header from its size and the bit rate of one frame, and
stops reading there; with a variable bit rate it can lose a third of the file without a word. Only frame headers are
read here (ISO/IEC 11172-3, 2.4.1.3 and 13818-3), about a millisecond a minute of audio.
"""

from pathlib import Path
from typing import Final

__all__ = ["count_samples"]

_KBIT_S: Final = {
    1: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES_HZ: Final = (44100, 48000, 32000)
_VERSIONS: Final = {3: (1, 1), 2: (2, 2), 0: (2, 4)}  # bits -> (table, divisor of the rate): MPEG 1, 2 and 2.5
_LAYER_3: Final = 1


def count_samples(path: Path) -> int:
    """Counts the samples per channel of an MP3 file, from its first frame to the last whole one.

    Returns:
        Samples, encoder delay and padding included; what is no frame (tags, damage) is passed over.
    """
    data = path.read_bytes()
    position = _after_id3v2(data)
    samples = 0
    while position + 4 <= len(data):
        frame = _frame(data[position : position + 4])
        if frame is None or position + frame[0] > len(data):
            # Not at a frame: go to the next thing that could be one.
            position = data.find(b"\xff", position + 1)
            if position < 0:
                break
            continue
        position += frame[0]
        samples += frame[1]
    return samples


def _after_id3v2(data: bytes) -> int:
    if data[:3] != b"ID3" or len(data) < 10:
        return 0
    size = 0
    for byte in data[6:10]:  # 28 bits, seven a byte
        size = size << 7 | byte & 0x7F
    return 10 + size


def _frame(header: bytes) -> tuple[int, int] | None:
    """Reads the length in bytes and the samples of a Layer III frame from its header, None if it is no such header."""
    version = _VERSIONS.get(header[1] >> 3 & 3)
    if header[0] != 0xFF or header[1] >> 5 != 7 or header[1] >> 1 & 3 != _LAYER_3 or version is None:
        return None
    table, divisor = version
    bit_rate, rate = header[2] >> 4, header[2] >> 2 & 3
    if not 0 < bit_rate < 15 or rate == 3:
        return None
    samples = 1152 if table == 1 else 576
    padding = header[2] >> 1 & 1
    return samples // 8 * _KBIT_S[table][bit_rate] * 1000 // (_RATES_HZ[rate] // divisor) + padding, samples
