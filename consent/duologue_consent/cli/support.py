"""Reads the options of ``duologue consent``, and ends a command with one line where something is wrong."""

import hashlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import typer

from duologue_consent.cli.options import LEDGER_VARIABLE
from duologue_consent.decisions.events import Purpose, format_time, parse_time
from duologue_consent.decisions.record import ConsentRecord
from duologue_consent.decisions.terms import Evidence, Guardian, Notice
from duologue_consent.decisions.vocabulary import Form
from duologue_consent.errors import LedgerError
from duologue_consent.ledger.ledger import Ledger
from duologue_consent.ledger.location import Location
from duologue_consent.proofs.dsse import load_json
from duologue_consent.verify import read_file

__all__ = [
    "chosen_format",
    "fail",
    "named",
    "on_terminal",
    "one_ledger",
    "one_line_errors",
    "open_ledger",
    "read_evidence",
    "read_forms",
    "read_guardian",
    "read_moment",
    "read_notice",
    "read_purposes",
    "read_record",
    "read_time",
    "require_continues",
    "source_of",
]


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Ends the command with the message of an expected error, and exit 2."""
    try:
        yield
    except (LedgerError, ValueError) as error:
        fail(str(error))


def fail(message: str) -> NoReturn:
    """Ends the command with one line on stderr and exit 2."""
    typer.echo(f"duologue consent: {message}", err=True)
    raise typer.Exit(2)


def named(ledger: str) -> str:
    """Names a ledger as messages do: never with a password."""
    return Location(ledger).name


def source_of(context: typer.Context, name: str) -> str:
    """Says where the value of an option comes from: ``COMMANDLINE``, ``ENVIRONMENT``, ``DEFAULT``."""
    source = context.get_parameter_source(name)
    return "DEFAULT" if source is None else source.name


def one_ledger(context: typer.Context, place: str | None, option: str | None) -> str:
    """Takes the ledger of a command that names it by its place or by ``--ledger``; ends it where that is neither, or both."""
    if place is not None and option is not None and place != option and source_of(context, "ledger") != "ENVIRONMENT":
        fail(f"{named(place)} and --ledger {named(option)}: two ledgers are named; leave one out")
    found = place or option
    if found is None:
        fail(f"name the ledger: --ledger LEDGER, or set {LEDGER_VARIABLE}")
    return found


def on_terminal() -> bool:
    """Tells whether somebody sits before the command and can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def open_ledger(ledger: str) -> Ledger:
    """Opens a ledger to decide, or to ask how consent stands; one that is ahead of this machine's clock is refused."""
    return Ledger.open(ledger, now=datetime.now(UTC))


def require_continues(ledger: Ledger, checkpoints: Mapping[str, bytes]) -> None:
    """Checks that a ledger continues checkpoints: what names each of them -> the signed note."""
    for name, note in checkpoints.items():
        ledger.require_continues(note, name=name)


def chosen_format(text: str, formats: tuple[str, ...] = ("text", "json")) -> str:
    """Checks the value of ``--format``; ends the command where there is no such format."""
    if text not in formats:
        fail(f"--format {text!r}: there is no such format; write {' or '.join(formats)}")
    return text


def read_purposes(texts: Iterable[str]) -> list[Purpose]:
    """Reads the values of ``--purpose``."""
    try:
        return [Purpose(text) for text in texts]
    except ValueError as error:
        fail(f"--purpose: {error}")


def read_forms(texts: Iterable[str] | None) -> tuple[Form, ...]:
    """Reads the values of ``--form``; none where it was left out."""
    try:
        return tuple(map(Form, texts or ()))
    except ValueError as error:
        fail(f"--form: {error}")


def read_time(option: str, text: str) -> datetime:
    """Reads the moment that an option gives."""
    try:
        return parse_time(text)
    except ValueError as error:
        fail(f"{option}: {error}")


def read_moment(at: str | None, option: str = "--at") -> datetime:
    """Reads when a decision takes effect: now if it is not said, and never later than now."""
    now = datetime.now(UTC)
    if at is None:
        return now
    moment = read_time(option, at)
    if moment > now:
        fail(
            f"{option}: {format_time(moment)} is in the future; give the time when the speaker decided, or leave it out"
        )
    return moment


def read_notice(
    file: Path | None, sha256: str | None, version: str | None, language: str | None, url: str | None
) -> Notice | None:
    """Reads the notice of the ``--notice…`` options; None where there is none."""
    if file is not None and sha256 is not None:
        fail("--notice and --notice-hash: give one of them")
    if file is not None:
        sha256 = _sha256("--notice", file)
    if sha256 is None:
        if version or language or url:
            fail("--notice-version, --notice-language and --notice-url need --notice FILE or --notice-hash HASH")
        return None
    return Notice(sha256=sha256.lower(), version=version, language=language, url=url)


def read_evidence(file: Path | None, reference: str | None) -> Evidence | None:
    """Reads the evidence of ``--evidence`` and ``--evidence-reference``; None where there is none."""
    if file is None and reference is None:
        return None
    return Evidence(sha256=None if file is None else _sha256("--evidence", file), reference=reference)


def read_guardian(reference: str | None, relation: str | None, verified_by: str | None) -> Guardian | None:
    """Reads the guardian of the ``--guardian…`` options; None where there is none."""
    if reference is None:
        if relation or verified_by:
            fail("--guardian-relation and --guardian-verified-by need --guardian REFERENCE")
        return None
    return Guardian(reference, relation, verified_by)


def read_record(file: Path) -> ConsentRecord:
    """Reads the record of ``--record FILE``."""
    try:
        return ConsentRecord.from_document(load_json(read_file(file), "the file"))
    except OSError as error:
        fail(f"--record {file}: cannot be read ({error.strerror}); name a file that you may read")
    except (ValueError, RecursionError) as error:
        fail(f"--record {file}: {error}")


def _sha256(option: str, file: Path) -> str:
    try:
        return hashlib.sha256(read_file(file)).hexdigest()
    except OSError as error:
        fail(f"{option} {file}: cannot be read ({error.strerror}); name a file that you may read")
