"""Defines ``duologue card sign`` and ``duologue card read``: Content Credentials in an exported audio file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePath
from typing import Annotated, Final

import typer

from duologue_pipeline.cli.support import EXIT_FAULTS, usage_errors
from duologue_pipeline.errors import UsageError

__all__ = ["READ_EXAMPLE", "SIGN_EXAMPLE", "read", "sign"]

SIGN_EXAMPLE: Final = "Example: duologue card sign out call.wav --key key.pem --certificates chain.pem --out signed.wav"
READ_EXAMPLE: Final = "Example: duologue card read signed.wav"

_STATES: Final = {
    "Trusted": "as it was signed, by a signer that a list of known issuers has",
    "Valid": "as it was signed; who signed it is in no list of known issuers",
    "Invalid": "not as it was signed",
}


def sign(
    directory: Annotated[
        str, typer.Argument(help="Take what is allowed from the release in this folder.", metavar="DIR")
    ],
    file: Annotated[str, typer.Argument(help="Sign this audio file, which came out of it.", metavar="FILE")],
    key: Annotated[str, typer.Option(metavar="PEM", help="Sign with this private key, which has no password.")],
    certificates: Annotated[
        str,
        typer.Option(metavar="PEM", help="Name the signer by this certificate, with those of its issuers behind it."),
    ],
    out: Annotated[
        str, typer.Option(metavar="FILE", help="Write the signed file here; its ending is that of the first.")
    ],
) -> None:
    """Sign an exported .wav, .mp3, .flac or .m4a file with Content Credentials that say what consent allows.

    Needs the extra c2pa. Exit status: 0 done; 2 wrong usage, or a key, certificate or file that cannot be taken.
    """
    with _c2pa_errors():
        from duologue_cards.documents.training_mining import training_mining
        from duologue_pipeline.files.storage import absolute_uri, exists, write_bytes
        from duologue_pipeline.release.card_files import release_sheet
        from duologue_pipeline.release.credentials import sign_audio

        if PurePath(out).suffix.lower() != PurePath(file).suffix.lower():
            raise UsageError(f"--out {out}: expected a name that ends as {file} does")
        if exists(absolute_uri(out)):
            raise UsageError(f"--out {out}: is there already; name another file")
        audio, private, chain = (_content(name) for name in (file, key, certificates))
        assertion = training_mining(release_sheet(directory)[1])
        signed = sign_audio(audio, file, assertion, key=private, certificates=chain)
        write_bytes(absolute_uri(out), signed)
    typer.echo(f"{out}: signed; training: {assertion['entries']['cawg.ai_training']['use']}")


def read(
    file: Annotated[str, typer.Argument(help="Read the Content Credentials of this audio file.", metavar="FILE")],
) -> None:
    """Read what the Content Credentials of an audio file allow.

    Needs the extra c2pa. Exit status: 0 read, and the file is as it was signed; 1 it was changed since; 2 it has none.
    """
    with _c2pa_errors():
        from duologue_cards.printable import printable
        from duologue_pipeline.release.credentials import read_credentials

        state, entries = read_credentials(_content(file), file)
    typer.echo(f"{file}: {_STATES.get(state, _STATES['Invalid'])}")
    for name, entry in sorted(entries.items()):
        told = f"{name}: {entry['use']}" + (f" ({entry['constraint_info']})" if "constraint_info" in entry else "")
        typer.echo(printable(" ".join(told.split())))  # whoever signed it may have written anything
    if not entries:
        typer.echo("nothing is said of training and data mining")
    if state not in _STATES or state == "Invalid":
        raise typer.Exit(EXIT_FAULTS)


@contextmanager
def _c2pa_errors() -> Iterator[None]:
    """Turns a UsageError, or c2pa-python that is not installed, into one line and exit status 2."""
    with usage_errors():
        try:
            yield
        except ModuleNotFoundError as error:
            if error.name != "c2pa":
                raise
            raise UsageError('c2pa is not installed; this command needs `pip install "duologue[c2pa]"`') from None


def _content(name: str) -> bytes:
    from duologue_pipeline.files.storage import absolute_uri, read_bytes

    try:
        return read_bytes(absolute_uri(name))
    except OSError as error:
        raise UsageError(f"{name}: cannot be read ({error.strerror or error}); name a file that is there") from None
