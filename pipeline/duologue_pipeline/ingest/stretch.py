"""Shows a stretch of a file, with bytes of another header before it, as a file of its own, for a decoder to read."""

import io
from pathlib import Path
from typing import Any

from duologue_pipeline.ingest.sections import Section

__all__ = ["Stretch"]


class Stretch(io.RawIOBase):
    """Reads the header of a section and then its bytes of the file; nothing is held in memory but the header.

    Args:
        path: the file.
        section: which of its bytes are read.

    Attributes:
        fault: why the file could not be read on, None if it could: a decoder takes that for the end.
    """

    def __init__(self, path: Path, section: Section) -> None:
        super().__init__()
        self._path = path
        self._header = section.header
        self._start = section.start
        self._size = len(section.header) + max(0, section.stop - section.start)
        self._at = 0
        self.fault: OSError | None = None
        self._file = path.open("rb", buffering=0)

    def __repr__(self) -> str:
        return repr(str(self._path))  # as libsndfile names the file in messages

    def close(self) -> None:
        """Closes the file."""
        self._file.close()
        super().close()

    def readable(self) -> bool:
        """Tells that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tells that it can be read from any byte on."""
        return True

    def tell(self) -> int:
        """Gives the byte that is read next, counted from the first of the header."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Goes to a byte and returns it; beyond the end nothing is read."""
        self._at = max(0, offset + (0, self._at, self._size)[whence])
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fills the buffer as far as there are bytes, and returns how many there were."""
        target = memoryview(buffer).cast("B")
        filled = 0
        while filled < len(target) and self._at < self._size:
            wanted = len(target) - filled
            if self._at < len(self._header):
                some = self._header[self._at : self._at + wanted]
            else:
                some = self._read_file(self._start + self._at - len(self._header), min(wanted, self._size - self._at))
            if not some:
                break
            target[filled : filled + len(some)] = some
            filled += len(some)
            self._at += len(some)
        return filled

    def _read_file(self, place: int, count: int) -> bytes:
        try:
            self._file.seek(place)
            return self._file.read(count) or b""
        except OSError as error:
            self.fault = error
            return b""
