"""Defines ``duologue isolation``: measures how well the tracks of one conversation are kept apart."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from duologue_pipeline.cli.options import (
    AllowNetwork,
    ChannelA,
    ChannelB,
    Embedding,
    OffsetA,
    OffsetB,
    Segmentation,
    TrackB,
    check_tracks,
    explain_refusal,
)
from duologue_pipeline.cli.support import EXIT_FAULTS, quiet, usage_errors
from duologue_pipeline.errors import RejectError, UsageError

__all__ = ["EXAMPLE", "isolation"]

EXAMPLE: Final = "Example: duologue isolation agent.wav caller.wav --plot isolation.png"


class _Format(StrEnum):
    text = "text"
    json = "json"


def isolation(
    a: Annotated[
        str,
        typer.Argument(help="Read speaker a's track from this file, or both tracks from a stereo file.", metavar="A"),
    ],
    b: TrackB = None,
    format: Annotated[
        _Format, typer.Option(help="Print a summary to read (text), or the whole report (json).")
    ] = _Format.text,
    plot: Annotated[
        Path | None,
        typer.Option(help="Draw the bleed over time with its evidence into this PNG or SVG file.", metavar="FILE"),
    ] = None,
    offset_a: OffsetA = 0.0,
    offset_b: OffsetB = 0.0,
    channel_a: ChannelA = 0,
    channel_b: ChannelB = None,
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
        from duologue_pipeline.read.files import recording_of_files

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
            raise UsageError(explain_refusal(error, a, b)) from None
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
