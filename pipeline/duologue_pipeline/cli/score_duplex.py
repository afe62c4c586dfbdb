"""Defines ``duologue score-duplex``: scores a model's side of conversations by the definitions that the events carry."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from duologue_consent import Purpose
from duologue_pipeline.cli.support import quiet, stoppable, usage_errors
from duologue_pipeline.errors import UsageError

__all__ = ["EXAMPLE", "score_duplex"]

EXAMPLE: Final = "Example: duologue score-duplex outputs --language en-US --json > score.json"


class _Speaker(StrEnum):
    a = "a"
    b = "b"


class _Split(StrEnum):
    train = "train"
    validation = "validation"
    bridge = "bridge"
    all = "all"


class _Words(StrEnum):
    optional = "optional"
    none = "none"


def score_duplex(
    folder: Annotated[
        str,
        typer.Argument(
            metavar="DIR",
            help="Score the items in this folder: folders, at any depth, with input.wav (the user) and output.wav (the model). Or a "
            "release, the --out of a run, of which one speaker is scored.",
        ),
    ],
    language: Annotated[
        str | None,
        typer.Option(
            help="Choose the lexicon of the items that do not name their language, by this BCP 47 tag, e.g. en-US.",
            metavar="TAG",
            show_default="und: timing only",
        ),
    ] = None,
    output: Annotated[
        str, typer.Option(help="Read the model's side of an item from the file of this name.", metavar="NAME")
    ] = "output.wav",
    words: Annotated[
        _Words,
        typer.Option(
            help="Use the transcripts beside the audio, input.json and output.json, where they are there (optional), or timing alone "
            "(none)."
        ),
    ] = _Words.optional,
    jobs: Annotated[
        int, typer.Option(help="Hear so many items at once, each in a process of its own.", min=1, max=256)
    ] = 1,
    speaker: Annotated[_Speaker, typer.Option(help="Score this speaker of a release.")] = _Speaker.b,
    split: Annotated[_Split, typer.Option(help="Score the conversations of this split of a release.")] = _Split.all,
    purpose: Annotated[
        str,
        typer.Option(help=f"Read a release for this purpose, one that it was made for: {', '.join(Purpose)}."),
    ] = "training_inhouse",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the figures as JSON (duplex_score.schema.json) instead of a table.")
    ] = False,
) -> None:
    """Score a model's side of conversations: take-over, latencies, backchannels, pauses, each with a bootstrap interval.

    A model is scored by the events that label people, so that the figures of both can be compared. Exit status: 0 done; 2 wrong
    usage, or an item that cannot be scored.
    """
    quiet()
    with stoppable("nothing is scored; run the command again"), usage_errors():
        from duologue_pipeline.score.text import score_text

        document = (
            _of_release(folder, speaker.value, split, purpose)
            if _is_release(folder)
            else _of_folder(folder, language, output, with_words=words is _Words.optional, jobs=jobs)
        )
    typer.echo(json.dumps(document, indent=1, ensure_ascii=False) if as_json else score_text(document))


def _is_release(folder: str) -> bool:
    from duologue_pipeline.files.storage import absolute_uri, exists, join
    from duologue_pipeline.reader.release import MANIFEST

    return "://" in folder or exists(join(absolute_uri(folder), MANIFEST))


def _of_release(folder: str, speaker: str, split: _Split, purpose: str) -> "dict[str, object]":
    from duologue_pipeline.records import SPEAKERS, SPLITS
    from duologue_pipeline.score.release import score_release

    splits = SPLITS if split is _Split.all else (split.value,)
    return score_release(folder, speaker=SPEAKERS[SPEAKERS.index(speaker)], splits=splits, purpose=purpose)


def _of_folder(folder: str, language: str | None, output: str, *, with_words: bool, jobs: int) -> "dict[str, object]":
    from duologue_pipeline.progress import ProgressShow
    from duologue_pipeline.score.folder import score_folder

    if not output.lower().endswith(".wav") or Path(output).name != output or output == "input.wav":
        raise UsageError(
            f"--output {output}: expected the name of a file of the model that ends in .wav, without its folder"
        )
    with ProgressShow(typer.get_text_stream("stderr")) as progress:
        return score_folder(
            Path(folder),
            language=language,
            output=output,
            with_words=with_words,
            jobs=jobs,
            tell=lambda done, count, hours: progress.show(
                done / count, f"{done} of {count} items", hours=hours, last=done == count
            ),
        )
