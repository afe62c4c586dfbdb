"""Defines ``duologue card``: state what only a person knows, write the cards of a release, check and compare them."""

from pathlib import Path
from typing import Annotated, Final

import typer

from duologue_consent.cli.options import LedgerIfAnyOption
from duologue_pipeline.cli.support import EXIT_FAULTS, EXIT_USAGE, fail, usage_errors

__all__ = ["BUILD_EXAMPLE", "CHECK_EXAMPLE", "DIFF_EXAMPLE", "INIT_EXAMPLE", "build", "check", "diff", "init"]

INIT_EXAMPLE: Final = "Example: duologue card init dataset.yaml"
BUILD_EXAMPLE: Final = "Example: duologue card build out --card dataset.yaml"
CHECK_EXAMPLE: Final = "Example: duologue card check out"
DIFF_EXAMPLE: Final = "Example: duologue card diff out-of-may out"


def init(
    path: Annotated[Path, typer.Argument(help="Write the file here.", metavar="[DATASET.YAML]")] = Path("dataset.yaml"),
) -> None:
    """Write an empty dataset.yaml with a comment on each field, for `duologue run --card`.

    Exit status: 0 written; 2 there is such a file, or it cannot be written.
    """
    from duologue_cards import commented_statement

    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(commented_statement())
    except FileExistsError:
        fail(f"{path}: is there already, and is left as it is; choose another name", EXIT_USAGE)
    except OSError as error:
        fail(f"{path}: cannot be written ({error.strerror}); choose another place", EXIT_USAGE)
    typer.echo(f"{path}: fill in what you know, and leave the rest empty; then `duologue run --card {path}`")


def build(
    directory: Annotated[str, typer.Argument(help="Write the cards of the release in this folder.", metavar="DIR")],
    card: Annotated[
        str | None,
        typer.Option(
            metavar="DATASET.YAML", help="Take what a person states from this file, in place of what the release keeps."
        ),
    ] = None,
    ledger: LedgerIfAnyOption = None,
) -> None:
    """Write the cards of a release anew from its tables, before it is published; dataset.json gets their hashes.

    With a ledger, which must be that of the release, it is asked anew what speakers allow, for every purpose.

    Exit status: 0 done; 2 there is no release, a wrong statement or ledger, or a receipt names dataset.json as it is.
    """
    from duologue_pipeline.release.card_files import build_cards, read_ledger
    from duologue_pipeline.release.stated import load_statement

    with usage_errors():
        stated = None if card is None else load_statement(card)
        snapshot = None if ledger is None else read_ledger(ledger)
        changed = build_cards(directory, stated, snapshot=snapshot, tell=lambda text: typer.echo(text, err=True))
    for path in changed:
        typer.echo(path)
    typer.echo(
        f"{directory}: cards changed: {len(changed)}" if changed else f"{directory}: all cards were as they should be"
    )


def check(
    directory: Annotated[str, typer.Argument(help="Check the cards of the release in this folder.", metavar="DIR")],
) -> None:
    """Hold every card of a release against its tables, digit by digit, and against its schema, and list all that is wrong.

    The cards of another version of duologue are held against the hashes in dataset.json only, and that is said.

    Exit status: 0 no faults; 1 faults; 2 there is no release, or its tables were changed.
    """
    from duologue_cards.phrases import count
    from duologue_pipeline.release.card_check import card_faults, other_version

    with usage_errors():
        faults, older = card_faults(directory), other_version(directory)
    for fault in faults:
        typer.echo(fault)
    if faults:
        typer.echo(
            f"{directory}: {count(len(faults), 'fault')}; `duologue card build` writes the cards anew from the tables",
            err=True,
        )
        raise typer.Exit(EXIT_FAULTS)
    typer.echo(older or f"{directory}: every card says what the tables say")


def diff(
    before: Annotated[str, typer.Argument(help="The folder of one release.", metavar="BEFORE")],
    after: Annotated[str, typer.Argument(help="The folder of another one, or of its next version.", metavar="AFTER")],
) -> None:
    """Say in words what differs between two releases: facts, statements and verdicts.

    Exit status: 0, whether something differs or not; 2 one is no release.
    """
    from duologue_pipeline.release.card_changes import card_changes

    with usage_errors():
        changes = card_changes(before, after)
    for line in changes:
        typer.echo(line)
    if not changes:
        typer.echo("nothing differs")
