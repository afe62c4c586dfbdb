"""Propagates withdrawals in processes that kill themselves just before a chosen change of a file or of the ledger.

    python -m tests.pipeline.withdrawal.kills

Reads one JSON document a line, ``[release, ledger, moment]``, and answers each with the exit status of a fork that propagates
in that release: 0 where it lived to the end, negative where it was killed. All imports are done once.
"""

import importlib
import json
import os
import pkgutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
CHANGES = ("write_bytes", "swap_bytes", "move", "delete_file", "delete_directory")
_PATIENCE_S = 120


def kill_before(moment: int) -> Callable[..., None]:
    """Has this process die just before one of its changes; gives what counts them.

    Every change of a file or of the ledger is a moment to die at, whatever module does it.
    """
    from duologue_consent import Ledger
    from duologue_pipeline import withdrawal
    from duologue_pipeline.release import strays

    left = moment

    def count(*_: object) -> None:
        nonlocal left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1

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


def propagate_in_fork(release: str, ledger: str, moment: int) -> int:
    """Propagates to the end, or to the change before which it is killed; gives the exit status."""
    from duologue_consent import Ledger
    from duologue_pipeline.withdrawal import protocol

    child = os.fork()
    if child == 0:
        try:
            signal.alarm(_PATIENCE_S)
            protocol.propagate_release(release, Ledger.open(ledger), tell=kill_before(moment))
        except BaseException as error:  # noqa: BLE001 - whatever it is, the parent is told
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@contextmanager
def serve_kills() -> Iterator[Callable[[Path, Path, int], bool]]:
    """A process that propagates, killed before its change of a number, while the block runs; whether it lived to the end."""
    command = [sys.executable, "-m", "tests.pipeline.withdrawal.kills"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as server:
        assert server.stdin is not None
        assert server.stdout is not None

        def run_killed(release: Path, ledger: Path, moment: int) -> bool:
            print(json.dumps([str(release), str(ledger), moment]), file=server.stdin, flush=True)
            status = json.loads(server.stdout.readline())  # type: ignore[union-attr]
            assert status in (0, -signal.SIGKILL), status
            return bool(status == 0)

        yield run_killed


def main() -> None:
    for line in sys.stdin:
        print(propagate_in_fork(*json.loads(line)), flush=True)


if __name__ == "__main__":
    main()
