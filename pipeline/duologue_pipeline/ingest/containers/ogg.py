"""Looks through an Ogg file page by page: joined streams, packets that were never sent, pages that are lost or damaged.

libsndfile reads the first stream of a chain only, and leaves out what was never sent, so that everything after it
comes too early. Here each stream of a chain becomes a section, and a hole divides an Opus stream into two with silence
between them (RFC 3533, RFC 7845, Vorbis I).
"""

from pathlib import Path
from typing import Final

from duologue_pipeline.errors import RejectError
from duologue_pipeline.ingest.containers.look import after_id3v2, is_tag_or_padding
from duologue_pipeline.ingest.containers.ogg_pages import OggPage, damaged, read_pages, truncated
from duologue_pipeline.ingest.containers.ogg_stream import OggStream
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


def ogg_layout(path: Path, uri: str) -> Layout:
    """Divides an Ogg file into the streams and the parts of streams that a decoder reads one after the other.

    The time of a stream begins with its first sample, wherever its page says that it lies: a recorder that joined late
    does not make the file begin with silence.

    Args:
        path: the file.
        uri: how the manifest names it, for messages.

    Returns:
        One section a stream of a chain, and one more for each hole in an Opus stream.

    Raises:
        RejectError: ``audio_truncated``: a stream has no last page; ``audio_unreadable``: pages are damaged or lost,
            times run backwards, a Vorbis stream has a hole, streams of a chain differ in sampling rate or channels,
            there are several at once, or the audio is neither Opus nor Vorbis; ``audio_empty``: there is none.
    """
    chain, size, stop = _Chain(uri), path.stat().st_size, 0
    with path.open("rb") as handle:
        for page in read_pages(handle, uri, after_id3v2(handle, 0)):
            chain.take(page)
            stop = page.stop
        sections = chain.end(stop)
        if not is_tag_or_padding(handle, stop, size):
            raise truncated(uri, f"the page at byte {stop} is not all there", stop)
    if not sections:
        raise RejectError("audio_empty", f"{uri}: an Ogg file whose streams hold no samples; export the track again")
    return Layout(tuple(sections))


class _Chain:
    """Follows the streams of a file: one after the other, beside a Skeleton at most."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._sections: list[Section] = []
        self._stream: OggStream | None = None
        self._form: tuple[str, int, int] | None = None
        self._beside: set[int] = set()
        self._parted = False  # whether pages of a Skeleton lie before the stream that comes next

    def take(self, page: OggPage) -> None:
        """Takes the next page of the file."""
        if page.first:
            self._begin(page)
        elif page.serial in self._beside:
            return
        elif self._stream is None or page.serial != self._stream.serial:
            raise damaged(self._uri, f"whose page at byte {page.start} is of no stream that has begun", page.start)
        else:
            self._stream.take(page)

    def _begin(self, page: OggPage) -> None:
        kind = next((kind for magic, kind in _KINDS.items() if page.body.startswith(magic)), "an unknown codec")
        before = self._stream
        if kind == "skeleton":
            self._beside.add(page.serial)
            self._parted = True
            return
        if before is not None and not before.ended:
            if before.pages == 1:
                raise damaged(
                    self._uri,
                    f"with several streams at once ({before.codec} and {kind})",
                    page.start,
                    remedy="take the sound of the speaker out into a file of its own",
                )
            raise truncated(
                self._uri,
                f"another Ogg stream begins at byte {page.start}, and the one before it has no end",
                page.start,
            )
        if kind not in ("opus", "vorbis"):
            raise damaged(
                self._uri,
                f"with {kind}, and only Opus and Vorbis are read from Ogg",
                page.start,
                remedy="convert it to FLAC or WAV",
            )
        self._finish()
        self._stream = OggStream(self._uri, kind, page, rewritten=self._parted)
        self._parted = False
        self._form = self._form or self._stream.form
        if self._stream.form != self._form:
            raise damaged(
                self._uri,
                f"of joined streams that differ: {_form(*self._form)}, then {_form(*self._stream.form)}",
                page.start,
                remedy="take them apart and convert them",
            )

    def _finish(self) -> None:
        if self._stream is not None:
            self._sections += self._stream.sections()
            if len(self._sections) > load_rules(IngestRules).sections_most:
                raise damaged(self._uri, f"that falls into {len(self._sections)} parts", self._stream.start)

    def end(self, stop: int) -> list[Section]:
        """Gives the sections of the file, whose last whole page ends at byte ``stop``."""
        if self._stream is None:
            raise damaged(self._uri, "without a stream of audio", 0)
        if not self._stream.ended:
            raise truncated(self._uri, f"the Ogg stream has no end after {self._stream.seconds:.2f} s", stop)
        self._finish()
        return self._sections


def _form(codec: str, rate_hz: int, channels: int) -> str:
    return f"{codec}, {rate_hz} Hz, {channels} channel{'s' if channels > 1 else ''}"
