"""Defines the options that several commands share: where the tracks lie, and which models are asked."""

from typing import Annotated, Final

import typer

from duologue_pipeline.errors import RejectError, UsageError

__all__ = [
    "AllowNetwork",
    "Asr",
    "ChannelA",
    "ChannelB",
    "Embedding",
    "Laughter",
    "OffsetA",
    "OffsetB",
    "Segmentation",
    "TrackB",
    "check_tracks",
    "explain_refusal",
]

_MAX_OFFSET_S: Final = 14400  # as in a manifest
_OFFSETS: Final = f"-{_MAX_OFFSET_S} to {_MAX_OFFSET_S}"

TrackB = Annotated[
    str | None, typer.Argument(help="Read speaker b's track from this file.", metavar="B", show_default=False)
]
OffsetA = Annotated[
    float,
    typer.Option(
        "--offset-a",
        help=f"Place the start of speaker a's file this many seconds into the conversation, {_OFFSETS}.",
    ),
]
OffsetB = Annotated[
    float,
    typer.Option(
        "--offset-b",
        help=f"Place the start of speaker b's file this many seconds into the conversation, {_OFFSETS}.",
    ),
]
ChannelA = Annotated[int, typer.Option(help="Read speaker a's track from this channel of its file, counted from 0.")]
ChannelB = Annotated[
    int | None,
    typer.Option(
        help="Read speaker b's track from this channel of its file, counted from 0.",
        show_default="0, or 1 of a stereo file",
    ),
]

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
Asr = Annotated[
    str | None,
    typer.Option(
        help="Recognise the words of tracks without a transcript. faster-whisper:PATH_OR_ID is a Whisper for CTranslate2 (or a "
        "size: faster-whisper:small), transformers:PATH_OR_ID, or nothing before it, a checkpoint of transformers that gives "
        "word times (Whisper or CTC).",
        metavar="PROGRAM:PATH_OR_ID",
        show_default=False,
    ),
]
Laughter = Annotated[
    str | None,
    typer.Option(
        help="Mark the laughter of tracks without words by its sound: FILE is YAMNet for TensorFlow Lite, run by ai-edge-litert.",
        metavar="yamnet:FILE",
        show_default=False,
    ),
]
AllowNetwork = Annotated[
    bool,
    typer.Option("--allow-network", help="Allow the download of checkpoints; without it only local copies are read."),
]


def check_tracks(offset_a: float, offset_b: float, channel_a: int, channel_b: int) -> None:
    """Checks the offsets and channels of both tracks.

    Raises:
        UsageError: an offset or a channel is out of range.
    """
    for name, offset_s in (("--offset-a", offset_a), ("--offset-b", offset_b)):
        if not abs(offset_s) <= _MAX_OFFSET_S:
            raise UsageError(f"{name} {offset_s:g}: expected {_OFFSETS} seconds")
    for name, channel in (("--channel-a", channel_a), ("--channel-b", channel_b)):
        if channel < 0:
            raise UsageError(f"{name} {channel}: expected 0 or more")


def explain_refusal(error: RejectError, a: str, b: str | None) -> str:
    """Explains why the tracks were refused, in terms of the arguments A and B of the command."""
    if error.reason == "audio_missing_channel" and b is None:
        return f"{a}: does not have the channels of two speakers; give a stereo file, or two files A B"
    return error.detail
