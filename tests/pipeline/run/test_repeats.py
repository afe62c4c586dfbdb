"""Every step may be done twice, at the same time as itself, and long after all is done: the release is the same to the byte."""

from collections.abc import Iterator
from contextlib import nullcontext
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from duologue_consent import Ledger
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.file_fault import FileMissing
from duologue_pipeline.files.storage import exists, join, list_files, read_bytes
from duologue_pipeline.release.publish import publish_release
from duologue_pipeline.release.verify import verify_release
from duologue_pipeline.run import run
from tests.object_store import serve_store
from tests.pipeline.release.folders import in_folders
from tests.pipeline.run.conftest import Calls
from tests.pipeline.run.repeats import CALLS, FAULTS, repeated, spent, wake_stragglers

LATE = "the run is over that worked in this folder, so a worker that came late has written nothing; end the job that it belongs to"


@pytest.fixture(params=["disk", "s3", "gs", "s3, tables in folders", "gs, tables in folders"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A folder for releases, on disk and in a bucket of each store."""
    kind = request.param.partition(",")[0]
    with in_folders() if request.param.endswith("folders") else nullcontext():
        if kind == "disk":
            yield str(tmp_path / tmp_path.name)
            return
        with serve_store(kind, "releases") as bucket:
            yield join(bucket.uri, tmp_path.name)


def files(out: str) -> dict[str, bytes]:
    return {path: read_bytes(join(out, path)) for path in list_files(out)}


def test_steps_done_twice_at_once_and_late_change_nothing(calls: Calls, place: str, tmp_path: Path) -> None:
    run(calls.request(tmp_path / "once"))
    whole = files(str(tmp_path / "once"))
    out = join(place, "out")
    with repeated():
        run(calls.request(out))
    assert [fault for fault in FAULTS if not isinstance(fault, StopIteration)] == []
    assert files(out) == whole
    assert len(CALLS) > 20

    late = wake_stragglers()
    assert {str(fault).partition(": ")[2] for fault in late if type(fault) is UsageError} == {LATE}
    assert all(isinstance(fault, UsageError | FileMissing) for fault in late)  # what the launcher decided is gone, too
    assert files(out) == whole
    assert verify_release(out).faults == ()
    assert run(calls.request(out)).was_complete


@pytest.mark.slow
def test_a_run_that_loses_a_worker_after_any_step_is_finished_by_the_next(
    calls: Calls, place: str, tmp_path: Path
) -> None:
    with repeated(lost=0.0):
        run(calls.request(tmp_path / "once"))
    count = len(CALLS)
    for after in (2, count // 2, count - 2, count - 1):
        out = join(place, f"out-{after}")
        with repeated(lost=0.0, calls=after), pytest.raises(Exception, match=f"after {after + 1} calls"):
            run(calls.request(out))
        assert not exists(join(out, "dataset.json"))
        run(calls.request(out))
        wake_stragglers()  # of the launch that failed
        assert files(out) == files(str(tmp_path / "once"))


def test_workers_of_an_earlier_launch_cannot_bring_back_who_has_withdrawn(
    calls: Calls, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = join(place, "out")

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with repeated(lost=0.0), monkeypatch.context() as patch:
        patch.setattr("duologue_pipeline.run.launch.publish_release", killed)
        with pytest.raises(KeyboardInterrupt):
            run(calls.request(out))
    earlier = list(CALLS)
    calls.withdraw("s-carl")

    def wake_first(*arguments: Any, **options: Any) -> Any:
        for call in earlier:
            spent(call)
        return publish_release(*arguments, **options)

    monkeypatch.setattr("duologue_pipeline.run.launch.publish_release", wake_first)
    run(calls.request(out))
    commitment = Ledger.open(calls.ledger).snapshot().commitment("s-carl").encode()
    assert [path for path, data in files(out).items() if commitment in data] == []
    assert verify_release(out).faults == ()


def test_a_job_that_nobody_waited_for_is_published_by_the_same_command(
    calls: Calls, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(calls.request(tmp_path / "once"))
    out, said = join(place, "out"), StringIO()
    with monkeypatch.context() as patch:
        patch.setattr("duologue_pipeline.run.launch.publish_release", lambda *_, **__: None)
        with pytest.raises(UsageError, match="no such"):  # there is nothing to report yet
            run(calls.request(out))
    monkeypatch.setattr("duologue_pipeline.run.launch.make_release", None)  # nothing is made again
    run(calls.request(out), progress=said)
    assert "publishing what a run before this one has laid ready" in said.getvalue()
    assert files(out) == files(str(tmp_path / "once"))
