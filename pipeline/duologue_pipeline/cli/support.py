"""Provides what the commands share: groups of commands, exit statuses, one-line errors, and quiet libraries."""

import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from types import FrameType
from typing import Any, Final, NoReturn

import typer
from typer.core import TyperGroup
from typer.main import get_group

from duologue_pipeline.errors import UsageError

__all__ = [
    "EXIT_FAULTS",
    "EXIT_NOTHING_WRITTEN",
    "EXIT_USAGE",
    "Commands",
    "commands_later",
    "fail",
    "on_terminal",
    "quiet",
    "read_if_there",
    "stoppable",
    "usage_errors",
]

EXIT_FAULTS, EXIT_USAGE, EXIT_NOTHING_WRITTEN = 1, 2, 3


class Commands(TyperGroup):
    """Groups commands, and tells whoever names one that is in another group where it is: ``verify`` is ``shards verify``."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Finds the command that the first argument names; where there is none, those that are called so, or alike, are told."""
        name = args[0]
        if self.get_command(ctx, name) is None and not get_close_matches(name, self.commands):
            elsewhere: dict[str, list[str]] = {}
            for group_name, group in self.commands.items():
                for command in group.list_commands(ctx) if isinstance(group, TyperGroup) else ():
                    elsewhere.setdefault(command, []).append(f"'{ctx.command_path} {group_name} {command}'")
            if found := [each for alike in get_close_matches(name, elsewhere) for each in elsewhere[alike]]:
                ctx.fail(f"No such command {name!r}. Did you mean {' or '.join(found)}?")
        return super().resolve_command(ctx, args)


def commands_later(load: Callable[[], typer.Typer]) -> type[TyperGroup]:
    """Makes a group whose commands are loaded when one of them is asked for.

    Args:
        load: gives the app that has the commands.
    """

    class Later(TyperGroup):
        def list_commands(self, ctx: Any) -> list[str]:
            self._load()
            return super().list_commands(ctx)

        def get_command(self, ctx: Any, cmd_name: str) -> Any:
            self._load()
            return super().get_command(ctx, cmd_name)

        def _load(self) -> None:
            if not self.commands:
                self.commands.update(get_group(load()).commands)

    return Later


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


def on_terminal() -> bool:
    """Tells whether what is printed is read by a person now, and not kept in a file."""
    return sys.stdout.isatty()


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
