"""Several processes decide what one decides: the same files, the same refusals, in the same order; nothing is lost with a process."""

import errno
import gc
import itertools
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from duologue_consent import Ledger, Purpose, parse_time
from duologue_pipeline.cli.support import stoppable
from duologue_pipeline.consent.decided_files import read_decided
from duologue_pipeline.errors import UsageError
from duologue_pipeline.read import whole
from duologue_pipeline.run import decided as module
from duologue_pipeline.run import forked
from duologue_pipeline.run.decided import DecidedManifest, decide_manifest
from duologue_pipeline.run.forked import forked_map
from duologue_pipeline.run.request import RunRequest

SIGNED = "https://host/a.wav?X-Amz-Signature=0123456789"


def line(name: str, a: str = "anna", b: str = "ben", **fields: Any) -> str:
    tracks = [{"speaker_id": a, "uri": SIGNED}, {"speaker_id": b, "uri": "s3://calls/b.wav"}]
    return json.dumps({"recording_id": name, "tracks": tracks, "started_at": "2026-03-01T10:00:00Z", **fields})


LINES = [
    *(line(f"call-{number}") for number in range(9)),
    line("call-3", x_large=2**70),  # two lines share an id
    line("call-6", b="carl"),  # the same, and nobody asked carl
    line("call-9", b="carl"),
    line("CALL-1"),  # looks like call-1
    "{}",
    line("call-10", x_large=2**70),
]


@pytest.fixture
def decide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(whole, "_BLOCK", 2)
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_text("\n".join(LINES) + "\n")
    ledger = Ledger.create(tmp_path / "consent.db")
    for name in ("anna", "ben"):
        ledger.grant(name, [Purpose.RECORDING, Purpose.TRAINING_INHOUSE], at=parse_time("2025-06-01T00:00:00Z"))
    pinned: Any = SimpleNamespace(snapshot=ledger.snapshot(), ledger=ledger)

    def decided(processes: int) -> DecidedManifest:
        monkeypatch.setattr(forked, "processes_for", lambda parts: processes)
        monkeypatch.setattr(module, "processes_for", lambda parts: processes)
        request = RunRequest(manifest=str(manifest), out=str(tmp_path / f"out-{processes}"), ledger="consent.db")
        as_of = datetime(2026, 11, 1, tzinfo=UTC)
        return decide_manifest(
            whole.load_manifest(str(manifest), each=forked.shared_map), request, pinned, out=request.out, as_of=as_of
        )

    return decided


def test_two_processes_decide_as_one(decide: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DUOLOGUE_ADDRESS_KEY", raising=False)
    two, one = decide(2), decide(1)
    assert two.refusals == one.refusals
    assert [each.reason for each in one.refusals].count("manifest_duplicate_id") == 4
    found = [[each for path in decided.paths for each in read_decided(path)] for decided in (two, one)]
    assert found[0] == found[1]  # what a copy has sealed can be opened here
    assert len(found[0]) == len(LINES)
    assert [Path(path).name for path in two.paths] == [Path(path).name for path in one.paths]


def test_results_come_in_the_order_of_the_numbers() -> None:
    assert list(forked_map(lambda number: number**2, 50, processes=2)) == [number**2 for number in range(50)]
    assert list(forked_map(lambda number: number, 0, processes=2)) == []


def test_a_fault_in_a_copy_is_raised_here() -> None:
    with pytest.raises(ZeroDivisionError):
        list(forked_map(lambda number: 1 // (3 - number), 9, processes=2))


def test_a_copy_that_is_killed_is_told() -> None:
    def work(number: int) -> int:
        if number == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return number

    with pytest.raises(UsageError, match="a process that helps this one was killed"):
        list(forked_map(work, 9, processes=2))


def test_a_copy_that_is_told_to_stop_says_nothing_of_the_run(capfd: pytest.CaptureFixture[str]) -> None:
    def work(number: int) -> int:
        if number == 3:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(30)
        return number

    with pytest.raises(UsageError, match="was killed"), stoppable("the run says this"):
        list(forked_map(work, 9, processes=2))
    assert capfd.readouterr().err == ""


def no_semaphores(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")  # as where there is no /dev/shm

    monkeypatch.setattr(multiprocessing.get_context("fork"), "Lock", missing)


def one_process_more(monkeypatch: pytest.MonkeyPatch) -> None:
    fork, made = os.fork, itertools.count()

    def made_or_not() -> int:
        if next(made):
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        return fork()

    monkeypatch.setattr(os, "fork", made_or_not)


def no_child_of_a_daemon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(multiprocessing.current_process()._config, "daemon", True)  # type: ignore[attr-defined]


@pytest.mark.parametrize("lack", [no_semaphores, one_process_more, no_child_of_a_daemon])
def test_where_the_system_gives_no_copies_this_process_does_it(
    lack: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    lack(monkeypatch)
    frozen = gc.get_freeze_count()
    assert list(forked_map(lambda number: (number, os.getpid()), 5, processes=2)) == [
        (n, os.getpid()) for n in range(5)
    ]
    assert not multiprocessing.active_children()  # else the end of this process would wait for it
    assert gc.get_freeze_count() == frozen


_LAUNCHER = """
import os, time
from duologue_pipeline.run.forked import forked_map

def work(number):
    time.sleep(0.1 if number < 2 else 60)
    return os.getpid()

for pid in forked_map(work, 9, processes=2):
    print(pid, flush=True)
"""


def runs(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_copies_end_with_their_launcher(how: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", _LAUNCHER], stdout=subprocess.PIPE, text=True) as launcher:
        assert launcher.stdout is not None
        copies = {int(launcher.stdout.readline()) for _ in range(2)}
        launcher.send_signal(how)
        assert launcher.wait() == -how
    deadline = time.monotonic() + 30
    while any(map(runs, copies)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
