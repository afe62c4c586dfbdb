"""Locks: held by one, waited for, and taken over from who died or stood still."""

import json
import threading
import time

import pytest

from duologue_pipeline.errors import UsageError
from duologue_pipeline.files import locks
from duologue_pipeline.files.conditional import ConflictError, read_version, swap_bytes
from duologue_pipeline.files.locks import exclusive


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
        monkeypatch.setattr(locks, "_lock_text", lambda: json.dumps(other).encode())
        locks._take(f"{bucket}/stale/lock", time.monotonic() + 5, quiet)
        time.sleep(1.3)
        with pytest.raises(ConflictError, match=r"another process took over the lock because this one stood still"):
            slow.check()
    assert read_version(f"{bucket}/stale/lock") is not None  # it is the other one's
