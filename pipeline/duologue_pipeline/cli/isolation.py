"""Defines ``duologue isolation``: measures how well the tracks of one conversation are kept apart."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from duologue_pipeline.cli.support import EXIT_FAULTS, quiet, usage_errors
from duologue_pipeline.errors import RejectError, UsageError
from duologue_pipeline.read.files import recording_of_files

__all__ = ["AllowNetwork", "Embedding", "Segmentation", "check_tracks", "isolation"]


_MAX_OFFSET_S: Final = 600  # as in a manifest

Segmentation = Annotated[
    str | None,
    typer.Option(
        help="Ask pyannote.audio whether either track holds a second voice: a segmentation checkpoint, given as a path "
        "or hub id and its SHA-256.",
        metavar="CHECKPOINT@SHA256",
        show_default=False,
    ),
]
Embedding = Annotated[
    str | None,
    typer.Option(
        help="Ask pyannote.audio whether both tracks hold the same voice: a speaker-embedding checkpoint, given as a "
        "path or hub id and its SHA-256.",
        metavar="CHECKPOINT@SHA256",
        show_default=False,
    ),
]
AllowNetwork = Annotated[
    bool,
    typer.Option(
        "--allow-network", help="Allow the download of these checkpoints; without it only local copies are read."
    ),
]


class _Format(StrEnum):
    text = "text"
    json = "json"


def isolation(
    a: Annotated[
        str,
        typer.Argument(help="Read speaker a's track from this file, or both tracks from a stereo file.", metavar="A"),
    ],
    b: Annotated[
        str | None, typer.Argument(help="Read speaker b's track from this file.", metavar="B", show_default=False)
    ] = None,
    format: Annotated[
        _Format, typer.Option(help="Print a summary to read (text), or the whole report (json).")
    ] = _Format.text,
    plot: Annotated[
        Path | None,
        typer.Option(help="Draw the bleed over time with its evidence into this PNG or SVG file.", metavar="FILE"),
    ] = None,
    offset_a: Annotated[
        float,
        typer.Option(
            "--offset-a",
            help="Place the start of speaker a's file this many seconds into the conversation, -600 to 600.",
        ),
    ] = 0.0,
    offset_b: Annotated[
        float,
        typer.Option(
            "--offset-b",
            help="Place the start of speaker b's file this many seconds into the conversation, -600 to 600.",
        ),
    ] = 0.0,
    channel_a: Annotated[
        int, typer.Option(help="Read speaker a's track from this channel of its file, counted from 0.")
    ] = 0,
    channel_b: Annotated[
        int | None,
        typer.Option(
            help="Read speaker b's track from this channel of its file, counted from 0.",
            show_default="0, or 1 of a stereo file",
        ),
    ] = None,
    pyannote_segmentation: Segmentation = None,
    pyannote_embedding: Embedding = None,
    allow_network: AllowNetwork = False,
) -> None:
    """Measure how well the two tracks of a conversation are kept apart.

    Exit status: 0 pass or warn; 1 fail or undetermined; 2 wrong usage, or audio that cannot be read.
    """
    quiet()
    with usage_errors():
        from duologue_pipeline.isolation.measure import ISOLATION_RATE_HZ, measure_recording
        from duologue_pipeline.isolation.plot import LevelMeter, check_plot, plot_isolation
        from duologue_pipeline.isolation.report import isolation_document, isolation_text
        from duologue_pipeline.isolation.second_opinion import SecondOpinion

        if plot is not None:
            check_plot(plot)
        check_tracks(offset_a, offset_b, channel_a, channel_b or 0)
        opinion = SecondOpinion.of(pyannote_segmentation, pyannote_embedding, allow_network=allow_network)
        listener = opinion.open() if opinion else None
        recording = recording_of_files(a, b, offsets_s=(offset_a, offset_b), channels=(channel_a, channel_b))
        meter = LevelMeter(ISOLATION_RATE_HZ)
        try:
            report = measure_recording(recording, listener, duration_ms=lambda: meter.duration_ms, tap=meter.tap)
        except RejectError as error:
            raise UsageError(_explained(error, a, b)) from None
        title = a if b is None else f"{a} and {b}"
        if plot is not None:
            names = " and ".join(Path(track.uri).name for track in recording.tracks[: 2 if b else 1])
            plot_isolation(report, meter.levels_dbfs(), title=names, path=plot)
    if format is _Format.json:
        typer.echo(json.dumps(isolation_document(report), indent=1))
    else:
        typer.echo(isolation_text(report, title))
    if report.verdict in ("fail", "undetermined"):
        raise typer.Exit(EXIT_FAULTS)


def check_tracks(offset_a: float, offset_b: float, channel_a: int, channel_b: int) -> None:
    """Checks the offsets and channels of both tracks.

    Raises:
        UsageError: an offset or a channel is out of range.
    """
    for name, offset_s in (("--offset-a", offset_a), ("--offset-b", offset_b)):
        if not abs(offset_s) <= _MAX_OFFSET_S:
            raise UsageError(f"{name} {offset_s:g}: expected -{_MAX_OFFSET_S} to {_MAX_OFFSET_S} seconds")
    for name, channel in (("--channel-a", channel_a), ("--channel-b", channel_b)):
        if channel < 0:
            raise UsageError(f"{name} {channel}: expected 0 or more")


def _explained(error: RejectError, a: str, b: str | None) -> str:
    if error.reason == "audio_missing_channel" and b is None:
        return f"{a}: does not have the channels of two speakers; give a stereo file, or two files A B"
    return error.detail
