"""Writes that happen only if nobody else wrote first, on a local disk and in the buckets of both stores."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.conditional import ConflictError, check_conditional, read_version, swap_bytes


def test_a_file_is_written_only_over_what_was_read(place: str) -> None:
    uri = f"{place}/a/file.json"
    assert read_version(uri) is None
    first = swap_bytes(uri, b"1", old=None)
    with pytest.raises(ConflictError, match=r"was changed by another process"):
        swap_bytes(uri, b"other", old=None)
    second = swap_bytes(uri, b"2", old=first)
    with pytest.raises(ConflictError):
        swap_bytes(uri, b"3", old=first)
    assert read_version(uri) == second


def test_of_many_who_write_at_once_one_wins(place: str) -> None:
    uri = f"{place}/raced.json"
    first = swap_bytes(uri, b"0", old=None)

    def write(number: int) -> bool:
        try:
            swap_bytes(uri, b"%d" % number, old=first)
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = [number for number, done in enumerate(pool.map(write, range(1, 25)), 1) if done]
    found = read_version(uri)
    assert found is not None
    assert [found.data] == [b"%d" % number for number in won]


@pytest.mark.parametrize("uri", ["https://host/release", "az://b/release", "hdfs://b/release", "ftp://b/release"])
def test_other_places_are_refused(uri: str) -> None:
    with pytest.raises(UsageError, match=r"use a local path, s3:// or gs://"):
        check_conditional(uri)
