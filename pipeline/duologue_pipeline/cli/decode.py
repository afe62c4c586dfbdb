"""Defines ``duologue decode``: makes a sample of a release heard."""

import io
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final

import typer

from duologue_consent import Purpose
from duologue_pipeline.cli.support import quiet, usage_errors
from duologue_pipeline.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from duologue_pipeline.records import Speaker

__all__ = ["EXAMPLE", "decode"]

EXAMPLE: Final = "Example: duologue decode out call-0001-00003 --out call.wav --speaker a"

_FORMATS: Final = {".wav": "WAV", ".flac": "FLAC"}


class _Speakers(StrEnum):
    a = "a"
    b = "b"
    both = "both"


def decode(
    dataset: Annotated[
        str,
        typer.Argument(metavar="DATASET", help="Take the sample from the release in this folder, the --out of a run."),
    ],
    key: Annotated[
        str, typer.Argument(metavar="KEY", help="Decode this sample; the column key of index.parquet lists all.")
    ],
    out: Annotated[str, typer.Option(metavar="FILE", help="Write the audio into this file: .wav or .flac, 16 bits.")],
    speaker: Annotated[
        _Speakers, typer.Option(help="Choose whose track is decoded; both give a stereo file, a left.")
    ] = _Speakers.both,
    codec: Annotated[
        str | None,
        typer.Option(
            help="Find the codec's weights here: embedded, mimi, or NAME:PATH, as in `duologue run`. They must be those that "
            "made the release.",
            show_default="the codec of the release",
        ),
    ] = None,
    purpose: Annotated[
        str,
        typer.Option(help=f"Read the release for this purpose, one that it was made for: {', '.join(Purpose)}."),
    ] = "training_inhouse",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file where it is there already.")] = False,
) -> None:
    """Decode the tokens of a sample into audio, to hear what a model is trained on.

    A sample that a speaker has withdrawn is not decoded. Exit status: 0 done; 2 wrong usage, or a release that cannot be read.
    """
    quiet()
    with usage_errors():
        from duologue_pipeline.decode import decode_sample, find_sample, release_codec
        from duologue_pipeline.records import SPEAKERS
        from duologue_schemas.tables import WITHDRAWN

        _check_out(out, overwrite=overwrite)
        release, sample = find_sample(dataset, key, purpose=purpose)
        named: tuple[Speaker, ...] = (
            SPEAKERS if speaker is _Speakers.both else (SPEAKERS[list(_Speakers).index(speaker)],)
        )
        gone = [name for name in named if sample.metadata["speakers"][name]["commitment"] == WITHDRAWN]
        if gone and len(named) == 1:
            raise UsageError(
                f"{key}: speaker {gone[0]} has withdrawn, and the track holds silence; decode the other one"
            )
        made = release_codec(release, codec)
        try:
            pcm = decode_sample(sample, made, named)
        except ValueError as error:
            raise UsageError(
                f"{key}: its codes cannot be decoded ({error}); see `duologue shards verify {dataset}`"
            ) from None
        _write(out, pcm.T, made.sample_rate_hz)
    silent = f"; {gone[0]} has withdrawn and is silence" if gone else ""
    typer.echo(
        f"{out}: {sample.codes.shape[2]} frames, {pcm.shape[1] / made.sample_rate_hz:.2f} s at {made.sample_rate_hz} Hz of "
        f"{' left and '.join(named)}{' right' if len(named) > 1 else ''}{silent}"
    )


def _check_out(out: str, *, overwrite: bool) -> None:
    from duologue_pipeline.files.storage import absolute_uri, exists, file_size

    if _format(out) is None:
        raise UsageError(f"--out {out}: expected a name that ends in {' or '.join(_FORMATS)}")
    uri = absolute_uri(out)
    if exists(uri) and file_size(uri) is None:
        raise UsageError(f"--out {out}: is a folder; name a file")
    if exists(uri) and not overwrite:
        raise UsageError(f"--out {out}: is there already; name another file, or allow it with --overwrite")


def _write(out: str, pcm: "npt.NDArray[np.float32]", rate_hz: int) -> None:
    """Writes samples, float32 [T, tracks], under a name that is there only when all is written."""
    import soundfile

    from duologue_pipeline.files.storage import absolute_uri, write_bytes

    buffer = io.BytesIO()
    soundfile.write(buffer, pcm, rate_hz, format=_format(out), subtype="PCM_16")
    write_bytes(absolute_uri(out), buffer.getvalue())


def _format(out: str) -> str | None:
    return next((name for ending, name in _FORMATS.items() if out.lower().endswith(ending)), None)
