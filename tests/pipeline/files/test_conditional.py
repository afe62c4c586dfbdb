"""Writes that happen only if nobody else wrote first, on a local disk and in a bucket."""

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


def test_other_stores_are_refused() -> None:
    with pytest.raises(UsageError, match=r"gs://b/release: cannot be changed safely there; use a local path or s3://"):
        check_conditional("gs://b/release")
