"""What is fetched once and kept: shared, bounded, and gone when keeping ends, also after a fault."""

import errno
import multiprocessing
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import boto3
import pytest

from duologue_pipeline.files import kept
from duologue_pipeline.files.file_fault import FileMissing
from duologue_pipeline.files.kept import begin_keeping, end_keeping, forget, is_keeping, keep, keeping, kept_copy, use
from duologue_pipeline.files.storage import local_copy
from tests.object_store import serve_bucket

MIB = 1 << 20


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    with serve_bucket("calls") as uri:
        yield uri


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The uris of all that is fetched."""
    uris: list[str] = []

    @contextmanager
    def noted(uri: str, *, max_bytes: int | None = None) -> Iterator[Path]:
        uris.append(uri)
        with local_copy(uri, max_bytes=max_bytes) as path:
            yield path

    monkeypatch.setattr("duologue_pipeline.files.kept.local_copy", noted)
    return uris


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    yield
    assert not is_keeping()
    assert not kept._store.entries


def put(name: str, data: bytes) -> str:
    boto3.client("s3").put_object(Bucket="calls", Key=name, Body=data)
    return f"s3://calls/{name}"


def limit(monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    monkeypatch.setattr(kept, "room_bytes", lambda: room)


def test_a_remote_file_is_fetched_once_while_keeping_is_on(bucket: str, fetched: list[str]) -> None:
    uri = put("once.wav", b"once")
    with keeping():
        paths = set()
        for _ in range(3):
            with kept_copy(uri) as path:
                assert path.read_bytes() == b"once"
                assert path.suffix == ".wav"
                paths.add(path)
        (path,) = paths
        assert path.exists()
    assert not path.exists()
    assert fetched == [uri]


def test_without_keeping_each_step_fetches_what_is_there_then(bucket: str, fetched: list[str]) -> None:
    for data in b"first", b"second":
        uri = put("changing.wav", data)
        with kept_copy(uri) as path:
            assert path.read_bytes() == data
        assert not path.exists()
    assert len(fetched) == 2


def test_a_local_file_is_not_copied(tmp_path: Path) -> None:
    (tmp_path / "call.wav").write_bytes(b"here")
    with keeping(), kept_copy(str(tmp_path / "call.wav")) as path:
        assert path == tmp_path / "call.wav"
    assert path.exists()


def test_a_fault_leaves_nothing_and_is_raised_again(bucket: str, fetched: list[str]) -> None:
    with keeping():
        for _ in range(2):
            with pytest.raises(FileMissing), kept_copy(f"{bucket}/missing.wav"):
                pass
        uri = put("there.wav", b"there")
        with suppress(ZeroDivisionError), kept_copy(uri) as path:
            assert 1 / 0
        assert path.exists()
    assert not path.exists()
    assert len(fetched) == 3


def test_threads_that_want_a_file_at_once_share_it(bucket: str, fetched: list[str]) -> None:
    uri, paths = put("shared.wav", b"shared" * 100_000), set()

    def read() -> None:
        with kept_copy(uri) as path:
            assert len(path.read_bytes()) == 600_000
            paths.add(path)

    with keeping():
        threads = [threading.Thread(target=read) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(paths) == 1
    assert fetched == [uri]


def test_a_hit_leaves_nothing_behind(bucket: str) -> None:
    uri = put("hit.wav", b"hit")
    with keeping():
        for _ in range(3):
            with kept_copy(uri):
                pass
        with pytest.raises(FileMissing), kept_copy(f"{bucket}/missing.wav"):
            pass
        assert not kept._store.fetching


def test_a_forked_process_removes_nothing_of_its_parent(bucket: str) -> None:
    uri = put("parents.wav", b"parents")
    with keeping():
        with kept_copy(uri) as path:
            pass
        with multiprocessing.get_context("fork").Pool(1) as pool:
            assert pool.apply(_end_in_a_child, (uri,)) == b"parents"
        assert path.read_bytes() == b"parents"
        with kept_copy(uri) as again:
            assert again == path
    assert not path.exists()


def _end_in_a_child(uri: str) -> bytes:
    with kept_copy(uri) as path:
        data = path.read_bytes()
    end_keeping()
    forget()
    return data


def test_what_was_asked_for_longest_ago_goes_first(
    bucket: str, fetched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b, c = (put(f"{name}.wav", bytes(MIB)) for name in "abc")
    limit(monkeypatch, 2 * MIB)
    with keeping():
        for uri in a, b, a, c:  # c takes the place of b
            with kept_copy(uri):
                pass
        with kept_copy(a):
            pass
        assert fetched == [a, b, c]
        with kept_copy(b):
            pass
        assert fetched == [a, b, c, b]


def test_what_is_in_use_stays_however_large_it_is(
    bucket: str, fetched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = put("a.wav", bytes(MIB)), put("b.wav", bytes(MIB))
    limit(monkeypatch, 0)
    with keeping():
        with kept_copy(a) as first, kept_copy(b) as second, kept_copy(a) as again:
            assert first == again
            assert first.exists()
            assert second.exists()
        assert not first.exists()
        assert not second.exists()


def test_a_full_disk_is_made_room_on_before_a_fetch_fails(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    uri, tries = put("large.wav", b"large"), []

    @contextmanager
    def full_at_first(uri: str, *, max_bytes: int | None = None) -> Iterator[Path]:
        tries.append(uri)
        if kept._store.entries:
            raise OSError(errno.ENOSPC, "full")
        with local_copy(uri, max_bytes=max_bytes) as path:
            yield path

    removed: list[str] = []
    monkeypatch.setattr("duologue_pipeline.files.kept.local_copy", full_at_first)
    with keeping():
        keep("older", "value", size=5, close=lambda: removed.append("older"))
        with kept_copy(uri) as path:
            assert path.read_bytes() == b"large"
        assert removed == ["older"]
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 4}))
    with (
        pytest.raises(OSError, match=r"large\.wav: has 5 bytes, and 4 are free in /.*; make room") as raised,
        local_copy(uri),
    ):
        pass
    assert raised.value.errno == errno.ENOSPC


def test_keeping_ends_with_the_last_who_began_it_or_at_once() -> None:
    closed: list[str] = []
    begin_keeping()
    begin_keeping()
    keep("a", 1, size=1, close=lambda: closed.append("a"))
    keep("a", 2, size=1, close=lambda: closed.append("second a"))
    end_keeping()
    with use("a") as value, use("b") as nothing:
        assert (value, nothing) == (1, None)
    assert closed == ["second a"]
    end_keeping()
    assert closed == ["second a", "a"]
    keep("late", 1, size=1, close=lambda: closed.append("late"))
    assert closed[-1] == "late"
    begin_keeping()
    begin_keeping()
    keep("b", 1, size=1, close=lambda: closed.append("b"))
    with use("b"):
        forget()
        assert closed[-1] == "late"
    assert closed[-1] == "b"


def test_a_process_keeps_no_more_than_its_share_of_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    for free, room in (80 * MIB, 10 * MIB), (1 << 60, 4 << 30):
        monkeypatch.setattr("shutil.disk_usage", lambda path, free=free: type("Usage", (), {"free": free}))
        assert kept.room_bytes() == room
