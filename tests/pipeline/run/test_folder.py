"""The folder of a run is held by one, never damaged by what is interrupted, and holds nothing of those who said no."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from duologue_consent import Ledger
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.locks import exclusive
from duologue_pipeline.files.storage import move
from duologue_pipeline.files.tables import read_table
from duologue_pipeline.release.publish import publish_release
from duologue_pipeline.release.ready import require_launch
from duologue_pipeline.release.strays import LOCK, remove_strays
from duologue_pipeline.release.verify import verify_release
from duologue_pipeline.run import run
from duologue_pipeline.run.confirm import WithdrawnMeanwhile
from duologue_pipeline.run.folder import held
from duologue_pipeline.withdrawal.protocol import propagate_release
from duologue_pipeline.withdrawal.unfinished import find_leftovers
from tests.pipeline.run.conftest import Calls

ROOT = Path(__file__).resolve().parents[3]


def files(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def recordings(out: Path) -> list[str]:
    names: list[str] = read_table(str(out / "recordings.parquet"))["recording_id"].to_pylist()
    return names


def refusal(calls: Calls, out: Path, **fields: Any) -> str:
    with pytest.raises(UsageError) as raised:
        run(calls.request(out, **fields))
    return str(raised.value)


@pytest.fixture
def unfinished(calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a run that ended when all lay ready, before any of it was published."""

    def end(*_: object, **__: object) -> None:
        raise ProcessLookupError("ended here")

    with monkeypatch.context() as patch:
        patch.setattr("duologue_pipeline.run.launch.publish_release", end)
        with pytest.raises(ProcessLookupError):
            run(calls.request(tmp_path / "out"))
    return tmp_path / "out"


def parts(out: Path) -> list[str]:
    return sorted(path.name.partition("-")[2].partition("-")[0] for path in out.glob(".staging/parts/*.rows.json"))


# --- held by one ----------------------------------------------------------------------------------------------------


def test_a_second_run_says_who_holds_the_folder_and_what_to_do(calls: Calls, tmp_path: Path) -> None:
    out, said = tmp_path / "out", StringIO()
    with exclusive(str(out / LOCK), wait_s=0, waiting=lambda _: None), pytest.raises(UsageError) as raised:
        run(calls.request(out, wait_s=0.3), progress=said)
    who = f"process {os.getpid()} on this machine"
    assert said.getvalue() == f"waiting: {out} is held by {who}\n"
    assert str(raised.value) == (
        f"{out}/{LOCK}: is still held by {who}; wait until it ends, or end it, and run the command again"
    )
    assert list(out.iterdir()) == []


def test_of_two_runs_at_once_the_second_finds_the_release_of_the_first(calls: Calls, tmp_path: Path) -> None:
    results = []
    threads = [threading.Thread(target=lambda: results.append(run(calls.request(tmp_path / "out")))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(result.was_complete for result in results) == [False, True]
    assert results[0].release == results[1].release
    assert verify_release(str(tmp_path / "out")).faults == ()


def test_another_run_that_waited_is_refused(calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, place = tmp_path / "out", "duologue_pipeline.run.launch.held"

    def first_another(*arguments: Any, **options: Any) -> Any:
        monkeypatch.setattr(place, held)
        run(calls.request(out))
        return held(*arguments, **options)

    monkeypatch.setattr(place, first_another)
    assert "already holds the release duologue-dataset 1.0.0 of another run" in refusal(calls, out, segment_s=3.0)


def test_a_lock_that_was_lost_stops_the_run_before_anything_is_seen(
    calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stood_still(out: str, *, held: Any, **options: Any) -> Any:
        held.__self__.lost = "the lock: another process took over the lock"
        return publish_release(out, held=held, **options)

    monkeypatch.setattr("duologue_pipeline.run.launch.publish_release", stood_still)
    assert "another process took over the lock meanwhile; run the command again" in refusal(calls, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [".staging"]


def test_a_lock_that_is_lost_in_the_middle_of_a_publication_stops_it_before_the_next_file(
    calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, moved = tmp_path / "out", list[str]()

    def stood_still(out: str, *, held: Any, **options: Any) -> Any:
        def moved_one(source: str, target: str) -> None:
            move(source, target)
            moved.append(target)
            if len(moved) == 2:
                held.__self__.lost = "the lock: another process took over the lock"

        monkeypatch.setattr("duologue_pipeline.release.publish.move", moved_one)
        return publish_release(out, held=held, **options)

    with monkeypatch.context() as patch:
        patch.setattr("duologue_pipeline.run.launch.publish_release", stood_still)
        assert "another process took over the lock meanwhile" in refusal(calls, out)
    assert len(moved) == 2
    assert not (out / "dataset.json").exists()
    monkeypatch.setattr("duologue_pipeline.release.publish.move", move)
    run(calls.request(out))
    assert verify_release(str(out)).faults == ()


def test_a_lock_that_is_lost_while_the_ledger_is_asked_publishes_nothing(
    calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stood_still(out: str, *, check: Any, held: Any, **options: Any) -> Any:
        asked = list[int]()

        def slow() -> None:
            check()
            asked.append(1)
            if len(asked) == 2:
                held.__self__.lost = "the lock: another process took over the lock"

        return publish_release(out, check=slow, held=held, **options)

    monkeypatch.setattr("duologue_pipeline.run.launch.publish_release", stood_still)
    assert "another process took over the lock meanwhile" in refusal(calls, tmp_path / "out")
    assert not (tmp_path / "out" / "dataset.json").exists()


# --- published as a whole --------------------------------------------------------------------------------------------


def test_what_a_store_lists_late_is_published_all_the_same(
    unfinished: Path, calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(calls.request(tmp_path / "whole"))
    monkeypatch.setattr("duologue_pipeline.release.publish.list_files", lambda _: ["README.md"])
    run(calls.request(unfinished))
    assert files(unfinished) == files(tmp_path / "whole")


@pytest.mark.parametrize("lost", ["index.parquet", "rejected.jsonl"])
def test_a_release_of_which_a_file_lies_nowhere_is_not_published(
    lost: str, unfinished: Path, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    def losing(out: str, **options: Any) -> Any:
        for path in unfinished.glob(f".staging/next/*/{lost}"):
            path.unlink()
        return publish_release(out, **options)

    monkeypatch.setattr("duologue_pipeline.run.launch.publish_release", losing)
    assert f"{lost}: is to be published, and lies neither there nor in" in refusal(calls, unfinished)
    assert not (unfinished / "dataset.json").exists()


# --- interrupted ----------------------------------------------------------------------------------------------------


def test_a_run_that_ended_after_publication_is_completed(calls: Calls, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(calls.request(out))
    expected = files(out)
    for path in (
        ".staging/parts/call-0-0123.part",
        f".index.parquet.{'0' * 32}.tmp",
        "shards/train-00009-0123456789ab.tar",
    ):
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        (out / path).write_bytes(b"left")
    for name in (".propagate.lock", LOCK):
        (out / name).touch()
    (out / "notes.txt").write_text("mine")
    said = StringIO()
    assert run(calls.request(out), progress=said).was_complete
    assert files(out) == {**expected, "notes.txt": b"mine"}
    assert "notes.txt is not of duologue and stays" in said.getvalue()


def test_a_run_goes_on_in_a_folder_where_all_lay_ready(unfinished: Path, calls: Calls, tmp_path: Path) -> None:
    assert sorted(path.name for path in unfinished.iterdir()) == [".staging"]
    codec = "duologue_pipeline.tokens.encode.encode_conversation"
    run(calls.request(tmp_path / "whole"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codec, None)  # nothing is encoded again
        run(calls.request(unfinished))
    assert files(unfinished) == files(tmp_path / "whole")


def killed(calls: Calls, folder: Path, *moments: int) -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-m", "tests.pipeline.run.kills", str(calls.manifest), str(calls.ledger), str(folder)]
    done = subprocess.run(
        [*command, *map(str, moments)], check=True, capture_output=True, text=True, timeout=3600, cwd=ROOT
    )
    yield from (json.loads(line) for line in done.stdout.splitlines())


def check_kills(found: list[dict[str, Any]]) -> None:
    whole = found[0]["files"]
    assert "dataset.json" in whole
    for kill in found:
        assert [name for name in kill["left"] if name.endswith(".tmp") and not name.startswith(".staging/")] == []
        assert kill["again"] == 0
        assert kill["files"] == whole, kill["moment"]


@pytest.mark.slow
def test_killed_at_every_change_a_run_is_finished_by_running_it_again(calls: Calls, tmp_path: Path) -> None:
    found = list(killed(calls, tmp_path / "kills"))
    assert [kill["moment"] for kill in found] == list(range(len(found)))
    assert len(found) > 100
    check_kills(found)


@pytest.mark.slow  # 25 s
def test_killed_while_it_publishes_a_run_is_finished_by_running_it_again(calls: Calls, tmp_path: Path) -> None:
    check_kills(list(killed(calls, tmp_path / "kills", 112, 114)))


@pytest.mark.parametrize(
    ("number", "status", "begun", "beam"),
    [
        (signal.SIGTERM, 143, "*", ()),
        (signal.SIGINT, 130, "*", ()),
        (signal.SIGTERM, 143, "parts", ("--", "--direct_num_workers=2", "--direct_running_mode=multi_processing")),
    ],
)
def test_a_run_that_is_told_to_stop_says_so_in_a_line(
    calls: Calls, tmp_path: Path, number: signal.Signals, status: int, begun: str, beam: tuple[str, ...]
) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "duologue_pipeline", "run", str(calls.manifest), "--ledger", str(calls.ledger)]
    command += ["--out", str(out), "--isolation-policy", "keep", *beam]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    while (
        not list(out.glob(f".staging/{begun}/*")) and process.poll() is None
    ):  # early, for the run must not end before the signal
        time.sleep(0.02)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == status
    assert [line for line in said.splitlines() if not line.startswith("[")] == [
        f"duologue: stopped: what is done is kept in {out}; run the command again to go on"
    ]
    assert sorted(path.name for path in out.iterdir()) == [".staging"]


# --- withdrawn meanwhile --------------------------------------------------------------------------------------------


def test_withdrawn_before_publication_the_run_goes_on_without_the_speaker(
    calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, said, rounds = tmp_path / "out", StringIO(), list[int]()

    def withdrawn_first(*arguments: Any, **options: Any) -> Any:
        rounds.append(1)
        if len(rounds) == 1:
            command = [sys.executable, "-m", "duologue_pipeline", "consent", "withdraw", "s-carl", "--ledger"]
            subprocess.run([*command, str(calls.ledger)], check=True, capture_output=True, timeout=120)
        return publish_release(*arguments, **options)

    monkeypatch.setattr("duologue_pipeline.run.launch.publish_release", withdrawn_first)
    result = run(calls.request(out), progress=said)
    assert len(rounds) == 2
    assert recordings(out) == ["call-0"]
    assert result.refused == {"consent_withdrawn": 1}
    assert result.release is not None
    assert result.release["ledger"]["events"] == Ledger.open(calls.ledger).size()
    assert (
        "1 tracks may no longer be used since the run began; going on with the ledger as it is now" in said.getvalue()
    )
    commitment = Ledger.open(calls.ledger).snapshot().commitment("s-carl").encode()
    assert [path for path, data in files(out).items() if commitment in data] == []
    assert verify_release(str(out)).faults == ()


def test_withdrawn_while_the_files_are_moved_nothing_of_the_speaker_stays(
    calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, there = tmp_path / "out", list[list[str]]()

    def withdrawn_first(*arguments: Any, **options: Any) -> None:
        there.append(sorted(path.name for path in out.iterdir()))
        if len(there) == 1:
            calls.withdraw("s-carl")
        remove_strays(*arguments, **options)

    monkeypatch.setattr("duologue_pipeline.release.publish.remove_strays", withdrawn_first)
    run(calls.request(out))
    assert "recordings.parquet" in there[0]
    assert "dataset.json" not in there[0]
    assert recordings(out) == ["call-0"]
    assert verify_release(str(out)).faults == ()


def test_a_run_does_not_begin_anew_for_ever(calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def withdrawn_each_time(out: str, **options: Any) -> Any:
        calls.withdraw("s-carl")
        raise WithdrawnMeanwhile((), Ledger.open(calls.ledger).size())

    monkeypatch.setattr("duologue_pipeline.run.launch.publish_release", withdrawn_each_time)
    out = tmp_path / "out"
    assert refusal(calls, out) == (
        f"{out}: consent ended 4 times while the run was under way, so nothing is published; run the command again: what is "
        "done is kept"
    )
    assert not (out / "dataset.json").exists()


# --- what an unfinished run has left --------------------------------------------------------------------------------


def test_a_withdrawal_reaches_what_an_unfinished_run_has_left(unfinished: Path, calls: Calls) -> None:
    assert parts(unfinished) == ["0", "1"]
    calls.withdraw("s-carl")
    ledger = Ledger.open(calls.ledger)
    (planned,) = propagate_release(str(unfinished), ledger, dry_run=True)
    assert (parts(unfinished), planned.counts["parts_refused"]) == (["0", "1"], 1)
    (outcome,) = propagate_release(str(unfinished), ledger)
    assert (outcome.counts, outcome.refusals) == (
        {"parts_refused": 1, "parts_unknown": 0, "parts_kept": 1, "recordings_decided": 1},
        {"consent_withdrawn": 1},
    )
    assert parts(unfinished) == ["0"]
    commitment = ledger.snapshot().commitment("s-carl").encode()
    assert [path for path, data in files(unfinished).items() if commitment in data or b"call-1" in data] == []
    assert [path for path in files(unfinished) if "call-1" in path] == []
    run(calls.request(unfinished))
    assert recordings(unfinished) == ["call-0"]


def test_files_that_a_killed_publication_has_moved_are_reached_too(
    unfinished: Path, calls: Calls, tmp_path: Path
) -> None:
    (ready,) = unfinished.glob(".staging/next/*")
    for path in list(ready.rglob("*.*")):
        target = unfinished / path.relative_to(ready)
        if path.is_file() and target.name not in ("dataset.json", "refused.jsonl"):
            target.parent.mkdir(exist_ok=True)
            path.rename(target)
    calls.withdraw("s-carl")
    propagate_release(str(unfinished), Ledger.open(calls.ledger))
    assert {path.partition("/")[0] for path in files(unfinished)} == {".staging"}


def test_a_part_of_which_nothing_can_be_told_goes(unfinished: Path, calls: Calls) -> None:
    rows = next(unfinished.glob(".staging/parts/call-0-*.rows.json"))
    rows.write_text(
        json.dumps({name: value for name, value in json.loads(rows.read_text()).items() if name != "basis"})
    )
    (outcome,) = propagate_release(str(unfinished), Ledger.open(calls.ledger))
    assert outcome.counts == {"parts_refused": 0, "parts_unknown": 1, "parts_kept": 1, "recordings_decided": 0}
    assert parts(unfinished) == ["1"]


def test_a_part_that_holds_the_audio_of_a_refused_track_under_another_id_goes(unfinished: Path, calls: Calls) -> None:
    (kept,) = unfinished.glob(".staging/parts/call-0-*.rows.json")
    (gone,) = unfinished.glob(".staging/parts/call-1-*.rows.json")
    rows = json.loads(kept.read_text())
    rows["recordings"][0]["samples_sha256_a"] = json.loads(gone.read_text())["recordings"][0]["samples_sha256_b"]
    kept.write_text(json.dumps(rows))
    calls.withdraw("s-carl")
    (outcome,) = propagate_release(str(unfinished), Ledger.open(calls.ledger))
    assert outcome.counts == {"parts_refused": 2, "parts_unknown": 0, "parts_kept": 0, "recordings_decided": 1}
    assert outcome.refusals == {"consent_audio_of_refused": 1, "consent_withdrawn": 1}
    assert parts(unfinished) == []


def test_another_ledger_is_no_reason_to_keep_a_part(unfinished: Path, tmp_path: Path) -> None:
    other = Ledger.create(tmp_path / "other.db", ledger_id="ledger-2")
    (outcome,) = propagate_release(str(unfinished), other)
    assert outcome.counts["parts_unknown"] == 2
    assert parts(unfinished) == []


def test_a_run_never_goes_on_with_the_part_of_somebody_who_withdrew(unfinished: Path, calls: Calls) -> None:
    calls.withdraw("s-carl")
    said = StringIO()
    run(calls.request(unfinished), progress=said)
    assert "removing what an unfinished run has left of 1 tracks that may no longer be used" in said.getvalue()
    assert recordings(unfinished) == ["call-0"]


def test_a_trace_that_is_left_elsewhere_in_the_folder_is_named(unfinished: Path, calls: Calls) -> None:
    calls.withdraw("s-carl")
    commitment = Ledger.open(calls.ledger).snapshot().commitment("s-carl")
    (unfinished / "copy.txt").write_text(f"who: {commitment}")
    for _ in range(2):  # rows stay until nothing is found: they say what is looked for
        with pytest.raises(UsageError, match=rf"copy.txt: still holds {commitment}, which was removed from .staging"):
            propagate_release(str(unfinished), Ledger.open(calls.ledger))
        assert [path.name[:6] for path in unfinished.glob(".staging/parts/*.part")] == ["call-0"]
    (unfinished / "copy.txt").unlink()
    (outcome,) = propagate_release(str(unfinished), Ledger.open(calls.ledger))
    assert outcome.counts["parts_refused"] == 1
    assert parts(unfinished) == ["0"]


def test_rows_whose_part_is_gone_go(unfinished: Path, calls: Calls) -> None:
    for path in unfinished.glob(".staging/parts/call-1-*.part"):
        path.unlink()
    (outcome,) = propagate_release(str(unfinished), Ledger.open(calls.ledger))
    assert (outcome.counts["parts_unknown"], parts(unfinished)) == (1, ["0"])


def test_a_list_of_refusals_that_a_killed_publication_has_moved_is_no_trace(unfinished: Path, calls: Calls) -> None:
    """It names a recording that was refused then, was let in by another try, and is withdrawn now."""
    (unfinished / "rejected.jsonl").write_text('{"reason": "audio_missing", "recording_id": "call-1"}\n')
    calls.withdraw("s-carl")
    (outcome,) = propagate_release(str(unfinished), Ledger.open(calls.ledger))
    assert outcome.counts["parts_refused"] == 1
    assert not (unfinished / "rejected.jsonl").exists()


# --- a run that is still at work ------------------------------------------------------------------------------------


def test_workers_of_an_unfinished_run_stop_before_anything_is_removed(
    unfinished: Path, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch = json.loads((unfinished / ".staging/run.json").read_text())["launch"]
    (unfinished / ".staging/job.json").write_text(
        json.dumps({"job_id": "job-1", "cancel": "gcloud dataflow jobs cancel job-1"})
    )
    calls.withdraw("s-carl")
    looks, said = list[bool](), list[str]()

    def look(*arguments: Any, **options: Any) -> Any:
        looks.append((unfinished / ".staging/run.json").exists())
        return find_leftovers(*arguments, **options)

    monkeypatch.setattr("duologue_pipeline.withdrawal.protocol.find_leftovers", look)
    propagate_release(str(unfinished), Ledger.open(calls.ledger), tell=said.append)
    assert looks == [True, True, False], "what was written until the mark went is seen"
    assert parts(unfinished) == ["0"]
    with pytest.raises(UsageError, match="the run is over"):
        require_launch(str(unfinished), launch)
    assert (unfinished / ".staging/job.json").exists(), "the next run asks what became of it"
    assert [line for line in said if line.endswith("to stop it now: gcloud dataflow jobs cancel job-1")] != []
    before = files(unfinished)
    propagate_release(str(unfinished), Ledger.open(calls.ledger), tell=said.append)
    assert files(unfinished) == before


def test_a_withdrawal_that_concerns_no_part_leaves_a_run_at_work_alone(unfinished: Path, calls: Calls) -> None:
    before, said = files(unfinished), list[str]()
    (outcome,) = propagate_release(str(unfinished), Ledger.open(calls.ledger), tell=said.append)
    assert outcome.counts == {"parts_refused": 0, "parts_unknown": 0, "parts_kept": 2, "recordings_decided": 0}
    assert files(unfinished) == before
    assert said == ["everything in .staging may be used still, and a run may be at work with it: nothing is removed"]
