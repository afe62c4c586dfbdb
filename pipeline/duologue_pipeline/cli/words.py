"""Defines ``duologue words import``: brings transcripts of other programs to words files, one a track."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from duologue_consent.cli.said import counted
from duologue_pipeline.cli.support import EXIT_FAULTS, usage_errors
from duologue_pipeline.errors import RejectError, UsageError
from duologue_pipeline.transcripts.names import FORMAT_NAMES

__all__ = ["IMPORT_EXAMPLE", "import_words"]

IMPORT_EXAMPLE: Final = (
    "Example: duologue words import deepgram/*.json --out words/\n\n"
    "Example: duologue words import call.TextGrid --tier Doctor=a --tier Patient=b --out words/"
)


class _Side(StrEnum):
    a = "a"
    b = "b"


def import_words(
    files: Annotated[list[Path], typer.Argument(help="Read these transcripts.", metavar="FILE...")],
    out: Annotated[Path, typer.Option(help="Write the words files into this folder.", metavar="DIR")],
    format: Annotated[
        str,
        typer.Option(
            help=f"Take the files for this format. auto: each is recognised by its content. One of {', '.join(FORMAT_NAMES)}."
        ),
    ] = "auto",
    track: Annotated[
        _Side | None,
        typer.Option(
            help="The files hold the words of this track alone, as when each track was recognised by itself.",
            show_default=False,
        ),
    ] = None,
    channel: Annotated[
        list[str] | None,
        typer.Option(
            help="Give a channel of the files, counted from 0, to a track, e.g. 1=a. May be repeated.",
            metavar="N=SIDE",
            show_default="0=a 1=b",
        ),
    ] = None,
    tier: Annotated[
        list[str] | None,
        typer.Option(
            help="Give a tier, a speaker or a participant of the files to a track, e.g. Doctor=a. May be repeated.",
            metavar="NAME=SIDE",
            show_default=False,
        ),
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option(help="Read text in this encoding, e.g. gbk.", metavar="NAME", show_default="UTF-8 or UTF-16"),
    ] = None,
) -> None:
    """Bring transcripts of recognisers, corpora and annotation programs to words files, one a track.

    Whose words they are is told by the file (its channels) or by you, never by who speaks first. Exit status: 0 done; 1 some
    files could not be read, the others are written; 2 wrong usage, nothing is written.
    """
    from duologue_pipeline.transcripts.import_files import WordsFile, import_file, write_words_files
    from duologue_pipeline.transcripts.model import TranscriptError
    from duologue_pipeline.transcripts.source import Source
    from duologue_pipeline.words.files import read_words_bytes

    with usage_errors():
        if format not in ("auto", *FORMAT_NAMES):
            raise UsageError(
                f"--format {format}: is none that is read; choose auto or one of {', '.join(FORMAT_NAMES)}"
            )
        sides = _sides(channel, "--channel", "1=a")
        numbers = {int(name): side for name, side in sides.items() if name.isdecimal()}
        if len(numbers) < len(sides):
            raise UsageError("--channel takes a number, counted from 0, and a track, such as 1=a")
        tiers = _sides(tier, "--tier", "Doctor=a")
        if sum(given is not None for given in (track, channel, tier)) > 1:
            raise UsageError("--track, --channel and --tier say the same in three ways; give one of them")
        ready: dict[str, tuple[Path, WordsFile]] = {}
        faults, lines = 0, []
        for path in files:
            try:
                source = Source(read_words_bytes(str(path)), str(path), encoding)
                found = import_file(
                    source,
                    format=format,
                    track=track.value if track else None,
                    channels=numbers or None,
                    tiers=tiers or None,
                )
            except (TranscriptError, RejectError) as error:
                faults += 1
                typer.echo(f"duologue: {error.detail if isinstance(error, RejectError) else error}", err=True)
                continue
            for each in found.files:
                if each.name in ready:
                    raise UsageError(
                        f"{path} and {ready[each.name][0]} would both be written to {out / each.name}; import them into "
                        "folders of their own"
                    )
                ready[each.name] = path, each
                count = len(each.document["words"])
                lines.append(
                    f"{out / each.name}: {counted(count, 'word')}, {each.document['timing']} times, from {path} ({found.format})"
                )
            for note in found.notes:
                typer.echo(f"note: {path}: {note}", err=True)
        write_words_files([each for _, each in ready.values()], out)
        for line in lines:
            typer.echo(line)
        typer.echo(
            f"{counted(len(files), 'file')} read, {counted(len(ready), 'words file')} written, {counted(faults, 'file')} refused",
            err=True,
        )
        if faults:
            raise typer.Exit(EXIT_FAULTS)


def _sides(given: list[str] | None, option: str, example: str) -> dict[str, str]:
    """Takes ``NAME=a`` apart; a name may hold an equals sign."""
    sides: dict[str, str] = {}
    for text in given or ():
        name, _, side = text.rpartition("=")
        if not name or side not in ("a", "b") or name in sides:
            raise UsageError(f"{option} {text}: write it as {example}, with track a or b, each name once")
        sides[name] = side
    if len(set(sides.values())) < len(sides):
        raise UsageError(f"{option}: two of them are given to one track; give each track one")
    return sides
