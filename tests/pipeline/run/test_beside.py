"""A withdrawal beside a run at work, in either order, killed or not: nothing of who said no is published."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from duologue_consent import Ledger, Purpose
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.storage import (
    delete_directory,
    delete_file,
    exists,
    join,
    list_files,
    open_input,
    read_bytes,
    write_bytes,
)
from duologue_pipeline.release.ready import require_launch
from duologue_pipeline.release.verify import verify_release
from duologue_pipeline.run import run
from duologue_pipeline.run.make import make_release
from duologue_pipeline.withdrawal import unfinished
from duologue_pipeline.withdrawal.protocol import propagate_release
from duologue_pipeline.withdrawal.unfinished import find_leftovers, remove_leftovers
from tests.object_store import serve_store
from tests.pipeline.run.conftest import JANUARY, Calls

LAUNCH = "duologue_pipeline.run.launch"


@pytest.fixture(params=["disk", "s3", "gs"])
def out(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A folder for a release, on disk and in buckets."""
    if request.param == "disk":
        yield str(tmp_path / "out")
        return
    with serve_store(request.param, "releases") as bucket:
        yield join(bucket.uri, tmp_path.name)


def carl(calls: Calls) -> bytes:
    return Ledger.open(calls.ledger).snapshot().commitment("s-carl").encode()


def traces(calls: Calls, out: str) -> list[str]:
    """The files below a folder that name the speaker."""
    return [path for path in list_files(out) if carl(calls) in read_bytes(join(out, path))]


def end(*_: object, **__: object) -> None:
    raise ProcessLookupError("ended here")


@pytest.fixture
def launched(calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The folder of a run that was killed when all was decided, and nothing of it done."""
    out = str(tmp_path / "out")
    with monkeypatch.context() as patch:
        patch.setattr(f"{LAUNCH}.make_release", end)
        with pytest.raises(ProcessLookupError):
            run(calls.request(out))
    return out


def test_a_launch_that_was_to_use_who_said_no_is_stopped_before_it_has_a_part(launched: str, calls: Calls) -> None:
    launch = json.loads(read_bytes(join(launched, ".staging/run.json")))["launch"]
    write_bytes(join(launched, ".staging/job.json"), b'{"job_id": "job-1", "cancel": "stop job-1"}')
    calls.withdraw("s-carl")
    ledger, said = Ledger.open(calls.ledger), list[str]()
    (planned,) = propagate_release(launched, ledger, dry_run=True)
    assert planned.counts["recordings_decided"] == 1
    require_launch(launched, launch)

    (outcome,) = propagate_release(launched, ledger, tell=said.append)
    assert outcome.counts == {"parts_refused": 0, "parts_unknown": 0, "parts_kept": 0, "recordings_decided": 1}
    assert outcome.refusals == {"consent_withdrawn": 1}
    with pytest.raises(UsageError, match="the run is over"):
        require_launch(launched, launch)
    assert traces(calls, launched) == []
    assert said[0] == (
        "a launch of a run that did not end was to use what is not allowed any more: it is stopped, and cannot be published; "
        "`duologue run` goes on without that"
    )
    assert "stop job-1" in said[1]
    delete_file(join(launched, ".staging/job.json"))  # Dataflow is not there to be asked
    assert run(calls.request(launched)).refused == {"consent_withdrawn": 1}
    assert traces(calls, launched) == []
    assert verify_release(launched).faults == ()


def test_a_withdrawal_that_concerns_nobody_of_a_launch_leaves_it_alone(launched: str, calls: Calls) -> None:
    ledger = Ledger.open(calls.ledger)
    ledger.grant("s-doris", [Purpose.RECORDING], at=JANUARY)
    ledger.withdraw("s-doris", at=JANUARY)
    before, said = list_files(launched), list[str]()
    (outcome,) = propagate_release(launched, Ledger.open(calls.ledger), tell=said.append)
    assert set(outcome.counts.values()) == {0}
    assert list_files(launched) == before
    assert said == ["everything in .staging may be used still, and a run may be at work with it: nothing is removed"]


def test_decisions_that_cannot_be_read_are_not_gone_on_with(launched: str, calls: Calls) -> None:
    (path,) = [path for path in list_files(launched) if path.startswith(".staging/decided/")]
    write_bytes(join(launched, path), b'{"recording": {}, "consent": {}}\n')
    (outcome,) = propagate_release(launched, Ledger.open(calls.ledger))
    assert outcome.counts["recordings_decided"] == 1
    assert not exists(join(launched, ".staging/run.json"))


def test_parts_of_a_run_that_ends_meanwhile_are_not_missed(
    launched: str, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = [*list_files(join(launched, ".staging")), "parts/call-00.rows.json"]
    with monkeypatch.context() as patch:
        patch.setattr(unfinished, "list_files", lambda _: there)
        left = find_leftovers(launched, Ledger.open(calls.ledger).snapshot(), as_of=datetime.now(UTC))
    assert (left.unknown, left.kept_parts, left.all_allowed) == (0, 0, True)


def test_a_file_that_a_late_worker_moves_on_is_looked_for_again(
    launched: str, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls.withdraw("s-carl")
    left = find_leftovers(launched, Ledger.open(calls.ledger).snapshot(), as_of=datetime.now(UTC))
    late = Path(launched) / ".staging/parts/late.tmp"
    late.parent.mkdir()
    late.write_bytes(carl(calls))

    def moved(uri: str) -> Any:
        if uri == str(late):
            late.rename(late.with_suffix(".part"))
        return open_input(uri)

    monkeypatch.setattr(unfinished, "open_input", moved)
    with pytest.raises(UsageError, match=r"late\.part: still holds"):
        remove_leftovers(launched, left)


def test_what_a_run_says_that_refused_everything_meanwhile_stays(
    launched: str, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    def looked(*arguments: Any, **options: Any) -> Any:
        left = find_leftovers(*arguments, **options)
        delete_directory(join(launched, ".staging"))
        write_bytes(join(launched, "rejected.jsonl"), b"{}\n")
        return left

    monkeypatch.setattr("duologue_pipeline.withdrawal.protocol.find_leftovers", looked)
    (outcome,) = propagate_release(launched, Ledger.open(calls.ledger))
    assert set(outcome.counts.values()) == {0}
    assert list_files(launched) == ["rejected.jsonl"]


def test_killed_while_it_removes_a_withdrawal_finds_the_same_again(
    launched: str, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls.withdraw("s-carl")
    with monkeypatch.context() as patch:
        patch.setattr("duologue_pipeline.withdrawal.protocol.remove_leftovers", end)
        with pytest.raises(Exception, match="ended here"):
            propagate_release(launched, Ledger.open(calls.ledger))
    (outcome,) = propagate_release(launched, Ledger.open(calls.ledger))
    assert (outcome.counts["recordings_decided"], traces(calls, launched)) == (1, [])


def test_a_withdrawal_waits_for_a_run_at_work_and_looks_at_what_it_published(
    calls: Calls, out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = threading.Event()

    def withdrawn_meanwhile(*arguments: Any, **options: Any) -> Any:
        if not waits.is_set():
            calls.withdraw("s-carl")
            thread.start()
            assert waits.wait(60)
        return make_release(*arguments, **options)

    said, outcomes, progress = list[str](), list[Any](), StringIO()

    def tell(text: str) -> None:
        said.append(text)
        waits.set()

    thread = threading.Thread(
        target=lambda: outcomes.extend(propagate_release(out, Ledger.open(calls.ledger), tell=tell))
    )
    monkeypatch.setattr(f"{LAUNCH}.make_release", withdrawn_meanwhile)
    result = run(calls.request(out), progress=progress)
    thread.join(120)
    assert "going on with the ledger as it is now" in progress.getvalue()
    assert result.refused == {"consent_withdrawn": 1}
    assert "publishes nothing of those who have said no (1 tracks)" in said[0]
    assert [(each.old_version, each.new_version) for each in outcomes] == [("1.0.0", None)]
    assert traces(calls, out) == []
    assert verify_release(out).faults == ()


def test_a_run_waits_for_a_withdrawal_at_work_and_goes_on_without_who_said_no(
    launched: str, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    results, waits, said = list[Any](), threading.Event(), StringIO()

    class Progress:
        def write(self, text: str) -> int:
            if text.startswith("waiting"):
                waits.set()
            return said.write(text)

        def flush(self) -> None: ...

        def isatty(self) -> bool:
            return False

    progress: Any = Progress()
    thread = threading.Thread(target=lambda: results.append(run(calls.request(launched), progress=progress)))

    def run_begins(*arguments: Any, **options: Any) -> None:
        thread.start()
        assert waits.wait(60)
        remove_leftovers(*arguments, **options)

    calls.withdraw("s-carl")
    with monkeypatch.context() as patch:
        patch.setattr("duologue_pipeline.withdrawal.protocol.remove_leftovers", run_begins)
        propagate_release(launched, Ledger.open(calls.ledger))
    thread.join(120)
    assert results[0].refused == {"consent_withdrawn": 1}
    assert traces(calls, launched) == []
    assert verify_release(launched).faults == ()
