"""A whole run from and to an object store: a real S3 server on loopback, started and stopped here."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from duologue_pipeline.demo import demo_files
from duologue_pipeline.demo.ledger import write_demo_ledger
from duologue_pipeline.reader import open_dataset
from tests.end_to_end.support import Duologue
from tests.object_store import serve_bucket

pytestmark = pytest.mark.slow

BUCKET = "duologue-test"


@pytest.fixture
def bucket() -> Iterator[str]:
    """The uri of a bucket that holds the embedded sample."""
    with serve_bucket(BUCKET) as uri:
        client = boto3.client("s3")
        folder = demo_files().manifest.parent
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                client.upload_file(str(path), BUCKET, f"demo/{path.relative_to(folder)}")
        yield uri


def test_a_run_from_and_to_s3_writes_the_same_release_as_on_disk(
    bucket: str, duologue: Duologue, tmp_path: Path
) -> None:
    ledger = write_demo_ledger(tmp_path / "demo.db")
    outcome = duologue("run", f"{bucket}/demo/manifest.jsonl", "--out", f"{bucket}/out", "--ledger", ledger)
    assert outcome.code == 0, outcome.stderr
    assert duologue("run", demo_files().manifest, "--out", tmp_path / "out", "--ledger", ledger).code == 0

    listed = boto3.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="out/")["Contents"]
    remote = {entry["Key"].removeprefix("out/") for entry in listed if not entry["Key"].endswith("/")}
    local = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert remote == local
    body = boto3.client("s3").get_object(Bucket=BUCKET, Key="out/dataset.json")["Body"].read()
    assert json.loads(body) == json.loads((tmp_path / "out" / "dataset.json").read_text())
    assert duologue("shards", "verify", f"{bucket}/out").code == 0
    assert [s.key for s in open_dataset(f"{bucket}/out")] == [s.key for s in open_dataset(os.fspath(tmp_path / "out"))]
