"""Defines ``duologue retokenize``: gives the samples of a release the tokens of another codec."""

import sys
import time
from typing import Annotated, Final

import typer

from duologue_consent.cli.options import LedgerOption
from duologue_pipeline.cli.support import quiet, stoppable, usage_errors

__all__ = ["EXAMPLE", "retokenize"]

EXAMPLE: Final = (
    "Example: duologue retokenize out --codec 'mimi:models/mimi?codebooks=32' --out out-mimi32 --ledger consent.db"
)


def retokenize(
    dataset: Annotated[
        str,
        typer.Argument(metavar="DATASET", help="Take samples from the release in this folder; it has to hold audio."),
    ],
    codec: Annotated[
        str,
        typer.Option(
            metavar="CODEC",
            help="Encode with this codec: embedded, mimi:PATH, encodec:PATH, dac:PATH or lyra:PATH, as in `duologue run`.",
        ),
    ],
    out: Annotated[
        str, typer.Option(metavar="DIR", help="Write the new release into this folder: a path, s3:// or gs://.")
    ],
    ledger: LedgerOption,
    name: Annotated[
        str | None, typer.Option(help="Name the new release so.", show_default="the name of the old one")
    ] = None,
    wait_s: Annotated[
        float,
        typer.Option("--wait-s", help="Wait up to this many seconds for another command that works in the folder."),
    ] = 600.0,
) -> None:
    """Make a release with the tokens of another codec, of the audio in the samples; annotations and consent stay as they are.

    Cuts, splits and shards are those of the release, and KEY.json is the same but for the codec. Whom a withdrawal has taken out stays
    out; where somebody has said no since, the release is refused until `duologue consent propagate` has run. Killed at any moment,
    it is finished by running it again. Exit status: 0 done, or there already; 2 it cannot be done.
    """
    quiet()
    began = time.monotonic()
    with stoppable("what is done is kept: run the command again to go on from here"), usage_errors():
        from duologue_pipeline.retokenize.retokenize import retokenize as make

        def tell(text: str) -> None:
            print(f"[{time.monotonic() - began:6.1f} s] {text}", file=sys.stderr, flush=True)

        made = make(dataset, codec=codec, out=out, ledger=ledger, name=name, wait_s=wait_s, tell=tell)
    release = made.release
    totals, about = release["totals"], release["codec"]
    typer.echo(
        f"{made.out}: {release['name']} {release['version']}{' was there already' if made.was_complete else ''}: "
        f"{totals['samples']} samples of {totals['written']} recordings, {about['codebooks']} codebooks at "
        f"{about['frame_rate_hz']:g} frames a second of {about['name']}, {totals['bytes']} bytes"
    )
