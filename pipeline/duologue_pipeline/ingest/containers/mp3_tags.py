"""Finds the tags of an MP3 file: ID3v1 and ID3v2, APEv1 and APEv2, Lyrics3v1 and Lyrics3v2.

Those that begin with a word of their own can stand anywhere between two frames, as where files were joined. Those that
can only be found from their end stand at the end of the file.
"""

from typing import BinaryIO, Final

__all__ = ["END_TAG_BYTES", "TAG_BYTES", "end_of_audio", "tag_size"]

TAG_BYTES: Final = 32
"""How many bytes of a tag :func:`tag_size` wants to see."""
END_TAG_BYTES: Final = 128
"""Bytes of an ID3v1 tag."""

_ENHANCED_BYTES: Final = 227
_LYRICS1_BYTES: Final = 5100
_LYRICS2_END: Final = 6 + 9  # six digits and LYRICS200
_MOST_END_TAGS: Final = 16
_APE_HAS_HEADER: Final = 1 << 31


def tag_size(handle: BinaryIO, position: int) -> int:
    """Measures the tag that begins at a place.

    Returns:
        Its bytes as it declares them, which may be more than there are; 0 if no known tag begins there.
    """
    handle.seek(position)
    head = handle.read(TAG_BYTES)
    if head[:3] == b"ID3" and len(head) >= 10 and max(head[3:5]) < 0xFF and max(head[6:10]) < 0x80:
        size = 0
        for byte in head[6:10]:  # 28 bits, seven a byte
            size = size << 7 | byte
        return 10 + size + (10 if head[5] & 0x10 else 0)
    if head[:8] == b"APETAGEX" and len(head) == TAG_BYTES:
        return TAG_BYTES + int.from_bytes(head[12:16], "little")
    if head[:4] == b"TAG+":
        return _ENHANCED_BYTES
    if head[:3] == b"TAG":
        return END_TAG_BYTES
    if head[:11] == b"LYRICSBEGIN":
        for most in (1 << 13, 1 << 20):  # six digits of size allow no more
            handle.seek(position)
            lyrics = handle.read(most)
            ends = [place + 9 for place in map(lyrics.find, (b"LYRICSEND", b"LYRICS200")) if place > 0]
            if ends:
                return min(ends)
    return 0


def end_of_audio(handle: BinaryIO, stop: int) -> int:
    """Finds where the tags at the end of a file begin.

    Args:
        handle: the file.
        stop: its bytes.

    Returns:
        The place after the last byte that is in none of them, ``stop`` where there is no tag.
    """
    for _ in range(_MOST_END_TAGS):
        size = _size_before(handle, stop)
        if not size or stop < size:
            break
        stop -= size
    return stop


def _size_before(handle: BinaryIO, stop: int) -> int:
    """Measures the tag that ends at a place; 0 if there is none."""
    first = max(0, stop - _LYRICS1_BYTES - 20)
    handle.seek(first)
    tail = handle.read(stop - first)
    if tail[-END_TAG_BYTES:][:3] == b"TAG" and len(tail) >= END_TAG_BYTES:
        return END_TAG_BYTES
    if tail[-_ENHANCED_BYTES:][:4] == b"TAG+":
        return _ENHANCED_BYTES
    if tail[-TAG_BYTES:][:8] == b"APETAGEX":
        size, flags = (int.from_bytes(tail[-TAG_BYTES:][at : at + 4], "little") for at in (12, 20))
        return max(TAG_BYTES, size) + (TAG_BYTES if flags & _APE_HAS_HEADER else 0)
    if tail.endswith(b"LYRICS200") and tail[-_LYRICS2_END:-9].isdigit():
        return int(tail[-_LYRICS2_END:-9]) + _LYRICS2_END
    if tail.endswith(b"LYRICSEND") and (begins := tail.rfind(b"LYRICSBEGIN")) >= 0:
        return len(tail) - begins
    return 0
