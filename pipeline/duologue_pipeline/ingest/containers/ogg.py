"""Looks through an Ogg file page by page: joined streams, packets that were never sent, pages that are lost or damaged.

libsndfile reads the first stream of a chain and puts what was never sent out of the way, so that everything after it
comes too early. Here each stream of the chain becomes a section, and a hole divides an Opus stream into two with
silence between them (RFC 3533, RFC 7845, Vorbis I).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from duologue_pipeline.errors import RejectError
from duologue_pipeline.ingest.containers.ogg_packets import OpusPackets, PacketDurations, VorbisPackets
from duologue_pipeline.ingest.containers.ogg_pages import OggPage, damaged, make_page, read_pages, truncated
from duologue_pipeline.ingest.sections import Layout, Section
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.ingest import IngestRules

__all__ = ["ogg_layout"]

_KINDS: Final = {
    b"OpusHead": "opus",
    b"\x01vorbis": "vorbis",
    b"\x7fFLAC": "flac",
    b"Speex   ": "speex",
    b"fishead\0": "skeleton",
    b"\x80theora": "theora",
    b"\x80kate": "kate",
    b"BBCD": "dirac",
    b"OVP80": "vp8",
}
_OPUS_HZ: Final = 48000
_OPUS_RATES_HZ: Final = (8000, 12000, 16000, 24000, 48000)
_MOST_HEADER_BYTES: Final = 1 << 20
_NO_TAGS: Final = b"OpusTags" + bytes(8)


def ogg_layout(path: Path, uri: str) -> Layout:
    """Divides an Ogg file into the streams and the parts of streams that a decoder reads one after the other.

    The time of a stream begins with its first sample, wherever its page says that it lies: a recorder that joined late
    does not make the file begin with silence.

    Args:
        path: the file.
        uri: what messages call it.

    Returns:
        One section a stream of a chain, and one more for each hole in an Opus stream.

    Raises:
        RejectError: ``audio_truncated``: a stream has no last page; ``audio_unreadable``: pages are damaged or lost,
            times run backwards, a Vorbis stream has a hole, streams of a chain differ in sampling rate or channels,
            there are several at once, or the audio is neither Opus nor Vorbis.
    """
    with path.open("rb") as handle:
        pages = read_pages(handle, uri)
        streams: list[_Stream] = []
        sections: list[Section] = []
        page = next(pages, None)
        while page is not None:
            stream = _Stream(uri)
            page = stream.read(page, pages)
            if streams and stream.form != streams[0].form:
                raise damaged(uri, "of joined streams that differ in codec, sampling rate or channels", stream.start)
            streams[1:] = [stream]
            sections += stream.sections
            if len(sections) > load_rules(IngestRules).sections_most:
                raise damaged(uri, f"that falls into more than {len(sections) - 1} parts", stream.start)
    return Layout(tuple(sections))


@dataclass(frozen=True)
class _Part:
    """Marks the pages between two holes: their bytes, and when they begin and end in samples of the stream."""

    start: int
    stop: int
    begins: int
    ends: int
    exact: bool


class _Stream:
    """Reads one logical stream, from its first page to its last."""

    def __init__(self, uri: str) -> None:
        self._uri, self._rules = uri, load_rules(IngestRules)
        self.start = 0
        self.form: tuple[str, int, int] = "", 0, 0
        self._head = b""
        self._parts: list[_Part] = []

    def read(self, page: OggPage, pages: Iterator[OggPage]) -> OggPage | None:
        """Takes the pages of a stream.

        Args:
            page: the first one.
            pages: those after it.

        Returns:
            The first page that is no longer of this stream, None at the end of the file.
        """
        self.start = page.start
        others: set[int] = set()
        own: OggPage | None = None
        while page.first:
            kind = _kind(page)
            if kind == "skeleton":
                others.add(page.serial)
            elif own is not None:
                raise damaged(self._uri, f"with several streams at once ({_kind(own)} and {kind})", page.start)
            else:
                own = page
            page = self._next(pages, page)
        if own is None:
            raise damaged(self._uri, "that begins in the middle of a stream", page.start)
        self._head = next((packet for packet, _ in own.packets()), b"")
        self._set_form(_kind(own), own)
        return None
