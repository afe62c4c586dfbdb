"""Provides what the commands share: exit statuses, one-line errors, and quiet libraries."""

import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final, NoReturn

import typer

from duologue_pipeline.errors import UsageError

__all__ = [
    "EXIT_FAULTS",
    "EXIT_HELD_BACK",
    "EXIT_NOTHING_WRITTEN",
    "EXIT_USAGE",
    "fail",
    "quiet",
    "read_if_there",
    "stoppable",
    "usage_errors",
]

EXIT_FAULTS, EXIT_USAGE, EXIT_NOTHING_WRITTEN, EXIT_HELD_BACK = 1, 2, 3, 4


def fail(message: str, code: int) -> NoReturn:
    """Ends the command with one line on stderr."""
    typer.echo(f"duologue: {message}", err=True)
    raise typer.Exit(code)


@contextmanager
def usage_errors() -> Iterator[None]:
    """Turns a UsageError, or a library that is not installed, into one line and exit status 2."""
    try:
        yield
    except UsageError as error:
        fail(str(error), EXIT_USAGE)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("duologue"):
            raise
        fail(f'{error.name} is not installed; this command needs `pip install "duologue[pipeline]"`', EXIT_USAGE)


_STOP_WITHIN_S: Final = 5.0


class _Stopped(KeyboardInterrupt):
    """Goes up through whatever is being done when the process is told to stop."""


@contextmanager
def stoppable(then: str) -> Iterator[None]:
    """Ends the command with one line and exit status 130 or 143 when it gets SIGINT (Ctrl-C) or SIGTERM while the block runs.

    Args:
        then: what is left and what to do, after "stopped: ".
    """
    told: list[int] = []

    def leave() -> NoReturn:
        os.write(2, f"duologue: stopped: {then}\n".encode())  # print() may be what was interrupted
        os._exit(128 + told[0])  # threads of libraries may be at work still, and would be waited for

    def stop(number: int, _: FrameType | None) -> None:
        if not told:
            told.append(number)
            hard = threading.Timer(_STOP_WITHIN_S, leave)  # where a library catches what is raised here
            hard.daemon = True
            hard.start()
            raise _Stopped

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except BaseException:  # of what is stopped, anything may come up
        if not told:
            raise
        sys.stdout.flush()
        leave()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def quiet() -> None:
    """Silences the notes of other libraries, and limits each process to one thread."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("PYANNOTE_METRICS_ENABLED", "0")
    logging.getLogger("apache_beam").setLevel(logging.CRITICAL)  # what it logs as an error it raises as well
    logging.getLogger().setLevel(logging.ERROR)
    logging.getLogger("duologue_pipeline").setLevel(logging.WARNING)  # our own warnings are for the user
    warnings.filterwarnings("ignore", category=FutureWarning)


def read_if_there(uri: str) -> bytes | None:
    """Reads a file as all others of the pipeline are read, for commands of the other parts; None where there is none.

    Raises:
        OSError: it cannot be read.
    """
    from duologue_consent.lineage.release_facts import LARGEST_FILE
    from duologue_pipeline.files.storage import file_size, read_bytes

    return None if file_size(uri) is None else read_bytes(uri, max_bytes=LARGEST_FILE)
