"""Carries out command lines in forks of one process that has loaded everything, for loading takes longer than most commands.

    python -m tests.end_to_end.command_server

Reads one JSON document a line, ``{"arguments", "cwd", "environment", "stdout", "stderr"}``, the last two files, and answers each
with the exit status. A process that talks to object stores is no fork: its client has threads.
"""

import importlib
import json
import os
import pkgutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.end_to_end.support import Duologue, Outcome

ROOT = Path(__file__).resolve().parents[2]
_PATIENCE_S = 600
_OUTPUTS = "stdout", "stderr"


def load_everything() -> None:
    for package in ("cli", "run", "stages", "activity", "isolation", "words", "codec", "release", "withdrawal"):
        path = importlib.import_module(f"duologue_pipeline.{package}").__path__
        for module in pkgutil.walk_packages(path, f"duologue_pipeline.{package}."):
            importlib.import_module(module.name)


def carry_out(asked: dict[str, Any]) -> int:
    """Carries a command out in a fork; gives its exit status."""
    from duologue_pipeline.cli.app import main

    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 70
    try:
        signal.alarm(_PATIENCE_S)
        for number, name in enumerate(_OUTPUTS, start=1):
            os.dup2(os.open(asked[name], os.O_WRONLY | os.O_CREAT, 0o600), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.chdir(asked["cwd"])
        os.environ.clear()
        os.environ.update(asked["environment"])
        sys.argv = ["duologue", *asked["arguments"]]
        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - as the interpreter would
        import traceback

        traceback.print_exc()
        code = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


@contextmanager
def serve_commands(folder: Path) -> Iterator[Duologue]:
    """What carries out command lines while the block runs; their outputs go through a folder."""
    command = [sys.executable, "-m", "tests.end_to_end.command_server"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as server:

        def run(*arguments: str | Path, cwd: Path | None = None) -> Outcome:
            outputs = {name: folder / name for name in _OUTPUTS}
            for output in outputs.values():
                output.unlink(missing_ok=True)
            asked = {
                "arguments": [*map(str, arguments)],
                "cwd": str(cwd or Path.cwd()),
                "environment": dict(os.environ),
            }
            asked |= {name: str(output) for name, output in outputs.items()}
            print(json.dumps(asked), file=server.stdin, flush=True)
            code = json.loads(server.stdout.readline())  # type: ignore[union-attr]
            return Outcome(code, *(output.read_text() for output in outputs.values()))

        yield run
        server.stdin.close()  # type: ignore[union-attr]


def main() -> None:
    load_everything()
    for line in sys.stdin:
        print(carry_out(json.loads(line)), flush=True)


if __name__ == "__main__":
    main()
