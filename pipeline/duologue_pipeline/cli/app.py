"""Lists the commands of ``duologue``; heavy libraries are imported by the commands that need them.

A module of a command imports at its top what its help text needs and nothing more, and what it works with where it works: all are
loaded whenever any command is, but for ``duologue consent``, which begins by itself (:mod:`duologue_pipeline.cli.start`).
"""

from typing import Annotated

import typer

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
from duologue_pipeline.cli.score_duplex import EXAMPLE as SCORE_EXAMPLE
from duologue_pipeline.cli.score_duplex import score_duplex
from duologue_pipeline.cli.simulate import EXAMPLE as SIMULATE_EXAMPLE
from duologue_pipeline.cli.simulate import simulate
from duologue_pipeline.cli.start import ROOT, consent_group, main
from duologue_pipeline.cli.support import Commands, commands_later
from duologue_pipeline.cli.validate import VALIDATE_EXAMPLE, VERIFY_EXAMPLE, validate, verify
from duologue_pipeline.cli.words import IMPORT_EXAMPLE, import_words

__all__ = ["app", "main"]


def _export_app() -> typer.Typer:
    """Loads the formats of exports, each a command."""
    from duologue_pipeline.cli.export import export_app

    return export_app()


app = typer.Typer(
    cls=Commands,
    help="Make training shards for full-duplex speech models from two-track recordings of conversations, with consent.",
    **ROOT,
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
app.command("score-duplex", epilog=SCORE_EXAMPLE)(score_duplex)
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
        cls=commands_later(_export_app),
        help="Write a release as files that others' own code reads, and keep them up to date.",
        no_args_is_help=True,
        rich_markup_mode=None,
    ),
    name="export",
)
app.add_typer(consent_group(), name="consent")


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        from duologue_pipeline.made_by import MADE_BY

        typer.echo(MADE_BY)
        raise typer.Exit
