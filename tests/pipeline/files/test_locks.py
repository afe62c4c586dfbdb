"""Locks: held by one, waited for, and taken over from who died or stood still."""

import json
import threading
import time
from typing import Any

import pytest

from duologue_pipeline.errors import UsageError
from duologue_pipeline.files import locks
from duologue_pipeline.files.conditional import ConflictError, Version, read_version, swap_bytes
from duologue_pipeline.files.file_fault import FileMissing, StoreFaultError
from duologue_pipeline.files.locks import LEASE_S, exclusive
from duologue_pipeline.files.storage import delete_file


def quiet(_: str) -> None:
    pass


def test_a_lock_is_held_by_one(place: str) -> None:
    said: list[str] = []
    with exclusive(f"{place}/lock", wait_s=0, waiting=said.append) as lease:
        lease.check()
        with (
            pytest.raises(
                UsageError,
                match=r"/lock: is still held by process \d+ on this machine; wait until it ends, or end it, and run",
            ),
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


def test_a_lock_which_lies_in_a_release_does_not_name_the_machine(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "janes-laptop")
    with exclusive(f"{place}/lock", wait_s=0, waiting=quiet):
        version = read_version(f"{place}/lock")
    assert version is not None
    assert sorted(json.loads(version.data)) == ["host", "pid", "token"]
    assert b"jane" not in version.data


def test_the_lock_of_a_process_that_died_here_is_taken_at_once(bucket: str) -> None:
    holder = {"host": locks._host(), "pid": 2**22 + 1, "token": "x"}  # no process has such an id
    swap_bytes(f"{bucket}/dead/lock", json.dumps(holder).encode(), old=None)
    with exclusive(f"{bucket}/dead/lock", wait_s=0, waiting=quiet):
        pass


def test_a_lock_that_is_not_renewed_is_taken_over_and_its_holder_notices(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "LEASE_S", 0.6)
    monkeypatch.setattr(locks, "_RENEW_S", 1.2)  # too late
    with exclusive(f"{bucket}/stale/lock", wait_s=0, waiting=quiet) as slow:
        other = {"host": "elsewhere", "pid": 1, "token": "y"}
        with monkeypatch.context() as patch:
            patch.setattr(locks, "_lock_text", lambda: json.dumps(other).encode())
            locks._take(f"{bucket}/stale/lock", time.monotonic() + 5, quiet)
        deadline = time.monotonic() + 20
        while slow.lost is None and time.monotonic() < deadline:
            time.sleep(0.05)
        with pytest.raises(ConflictError, match=r"another process took over the lock because this one stood still"):
            slow.check()
    assert read_version(f"{bucket}/stale/lock") is not None  # it is the other one's


def test_a_lock_that_could_not_be_renewed_for_its_lease_is_lost_before_the_store_says_so(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = locks._clock_s()
    monkeypatch.setattr(locks, "_clock_s", lambda: now)
    with exclusive(f"{bucket}/asleep/lock", wait_s=0, waiting=quiet) as lease:
        now += LEASE_S
        lease.check()
        now += 1
        with pytest.raises(ConflictError, match=r"/asleep/lock: the lock could not be renewed for 30 s"):
            lease.check()
    assert read_version(f"{bucket}/asleep/lock") is None  # it was nobody else's


def test_a_renewal_counts_from_when_it_was_sent(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "_RENEW_S", 0.05)
    now, renewals = locks._clock_s(), threading.Semaphore(0)
    monkeypatch.setattr(locks, "_clock_s", lambda: now)

    def counted(*arguments: Any, **named: Any) -> Version:
        version = swap_bytes(*arguments, **named)
        renewals.release()
        return version

    monkeypatch.setattr(locks, "swap_bytes", counted)
    with exclusive(f"{bucket}/renewed/lock", wait_s=0, waiting=quiet) as lease:
        for _ in range(4):
            now += LEASE_S - 1
            for _ in range(3):  # one that was sent before, and two after
                assert renewals.acquire(timeout=10)
            lease.check()


def test_a_renewal_of_which_the_answer_was_lost_is_no_loss_of_the_lock(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "_RENEW_S", 0.05)
    tries: list[bytes] = []

    def unanswered(uri: str, data: bytes, *, old: Version | None) -> Version:
        tries.append(data)
        if len(tries) not in (3, 4):
            version = swap_bytes(uri, data, old=old)
        if len(tries) in (2, 3, 4):  # the store is away for longer than it is tried; the first of them has come through
            raise StoreFaultError("made up")
        return version

    with exclusive(f"{bucket}/unanswered/lock", wait_s=0, waiting=quiet) as lease:
        monkeypatch.setattr(locks, "swap_bytes", unanswered)
        deadline = time.monotonic() + 20
        while len(tries) < 8 and time.monotonic() < deadline:
            lease.check()
            time.sleep(0.01)
        lease.check()
    assert len(tries) >= 8
    assert read_version(f"{bucket}/unanswered/lock") is None


def test_a_lock_in_a_bucket_that_there_is_not_is_a_sentence_at_once(bucket: str) -> None:
    kind = bucket.partition(":")[0]
    began = time.monotonic()
    with (
        pytest.raises(FileMissing, match="there is no such bucket"),
        exclusive(f"{kind}://no-such-bucket/lock", wait_s=60, waiting=quiet),
    ):
        pass
    assert time.monotonic() - began < 10


def test_a_lock_that_is_always_another_one_is_waited_for_until_the_deadline(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []

    def conflict(*_: Any, **__: Any) -> Version:
        asked.append(time.monotonic())
        raise ConflictError("changed")

    monkeypatch.setattr(locks, "swap_bytes", conflict)
    monkeypatch.setattr(locks, "_POLL_S", 0.1)
    with (
        pytest.raises(UsageError, match=r"/never/lock: is still held by another process"),
        exclusive(f"{bucket}/never/lock", wait_s=0.35, waiting=quiet),
    ):
        pass
    assert 3 <= len(asked) <= 5


def test_a_lock_that_somebody_else_has_put_in_its_place_is_not_given_back(place: str) -> None:
    with exclusive(f"{place}/replaced/lock", wait_s=0, waiting=quiet):
        delete_file(f"{place}/replaced/lock")
        other = swap_bytes(f"{place}/replaced/lock", b"of another", old=None)
    assert read_version(f"{place}/replaced/lock") == other
