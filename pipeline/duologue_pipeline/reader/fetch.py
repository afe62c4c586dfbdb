"""Fetches the bytes of samples from their shards, by the places that the index names."""

import os
from collections import OrderedDict
from typing import Final

from duologue_pipeline.files.inside import inside_size
from duologue_pipeline.files.local import open_regular
from duologue_pipeline.files.ranges import read_range
from duologue_pipeline.files.storage import is_remote, join
from duologue_pipeline.reader.release import DamagedReleaseError

__all__ = ["Shards"]

_MOST_OPEN: Final = 16


class Shards:
    """Reads parts of the shards of a release; close it.

    Args:
        root: the folder of the release.
    """

    def __init__(self, root: str) -> None:
        self._root = root
        self._remote = is_remote(root)
        self._open: OrderedDict[str, int] = OrderedDict()

    def read(self, path: str, shard_bytes: int, offset: int, size: int) -> bytes:
        """Reads a part of a shard.

        Args:
            path: of the shard, in the folder.
            shard_bytes: how long it is.
            offset, size: the part, in bytes.

        Raises:
            OSError: it cannot be read.
            ValueError: the shard is no file of the folder, or not as long as it should be.
        """
        uri = join(self._root, path)
        if self._remote:
            data = read_range(uri, offset, size)
        else:
            data = os.pread(self._descriptor(path, shard_bytes), size, offset)
        if len(data) != size:
            raise DamagedReleaseError(f"{uri}: ends within a sample; the shard is damaged: fetch it again")
        return data

    def close(self) -> None:
        """Closes the shards that are open."""
        while self._open:
            os.close(self._open.popitem()[1])

    def _descriptor(self, path: str, shard_bytes: int) -> int:
        """Gives an open file of the shard; what was read last stays open."""
        if path in self._open:
            self._open.move_to_end(path)
            return self._open[path]
        found = inside_size(self._root, path)
        if found != shard_bytes:
            raise ValueError(f"it has {found} bytes, and dataset.json says {shard_bytes}")
        with open_regular(join(self._root, path)) as stream:
            self._open[path] = os.dup(stream.fileno())
        if len(self._open) > _MOST_OPEN:
            os.close(self._open.popitem(last=False)[1])
        return self._open[path]
