"""Begins ``duologue``: loads the commands that are asked for, and ends with one line whatever no command expected.

A steward's commands are short and many. So ``duologue consent`` is loaded without the commands of the pipeline, and what shows
what is on record without the commands that change it.
"""

import gc
import sys
from functools import cache
from typing import Any, Final, NoReturn

import typer

from duologue_consent.cli import HELP as CONSENT_HELP
from duologue_pipeline.cli.support import EXIT_USAGE, commands_later, read_if_there

__all__ = ["ROOT", "consent_group", "main"]

_SELDOM: Final = 50_000
"""After so many new objects garbage is looked for: nearly all that a command loads stays, and looking is a tenth of its start."""

_SHOWN: Final = 200  # of a name that may be thousands of letters long

ROOT: Final[dict[str, Any]] = {
    "name": "duologue",
    "context_settings": {"help_option_names": ["-h", "--help"]},
    "no_args_is_help": True,
    "add_completion": False,
    "rich_markup_mode": None,
    "pretty_exceptions_enable": False,
}
"""How ``duologue`` behaves, with all of its commands or with some."""


@cache
def _consent_app() -> typer.Typer:
    """Loads the commands of the consent package, and adds those that need the pipeline."""
    from duologue_consent.cli.app import app as consent_app
    from duologue_consent.lineage.release_facts import read_stores_with
    from duologue_pipeline.cli.explain import EXAMPLE as EXPLAIN_EXAMPLE
    from duologue_pipeline.cli.explain import explain
    from duologue_pipeline.cli.propagate import EXAMPLE as PROPAGATE_EXAMPLE
    from duologue_pipeline.cli.propagate import propagate

    consent_app.command(epilog=EXPLAIN_EXAMPLE)(explain)
    consent_app.command(epilog=PROPAGATE_EXAMPLE)(propagate)
    read_stores_with(read_if_there)
    return consent_app


def _status_app() -> typer.Typer:
    """Loads the commands that show what is on record: they are asked for most often, and need the least."""
    from duologue_consent.cli.show import register

    status_app = typer.Typer(rich_markup_mode=None)
    register(status_app)
    return status_app


def consent_group() -> typer.Typer:
    """Makes the group ``duologue consent``, whose commands are loaded when one of them is asked for."""
    return typer.Typer(
        cls=commands_later(_status_app, _consent_app), help=CONSENT_HELP, no_args_is_help=True, rich_markup_mode=None
    )


def main() -> None:
    """Runs the ``duologue`` command."""
    gc.set_threshold(_SELDOM)
    for argument in sys.argv[1:]:
        if not argument.isascii() and any("\ud800" <= letter <= "\udfff" for letter in argument):
            _end(f"{argument!a}: is no text in UTF-8; rename the file, or set the terminal to UTF-8")
    try:
        _app()(prog_name="duologue")
    except OSError as error:  # what no command expected of a file, a folder or a connection
        name = "a file" if error.filename is None else str(error.filename)[:_SHOWN]
        _end(f"{name}: cannot be used ({error.strerror or error}); correct the name or the rights, and run it again")
    except Exception as error:
        from duologue_pipeline.files.faults import memory_fault

        fault = memory_fault(error)
        if fault is None:
            raise
        _end(str(fault))


def _app() -> typer.Typer:
    if sys.argv[1:2] != ["consent"]:
        from duologue_pipeline.cli.app import app

        return app
    alone = typer.Typer(**ROOT)
    alone.add_typer(consent_group(), name="consent")
    return alone


def _end(message: str) -> NoReturn:
    print(f"duologue: {message}", file=sys.stderr)
    sys.exit(EXIT_USAGE)
