"""Tests a run: it is killed at random moments, with workers of its own too, and two are started into one folder at once.

    OMP_NUM_THREADS=1 python -m benchmarks.run_faults [--kills 100] [--processes 20] [--pairs 20] [--seed 1]

`duologue run` on the embedded sample runs in a process of its own and gets SIGKILL after a random time, uniform over what an
undisturbed one needs; then the folder is looked at and the command is run again. A *fault* is an unfinished file outside of the
staging folder, a second run that fails, or bytes that are not those of an undisturbed run. With ``--processes`` so many kills are
of runs with two worker processes, none of which may be alive two seconds later. Of a pair both must end with status 0, one of them
with "complete already", and leave the same bytes. tests/pipeline/run/kills.py kills before every single change of a file.
Prints one JSON document; the exit status is 1 where there was a fault.
"""

import argparse
import hashlib
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from duologue_pipeline.demo import demo_files
from duologue_pipeline.demo.ledger import write_demo_ledger

_PROCESSES = ("--", "--direct_running_mode=multi_processing", "--direct_num_workers=2")
_WORKERS_END_WITHIN_S = 60


class Folder:
    """A folder with the ledger of the embedded sample, in which runs write ``out``."""

    def __init__(self, folder: Path) -> None:
        self.out, self.ledger = folder / "out", write_demo_ledger(folder / "demo.db")

    def start(self, *beam: str) -> subprocess.Popen[str]:
        """Starts a run."""
        command = [sys.executable, "-m", "duologue_pipeline", "run", str(demo_files().manifest), "--out", str(self.out)]
        options = ["--ledger", str(self.ledger), "--segment-s", "20", *beam]
        return subprocess.Popen([*command, *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def run(self, *beam: str) -> tuple[int, str]:
        """Runs to the end: exit status and what was said."""
        process = self.start(*beam)
        said, _ = process.communicate()
        return process.returncode, said

    def digests(self) -> dict[str, str]:
        """Path -> SHA-256 of every file."""
        return {
            path.relative_to(self.out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.out.rglob("*"))
            if path.is_file()
        }

    def clear(self) -> None:
        """Removes what runs have written."""
        shutil.rmtree(self.out, ignore_errors=True)


def workers_of(pid: int) -> list[int]:
    """The worker processes that this run has launched and that are alive."""
    mark, found = f"DUOLOGUE_LAUNCHER={pid}".encode(), []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def kill_once(folder: Folder, after_s: float, expected: dict[str, str], *beam: str) -> tuple[bool, list[str]]:
    """Kills a run and runs it again: whether it was alive when it was killed, and the faults."""
    folder.clear()
    process = folder.start(*beam)
    time.sleep(after_s)
    killed = process.poll() is None
    process.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + _WORKERS_END_WITHIN_S
    while workers_of(process.pid) and time.monotonic() < deadline:
        time.sleep(0.2)
    faults = [f"worker {pid} is alive" for pid in workers_of(process.pid)]
    process.communicate()
    faults += [
        f"left {path}" for path in folder.digests() if path.endswith(".tmp") and not path.startswith(".staging/")
    ]
    status, said = folder.run()
    faults += [f"status {status}: {said[-300:]}"] if status else []
    faults += ["other bytes"] if folder.digests() != expected else []
    return killed, faults


def pair_once(folder: Folder, expected: dict[str, str]) -> list[str]:
    """Starts two runs into one folder."""
    folder.clear()
    both = [folder.start() for _ in range(2)]
    said = [process.communicate()[0] for process in both]
    faults = [f"status {process.returncode}" for process in both if process.returncode]
    faults += ["not done once"] if sum("complete already" in text for text in said) != 1 else []
    return faults + (["other bytes"] if folder.digests() != expected else [])


def main() -> None:
    """Runs it and prints the counts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, count in (("kills", 100), ("processes", 20), ("pairs", 20), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=count)
    given = parser.parse_args()
    draw, faults, alive = random.Random(given.seed), list[str](), 0
    with tempfile.TemporaryDirectory(prefix="duologue-runs-") as temporary:
        folder = Folder(Path(temporary))
        needs_s = {}
        for beam in ((), _PROCESSES) if given.processes else ((),):
            folder.clear()
            began = time.monotonic()
            folder.run(*beam)
            needs_s[beam] = time.monotonic() - began
        expected = folder.digests()
        for number in range(given.kills + given.processes):
            beam = _PROCESSES if number >= given.kills else ()
            killed, found = kill_once(folder, draw.uniform(0, needs_s[beam]), expected, *beam)
            alive += killed
            faults += [f"kill {number}: {fault}" for fault in found]
        for number in range(given.pairs):
            faults += [f"pair {number}: {fault}" for fault in pair_once(folder, expected)]
    done = {
        "kills": given.kills,
        "with_workers": given.processes,
        "ended_before_the_kill": -alive,
        "pairs": given.pairs,
    }
    done["ended_before_the_kill"] += given.kills + given.processes
    print(json.dumps({**done, "faults": faults}, indent=2))
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
