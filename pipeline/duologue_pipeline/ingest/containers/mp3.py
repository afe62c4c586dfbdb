"""Looks through an MP3 file frame by frame, because its headers may understate its length or speak of a part of it.

libmpg123 takes the length of a file from the header of its first frame, or from its size and the bit rate of one frame,
and stops reading there: joined files and variable bit rates lost half of their sound without a word. So each run of
frames becomes a section with a header of our own that counts them all, and every byte is a frame, a known tag, or the
reason for a refusal.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from duologue_pipeline.errors import RejectError
from duologue_pipeline.ingest.containers.look import EXPECTED, check_files, refuse_cut_short
from duologue_pipeline.ingest.containers.mp3_counts import (
    COUNT_BYTES,
    DECODER_DELAY,
    FrameCount,
    count_header,
    parse_count,
)
from duologue_pipeline.ingest.containers.mp3_frames import FrameHeader, parse_frame_header
from duologue_pipeline.ingest.containers.mp3_tags import end_of_audio, tag_size
from duologue_pipeline.ingest.sections import Layout, Section
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.ingest import IngestRules

__all__ = ["mp3_layout"]

_BUFFER_BYTES: Final = 1 << 18


def mp3_layout(path: Path, uri: str) -> Layout:
    """Divides an MP3 file into runs of frames that a decoder reads one after the other.

    A run ends where a tag stands or where another file's first frame says how many follow. The delay of the encoder is
    left out where that frame names it.

    Args:
        path: the file.
        uri: how the manifest names it, for messages.

    Returns:
        One section a run; ``start_known`` is False if any of them does not name its delay.

    Raises:
        RejectError: ``audio_truncated`` or ``audio_unreadable``: there are fewer frames than the file says, the last
            one is cut, something lies between frames that is neither frame nor tag, the bit rate is free, or sampling
            rate or channels change.
    """
    with path.open("rb", buffering=_BUFFER_BYTES) as handle:
        runs = _Walk(handle, uri, path.stat().st_size).runs()
    sections = tuple(_section(run) for run in runs)
    return Layout(sections, start_known=all(_delays(run) is not None and not run.grown for run in runs))


@dataclass
class _Run:
    """Holds frames that follow each other without anything between them."""

    start: int
    stop: int
    header: bytes
    like: FrameHeader
    frames: int = 0
    count: FrameCount | None = None

    @property
    def grown(self) -> bool:
        """Tells whether there are more frames than the first one says: something was appended."""
        return self.count is not None and self.count.frames is not None and self.frames > self.count.frames


def _delays(run: _Run) -> tuple[int, int] | None:
    """Gives the delay and the padding of a run in samples, None where they are not known."""
    count, most = run.count, load_rules(IngestRules).mp3_delay_samples_most
    if count is None or count.delay is None or count.padding is None or not 0 < count.delay <= most:
        return None
    if count.delay + max(count.padding, DECODER_DELAY) >= run.frames * run.like.samples:
        return None
    return count.delay, DECODER_DELAY if run.grown else max(count.padding, DECODER_DELAY)


def _section(run: _Run) -> Section:
    samples = run.frames * run.like.samples
    if run.like.layer != 3:
        return Section(run.start, run.stop, samples=samples)
    delays = _delays(run)
    left_out = sum(delays) if delays else min(DECODER_DELAY, samples)
    return Section(run.start, run.stop, count_header(run.header, run.frames, delays), samples=samples - left_out)


class _Walk:
    """Goes through the bytes of a file from beginning to end."""

    def __init__(self, handle: BinaryIO, uri: str, size: int) -> None:
        self._handle, self._uri = handle, uri
        self._at, self._stop = 0, end_of_audio(handle, size)
        self._rules = load_rules(IngestRules)
        self._runs: list[_Run] = []
        self._run: _Run | None = None
        self._count: FrameCount | None = None
        self._counted_at = 0
        self._like: FrameHeader | None = None
        self._seconds = 0.0
        self._stray = 0

    def runs(self) -> list[_Run]:
        """Gives the runs of frames.

        Raises:
            RejectError: as :func:`mp3_layout`.
        """
        while self._at < self._stop:
            self._step()
        self._end_run()
        if not self._runs:
            raise self._unreadable("no frame of MPEG audio in it, only tags")
        return self._runs

    def _step(self) -> None:
        head = self._peek(self._at, COUNT_BYTES)
        frame = parse_frame_header(head)
        if frame is not None:
            self._take_frame(head, frame)
        elif size := tag_size(self._handle, self._at):
            self._end_run()
            if self._at + size > self._stop:
                raise self._truncated(f"a tag declares {size} bytes and {self._stop - self._at} follow")
            self._at += size
        else:
            self._pass_over()

    def _take_frame(self, head: bytes, frame: FrameHeader) -> None:
        if not self._runs_begun() and not self._is_confirmed(self._at, frame):
            self._pass_over()
            return
        if not frame.size:
            raise self._unreadable("a free bit rate, which is not supported")
        if self._at + frame.size > self._stop:
            self._check_count()
            lacking = self._at + frame.size - self._stop
            raise self._truncated(f"the last frame, after {self._seconds:.2f} s, lacks {lacking} bytes")
        if self._like is not None and not frame.is_like(self._like):
            raise self._unreadable(
                f"sound that changes from {_form(self._like)} to {_form(frame)} after {self._seconds:.2f} s"
            )
        self._like = frame
        count = parse_count(head, frame)
        if count is not None:
            self._end_run()
            self._count, self._counted_at = count, self._at
        else:
            if self._run is None:
                self._run = _Run(self._at, self._at, head[:4], frame, count=self._count)
            self._run.frames += 1
            self._run.stop = self._at + frame.size
            self._seconds += frame.samples / frame.rate_hz
        self._at += frame.size

    def _is_confirmed(self, position: int, frame: FrameHeader) -> bool:
        """Tells whether a first frame is one: the next one follows where it ends, or nothing but a tag does."""
        if not frame.size:
            return position == self._at
        after = position + frame.size
        following = parse_frame_header(self._peek(after, 4))
        if following is None:
            return after == self._stop or bool(tag_size(self._handle, after))
        return following.is_like(frame)

    def _pass_over(self) -> None:
        """Goes on to the next frame or tag, if what lies between may be left out."""
        zeros = self._zeros(self._at)
        after, most = self._at + zeros, self._rules.mp3_stray_bytes_most
        if zeros and after == self._stop and zeros > most and self._runs_begun() and not self._is_counted():
            raise self._truncated(f"after {self._seconds:.2f} s there are {zeros} zero bytes where frames should be")
        if zeros and (self._runs_begun() if after == self._stop else self._file_begins(after)):
            self._end_run()
            self._at = after
            return
        found = self._next_start()
        skipped = found - self._at
        if not self._runs_begun():
            self._stray += skipped
            if self._stray > most or found == self._stop:
                raise RejectError(
                    "audio_unreadable",
                    f"{self._uri}: not audio that libsndfile can read (no header of a known format, and no frame of "
                    f"MPEG audio at its beginning); expected {EXPECTED}: check the file or convert it",
                )
        elif found == self._stop and skipped < 4 and self._peek(self._at, 1) == b"\xff":
            raise self._truncated(f"the last frame, after {self._seconds:.2f} s, ends in its header")
        elif found != self._stop or not self._is_counted():
            some = f"more than {most}" if skipped > most else str(skipped)
            raise self._unreadable(f"{some} bytes after {self._seconds:.2f} s that are neither a frame nor a tag")
        self._at = found

    def _runs_begun(self) -> bool:
        return bool(self._runs or self._run or self._count)

    def _next_start(self) -> int:
        """Finds the next frame or tag, or the place at which there are too many bytes that are neither."""
        last = min(self._stop, self._at + self._rules.mp3_stray_bytes_most + 1)
        for position in range(self._at + 1, last):
            head = self._peek(position, 4)
            frame = parse_frame_header(head)
            if (frame and frame.size and self._is_confirmed(position, frame)) or tag_size(self._handle, position):
                return position
        return last

    def _file_begins(self, position: int) -> bool:
        """Tells whether another file's first bytes stand at a place: a tag, or the frame that counts the others."""
        head = self._peek(position, COUNT_BYTES)
        frame = parse_frame_header(head)
        return bool(tag_size(self._handle, position)) or bool(frame and parse_count(head, frame))

    def _zeros(self, position: int) -> int:
        """Counts the bytes from a place on that are zero."""
        start = position
        while block := self._peek(position, _BUFFER_BYTES):
            rest = block.lstrip(b"\0")
            position += len(block) - len(rest)
            if rest:
                break
        return position - start

    def _is_counted(self) -> bool:
        """Tells whether the last run has all the frames that its first one counted."""
        last = self._run or (self._runs[-1] if self._runs else None)
        return bool(last and last.count and last.count.frames and last.frames >= last.count.frames)

    def _end_run(self) -> None:
        self._check_count()
        if self._run is not None:
            self._runs.append(self._run)
            check_files(self._uri, len(self._runs))
        self._count = self._run = None

    def _check_count(self) -> None:
        """Compares the frames of the run with what its first one says."""
        count, run = self._count, self._run
        found = run.frames if run else 0
        if count is None or count.frames is None or found >= count.frames:
            return
        # Some encoders count the frame that holds the count.
        if run and found == count.frames - 1 and (count.bytes or 0) <= run.stop - self._counted_at:
            return
        declared_s, found_s = (max(0.0, self._seconds_of(frames, count)) for frames in (count.frames, found))
        raise refuse_cut_short(self._uri, declared_s, found_s)

    def _seconds_of(self, frames: int, count: FrameCount) -> float:
        if self._like is None:
            return 0.0
        return (frames * self._like.samples - (count.delay or 0) - (count.padding or 0)) / self._like.rate_hz

    def _unreadable(self, fault: str) -> RejectError:
        return RejectError(
            "audio_unreadable",
            f"{self._uri}: an MP3 with {fault}; encode it again, or convert it to FLAC or WAV with a tool that plays it",
            {"format": "mp3", "at_s": round(self._seconds, 2)},
        )

    def _truncated(self, fault: str) -> RejectError:
        return RejectError(
            "audio_truncated",
            f"{self._uri}: {fault}; the file is cut short: export it again",
            {"format": "mp3", "at_s": round(self._seconds, 2)},
        )

    def _peek(self, position: int, size: int) -> bytes:
        self._handle.seek(position)
        return self._handle.read(min(size, max(0, self._stop - position)))


def _form(frame: FrameHeader) -> str:
    return f"layer {frame.layer}, {frame.rate_hz} Hz, {frame.channels} channel{'s' if frame.channels > 1 else ''}"
