"""Decodes the two tracks of a recording into pairs of blocks on one clock, at any rate, in bounded memory.

Each file is read by :mod:`duologue_pipeline.ingest.track_file`; here both tracks are put onto the clock of the
conversation.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import soxr

from duologue_pipeline.errors import RejectError
from duologue_pipeline.files.file_fault import FileFault, Kind, StoreFaultError
from duologue_pipeline.files.kept import kept_copy
from duologue_pipeline.files.local import Seen
from duologue_pipeline.files.names import is_remote, shown
from duologue_pipeline.ingest.decoded import SampleSource, open_samples
from duologue_pipeline.ingest.limits import BLOCK_S, block_seconds, check_limits
from duologue_pipeline.ingest.track_file import to_float
from duologue_pipeline.records import Recording, Track

__all__ = ["PairDecoder", "Pcm", "Placer", "conversation_blocks"]

Pcm = npt.NDArray[np.float32]


class PairDecoder:
    """Decodes both tracks of a recording in step; a stereo file that holds both is decoded once.

    Use it as a context manager. ``a`` and ``b`` have their own native rates.

    Raises:
        RejectError: a file cannot be had, is unreadable, over a limit, or has no such channel.
    """

    def __init__(self, recording: Recording) -> None:
        self._tracks = recording.tracks
        self._stack = ExitStack()
        self._files: dict[str, SampleSource] = {}
        self._seen: dict[str, Seen] = {}

    def __enter__(self) -> Self:
        try:
            for track in self._tracks:
                self._open(track)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _open(self, track: Track) -> None:
        if track.uri not in self._files:
            try:
                path = self._stack.enter_context(kept_copy(track.uri))
                seen = Seen(path, track.uri)
                file = open_samples(path, shown(track.uri), seen)
            except StoreFaultError:
                raise
            except FileFault as fault:
                raise _refusal(fault, local=not is_remote(track.uri)) from None
            except OSError as error:
                raise RejectError("audio_missing", f"{shown(track.uri)}: cannot be opened ({error})") from None
            self._stack.callback(file.close)
            check_limits(shown(track.uri), sample_rate_hz=file.sample_rate_hz, channels=file.channels)
            self._files[track.uri] = file
            self._seen[track.uri] = seen
        channels = self._files[track.uri].channels
        if track.channel >= channels:
            raise RejectError(
                "audio_missing_channel",
                f"{shown(track.uri)}: the manifest asks for channel {track.channel} (counted from 0) "
                f"and the file has {channels}; correct `channel` or the file",
                {"found": channels, "asked": track.channel},
            )

    def _check_unchanged(self, uri: str) -> None:
        try:
            self._seen[uri].check()
        except FileFault as fault:
            raise _refusal(fault, local=False) from None

    @property
    def sample_rates_hz(self) -> tuple[int, int]:
        """Gives the sampling rates of the files of ``a`` and ``b``, in Hz."""
        a, b = (self._files[track.uri].sample_rate_hz for track in self._tracks)
        return a, b

    @property
    def delays_known(self) -> tuple[bool, bool]:
        """Tells whether the first samples of ``a`` and of ``b`` lie where they were recorded."""
        a, b = (self._files[track.uri].start_known for track in self._tracks)
        return a, b

    def blocks(self) -> Iterator[tuple[Pcm, Pcm]]:
        """Decodes both tracks in blocks of up to ten seconds at their own rates, before any offset.

        Yields:
            (a, b): float32 [T_a] and [T_b] in [-1, 1], each at its own rate; a track that has ended gives
            empty blocks until the other ends too.

        Raises:
            RejectError: the data is damaged or ends before the declared length (found when the end is reached).
        """
        running = dict(self._files)
        block_s = block_seconds((file.sample_rate_hz, file.channels) for file in running.values())
        while running:
            read = {uri: file.read(max(1, int(block_s * file.sample_rate_hz))) for uri, file in running.items()}
            for uri, block in read.items():
                if len(block) == 0:
                    self._check_unchanged(uri)
                    running.pop(uri)
            if running:
                a, b = (
                    to_float(np.ascontiguousarray(read[t.uri][:, t.channel])) if t.uri in read else _EMPTY
                    for t in self._tracks
                )
                yield a, b


_REASONS: Final[Mapping[Kind, str]] = {
    "missing": "audio_missing",
    "forbidden": "audio_missing",
    "not_a_file": "audio_missing",
    "not_allowed": "audio_not_allowed",
    "over_limit": "audio_over_limit",
    "unreachable": "audio_unreachable",
    "changed": "audio_changed",
}


def _refusal(fault: FileFault, *, local: bool) -> RejectError:
    """Turns what is the matter with a file into the refusal of its recording."""
    is_missing = local and isinstance(fault, FileNotFoundError) and ";" not in str(fault)
    hint = "; uris in a manifest are relative to its folder" if is_missing else ""
    return RejectError(_REASONS[fault.kind], f"{fault}{hint}", fault.values)


_EMPTY: Pcm = np.zeros(0, dtype=np.float32)


class Placer:
    """Moves one track onto the conversation's clock: applies its offset, resamples it, then turns it by a gain.

    Args:
        offset_s: when its first sample is due, in seconds.
        native_hz: the sampling rate of its file.
        rate_hz: the sampling rate wanted.
        gain_db: by how much it is turned.
    """

    def __init__(self, offset_s: float, native_hz: int, rate_hz: int, *, gain_db: float = 0.0) -> None:
        samples = round(offset_s * native_hz)
        self._lead = max(0, samples)
        self._skip = max(0, -samples)
        self._native_hz = native_hz
        self._gain = np.float32(10 ** (gain_db / 20))
        self._resampler = None if native_hz == rate_hz else soxr.ResampleStream(native_hz, rate_hz, 1, dtype="float32")

    def push(self, pcm: Pcm) -> Iterator[Pcm]:
        """Takes the next block, float32 [T] at ``native_hz``, and gives what is ready at ``rate_hz``."""
        while self._lead:
            silence = np.zeros(min(self._lead, BLOCK_S * self._native_hz), dtype=np.float32)
            self._lead -= len(silence)
            yield self._resample(silence)
        skipped = min(self._skip, len(pcm))
        self._skip -= skipped
        yield self._resample(pcm[skipped:])

    def finish(self) -> Pcm:
        """Ends the track, and gives the rest of it."""
        return _EMPTY if self._resampler is None else self._turn(self._resampler.resample_chunk(_EMPTY, last=True))

    def _resample(self, pcm: Pcm) -> Pcm:
        return self._turn(pcm if self._resampler is None or not len(pcm) else self._resampler.resample_chunk(pcm))

    def _turn(self, pcm: Pcm) -> Pcm:
        return pcm if self._gain == 1 else pcm * self._gain


class _Queue:
    """Keeps the samples by which one track is ahead of the other."""

    def __init__(self) -> None:
        self._blocks: list[Pcm] = []
        self.length = 0

    def put(self, pcm: Pcm) -> None:
        if len(pcm):
            self._blocks.append(pcm)
            self.length += len(pcm)

    def take(self, count: int) -> Pcm:
        """Takes ``count`` samples from the front, filled up with zeros where there are fewer."""
        if len(self._blocks) == 1 and count <= self.length:
            joined = self._blocks[0]
        else:
            joined = np.concatenate([*self._blocks, np.zeros(max(0, count - self.length), dtype=np.float32)])
        rest = joined[count:]
        self._blocks, self.length = ([rest] if len(rest) else []), len(rest)
        return joined[:count]


def conversation_blocks(
    recording: Recording, *, rate_hz: int, opened: Callable[[PairDecoder], object] | None = None
) -> Iterator[tuple[Pcm, Pcm]]:
    """Decodes a recording onto its own clock: offsets applied, both tracks resampled and equally long.

    The track that ends first is filled up with zeros. Both are turned by the recording's ``gain_db``. Resampling is soxr's "high quality" (passband to .913 of
    Nyquist, 125 dB of rejection), streamed.

    Args:
        recording: whose tracks are decoded.
        rate_hz: the sampling rate wanted, in Hz.
        opened: is told of the decoder before the first block.

    Yields:
        (a, b): float32 [T] each at ``rate_hz``, T alike within a pair and otherwise of any size up to about ten
        seconds. They are in [-1, 1], but for what resampling to another rate than the higher one of the
        files adds to a peak.

    Raises:
        RejectError: as :class:`PairDecoder`.
    """
    with PairDecoder(recording) as decoder:
        if opened is not None:
            opened(decoder)
        placers = [
            Placer(track.offset_s, native_hz, rate_hz, gain_db=recording.gain_db)
            for track, native_hz in zip(recording.tracks, decoder.sample_rates_hz, strict=True)
        ]
        queues = _Queue(), _Queue()
        for pair in decoder.blocks():
            for placer, queue, pcm in zip(placers, queues, pair, strict=True):
                for placed in placer.push(pcm):
                    queue.put(placed)
            ready = min(queue.length for queue in queues)
            if ready:
                yield queues[0].take(ready), queues[1].take(ready)
        for placer, queue in zip(placers, queues, strict=True):
            queue.put(placer.finish())
        while remaining := min(max(queue.length for queue in queues), BLOCK_S * rate_hz):
            yield queues[0].take(remaining), queues[1].take(remaining)
