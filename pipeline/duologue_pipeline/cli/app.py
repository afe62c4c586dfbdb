"""Lists the commands of ``duologue``; heavy libraries are imported by the commands that need them.

A module of a command imports at its top what its help text needs and nothing more, and what it works with where it works: all are
loaded whenever any command is. Those of ``duologue consent`` are loaded when one of them is asked for.
"""

import gc
import sys
from functools import cache
from typing import Annotated, Final, NoReturn

import typer

from duologue_consent.cli import HELP as CONSENT_HELP
from duologue_pipeline.cli.annotate import EXAMPLE as ANNOTATE_EXAMPLE
from duologue_pipeline.cli.annotate import annotate
from duologue_pipeline.cli.audit import TOKENS_EXAMPLE, tokens
from duologue_pipeline.cli.audit_leakage import EXAMPLE as LEAKAGE_EXAMPLE
from duologue_pipeline.cli.audit_leakage import leakage
from duologue_pipeline.cli.card import (
    BUILD_EXAMPLE,
    CHECK_EXAMPLE,
    DIFF_EXAMPLE,
    INIT_EXAMPLE,
    build,
    check,
    diff,
    init,
)
from duologue_pipeline.cli.corpus import CHECK_EXAMPLE as CORPUS_CHECK_EXAMPLE
from duologue_pipeline.cli.corpus import LIST_EXAMPLE, PREPARE_EXAMPLE, check_corpus, list_corpora, prepare
from duologue_pipeline.cli.credentials import READ_EXAMPLE, SIGN_EXAMPLE, read, sign
from duologue_pipeline.cli.decode import EXAMPLE as DECODE_EXAMPLE
from duologue_pipeline.cli.decode import decode
from duologue_pipeline.cli.isolation import EXAMPLE as ISOLATION_EXAMPLE
from duologue_pipeline.cli.isolation import isolation
from duologue_pipeline.cli.manifest import FOLDER_EXAMPLE, TABLE_EXAMPLE, from_folder, from_table
from duologue_pipeline.cli.retokenize import EXAMPLE as RETOKENIZE_EXAMPLE
from duologue_pipeline.cli.retokenize import retokenize
from duologue_pipeline.cli.run import DEMO_EXAMPLE, RUN_EXAMPLE, demo, run
from duologue_pipeline.cli.simulate import EXAMPLE as SIMULATE_EXAMPLE
from duologue_pipeline.cli.simulate import simulate
from duologue_pipeline.cli.support import EXIT_USAGE, Commands, commands_later, read_if_there
from duologue_pipeline.cli.validate import VALIDATE_EXAMPLE, VERIFY_EXAMPLE, validate, verify
from duologue_pipeline.cli.words import IMPORT_EXAMPLE, import_words
from duologue_pipeline.files.faults import memory_fault

__all__ = ["app", "main"]

_SELDOM: Final = 50_000
"""After so many new objects garbage is looked for: nearly all that a command loads stays, and looking is a tenth of its start."""

_SHOWN: Final = 200  # of a name that may be thousands of letters long


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


app = typer.Typer(
    name="duologue",
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Make training shards for full-duplex speech models from two-track recordings of conversations, with consent.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
card_app = typer.Typer(
    help="Write and check what a release says of itself.", no_args_is_help=True, rich_markup_mode=None
)
manifest_app = typer.Typer(
    help="Make a manifest of the recordings that there are.", no_args_is_help=True, rich_markup_mode=None
)
corpus_app = typer.Typer(
    help="Bring the field's corpora, and deliveries of recorders, to manifests.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
words_app = typer.Typer(help="Bring transcripts to words files.", no_args_is_help=True, rich_markup_mode=None)
audit_app = typer.Typer(
    help="Look at what the tokens of a release hold, and what they give away.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
shards_app = typer.Typer(help="Check the shards of a release.", no_args_is_help=True, rich_markup_mode=None)

app.command(context_settings={"allow_extra_args": True}, epilog=RUN_EXAMPLE)(run)
app.command(epilog=DEMO_EXAMPLE)(demo)
app.command(epilog=VALIDATE_EXAMPLE)(validate)
app.command(epilog=ISOLATION_EXAMPLE)(isolation)
app.command(epilog=ANNOTATE_EXAMPLE)(annotate)
app.command(epilog=SIMULATE_EXAMPLE)(simulate)
app.command(epilog=DECODE_EXAMPLE)(decode)
app.command(epilog=RETOKENIZE_EXAMPLE)(retokenize)
app.add_typer(manifest_app, name="manifest")
manifest_app.command("from-folder", epilog=FOLDER_EXAMPLE)(from_folder)
manifest_app.command("from-table", epilog=TABLE_EXAMPLE)(from_table)
app.add_typer(corpus_app, name="corpus")
corpus_app.command("list", epilog=LIST_EXAMPLE)(list_corpora)
corpus_app.command(epilog=PREPARE_EXAMPLE)(prepare)
corpus_app.command("check", epilog=CORPUS_CHECK_EXAMPLE)(check_corpus)
app.add_typer(words_app, name="words")
words_app.command("import", epilog=IMPORT_EXAMPLE)(import_words)
app.add_typer(shards_app, name="shards")
shards_app.command(epilog=VERIFY_EXAMPLE)(verify)
app.add_typer(audit_app, name="audit")
audit_app.command(epilog=TOKENS_EXAMPLE)(tokens)
audit_app.command(epilog=LEAKAGE_EXAMPLE)(leakage)
app.add_typer(card_app, name="card")
card_app.command(epilog=INIT_EXAMPLE)(init)
card_app.command(epilog=BUILD_EXAMPLE)(build)
card_app.command(epilog=CHECK_EXAMPLE)(check)
card_app.command(epilog=DIFF_EXAMPLE)(diff)
card_app.command(epilog=SIGN_EXAMPLE)(sign)
card_app.command(epilog=READ_EXAMPLE)(read)
app.add_typer(
    typer.Typer(
        cls=commands_later(_status_app, _consent_app),
        help=CONSENT_HELP,
        no_args_is_help=True,
        rich_markup_mode=None,
    ),
    name="consent",
)


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        from duologue_pipeline.made_by import MADE_BY

        typer.echo(MADE_BY)
        raise typer.Exit


def main() -> None:
    """Runs the ``duologue`` command."""
    gc.set_threshold(_SELDOM)
    for argument in sys.argv[1:]:
        if not argument.isascii() and any("\ud800" <= letter <= "\udfff" for letter in argument):
            _end(f"{argument!a}: is no text in UTF-8; rename the file, or set the terminal to UTF-8")
    try:
        app(prog_name="duologue")
    except OSError as error:  # what no command expected of a file, a folder or a connection
        name = "a file" if error.filename is None else str(error.filename)[:_SHOWN]
        _end(f"{name}: cannot be used ({error.strerror or error}); correct the name or the rights, and run it again")
    except Exception as error:
        fault = memory_fault(error)
        if fault is None:
            raise
        _end(str(fault))


def _end(message: str) -> NoReturn:
    print(f"duologue: {message}", file=sys.stderr)
    sys.exit(EXIT_USAGE)
