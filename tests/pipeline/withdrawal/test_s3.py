"""Propagation in an object store: conditional writes, the lock, and a whole withdrawal on a real S3 server on loopback."""

import json
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from duologue_consent import verify
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files import conditional
from duologue_pipeline.files.conditional import ConflictError, exclusive, read_version, swap_bytes
from duologue_pipeline.reader.dataset import open_dataset
from duologue_pipeline.release.verify import verify_release
from duologue_pipeline.withdrawal import protocol as publish
from duologue_pipeline.withdrawal.protocol import propagate_release
from tests.pipeline.withdrawal.world import World, make_world

BUCKET = "duologue-withdrawal"


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """The uri of an empty bucket."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }.items():
            patch.setenv(name, value)
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        yield f"s3://{BUCKET}"
    server.stop()


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


def upload(world: World, name: str) -> str:
    client = boto3.client("s3")
    for path, data in world.files().items():
        client.put_object(Bucket=BUCKET, Key=f"{name}/{path}", Body=data)
    return f"s3://{BUCKET}/{name}"


def listed(name: str) -> set[str]:
    found = boto3.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=f"{name}/").get("Contents", [])
    return {entry["Key"].removeprefix(f"{name}/") for entry in found if not entry["Key"].endswith("/")}


def download(name: str, folder: Path) -> Path:
    for path in listed(name):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        boto3.client("s3").download_file(BUCKET, f"{name}/{path}", str(folder / path))
    return folder


def quiet(_: str) -> None:
    pass


# --- conditional writes ---------------------------------------------------------------------------------------------


@pytest.fixture(params=["local", "s3"])
def place(request: pytest.FixtureRequest, bucket: str, tmp_path: Path) -> str:
    return str(tmp_path) if request.param == "local" else f"{bucket}/{tmp_path.name}"


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


def test_a_lock_is_held_by_one(place: str) -> None:
    said: list[str] = []
    with exclusive(f"{place}/lock", wait_s=0, waiting=said.append) as lease:
        lease.check()
        with (
            pytest.raises(UsageError, match=r"/lock: is still held by another process; run the command again later"),
            exclusive(f"{place}/lock", wait_s=0.2, waiting=said.append),
        ):
            pass
    assert len(said) == 1
    with exclusive(f"{place}/lock", wait_s=0, waiting=said.append):
        pass
    assert read_version(f"{place}/lock") is None


def test_who_waits_gets_the_lock_when_it_is_free(place: str) -> None:
    order = []

    def first() -> None:
        with exclusive(f"{place}/lock", wait_s=5, waiting=quiet):
            order.append("first")
            time.sleep(0.6)
            order.append("first ends")

    thread = threading.Thread(target=first)
    thread.start()
    time.sleep(0.3)
    with exclusive(f"{place}/lock", wait_s=5, waiting=quiet):
        order.append("second")
    thread.join()
    assert order == ["first", "first ends", "second"]


def test_the_lock_of_a_process_that_died_here_is_taken_at_once(bucket: str) -> None:
    holder = {"host": conditional._host(), "pid": 2**22 + 1, "token": "x"}  # no process has such an id
    swap_bytes(f"{bucket}/dead/lock", json.dumps(holder).encode(), old=None)
    with exclusive(f"{bucket}/dead/lock", wait_s=0, waiting=quiet):
        pass


def test_a_lock_that_is_not_renewed_is_taken_over_and_its_holder_notices(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conditional, "LEASE_S", 0.6)
    monkeypatch.setattr(conditional, "_RENEW_S", 1.2)  # too late
    with exclusive(f"{bucket}/stale/lock", wait_s=0, waiting=quiet) as slow:
        other = {"host": "elsewhere", "pid": 1, "token": "y"}
        monkeypatch.setattr(conditional, "_lock_text", lambda: json.dumps(other).encode())
        conditional._take(f"{bucket}/stale/lock", time.monotonic() + 5, quiet)
        time.sleep(1.3)
        with pytest.raises(ConflictError, match=r"another process took over the lock because this one stood still"):
            slow.check()
    assert read_version(f"{bucket}/stale/lock") is not None  # it is the other one's


def test_other_stores_are_refused() -> None:
    with pytest.raises(UsageError, match=r"gs://b/release: cannot be changed safely there; use a local path or s3://"):
        conditional.check_conditional("gs://b/release")


# --- withdrawals ----------------------------------------------------------------------------------------------------


def test_a_withdrawal_on_s3_writes_what_it_writes_on_disk(bucket: str, withdrawn: World, tmp_path: Path) -> None:
    root = upload(withdrawn, "release")
    local = copy_of(withdrawn, tmp_path / "local")
    reading = iter(open_dataset(root))
    first = next(reading).key
    (outcome,) = propagate_release(root, withdrawn.ledger)
    assert (outcome.new_version, outcome.receipt) == ("2.0.0", "receipts/0001.json")
    assert not {"call-2-00000", "call-2-00001"} & {first, *(sample.key for sample in reading)}
    assert verify_release(root).faults == ()
    copy = download("release", tmp_path / "copy")
    assert verify.main([str(copy / "receipts" / "0001.json")]) == 0
    assert not any(path.startswith(".") for path in listed("release"))

    propagate_release(str(local.out), local.ledger)
    assert listed("release") == set(local.files())
    for path in ("index.parquet", "recordings.parquet", "events.parquet", "README.md", *local.files()):
        if path.startswith("shards/") or path.endswith((".parquet", "README.md")):
            assert (copy / path).read_bytes() == local.files()[path], path
    assert propagate_release(root, withdrawn.ledger)[0].new_version is None


class _Killed(BaseException):
    pass


@pytest.mark.slow
@pytest.mark.parametrize("step", ["rewriting", "switching", "moving", "deleting", "appending", "holding"])
def test_interrupted_before_a_step_on_s3_it_is_finished(
    bucket: str, withdrawn: World, tmp_path: Path, step: str
) -> None:
    root = upload(withdrawn, step)

    def tell(text: str) -> None:
        if text.startswith(step):
            raise _Killed

    with pytest.raises(_Killed):
        propagate_release(root, withdrawn.ledger, tell=tell)
    propagate_release(root, withdrawn.ledger)
    assert verify_release(root).faults == ()
    copy = download(step, tmp_path / "copy")
    assert verify.main([str(copy / "receipts" / "0001.json")]) == 0
    assert len(withdrawn.ledger.records("shard.revoked")) == 1
    assert not any(path.startswith(".") for path in listed(step))


def test_a_switch_that_somebody_else_made_is_not_overwritten(
    bucket: str, withdrawn: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = upload(withdrawn, "raced")
    manifest = json.loads(withdrawn.files()["dataset.json"]) | {"name": "other"}
    inner = publish._switch

    def raced(*arguments: object) -> None:
        boto3.client("s3").put_object(Bucket=BUCKET, Key="raced/dataset.json", Body=json.dumps(manifest).encode())
        inner(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(publish, "_switch", raced)
    with pytest.raises(
        UsageError, match=r"dataset\.json was changed by another process meanwhile; run the command again"
    ):
        propagate_release(root, withdrawn.ledger)
    monkeypatch.undo()
    (outcome,) = propagate_release(root, withdrawn.ledger)
    assert (outcome.name, outcome.new_version) == ("other", "2.0.0")


def test_a_versioned_bucket_keeps_what_is_deleted_and_the_receipt_says_so(
    bucket: str, withdrawn: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("duologue_pipeline.withdrawal.proof.keeps_old_versions", lambda root: True)
    root = upload(withdrawn, "versioned")
    propagate_release(root, withdrawn.ledger)
    copy = download("versioned", tmp_path / "copy")
    statement = verify._open_envelope(
        (copy / "receipts" / "0001.json").read_bytes(), verify._read_keys(withdrawn.ledger.public_key_text())
    )
    assert {each["level"] for each in statement["predicate"]["files"]} == {"LOGICAL"}
    assert "earlier versions in the bucket" in {each["what"] for each in statement["predicate"]["out_of_scope"]}
