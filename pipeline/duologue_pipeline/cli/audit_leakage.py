"""Defines ``duologue audit leakage``: how well speakers are linked across conversations."""

import sys
from typing import Annotated, Final

import typer

from duologue_consent import Purpose
from duologue_pipeline.cli.support import quiet, stoppable, usage_errors

__all__ = ["EXAMPLE", "leakage"]

EXAMPLE: Final = "Example: duologue audit leakage out --limit-minutes 20"


def leakage(
    dataset: Annotated[
        str, typer.Argument(metavar="DATASET", help="Measure the release in this folder, the --out of a run.")
    ],
    codec: Annotated[
        str | None,
        typer.Option(
            help="Find the codec's weights here, as in `duologue run`: what the tokens decode to is compared as well.",
            show_default="the codec of the release",
        ),
    ] = None,
    purpose: Annotated[
        str,
        typer.Option(help=f"Read the release for this purpose, one that it was made for: {', '.join(Purpose)}."),
    ] = "training_inhouse",
    within: Annotated[
        bool,
        typer.Option(
            "--within",
            help="Take two halves of one conversation for two, where few speakers are in two. Line and room are the same in both: the "
            "figures are too low, and are not kept.",
        ),
    ] = False,
    audio: Annotated[
        bool, typer.Option("--audio/--no-audio", help="Compare decoded and original audio too, by Resemblyzer.")
    ] = True,
    codebooks: Annotated[
        bool, typer.Option("--codebooks/--no-codebooks", help="Measure each codebook alone too.")
    ] = True,
    cards: Annotated[
        bool,
        typer.Option("--cards/--no-cards", help="Keep the figures in the release, and write its cards anew with them."),
    ] = True,
    seed: Annotated[int, typer.Option(help="Draw and train everything from this seed.", min=0)] = 0,
    limit_minutes: Annotated[
        float | None,
        typer.Option(
            help="Begin nothing more after so many minutes; what was not measured is said.", show_default="no limit"
        ),
    ] = None,
    json_: Annotated[
        bool, typer.Option("--json", help="Print the document of cards/leakage.json instead of a table.")
    ] = False,
) -> None:
    """Measure how well speakers are linked across conversations: by tokens, by decoded and by original audio, against chance.

    Only figures are written: no embedding, no speaker. Exit status: 0 measured, or said to be unknown; 2 wrong usage, or a release
    that cannot be read.
    """
    quiet()
    left = "nothing was measured to the end; run it again, which also finishes cards that were being written"
    with usage_errors(), stoppable(left):
        import torch

        from duologue_cards import leakage_bytes
        from duologue_pipeline.errors import UsageError
        from duologue_pipeline.leakage.measure import LeakageRequest, measure_leakage
        from duologue_pipeline.leakage.told import leakage_lines
        from duologue_pipeline.progress import ProgressShow
        from duologue_pipeline.reader.release import read_release
        from duologue_pipeline.release.card_files import build_cards

        torch.set_num_threads(1)
        request = LeakageRequest(
            root=dataset,
            purpose=purpose,
            seed=seed,
            within=within,
            codec=codec,
            audio=audio,
            codebooks=codebooks,
            limit_s=None if limit_minutes is None else 60 * limit_minutes,
        )
        keeps = cards and not within
        if keeps and "previous" in read_release(dataset):
            raise UsageError(
                f"{dataset}: the receipt of its last withdrawal names dataset.json by its hash, and new cards would change it; "
                "measure with --no-cards"
            )
        with ProgressShow(sys.stderr) as progress:
            document = measure_leakage(request, show=lambda share, told: progress.show(share, told, last=share >= 1))
        changed = build_cards(dataset, leakage=document, tell=lambda text: typer.echo(text, err=True)) if keeps else []
    typer.echo(leakage_bytes(document).decode() if json_ else "\n".join(leakage_lines(document)), nl=not json_)
    if not json_ and changed:
        typer.echo(f"\n{dataset}: kept in cards/leakage.json; cards changed: {len(changed)}")
