"""Writes that happen only if nobody else wrote first, on a local disk and in the buckets of both stores."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.conditional import (
    ConflictError,
    check_conditional,
    delete_version,
    read_version,
    swap_bytes,
)
from duologue_pipeline.files.google_files import GoogleFiles
from duologue_pipeline.files.s3 import s3_object
from duologue_pipeline.files.s3_files import S3Files
from tests.object_store import Bucket


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


def test_a_file_is_removed_only_if_it_is_what_was_read(place: str) -> None:
    uri = f"{place}/removed.json"
    first = swap_bytes(uri, b"1", old=None)
    second = swap_bytes(uri, b"2", old=first)
    assert not delete_version(uri, first)
    assert read_version(uri) == second
    assert delete_version(uri, second)
    assert read_version(uri) is None
    assert delete_version(uri, second), "it is gone"


def test_a_file_that_is_changed_right_before_it_is_removed_stays(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = f"{bucket}/raced-removal.json"
    first = swap_bytes(uri, b"1", old=None)
    second = swap_bytes(uri, b"2", old=first)
    for files in (S3Files, GoogleFiles):
        monkeypatch.setattr(files, "read_version", lambda *_: first)  # what was read just before the other one wrote
    assert not delete_version(uri, first)
    monkeypatch.undo()
    assert read_version(uri) == second


@pytest.mark.parametrize("status", [400, 501])
def test_a_store_that_knows_no_condition_of_a_removal_is_asked_before(
    s3: Bucket, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"{s3.uri}/no-condition-{status}.json"
    first = swap_bytes(uri, b"1", old=None)
    second = swap_bytes(uri, b"2", old=first)
    client, _, _ = s3_object(uri)
    remove = client.delete_object

    def without_condition(**options: str) -> object:
        if "IfMatch" in options:
            raise client.exceptions.ClientError({"ResponseMetadata": {"HTTPStatusCode": status}}, "DeleteObject")
        return remove(**options)

    monkeypatch.setattr(client, "delete_object", without_condition)
    assert not delete_version(uri, first)
    assert delete_version(uri, second)
    assert read_version(uri) is None


@pytest.mark.parametrize("uri", ["https://host/release", "az://b/release", "hdfs://b/release", "ftp://b/release"])
def test_other_places_are_refused(uri: str) -> None:
    with pytest.raises(UsageError, match=r"use a local path, s3:// or gs://"):
        check_conditional(uri)
