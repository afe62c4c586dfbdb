"""Where files are written conditionally: a local folder and a bucket."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.object_store import serve_bucket


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """The uri of an empty bucket."""
    with serve_bucket("duologue-files") as uri:
        yield uri


@pytest.fixture(params=["local", "s3"])
def place(request: pytest.FixtureRequest, bucket: str, tmp_path: Path) -> str:
    """A folder that no other test writes to, once on a local disk and once in the bucket."""
    return str(tmp_path) if request.param == "local" else f"{bucket}/{tmp_path.name}"
