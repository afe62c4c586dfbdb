"""Kills runs at random moments, and starts two at once; what comes out must be the same bytes.

    python -m benchmarks.kills run --times 200
    python -m benchmarks.kills run --times 50 --multi-processing
    python -m benchmarks.kills two-runs --times 20
    python -m benchmarks.kills duplicates --times 200

:mod:`benchmarks.withdrawal_faults` kills propagations.

Each kill is a SIGKILL to the process and its workers at a moment that is drawn uniformly from the time that an undisturbed one
takes. Right after it nothing half-written may lie in the release outside of ``.staging``; then the same
command is run to its end, and every byte must be that of an undisturbed one. The moments come from ``--seed``.

``duplicates`` does steps again and not processes, on the first 12 s of each recording: in each try some of the calls of the
pipeline's steps are made twice or three times, in turn or at once, and in every other one a worker is lost right after its
work, so that the same command has to go on; every try is in a new folder of the disk, of a bucket of S3 (moto) or of one of
Google's (its API on loopback), in turn. When the release is there, every call of the pipeline is made once more.

The libraries are loaded once and every process is forked from there, so that a kill falls into the work and not into imports.
"""

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import soundfile

from duologue_pipeline.demo import demo_files
from duologue_pipeline.demo.ledger import write_demo_ledger

UNFINISHED = (".staging", ".release.lock", ".dataset.json.lock")
"""What an interrupted command may leave in a release's folder: unfinished work, and locks that the next command removes."""


def start(arguments: list[str], log: Path) -> int:
    """Forks a process in a group of its own that carries out a command; gives its id."""
    process = os.fork()
    if process:
        return process
    os.setsid()
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    code = 70
    try:
        from duologue_pipeline.cli.app import main

        sys.argv = ["duologue", *arguments]
        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001 - whatever it is, it is a traceback, and it is told
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def finish(process: int) -> int:
    """Waits for a process; gives its exit status, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def kill(process: int) -> None:
    """Kills a process and all of its group."""
    try:
        os.killpg(process, signal.SIGKILL)
    except ProcessLookupError:
        os.kill(process, signal.SIGKILL)


def run_alone(arguments: list[str], log: Path) -> float:
    """Runs a command to its end; gives its seconds, and stops everything where it fails."""
    began = time.monotonic()
    code = finish(start(arguments, log))
    if code:
        sys.exit(f"{' '.join(arguments)}: exit status {code}\n{log.read_text()[-3000:]}")
    return time.monotonic() - began


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file of a folder by its path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def strays(out: Path, known: set[str]) -> list[str]:
    """Lists what lies in a release's folder and is neither of it nor in the folders for unfinished work."""
    found = [str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()] if out.is_dir() else []
    return [name for name in found if name not in known and not name.startswith(UNFINISHED)]


class Tally:
    """Counts what went wrong, and says it at once."""

    def __init__(self) -> None:
        self.tried = self.killed = self.wrong = 0

    def check(self, told: str, right: bool) -> None:
        """Prints what was wrong, unless it is right."""
        if not right:
            self.wrong += 1
            print(f"WRONG: {told}", flush=True)

    def end(self, what: str) -> None:
        """Prints the counts and ends the program."""
        print(f"{what}: {self.tried} tried, {self.killed} killed before their end, {self.wrong} wrong")
        sys.exit(1 if self.wrong else 0)


def tried_again(
    make: Callable[[Path], list[str]], compare: Callable[[Path], list[str]], whole: float, known: set[str], times: int
) -> Tally:
    """Kills a command ``times`` times, each in a folder of its own, and runs it again to its end.

    Args:
        make: gives the command whose release lies in ``out`` under a folder.
        compare: says what is wrong with the folder after the end.
        whole: seconds of an undisturbed one.
        known: the files of a whole release.
        times: how often.
    """
    tally = Tally()
    for number in range(times):
        folder = Path(tempfile.mkdtemp(prefix="kills-"))
        command = make(folder)
        moment = random.uniform(0, 1.1 * whole)
        process = start(command, folder / "log")
        time.sleep(moment)
        ended, _ = os.waitpid(process, os.WNOHANG)
        if not ended:
            kill(process)
            tally.killed += finish(process) < 0
        tally.tried += 1
        told = f"kill {number} after {moment:.2f} s"
        left = strays(folder / "out", known)
        tally.check(f"{told}: leaves {left}", not left)
        code = finish(start(command, folder / "log"))
        tally.check(f"{told}: run again it ends with {code}: {(folder / 'log').read_text()[-800:]}", code == 0)
        if code == 0:
            faults = compare(folder)
            tally.check(f"{told}: {faults[:5]}", not faults)
        shutil.rmtree(folder)
        if (number + 1) % 20 == 0:
            print(f"{number + 1} of {times}, {tally.wrong} wrong", flush=True)
    return tally


def run_command(out: Path, ledger: Path, *more: str) -> list[str]:
    """The command of the runs: the embedded sample in short samples, so that there is something of everything."""
    manifest = str(demo_files().manifest)
    return ["run", manifest, "--out", str(out), "--ledger", str(ledger), "--segment-s", "10", *more]


def kill_runs(times: int, *more: str) -> None:
    """Kills runs of the embedded sample."""
    base = Path(tempfile.mkdtemp(prefix="kills-base-"))
    ledger = write_demo_ledger(base / "consent.db")
    whole = run_alone(run_command(base / "out", ledger), base / "log")
    if more:
        whole = run_alone(run_command(base / "out2", ledger, *more), base / "log")
    expected = files_of(base / "out")

    def compare(folder: Path) -> list[str]:
        found = files_of(folder / "out")
        names = sorted(expected.keys() | found.keys())
        return [name for name in names if expected.get(name) != found.get(name)]

    print(f"an undisturbed run takes {whole:.1f} s and writes {len(expected)} files", flush=True)
    tally = tried_again(lambda folder: run_command(folder / "out", ledger, *more), compare, whole, set(expected), times)
    shutil.rmtree(base)
    tally.end(f"kills of run{' in worker processes' if more else ''}")


def two_runs(times: int) -> None:
    """Starts two runs into one folder, the same or another, at nearly the same time."""
    base = Path(tempfile.mkdtemp(prefix="kills-base-"))
    ledger = write_demo_ledger(base / "consent.db")
    run_alone(run_command(base / "out", ledger), base / "log")
    run_alone(run_command(base / "other", ledger, "--name", "other"), base / "log")
    same, other = files_of(base / "out"), files_of(base / "other")
    tally = Tally()
    for number in range(times):
        folder = Path(tempfile.mkdtemp(prefix="kills-"))
        more = ["--name", "other"] if number % 2 else []
        logs = folder / "log-1", folder / "log-2"
        first = start(run_command(folder / "out", ledger), logs[0])
        time.sleep(random.uniform(0, 2))
        second = start(run_command(folder / "out", ledger, *more), logs[1])
        codes = finish(first), finish(second)
        said = [log.read_text() for log in logs]
        tally.tried += 1
        tally.check(f"pair {number}: a traceback: {said}", not any("Traceback" in text for text in said))
        # the same run twice: both are content; another one: who came second is refused
        right = [(0, 0)] if not more else [(0, 2), (2, 0)]
        tally.check(f"pair {number}: exit {codes}: {[text[-300:] for text in said]}", codes in right)
        expected = other if codes[0] == 2 else same
        found = files_of(folder / "out")
        wrong = [name for name in sorted(expected.keys() | found.keys()) if expected.get(name) != found.get(name)]
        tally.check(f"pair {number}: {wrong[:5]}", not wrong)
        shutil.rmtree(folder)
    shutil.rmtree(base)
    tally.end("two runs at once")


def write_sample(folder: Path, seconds: float) -> Path:
    """Writes the first seconds of the embedded sample into a folder; gives its manifest."""
    whole = demo_files().manifest
    for name in ("audio", "words"):
        (folder / name).mkdir(parents=True)
    for path in (whole.parent / "audio").iterdir():
        pcm, rate_hz = soundfile.read(path, frames=round(seconds * soundfile.info(path).samplerate), dtype="int16")
        soundfile.write(folder / "audio" / path.name, pcm, rate_hz)
    for path in (whole.parent / "words").iterdir():
        words = [word for word in json.loads(path.read_text()) if word["end_s"] < seconds]
        (folder / "words" / path.name).write_text(json.dumps(words))
    return Path(shutil.copy(whole, folder))


def duplicates(times: int) -> None:
    """Does steps twice, at once and late, and loses workers; the release must be the same to the byte."""
    import logging
    from contextlib import redirect_stderr
    from io import StringIO

    from duologue_pipeline.files.storage import delete_directory, join, list_files, read_bytes
    from duologue_pipeline.run import RunRequest, run
    from tests.object_store import serve_store
    from tests.pipeline.run.repeats import CALLS, repeated, wake_stragglers

    base = Path(tempfile.mkdtemp(prefix="kills-base-"))
    ledger = write_demo_ledger(base / "consent.db")
    manifest = str(write_sample(base / "sample", seconds=12.0))
    tally, calls = Tally(), 0

    def carry_out(out: str) -> None:
        with redirect_stderr(StringIO()):
            run(RunRequest(manifest=manifest, out=out, ledger=str(ledger), segment_s=5.0))

    def contents(out: str) -> dict[str, bytes]:
        return {path: read_bytes(join(out, path)) for path in list_files(out)}

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line for each request
    with serve_store("s3", "releases") as s3, serve_store("gs", "releases") as gs:
        places = str(base), s3.uri, gs.uri
        with repeated(lost=0.0):
            carry_out(str(base / "once"))
        expected, whole = contents(str(base / "once")), len(CALLS)
        print(f"an undisturbed run makes {whole} calls of steps and writes {len(expected)} files", flush=True)
        for number in range(times):
            out = join(places[number % len(places)], f"try-{number}")
            lost = random.uniform(0.1, 0.9)
            after = random.randrange(whole) if number // len(places) % 2 else None
            told = f"try {number} ({out}, {lost:.2f} again, a worker lost after {after} calls)"
            tally.tried += 1
            try:
                with repeated(seed=number, lost=lost, calls=after):
                    carry_out(out)
            except Exception as error:  # noqa: BLE001 - what it is stands in its text
                tally.killed += 1
                tally.check(f"{told}: {error!r}"[:800], after is not None and "WorkerLostError" in repr(error))
                earlier = list(CALLS)
                with repeated(seed=number, lost=lost):
                    carry_out(out)
                CALLS.extend(earlier)
            calls += len(CALLS)
            found = contents(out)
            tally.check(f"{told}: another release", found == expected)
            wake_stragglers()
            found = contents(out)
            late = sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))
            tally.check(f"{told}: changed by stragglers: {late[:5]}", not late)
            delete_directory(out)  # what the servers hold lies in the memory of this process
            if (number + 1) % 10 == 0:
                print(f"{number + 1} of {times}, {calls} calls, {tally.wrong} wrong", flush=True)
    shutil.rmtree(base)
    print(f"{calls} calls of steps on disk, S3 and GCS, each made again when all was done")
    tally.end("runs with steps done twice")


def main() -> None:
    """Does what is asked, and ends with exit status 1 where anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("run", "two-runs", "duplicates"))
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--multi-processing", action="store_true", help="run in two worker processes")
    options = parser.parse_args()
    random.seed(options.seed)
    os.environ["OMP_NUM_THREADS"] = "1"
    # Loaded before the forks, so that each has them at once.
    import duologue_pipeline.cli.app
    import duologue_pipeline.cli.summary
    import duologue_pipeline.pipeline
    import duologue_pipeline.run.watched  # noqa: F401

    if options.what == "run":
        workers = ("--", "--direct_num_workers=2", "--direct_running_mode=multi_processing")
        kill_runs(options.times, *(workers if options.multi_processing else ()))
    elif options.what == "two-runs":
        two_runs(options.times)
    else:
        duplicates(options.times)


if __name__ == "__main__":
    main()
