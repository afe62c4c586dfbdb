"""Runs `duologue run` in processes of their own that kill themselves at a chosen change of a file below the output folder.

    python -m tests.pipeline.run.kills MANIFEST LEDGER FOLDER [FIRST LAST]

For every change that an undisturbed run makes (or those from FIRST to LAST): a run is killed just before it, what it has left
is listed, and the run is done again. Prints one JSON line for each: the number of the change, whether the run was killed,
the files that it left and those that were there after the second run, with their SHA-256. All imports are done once; each run
is a fork.
"""

import hashlib
import importlib
import json
import os
import pkgutil
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import pyarrow.fs

import duologue_pipeline.run
from duologue_pipeline.run import RunRequest

_CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link", "os.symlink"}


class Clock:
    """Counts the changes below a folder, and kills the process before the one that is its last."""

    def __init__(self, folder: Path, last: int) -> None:
        self.folder, self.left = str(folder), last

    def change(self, path: object) -> None:
        if str(path).startswith(self.folder):
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            self.left -= 1

    def heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if event in _CHANGES or writes:
            self.change(arguments[0])


def watch(clock: Clock) -> None:
    """Has the clock told of every change that this process makes."""

    class Watched(pyarrow.fs.LocalFileSystem):  # type: ignore[misc]
        """Its C++ raises no audit events."""

        def move(self, path: str, target: str) -> None:
            clock.change(target)
            super().move(path, target)

        def delete_file(self, path: str) -> None:
            clock.change(path)
            super().delete_file(path)

        def delete_dir(self, path: str) -> None:
            shutil.rmtree(path)  # as C++ does it, entry by entry, each of which may be the last

    pyarrow.fs.LocalFileSystem = Watched
    sys.addaudithook(clock.heard)


def run_in_fork(request: RunRequest, last: int | None) -> int:
    """Runs to the end, or to the change before which it is killed; gives the exit status, negative where it was killed."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        try:
            if last is not None:
                watch(Clock(Path(request.out), last))
            duologue_pipeline.run.run(request)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the parent is told
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def files(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def load_everything() -> None:
    for package in ("run", "stages", "activity", "isolation", "words", "codec", "release", "withdrawal"):
        path = importlib.import_module(f"duologue_pipeline.{package}").__path__
        for module in pkgutil.walk_packages(path, f"duologue_pipeline.{package}."):
            importlib.import_module(module.name)


def main() -> None:
    manifest, ledger, folder = sys.argv[1:4]
    first, last = (int(number) for number in sys.argv[4:6]) if len(sys.argv) > 4 else (0, 1 << 30)
    load_everything()
    out = Path(folder) / "out"

    def request() -> RunRequest:
        return RunRequest(manifest=manifest, out=str(out), ledger=ledger, isolation_policy="keep", segment_s=2.0)

    moment = first
    while moment <= last:
        shutil.rmtree(out, ignore_errors=True)
        status = run_in_fork(request(), moment)
        left = files(out)
        again = run_in_fork(request(), None)
        found = {"moment": moment, "status": status, "left": sorted(left), "again": again, "files": files(out)}
        print(json.dumps(found), flush=True)
        if status != -signal.SIGKILL:
            break
        moment += 1


if __name__ == "__main__":
    main()
