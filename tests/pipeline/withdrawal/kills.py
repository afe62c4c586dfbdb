"""Propagates withdrawals in processes that die just before a chosen change of a file or of the ledger.

    python -m tests.pipeline.withdrawal.kills

Reads one JSON document a line, ``[release, ledger, moment, folder]``, and answers each with the exit status of a fork that
propagates in that release: 0 where it lived to the end, negative where it was killed before the change of this number. With
a folder and no moment it lives, and keeps before each change a copy of all that lies beside the release, in ``folder/NUMBER``:
on a disk that is what a process leaves that is killed there. All imports are done once.
"""

import importlib
import itertools
import json
import os
import pkgutil
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.pipeline.withdrawal.world import World

ROOT = Path(__file__).resolve().parents[3]
CHANGES = ("write_bytes", "swap_bytes", "move", "delete_file", "delete_directory")
_PATIENCE_S = 120


def before_each_change(act: Callable[[int], object]) -> Callable[..., None]:
    """Has something be done just before each change of this process, told its number; gives what counts them.

    Every change of a file or of the ledger is one, whatever module does it.
    """
    from duologue_consent import Ledger
    from duologue_pipeline import withdrawal
    from duologue_pipeline.release import strays

    numbers = itertools.count()

    def count(*_: object) -> None:
        act(next(numbers))

    def counted(owner: Any, name: str) -> None:
        inner = getattr(owner, name)

        def wrapped(*arguments: Any, **options: Any) -> Any:
            count()
            return inner(*arguments, **options)

        setattr(owner, name, wrapped)

    found = pkgutil.walk_packages(withdrawal.__path__, withdrawal.__name__ + ".")
    for module in [*(importlib.import_module(each.name) for each in found), strays]:
        for name in CHANGES:
            if hasattr(module, name):
                counted(module, name)
    counted(Ledger, "append")
    return count


def propagate_in_fork(release: str, ledger: str, moment: int | None, folder: str | None) -> int:
    """Propagates to the end, or to the change before which it is killed; gives the exit status."""
    from duologue_consent import Ledger
    from duologue_pipeline.withdrawal import protocol

    def act(number: int) -> None:
        if number == moment:
            os.kill(os.getpid(), signal.SIGKILL)
        if folder is not None:
            shutil.copytree(Path(release).parent, Path(folder) / str(number))

    child = os.fork()
    if child == 0:
        try:
            signal.alarm(_PATIENCE_S)
            protocol.propagate_release(release, Ledger.open(ledger), tell=before_each_change(act))
        except BaseException as error:  # noqa: BLE001 - whatever it is, the parent is told
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


class Kills(NamedTuple):
    """What a process does that propagates and dies.

    Attributes:
        run: propagates, and is killed before the change of a number; whether it lived to the end.
        moments: propagates to the end; gives the folders of what it would have left before each change, the first first.
    """

    run: Callable[[World, int], bool]
    moments: Callable[[World, Path], list[Path]]


@contextmanager
def serve_kills() -> Iterator[Kills]:
    """The process is there while the block runs."""
    command = [sys.executable, "-m", "tests.pipeline.withdrawal.kills"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as server:

        def ask(world: World, moment: int | None, folder: Path | None) -> int:
            asked = [str(world.out), str(world.path), moment, folder and str(folder)]
            print(json.dumps(asked), file=server.stdin, flush=True)
            status: int = json.loads(server.stdout.readline())  # type: ignore[union-attr]
            return status

        def run(world: World, moment: int) -> bool:
            status = ask(world, moment, None)
            assert status in (0, -signal.SIGKILL), status
            return status == 0

        def moments(world: World, folder: Path) -> list[Path]:
            assert ask(world, None, folder) == 0
            return sorted(folder.iterdir(), key=lambda path: int(path.name))

        yield Kills(run, moments)
        server.stdin.close()  # type: ignore[union-attr]


def main() -> None:
    for line in sys.stdin:
        print(propagate_in_fork(*json.loads(line)), flush=True)


if __name__ == "__main__":
    main()
