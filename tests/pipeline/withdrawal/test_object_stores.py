"""Propagation in object stores: whole withdrawals on servers of both on loopback."""

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from duologue_consent import verify
from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader.dataset import open_dataset
from duologue_pipeline.release.verify import verify_release
from duologue_pipeline.withdrawal import carry_out
from duologue_pipeline.withdrawal.protocol import propagate_release
from tests.object_store import Bucket, serve_store
from tests.pipeline.withdrawal.world import World, make_world


@pytest.fixture(scope="module", params=["s3", "gs"])
def bucket(request: pytest.FixtureRequest) -> Iterator[Bucket]:
    """An empty bucket of each store."""
    with serve_store(request.param, "duologue-withdrawal") as found:
        yield found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = make_world(tmp_path_factory.mktemp("s3"))
    world.withdraw("carl")
    return world


@pytest.fixture
def withdrawn(made: World, tmp_path: Path) -> World:
    """A release of which a speaker has withdrawn, with a ledger of its own."""
    return copy_of(made, tmp_path / "withdrawn")


def copy_of(world: World, folder: Path) -> World:
    shutil.copytree(world.out.parent, folder)
    return World(folder / "out", folder / "consent.db")


def upload(world: World, bucket: Bucket, name: str) -> str:
    for path, data in world.files().items():
        bucket.put(f"{name}/{path}", data)
    return f"{bucket.uri}/{name}"


def listed(bucket: Bucket, name: str) -> set[str]:
    return {key.removeprefix(f"{name}/") for key in bucket.keys(f"{name}/") if not key.endswith("/")}


def download(bucket: Bucket, name: str, folder: Path) -> Path:
    for path in listed(bucket, name):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(bucket.get(f"{name}/{path}"))
    return folder


def test_a_withdrawal_in_a_bucket_writes_what_it_writes_on_disk(
    bucket: Bucket, withdrawn: World, tmp_path: Path
) -> None:
    root = upload(withdrawn, bucket, "release")
    local = copy_of(withdrawn, tmp_path / "local")
    reading = iter(open_dataset(root))
    first = next(reading).key
    now = datetime.now(UTC)  # the cards say when they were checked
    (outcome,) = propagate_release(root, withdrawn.ledger, as_of=now)
    assert (outcome.new_version, outcome.receipt) == ("2.0.0", "receipts/0001.json")
    assert not {"call-2-00000", "call-2-00001"} & {first, *(sample.key for sample in reading)}
    assert verify_release(root).faults == ()
    copy = download(bucket, "release", tmp_path / "copy")
    assert verify.main([str(copy / "receipts" / "0001.json")]) == 0
    assert not any(path.startswith(".") for path in listed(bucket, "release"))

    propagate_release(str(local.out), local.ledger, as_of=now)
    assert listed(bucket, "release") == set(local.files())
    for path in ("index.parquet", "recordings.parquet", "events.parquet", "README.md", *local.files()):
        if path.startswith("shards/") or path.endswith((".parquet", "README.md")):
            assert (copy / path).read_bytes() == local.files()[path], path
    assert propagate_release(root, withdrawn.ledger)[0].new_version is None


class _Killed(BaseException):
    pass


@pytest.mark.slow
@pytest.mark.parametrize("step", ["rewriting", "switching", "moving", "deleting", "appending", "holding"])
def test_interrupted_before_a_step_in_a_bucket_it_is_finished(
    bucket: Bucket, withdrawn: World, tmp_path: Path, step: str
) -> None:
    root = upload(withdrawn, bucket, step)

    def tell(text: str) -> None:
        if text.startswith(step):
            raise _Killed

    with pytest.raises(_Killed):
        propagate_release(root, withdrawn.ledger, tell=tell)
    propagate_release(root, withdrawn.ledger)
    assert verify_release(root).faults == ()
    copy = download(bucket, step, tmp_path / "copy")
    assert verify.main([str(copy / "receipts" / "0001.json")]) == 0
    assert len(withdrawn.ledger.records("shard.revoked")) == 1
    assert not any(path.startswith(".") for path in listed(bucket, step))


def test_a_switch_that_somebody_else_made_is_not_overwritten(
    bucket: Bucket, withdrawn: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = upload(withdrawn, bucket, "raced")
    manifest = json.loads(withdrawn.files()["dataset.json"]) | {"name": "other"}
    inner = carry_out._switch

    def raced(*arguments: object) -> None:
        bucket.put("raced/dataset.json", json.dumps(manifest).encode())
        inner(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(carry_out, "_switch", raced)
    with pytest.raises(
        UsageError, match=r"dataset\.json was changed by another process meanwhile; run the command again"
    ):
        propagate_release(root, withdrawn.ledger)
    monkeypatch.undo()
    (outcome,) = propagate_release(root, withdrawn.ledger)
    assert (outcome.name, outcome.new_version) == ("other", "2.0.0")


def test_a_versioned_bucket_keeps_what_is_deleted_and_the_receipt_says_so(
    bucket: Bucket, withdrawn: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("duologue_pipeline.withdrawal.proof.keeps_old_versions", lambda root: True)
    root = upload(withdrawn, bucket, "versioned")
    propagate_release(root, withdrawn.ledger)
    copy = download(bucket, "versioned", tmp_path / "copy")
    statement = verify._open_envelope(
        (copy / "receipts" / "0001.json").read_bytes(), verify._read_keys(withdrawn.ledger.public_key_text())
    )
    assert {each["level"] for each in statement["predicate"]["files"]} == {"LOGICAL"}
    assert "earlier versions in the bucket" in {each["what"] for each in statement["predicate"]["out_of_scope"]}
