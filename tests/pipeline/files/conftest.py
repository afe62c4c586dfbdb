"""Where files are written conditionally: a local folder, a bucket of S3 and one of Google's store."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.object_store import Bucket, serve_store


@pytest.fixture(scope="module")
def s3() -> Iterator[Bucket]:
    """An empty bucket of S3."""
    with serve_store("s3", "duologue-files") as bucket:
        yield bucket


@pytest.fixture(scope="module")
def gs() -> Iterator[Bucket]:
    """An empty bucket of Google's store."""
    with serve_store("gs", "duologue-files") as bucket:
        yield bucket


@pytest.fixture(params=["s3", "gs"])
def store(request: pytest.FixtureRequest) -> Bucket:
    """A bucket of each store."""
    bucket: Bucket = request.getfixturevalue(request.param)
    return bucket


@pytest.fixture
def bucket(store: Bucket) -> str:
    """The uri of a bucket of each store."""
    return store.uri


@pytest.fixture(params=["local", "s3", "gs"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A folder that no other test writes to: on a local disk, and in a bucket of each store."""
    if request.param == "local":
        return str(tmp_path)
    bucket: Bucket = request.getfixturevalue(request.param)
    return f"{bucket.uri}/{tmp_path.name}"
