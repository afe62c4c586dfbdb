"""Keeps the samples of a file that costs time to decode, so that it is decoded and checked once and not in every step.

The first step that reads such a file to its end writes what it reads beside it: the very samples, in the type in which they
were decoded. The next steps read those. A file that was changed in between, or whose samples are not kept
(:mod:`duologue_pipeline.files.kept`), is decoded again.
"""

from collections.abc import Hashable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from duologue_pipeline.files.kept import is_keeping, keep, room_bytes, use
from duologue_pipeline.files.local import Seen
from duologue_pipeline.files.temporary import temporary_file
from duologue_pipeline.ingest.track_file import TrackFile

__all__ = ["SampleSource", "open_samples"]

_ASKED_EVERY_BYTES: Final = 1 << 22  # how much is written until it is asked again how much room there is


class SampleSource(Protocol):
    """Gives the samples of a file block by block, as :class:`~duologue_pipeline.ingest.track_file.TrackFile` does."""

    sample_rate_hz: int
    channels: int
    start_known: bool
    start_s: float

    @property
    def filled_samples(self) -> int:
        """Counts the samples that are silence in place of what was never sent; call it after the last block."""
        ...

    def read(self, frames: int) -> npt.NDArray[Any]:
        """Reads up to ``frames`` samples of every channel: [T, channels]."""
        ...

    def close(self) -> None:
        """Closes the file."""
        ...


def open_samples(path: Path, shown: str, seen: Seen) -> SampleSource:
    """Opens a file to read its samples: those that are kept, or those that it is decoded to.

    Args:
        path: of the file, a local one.
        shown: its name in messages.
        seen: its state on the disk.

    Raises:
        RejectError: as :class:`~duologue_pipeline.ingest.track_file.TrackFile`.
    """
    key = ("samples", seen.state)
    held = ExitStack()
    kept: _Kept | None = held.enter_context(use(key))
    if kept is not None:
        return _KeptSamples(kept, held)
    held.close()
    file = TrackFile(path, shown)
    return _Keeping(file, key) if file.is_compressed and is_keeping() else file


@dataclass(frozen=True)
class _Kept:
    path: Path
    dtype: np.dtype[Any]
    sample_rate_hz: int
    channels: int
    start_known: bool
    start_s: float
    filled_samples: int


class _KeptSamples:
    """Reads samples that were kept."""

    def __init__(self, kept: _Kept, held: ExitStack) -> None:
        self.sample_rate_hz, self.channels, self.start_known = kept.sample_rate_hz, kept.channels, kept.start_known
        self.start_s, self._filled_samples = kept.start_s, kept.filled_samples
        self._dtype, self._held = kept.dtype, held
        self._stream = held.enter_context(kept.path.open("rb"))

    @property
    def filled_samples(self) -> int:
        return self._filled_samples

    def read(self, frames: int) -> npt.NDArray[Any]:
        values = np.fromfile(self._stream, self._dtype, frames * self.channels)
        return values.reshape(-1, self.channels)

    def close(self) -> None:
        self._held.close()


class _Keeping:
    """Reads a file, and keeps what it has read when all of it was read without a fault."""

    def __init__(self, file: TrackFile, key: Hashable) -> None:
        self.sample_rate_hz, self.channels, self.start_known = file.sample_rate_hz, file.channels, file.start_known
        self.start_s = file.start_s
        self._file, self._key = file, key
        self._dtype: np.dtype[Any] | None = None
        self._size = 0
        self._room = 0  # how far it is known that there is room
        self._held = ExitStack()
        self._stream: IO[bytes] | None = None
        with suppress(OSError):
            self._stream = self._held.enter_context(temporary_file(".samples"))

    @property
    def filled_samples(self) -> int:
        return self._file.filled_samples

    def read(self, frames: int) -> npt.NDArray[Any]:
        block = self._file.read(frames)
        if self._stream is not None:
            if len(block):
                self._write(block, self._stream)
            else:
                self._keep(self._stream)
        return block

    def close(self) -> None:
        self._file.close()
        self._held.close()
        self._stream = None

    def _write(self, block: npt.NDArray[Any], stream: IO[bytes]) -> None:
        self._dtype = block.dtype if self._dtype is None else self._dtype
        self._size += block.nbytes
        try:
            if self._size > self._room:
                self._room = min(room_bytes(), self._size + _ASKED_EVERY_BYTES)
            if block.dtype != self._dtype or self._size > self._room:
                raise OSError("is not kept")
            np.ascontiguousarray(block).tofile(stream)
        except OSError:  # nothing is lost: the next step decodes the file again
            self._held.close()
            self._stream = None

    def _keep(self, stream: IO[bytes]) -> None:
        try:
            stream.flush()
        except OSError:
            return
        self._stream = None
        if self._dtype is None:
            return
        kept = _Kept(
            Path(stream.name),
            self._dtype,
            self.sample_rate_hz,
            self.channels,
            self.start_known,
            self.start_s,
            self.filled_samples,
        )
        keep(self._key, kept, size=self._size, close=self._held.pop_all().close)
