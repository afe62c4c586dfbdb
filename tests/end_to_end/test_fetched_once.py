"""A run over an object store fetches each file of a recording once, and leaves no copy of it behind."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from duologue_pipeline.demo import demo_files
from duologue_pipeline.demo.ledger import write_demo_ledger
from duologue_pipeline.files import storage
from duologue_pipeline.files.kept import is_keeping
from duologue_pipeline.files.temporary import temporary_place
from duologue_pipeline.run import RunRequest, run
from tests.object_store import serve_bucket

pytestmark = pytest.mark.slow


@pytest.fixture
def bucket() -> Iterator[str]:
    with serve_bucket("demo") as uri:
        yield uri


@pytest.mark.parametrize("include_audio", [False, True])
def test_each_file_is_fetched_once_a_recording(
    include_audio: bool, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = demo_files().manifest.parent
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            boto3.client("s3").upload_file(str(path), "demo", path.relative_to(folder).as_posix())
    fetched: Counter[str] = Counter()
    copy: Any = storage._copy_object

    def counted(uri: str, *rest: Any) -> None:
        fetched[uri] += 1
        copy(uri, *rest)

    monkeypatch.setattr(storage, "_copy_object", counted)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    result = run(
        RunRequest(
            manifest=f"{bucket}/manifest.jsonl",
            out=str(tmp_path / "out"),
            ledger=str(write_demo_ledger(tmp_path / "demo.db")),
            include_audio=include_audio,
        )
    )
    assert result.release is not None
    assert not any(result.refused.values())
    audio = [uri for uri in fetched if uri.endswith((".flac", ".wav"))]
    words = [uri for uri in fetched if uri.endswith(".json")]
    assert (len(audio), len(words)) == (4, 6)
    assert set(fetched.values()) == {1}
    assert not is_keeping()
    left = [path for path in temporary_place().rglob("*") if path.is_file() and path.name != ".lock"]
    assert left == []
