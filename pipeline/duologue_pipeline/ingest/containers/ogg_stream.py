"""Follows one Opus or Vorbis stream of an Ogg file and holds the times of its pages against what their packets hold."""

from dataclasses import dataclass
from typing import Final

from duologue_pipeline.errors import RejectError
from duologue_pipeline.ingest.containers.ogg_packets import OpusPackets, PacketDurations, VorbisPackets
from duologue_pipeline.ingest.containers.ogg_pages import MOST_BYTES, OggPage, damaged, make_page
from duologue_pipeline.ingest.sections import Section
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.ingest import IngestRules

__all__ = ["OggStream"]

_OPUS_HZ: Final = 48000  # of the times of its pages, whatever it is decoded to
_DECODED_HZ: Final = (8000, 12000, 16000, 24000, _OPUS_HZ)
_HEAD_BYTES: Final = 16  # of a packet, enough to know how long it is
_HEADERS: Final = {"opus": 2, "vorbis": 3}
_NO_TAGS: Final = {"opus": b"OpusTags" + bytes(8), "vorbis": b"\x03vorbis" + bytes(8) + b"\x01"}


@dataclass
class _Part:
    """Marks the pages between two holes: their bytes, and between which times they lie."""

    start: int
    stop: int
    sequence: int
    begins: int
    ends: int
    lone: bytes = b""  # the only page, as if its time began with it; libsndfile finds no beginning in a last page


class OggStream:
    """Reads one stream page by page.

    Args:
        uri: how the manifest names the file, for messages.
        codec: ``opus`` or ``vorbis``.
        page: its first page.
        rewritten: whether its headers must be put together anew, because other pages lie between them.

    Attributes:
        codec: see above.
        start: the byte at which it begins.
        serial: its number.
        form: codec, sampling rate in Hz of what is decoded, and channels.
        pages: how many have been read.
        ended: whether its last page has been read.

    Raises:
        RejectError: ``audio_unreadable``.
    """

    def __init__(self, uri: str, codec: str, page: OggPage, *, rewritten: bool) -> None:
        self._uri, self._rewritten, self._rules = uri, rewritten, load_rules(IngestRules)
        self.codec, self.start, self.serial = codec, page.start, page.serial
        self.pages, self.ended = 0, False
        self._head = page.body
        if len(page.body) < (19 if codec == "opus" else 29):
            raise damaged(uri, "whose first packet is too short", page.start)
        self._pre_skip, rate_hz = 0, int.from_bytes(page.body[12:16], "little")
        self._clock_hz, channels = rate_hz, page.body[11]
        if codec == "opus":
            self._pre_skip, self._clock_hz, channels = (
                int.from_bytes(page.body[10:12], "little"),
                _OPUS_HZ,
                page.body[9],
            )
            if not rate_hz:  # not known: libsndfile would take 8 kHz
                self._head, self._rewritten = page.body[:12] + _OPUS_HZ.to_bytes(4, "little") + page.body[16:], True
                rate_hz = _OPUS_HZ
            rate_hz = next((hz for hz in _DECODED_HZ if rate_hz <= hz), _OPUS_HZ)
        if not rate_hz or not channels:
            raise damaged(uri, f"of {rate_hz} Hz and {channels} channels", page.start)
        self.form = codec, rate_hz, channels
        self._headers: list[bytes] = []
        self._durations: PacketDurations = OpusPackets()
        self._open: bytes | None = None  # the beginning of a packet that goes on
        self._packet = 1  # samples of the last one
        self._pending = 0  # samples of packets on pages that have no time
        self._parts: list[_Part] = []
        self._sequence = page.sequence
        self.take(page)

    @property
    def seconds(self) -> float:
        """Gives the seconds of sound read so far."""
        return (self._parts[-1].ends - self._parts[0].begins) / self._clock_hz if self._parts else 0.0

    def take(self, page: OggPage) -> None:
        """Takes the next page of the stream.

        Raises:
            RejectError: ``audio_unreadable``: a page is missing, or its packets or its time cannot be.
        """
        if self.ended:
            raise self._damaged("goes on after its end", page)
        if self.pages and page.sequence != (self._sequence + 1) % (1 << 32):
            lost = (page.sequence - self._sequence - 1) % (1 << 32)
            raise self._damaged(f"lacks pages after {self.seconds:.2f} s ({lost} by their numbers)", page)
        if page.continued != (self._open is not None):
            raise self._damaged(f"lacks a part of a packet after {self.seconds:.2f} s", page)
        self.pages += 1
        self._sequence, self.ended = page.sequence, page.last
        if len(self._headers) < _HEADERS[self.codec]:
            self._take_header(page)
        else:
            self._take_sound(page)

    def _take_header(self, page: OggPage) -> None:
        for packet, whole in page.packets():
            if len(self._headers) == _HEADERS[self.codec]:
                raise self._damaged("has sound on a page of its headers", page)
            most = MOST_BYTES if len(self._headers) == 2 else _HEAD_BYTES
            self._open = ((self._open or b"") + packet)[:most]
            if whole:
                self._headers.append(self._open)
                self._open = None
        if self.codec == "vorbis" and len(self._headers) == 3:
            try:
                self._durations = VorbisPackets(self._head, self._headers[2])
            except ValueError as error:
                raise self._damaged(f"has damaged headers ({error})", page) from None

    def _take_sound(self, page: OggPage) -> None:
        goes_on = self._open is not None
        samples = self._pending + self._samples(page)
        self._pending = samples if page.granule < 0 else 0
        if page.granule < 0:
            if page.last and samples:
                raise self._damaged("ends with a page that has no time", page)
            return
        begins = page.granule - samples
        if not self._parts:
            # A Vorbis stream that was cut without decoding may begin before its time 0; libsndfile would give that sound
            # and leave out as much of the end.
            if begins < -self._slack() and not page.last:
                raise self._damaged("has a first page whose time is before its beginning", page)
            self._parts = [_Part(page.start, page.stop, page.sequence, max(0, begins), page.granule)]
            return
        part = self._parts[-1]
        gap = begins - part.ends
        slack = self._slack()
        if gap > slack:
            if self.codec == "vorbis" or goes_on:
                lacks_s = gap / self._clock_hz
                raise self._damaged(f"lacks {lacks_s:.3f} s of sound after {self.seconds:.2f} s", page, lacks_s=lacks_s)
            lone = b""
            if page.last:  # its time leaves out padding, but a whole number of packets was not sent
                padding = -gap % self._packet
                begins, lone = begins + padding, page.at_time(samples - padding)
            part = _Part(page.start, page.stop, page.sequence, begins, begins, lone)
            self._parts.append(part)
        elif (gap < -slack and not page.last) or page.granule < part.ends:
            raise self._damaged(f"has times that run backwards by {-gap} samples after {self.seconds:.2f} s", page)
        # Vorbis is decoded by its packets, whatever small change there is in the times; only the last one cuts them.
        ends = page.granule if self.codec == "opus" else part.ends + samples
        part.stop, part.ends = page.stop, min(page.granule, ends) if page.last else ends

    def _slack(self) -> int:
        """Gives the samples by which times may be wrong: Opus counts them exactly, Vorbis is remuxed with rounded ones."""
        return 0 if self.codec == "opus" else self._rules.ogg_jitter_ms * self._clock_hz // 1000

    def _samples(self, page: OggPage) -> int:
        """Counts the samples of the packets that end on a page."""
        samples = 0
        for packet, whole in page.packets():
            self._open = ((self._open or b"") + packet[:_HEAD_BYTES])[:_HEAD_BYTES]
            if not whole:
                continue
            held = 0 if page.last and not self._open else self._durations.samples(self._open)
            if held is None:
                raise self._damaged(f"has a packet after {self.seconds:.2f} s that is none", page)
            samples += held
            self._open, self._packet = None, held or self._packet
        return samples

    def sections(self) -> list[Section]:
        """Gives the stretches of the stream that are decoded by themselves, none if it holds no sound."""
        if not self._parts:
            return []
        rate_hz = self.form[1]
        first, ticks = self._parts[0], self._clock_hz // rate_hz
        sections: list[Section] = []
        done = 0
        for part in self._parts:
            skip = max(0, first.begins + self._pre_skip - part.begins)
            held = max(0, part.ends - part.begins)
            start, stop, header, skip_samples = self.start, part.stop, b"", 0
            samples = max(0, held - skip) // ticks
            if part.begins or part.lone or self._rewritten:
                # libsndfile does not leave out the pre-skip where the first page does not begin at 0.
                start, header = part.start, self._header(part.sequence)
                skip_samples = min(skip, held) // ticks
                samples = held // ticks - skip_samples
            if part.lone:
                start, header = stop, header + part.lone
            if samples:
                silence = max(0, part.begins - first.begins - self._pre_skip) // ticks - done
                sections.append(Section(start, stop, header, silence, skip_samples, samples))
                done += silence + samples
        return sections

    def _header(self, sequence: int) -> bytes:
        """Makes the pages that stand before the first page of sound; nothing is skipped after them."""
        head, rest = self._head, [_NO_TAGS[self.codec], *self._headers[2:]]
        if self.codec == "opus":
            head = head[:10] + bytes(2) + head[12:]
        first = make_page([head], serial=self.serial, sequence=sequence - 2, first=True)
        return first + make_page(rest, serial=self.serial, sequence=sequence - 1)

    def _damaged(self, fault: str, page: OggPage, lacks_s: float | None = None) -> RejectError:
        values = {} if lacks_s is None else {"lacks_s": lacks_s}
        return damaged(self._uri, f"whose {self.codec} stream {fault}", page.start, values=values)
