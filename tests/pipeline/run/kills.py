"""Runs `duologue run` in processes of their own that die at a chosen change of a file below the output folder.

    python -m tests.pipeline.run.kills MANIFEST LEDGER FOLDER [FIRST LAST]

For every change that an undisturbed run makes: what a run leaves that is killed just before it is listed, and the run is done
again there. Prints one JSON line for each: the number of the change, the files left and those that were there after the second
run, with their SHA-256. From FIRST to LAST each run is killed; without them one run keeps a copy of the folder before each
change, which is the same on a disk and takes half the time. All imports are done once; each run is a fork.
"""

import hashlib
import importlib
import json
import os
import pkgutil
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.fs

import duologue_pipeline.run
from duologue_pipeline.run import RunRequest

_CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link", "os.symlink"}


class Clock:
    """Counts the changes below a folder, and has something be done before each, told its number."""

    def __init__(self, folder: Path, act: Callable[[int], object]) -> None:
        self.folder, self.act, self.next = str(folder), act, 0

    def change(self, path: object) -> None:
        if str(path).startswith(self.folder):
            self.next += 1
            self.act(self.next - 1)

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


def run_in_fork(request: RunRequest, act: Callable[[int], object] | None = None) -> int:
    """Runs to the end, or until ``act`` ends it before a change; gives the exit status, negative where it was killed."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        try:
            if act is not None:
                watch(Clock(Path(request.out), act))
            duologue_pipeline.run.run(request)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the parent is told
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def killed(request: RunRequest, moments: range) -> Iterator[int]:
    """Kills a run before each of the changes, in an empty folder each; gives their numbers."""

    def end(number: int) -> None:
        if number == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    for moment in moments:
        shutil.rmtree(request.out, ignore_errors=True)
        assert run_in_fork(request, end) == -signal.SIGKILL
        yield moment


def kept(request: RunRequest, folder: Path) -> Iterator[int]:
    """Lays what a run would have left before each of its changes into its folder, one by one; gives their numbers."""

    def keep(number: int) -> None:
        copy = folder / str(number)
        shutil.copytree(request.out, copy) if Path(request.out).is_dir() else copy.mkdir(parents=True)

    assert run_in_fork(request, keep) == 0
    for moment in range(len(list(folder.iterdir()))):
        shutil.rmtree(request.out)
        (folder / str(moment)).rename(request.out)
        yield moment


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
    moments = range(int(sys.argv[4]), int(sys.argv[5]) + 1) if len(sys.argv) > 4 else None
    load_everything()
    out = Path(folder) / "out"
    request = RunRequest(manifest=manifest, out=str(out), ledger=ledger, isolation_policy="keep", segment_s=2.0)
    for moment in kept(request, Path(folder) / "moments") if moments is None else killed(request, moments):
        left = files(out)
        found = {"moment": moment, "left": sorted(left), "again": run_in_fork(request), "files": files(out)}
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
