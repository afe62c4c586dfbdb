"""Offers the commands of ``duologue consent`` about the log, its checkpoints and keys, and about forgetting."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from duologue_consent.cli.options import LedgerIfAnyOption, LedgerOption, LedgerPlace, SpeakerArgument
from duologue_consent.cli.support import fail, named, one_ledger, one_line_errors, require_continues
from duologue_consent.decisions.names import escaped, named_by
from duologue_consent.ledger.ledger import Ledger
from duologue_consent.ledger.publication import published_faults
from duologue_consent.lineage.release_facts import read_checkpoints
from duologue_consent.proofs.notes import checkpoint_size
from duologue_consent.verify import read_file

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Adds the commands to an app."""
    app.command(epilog="Example: duologue consent checkpoint --ledger consent.db --out checkpoint")(checkpoint)
    app.command(epilog="Example: duologue consent log --ledger consent.db > log.jsonl")(log)
    app.command(epilog="Example: duologue consent check --ledger consent.db")(check)
    app.command("check-log", epilog="Example: duologue consent check-log out --checkpoint kept-last-year")(check_log)
    app.command(epilog="Example: duologue consent forget spk-17 --ledger consent.db")(forget)
    app.command("rotate-key", epilog="Example: duologue consent rotate-key --ledger consent.db")(rotate_key)


def checkpoint(
    context: typer.Context,
    place: LedgerPlace = None,
    ledger: LedgerIfAnyOption = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write the checkpoint into this file, instead of the screen."),
    ] = None,
) -> None:
    """Sign the log as it is now. Give the checkpoint to others: whoever keeps one can tell if the past was changed."""
    with one_line_errors():
        note = Ledger.open(one_ledger(context, place, ledger)).checkpoint()
        if out is None:
            typer.echo(note.decode(), nl=False)
        else:
            _write(out, note)
            typer.echo(f"{out}: signed, {checkpoint_size(note)} leaves")


def log(
    context: typer.Context,
    place: LedgerPlace = None,
    ledger: LedgerIfAnyOption = None,
    start: Annotated[
        int, typer.Option("--start", metavar="SEQ", min=0, help="Begin with this leaf, counted from 0.")
    ] = 0,
) -> None:
    """Print the public log, one leaf a line. It names nobody."""
    with one_line_errors():
        for line in Ledger.open(one_ledger(context, place, ledger)).log_lines(start):
            sys.stdout.buffer.write(line)
    sys.stdout.flush()


def check(
    context: typer.Context,
    place: LedgerPlace = None,
    ledger: LedgerIfAnyOption = None,
    against: Annotated[
        list[str] | None,
        typer.Option(
            "--against",
            metavar="RELEASE|CHECKPOINT",
            help="Check also that it continues this release, or the checkpoint in this file; may be repeated. Ask that of a "
            "ledger that was restored from a backup.",
        ),
    ] = None,
) -> None:
    """Check all of a ledger: every leaf, commitment, subtree, checkpoint and vault record."""
    with one_line_errors():
        opened = Ledger.open(one_ledger(context, place, ledger))
        found = opened.check()
        for uri in against or ():
            require_continues(opened, read_checkpoints(uri))
        typer.echo(
            f"{opened.name}: whole, {found.leaves} leaves, {found.checkpoints} checkpoints, "
            f"{found.forgotten} leaves of subjects who were forgotten"
        )
        for uri in against or ():
            typer.echo(f"continues {uri}")


def check_log(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER", help="Check the log in this folder: a release, or a folder that holds its log."
        ),
    ],
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            "--checkpoint",
            metavar="FILE",
            help="Check against this checkpoint, which you kept. Left out: FOLDER/checkpoint.",
        ),
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(
            "--key", metavar="FILE", help="Check with this key file, which you kept. Left out: FOLDER/ledger.pub."
        ),
    ] = None,
) -> None:
    """Check a published log against a signed checkpoint. Needs no ledger and no secret."""
    paths = {
        "log": folder / "log.jsonl",
        "checkpoint": checkpoint or folder / "checkpoint",
        "key": key or folder / "ledger.pub",
    }
    try:
        contents = {what: read_file(path) for what, path in paths.items()}
    except OSError as error:
        fail(f"{error.filename}: cannot be read ({error.strerror}); name a release with its log")
    faults = published_faults(contents["log"], keys=contents["key"], checkpoint=contents["checkpoint"])
    for what, fault in faults:
        typer.echo(f"{paths[what]}: {fault}", err=True)
    if faults:
        raise typer.Exit(1)
    typer.echo(f"{paths['log']}: its first {checkpoint_size(contents['checkpoint'])} leaves are those that were signed")


def forget(
    speaker: SpeakerArgument,
    ledger: LedgerOption,
    yes: Annotated[bool, typer.Option("--yes", help="Forget without asking again.")] = False,
) -> None:
    """Erase who a speaker is. What was decided stays provable, but not whose it was.

    This is not a withdrawal: withdraw and propagate first, so that the speaker's data is taken out of the releases with a
    receipt. It cannot be undone, but for backups of the ledger and its keys, which have to be deleted as well.
    """
    with one_line_errors():
        opened = Ledger.open(ledger)
        snapshot = opened.snapshot()
        alike = snapshot.look_alikes(speaker)
        if alike and not snapshot.history(speaker):
            fail(
                f"{named(ledger)}: has no event of {escaped(speaker)}, which looks like {named_by(alike)}; write the id of whom "
                "you mean. Nobody was forgotten"
            )
        if not yes and not typer.confirm(f"Forget {speaker!r} for ever?", err=True):
            fail("nothing was forgotten")
        gone = opened.forget(speaker)
        typer.echo(
            f"Done: {speaker} is forgotten, {gone} records of the vault are deleted; backups that hold them have to be deleted, too"
        )
        if alike:
            typer.echo(
                f"note: {named_by(alike)}, which looks like it, is still in the ledger; forget each that was meant"
            )


def rotate_key(context: typer.Context, place: LedgerPlace = None, ledger: LedgerIfAnyOption = None) -> None:
    """Replace the signing key. The old public key stays in ledger.pub; one checkpoint is signed by both."""
    with one_line_errors():
        opened = Ledger.open(one_ledger(context, place, ledger))
        key, note = opened.rotate_key()
        typer.echo(
            f"{opened.name}: signs as {key.label} now; leaf {checkpoint_size(note) - 1} says so, signed by both keys"
        )
        typer.echo("publish the new ledger.pub: with the next release or propagation, or from the folder of the keys")


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        fail(f"{path}: cannot be written ({error.strerror}); name a file in a folder that exists and is writable")
