"""Fetches the bytes of samples from their shards, by the places that the index names: ahead of time from afar."""

import os
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from itertools import repeat
from typing import IO, Final, NamedTuple

from duologue_pipeline.files.inside import inside_size
from duologue_pipeline.files.local import open_regular
from duologue_pipeline.files.ranges import NoRangesError, read_range
from duologue_pipeline.files.storage import is_remote, join
from duologue_pipeline.files.temporary import temporary_file
from duologue_pipeline.files.web import fetch
from duologue_pipeline.reader.release import DamagedReleaseError

__all__ = ["AHEAD_BYTES", "Place", "Shards"]

AHEAD_BYTES: Final = 1 << 26
"""How much is fetched from afar before it is asked for, at most; a sample that is longer is fetched alone."""

_THREADS: Final = 16
_REQUEST_BYTES: Final = 1 << 22
_MOST_OPEN: Final = 16


class Place(NamedTuple):
    """Names the bytes of a sample: the path and the length of its shard, where it begins in it, and how long it is."""

    path: str
    shard_bytes: int
    offset: int
    size: int


@dataclass
class _Request:
    """Holds one request: neighbours in a shard come by one."""

    place: Place
    waiting: int = 0
    places: list[Place] = field(default_factory=list)
    answer: Future[bytes] | None = None


class Shards:
    """Reads parts of the shards of a release; close it.

    Local files are read when they are asked for. From afar :meth:`ahead` fetches with some threads, at most
    :data:`AHEAD_BYTES`; the threads end with :meth:`close`.

    Args:
        root: the folder of the release.
    """

    def __init__(self, root: str) -> None:
        self._root = root
        self._remote = is_remote(root)
        self._open: OrderedDict[str, int] = OrderedDict()
        self._copies: dict[str, IO[bytes]] = {}
        self._held = ExitStack()
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None

    def read(self, place: Place) -> bytes:
        """Reads a part of a shard.

        Raises:
            OSError: it cannot be read.
            ValueError: the shard is no file of the folder, or not as long as it should be.
        """
        data = self._read_remote(place) if self._remote else os.pread(self._descriptor(place), place.size, place.offset)
        if len(data) != place.size:
            raise DamagedReleaseError(
                f"{join(self._root, place.path)}: ends within a sample; the shard is damaged: fetch it again"
            )
        return data

    def ahead(self, wanted: Iterable[tuple[Place, ...]]) -> Iterator[Callable[[Place], bytes]]:
        """Fetches what will be wanted, in its order.

        Args:
            wanted: the places that are wanted together, one tuple after the other.

        Yields:
            For each tuple what reads its places; a fault comes up there.
        """
        if not self._remote:
            yield from repeat(self.read)
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="duologue-fetch")
        for held in _Window(self._pool, self.read).ahead(wanted):
            yield partial(self._fetched, held)

    def close(self) -> None:
        """Ends the threads, and closes the shards that are open."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None
        while self._open:
            os.close(self._open.popitem()[1])
        self._copies = {}
        self._held.close()

    def _fetched(self, held: "dict[Place, tuple[_Request, int]]", place: Place) -> bytes:
        if place not in held:  # the sample lies elsewhere meanwhile
            return self.read(place)
        request, start = held[place]
        assert request.answer is not None, "all that is handed over was sent"
        return request.answer.result()[start : start + place.size]

    def _read_remote(self, place: Place) -> bytes:
        uri = join(self._root, place.path)
        if place.path not in self._copies:
            try:
                return read_range(uri, place.offset, place.size)
            except NoRangesError:
                self._copy(place.path, place.shard_bytes)
        return os.pread(self._copies[place.path].fileno(), place.size, place.offset)

    def _copy(self, path: str, shard_bytes: int) -> None:
        """Fetches a whole shard from a server that does not give parts."""
        with self._lock:
            if path in self._copies:
                return
            handle = self._held.enter_context(temporary_file(".tar"))
            fetch(join(self._root, path), handle, max_bytes=shard_bytes)
            self._copies[path] = handle

    def _descriptor(self, place: Place) -> int:
        """Gives an open file of the shard; what was read last stays open."""
        path = place.path
        if path in self._open:
            self._open.move_to_end(path)
            return self._open[path]
        found = inside_size(self._root, path)
        if found != place.shard_bytes:
            raise ValueError(f"it has {found} bytes, and dataset.json says {place.shard_bytes}")
        with open_regular(join(self._root, path)) as stream:
            self._open[path] = os.dup(stream.fileno())
        if len(self._open) > _MOST_OPEN:
            os.close(self._open.popitem(last=False)[1])
        return self._open[path]


class _Window:
    """Keeps requests under way for what will be wanted, as many as fit."""

    def __init__(self, pool: ThreadPoolExecutor, read: Callable[[Place], bytes]) -> None:
        self._pool, self._read = pool, read
        self._held: dict[Place, tuple[_Request, int]] = {}
        self._bytes = 0
        self._forming: _Request | None = None

    def ahead(self, wanted: Iterable[tuple[Place, ...]]) -> Iterator[dict[Place, tuple[_Request, int]]]:
        coming, queue = iter(wanted), deque[tuple[Place, ...]]()
        more = True
        while True:
            while more and (self._bytes < AHEAD_BYTES or not queue):
                places = next(coming, None)
                if places is None:
                    more = False
                else:
                    queue.append(places)
                    for place in places:
                        self._want(place)
            self._send()
            if not queue:
                return
            places = queue.popleft()
            yield {place: self._held[place] for place in places}
            for place in places:
                self._done(place)

    def _want(self, place: Place) -> None:
        if place in self._held:
            self._held[place][0].waiting += 1
            return
        forming = self._forming
        if forming is not None:
            whole = forming.place
            if (place.path, place.offset) == (
                whole.path,
                whole.offset + whole.size,
            ) and whole.size + place.size <= _REQUEST_BYTES:
                self._held[place] = forming, whole.size
                forming.places.append(place)
                forming.place = whole._replace(size=whole.size + place.size)
                forming.waiting += 1
                self._bytes += place.size
                return
            self._send()
        self._forming = _Request(place, waiting=1, places=[place])
        self._held[place] = self._forming, 0
        self._bytes += place.size

    def _send(self) -> None:
        request, self._forming = self._forming, None
        if request is not None:
            request.answer = self._pool.submit(self._read, request.place)

    def _done(self, place: Place) -> None:
        request, _ = self._held[place]
        request.waiting -= 1
        if not request.waiting:
            for each in request.places:
                del self._held[each]
            self._bytes -= request.place.size
