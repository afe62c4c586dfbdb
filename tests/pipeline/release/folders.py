"""Makes releases whose tables are folders of files, as those of many shards have them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

TABLES = ("index", "recordings", "events", "speakers")


@contextmanager
def in_folders() -> Iterator[None]:
    """Has every release that is made meanwhile keep its tables as folders, however few shards it has."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("duologue_pipeline.release.write.JOINED_SHARDS", 0)
        yield


def table_of(out: Path, name: str) -> pa.Table:
    """A table of such a release."""
    return pa.concat_tables([pq.read_table(path) for path in sorted((out / name).glob("*.parquet"))])
