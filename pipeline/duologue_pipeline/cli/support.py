"""Provides what the commands share: exit statuses, one-line errors, and quiet libraries."""

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from duologue_pipeline.errors import UsageError

__all__ = ["EXIT_FAULTS", "EXIT_NOTHING_WRITTEN", "EXIT_USAGE", "fail", "quiet", "usage_errors"]

EXIT_FAULTS, EXIT_USAGE, EXIT_NOTHING_WRITTEN = 1, 2, 3


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


def quiet() -> None:
    """Silences the notes of other libraries, and limits each process to one thread."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("PYANNOTE_METRICS_ENABLED", "0")
    logging.getLogger("apache_beam").setLevel(logging.ERROR)
    logging.getLogger().setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=FutureWarning)
