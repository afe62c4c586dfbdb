"""Defines ``duologue manifest from-folder`` and ``from-table``: bring what people have to a manifest."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from duologue_consent.cli.said import counted
from duologue_pipeline.cli.support import usage_errors
from duologue_pipeline.errors import UsageError
from duologue_pipeline.transcripts.names import FORMAT_NAMES

if TYPE_CHECKING:
    from duologue_pipeline.intake.write import Written

__all__ = [
    "FOLDER_EXAMPLE",
    "TABLE_EXAMPLE",
    "AnonymousOption",
    "HashedOption",
    "LanguageOption",
    "OutOption",
    "ZoneOption",
    "from_folder",
    "from_table",
    "tell",
]

FOLDER_EXAMPLE: Final = (
    "Example: duologue manifest from-folder recordings --stereo '**/*.wav' --left agent --right caller --speakers who.csv "
    "--started-at name:%Y%m%d_%H%M%S --zone Europe/Berlin --language en-US --out calls\n\n"
    "Example: duologue manifest from-folder recordings --pairs '(?P<recording>.+)_(?P<side>doctor|patient)\\.wav' "
    "--anonymous-sides --started-at 2024 --out calls"
)

TABLE_EXAMPLE: Final = (
    "Example: duologue manifest from-table calls.csv --columns recording_id=id,a.uri=agent_wav,b.uri=cust_wav,a.speaker_id=agent_id,"
    "b.speaker_id=cust_id,started_at=begun --zone UTC --out calls"
)

OutOption = Annotated[
    Path, typer.Option(help="Write everything into this folder, and nothing elsewhere.", metavar="DIR")
]
AnonymousOption = Annotated[
    bool,
    typer.Option(
        "--anonymous-sides",
        help="Give every side of which nobody knows the speaker an id of its own, RECORDING.a or RECORDING.b. Whoever speaks in two "
        "recordings is then two people, and the splits cannot be said to share no speaker.",
    ),
]
ZoneOption = Annotated[
    str | None,
    typer.Option(
        help="Take times without a zone for times of this one, e.g. Europe/Berlin or +01:00. Left out, such a time may be of any zone "
        "on earth: it becomes an interval, judged by its safer end.",
        metavar="ZONE",
    ),
]
LanguageOption = Annotated[
    str | None,
    typer.Option(help="State the language of every recording, e.g. en-US, where no table says it.", metavar="TAG"),
]
HashedOption = Annotated[
    bool,
    typer.Option(
        "--hashed-ids",
        help="Make recording ids that show nothing of the names of the files. Ids are published: use it where names of files name people.",
    ),
]


def from_folder(
    folder: Annotated[Path, typer.Argument(help="Take in the recordings of this folder.", metavar="DIR")],
    out: OutOption,
    stereo: Annotated[
        list[str] | None,
        typer.Option(
            help="Take each file that this pattern names for a recording with a speaker on each of two channels, e.g. '**/*.wav'. May be "
            "repeated.",
            metavar="GLOB",
            show_default=False,
        ),
    ] = None,
    pairs: Annotated[
        str | None,
        typer.Option(
            help="Put two files together, one a speaker: a regular expression for their paths or names, with the groups "
            "(?P<recording>...) and (?P<side>...).",
            metavar="REGEX",
        ),
    ] = None,
    left: Annotated[
        str | None,
        typer.Option(
            help="Name the role of track a: who is on the left channel, or, with --pairs, the side that becomes track a, e.g. agent.",
            metavar="ROLE",
        ),
    ] = None,
    right: Annotated[
        str | None,
        typer.Option(
            help="Name the role of track b: the right channel, or the other side, e.g. caller.", metavar="ROLE"
        ),
    ] = None,
    speakers: Annotated[
        str | None,
        typer.Option(
            help="Read from this table who speaks: columns recording, side, speaker; or recording and a column for each side. It may also "
            "have started_at, language, jurisdiction, age_band, sex, dialect, device.",
            metavar="CSV",
        ),
    ] = None,
    anonymous_sides: AnonymousOption = False,
    started_at: Annotated[
        str | None,
        typer.Option(
            help="Say when the recordings were made. name:FORMAT: it stands in the names, e.g. name:%Y%m%d_%H%M%S; column: in started_at of "
            "--speakers (column:FORMAT, where it could be read in two ways); metadata: in the files; or for all of them a year, a month, a day or an interval: 2024, 2024-03, 2024-03-05, 2024-01/2024-03.",
            metavar="WHEN",
        ),
    ] = None,
    zone: ZoneOption = None,
    language: LanguageOption = None,
    words: Annotated[
        list[str] | None,
        typer.Option(
            help="Take the files that this pattern names for transcripts, each of the recording that it is named after. May be repeated.",
            metavar="GLOB",
            show_default=False,
        ),
    ] = None,
    words_format: Annotated[
        str,
        typer.Option(
            help=f"Refuse transcripts of another format than this one. auto: each is recognised by its content. One of {', '.join(FORMAT_NAMES)}."
        ),
    ] = "auto",
    hashed_ids: HashedOption = False,
) -> None:
    """Make a manifest of a folder of recordings: stereo files, or pairs of files, one a speaker.

    Every file of the folder is in the manifest or in refused.jsonl, with the reason. Nobody's consent is granted and no speaker is
    guessed: consent-todo.csv lists whom to ask. Exit status: 0 done; 2 wrong usage, nothing is written.
    """
    from duologue_pipeline.intake.complete import Said
    from duologue_pipeline.intake.from_folder import FolderRequest, from_folder
    from duologue_pipeline.intake.moments import read_column, read_started, read_zone
    from duologue_pipeline.intake.write import write_intake

    with usage_errors():
        if words_format not in ("auto", *FORMAT_NAMES):
            raise UsageError(
                f"--words-format {words_format}: is none that is read; choose auto or one of {', '.join(FORMAT_NAMES)}"
            )
        if speakers is None and not anonymous_sides:
            raise UsageError(
                "nobody says who speaks: give a map with --speakers, or, where nobody knows, an id of its own to every side with "
                "--anonymous-sides"
            )
        if started_at is not None and started_at.partition(":")[0] == "column" and speakers is None:
            raise UsageError("--started-at column: is the column started_at of the map; name one with --speakers")
        request = FolderRequest(
            folder=folder,
            out=out,
            stereo=tuple(stereo or ()),
            pairs=pairs,
            left=left,
            right=right,
            speakers=speakers,
            words=tuple(words or ()),
            words_format=words_format,
            hashed_ids=hashed_ids,
        )
        moment_zone = read_zone(zone)
        said = Said(
            started=read_started(started_at, moment_zone),
            column=read_column(started_at, moment_zone),
            metadata=started_at == "metadata",
            zone=moment_zone,
            language=language,
        )
        written = write_intake(from_folder(request, said), out, anonymous_sides=anonymous_sides, hashed_ids=hashed_ids)
        tell(written)


def from_table(
    table: Annotated[
        str, typer.Argument(help="Take in the recordings of this table, a row each: CSV or Parquet.", metavar="TABLE")
    ],
    out: OutOption,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            help="Say which column holds what, as field=column with commas between: recording_id, started_at, language, ..., uri of a "
            "stereo file, or a.uri and b.uri; a.speaker_id, a.channel, a.role, a.words_uri, ... and those of b. A column that is called as "
            "a field is found by itself.",
            metavar="FIELD=COLUMN,...",
            show_default=False,
        ),
    ] = None,
    left: Annotated[
        str | None, typer.Option(help="Name the role of track a where no column says it, e.g. agent.", metavar="ROLE")
    ] = None,
    right: Annotated[str | None, typer.Option(help="Name the role of track b, e.g. caller.", metavar="ROLE")] = None,
    anonymous_sides: AnonymousOption = False,
    started_at: Annotated[
        str | None,
        typer.Option(
            help="Say when the recordings were made, where no column started_at does: name:FORMAT, or a year, a month, a day or an interval; or how "
            "that column writes times, where they could be read in two ways: column:FORMAT, e.g. 'column:%d.%m.%Y %H:%M'.",
            metavar="WHEN",
        ),
    ] = None,
    zone: ZoneOption = None,
    language: LanguageOption = None,
    hashed_ids: HashedOption = False,
) -> None:
    """Make a manifest of a table of recordings, whatever its columns are called.

    Paths in the table are taken from the folder in which it lies. Every row is in the manifest or in refused.jsonl, with the reason; no
    audio is opened. Exit status: 0 done; 2 wrong usage, nothing is written.
    """
    from duologue_pipeline.intake.complete import Said
    from duologue_pipeline.intake.from_table import TableRequest, from_table, read_columns
    from duologue_pipeline.intake.moments import read_column, read_started, read_zone
    from duologue_pipeline.intake.write import write_intake

    with usage_errors():
        if started_at == "metadata":
            raise UsageError("--started-at metadata: no audio of a table is opened; name the column that says it")
        moment_zone = read_zone(zone)
        said = Said(
            started=read_started(started_at, moment_zone),
            column=read_column(started_at, moment_zone),
            zone=moment_zone,
            language=language,
        )
        request = TableRequest(table=table, columns=read_columns(columns or []), left=left, right=right)
        tell(write_intake(from_table(request, said), out, anonymous_sides=anonymous_sides, hashed_ids=hashed_ids))


def tell(written: "Written") -> None:
    """Prints what an intake has written, what was refused and why, and what comes next."""
    from duologue_pipeline.files.names import shown
    from duologue_pipeline.intake.readme import next_commands

    refused = sum(map(len, written.refused.values()))
    taken = f"{counted(written.recordings, 'recording')} of {counted(written.speakers, 'speaker')}"
    typer.echo(f"{written.out}: {taken}; {refused} refused")
    for reason, lost in written.refused.items():
        such_as = "such as " if len(lost) > 1 else ""
        typer.echo(f"  {len(lost)} {reason}, {such_as}{shown(lost[0].file)}: {shown(lost[0].detail)}")
    for note in written.notes:
        typer.echo(f"note: {note}", err=True)
    if not written.recordings:
        typer.echo(f"see {written.out}/refused.jsonl for what to do about each")
        return
    typer.echo(
        f"Next: fill in {written.out}/consent-todo.csv (purpose, at, form: {written.out}/README.md says how), and then"
    )
    for command in next_commands(str(written.out)):
        typer.echo(f"  {command}")
