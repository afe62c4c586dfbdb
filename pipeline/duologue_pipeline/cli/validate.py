"""Defines ``duologue validate`` and ``duologue shards verify``: list the faults of a manifest and of a release."""

import sys
from typing import Annotated, Final

import typer

from duologue_consent.cli.options import LedgerIfAnyOption
from duologue_consent.cli.said import counted
from duologue_pipeline.cli.options import Asr
from duologue_pipeline.cli.support import EXIT_FAULTS, quiet, stoppable, usage_errors

__all__ = ["VALIDATE_EXAMPLE", "VERIFY_EXAMPLE", "validate", "verify"]

_LONG: Final = 20
"""With fewer recordings there is no line of progress where nobody looks on."""

VALIDATE_EXAMPLE: Final = "Example: duologue validate calls/manifest.jsonl --files --ledger consent.db"
VERIFY_EXAMPLE: Final = "Example: duologue shards verify out"


def validate(
    manifest: Annotated[
        str, typer.Argument(help="Check this manifest: JSON Lines, one recording a line.", metavar="MANIFEST")
    ],
    files: Annotated[
        bool,
        typer.Option(
            "--files",
            help="Read audio and words too: whether they are there, can be read, have the channels and the length, hold the same "
            "audio as another recording, and whether the words lie inside the audio.",
        ),
    ] = False,
    ledger: LedgerIfAnyOption = None,
    purpose: Annotated[str, typer.Option(help="Ask for this purpose, as `duologue run` does.")] = "training_inhouse",
    words: Annotated[
        str, typer.Option(help="Judge words as `duologue run` does: optional, required or none.")
    ] = "optional",
    include_audio: Annotated[
        bool, typer.Option("--include-audio", help="Ask for consent to samples that carry their audio.")
    ] = False,
    same_audio: Annotated[
        str,
        typer.Option(help="Judge audio under several ids as `duologue run` does: refuse, refuse-all or mark."),
    ] = "refuse",
    compare_refused_audio: Annotated[
        bool,
        typer.Option(
            "--compare-refused-audio",
            help="Decode the local audio of recordings without consent, as `duologue run` does.",
        ),
    ] = False,
    asr: Asr = None,
    allow_private_addresses: Annotated[
        bool,
        typer.Option(
            "--allow-private-addresses", help="Fetch audio and words also from addresses of private networks."
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document, for programs.")] = False,
) -> None:
    """List every fault of a manifest; with --files and --ledger say of each recording what a run would say.

    A table on a terminal, elsewhere a line a fault, parted by tabs. With --ledger both speakers' consent is asked for, and no audio of
    a recording without it is opened. Options have the meaning that they have for `duologue run`.
    Exit status: 0 a run would take every recording; 1 it would not; 2 the manifest or the ledger cannot be read.
    """
    quiet()
    from duologue_pipeline.cli.findings import print_findings
    from duologue_pipeline.progress import ProgressShow
    from duologue_pipeline.run.request import RunRequest
    from duologue_pipeline.validate.validation import Validation

    request = RunRequest(
        manifest=manifest,
        out="",
        ledger=ledger,
        purpose=purpose,
        words=words,
        include_audio=include_audio,
        same_audio=same_audio,
        compare_refused_audio=compare_refused_audio,
        asr=asr,
        allow_private_addresses=allow_private_addresses,
    )
    with stoppable("nothing was changed"), usage_errors():
        show = ProgressShow(sys.stderr)

        def seen(done: int, recordings: int, hours: float) -> None:
            if recordings >= _LONG or sys.stderr.isatty():
                show.show(done / recordings, f"{done}/{recordings} recordings", hours=hours)

        validation = Validation(request, files=files, seen=seen)
        print_findings(validation, manifest, files=files, ledger=ledger is not None, as_json=as_json, show=show)
    if validation.totals.refused:
        raise typer.Exit(EXIT_FAULTS)


def verify(
    directory: Annotated[
        str, typer.Argument(help="Check the release in this folder, the --out of a run.", metavar="DIR")
    ],
) -> None:
    """Check all of a release: hashes, members, frames, totals, revocations, log, and what does not belong to it.

    Exit status: 0 no faults; 1 faults; 2 there is no release.
    """
    from duologue_pipeline.release.verify import verify_release

    with usage_errors():
        report = verify_release(directory)
    for note in report.notes:
        typer.echo(f"note: {note}", err=True)
    for fault in report.faults:
        typer.echo(fault)
    if report.faults:
        found = counted(report.fault_count, "fault")
        typer.echo(
            f"{directory}: {found}; the release is not as it was published: use nothing of it, and fetch it again",
            err=True,
        )
        raise typer.Exit(EXIT_FAULTS)
    typer.echo(
        f"{directory}: all well: {counted(report.shards, 'shard')}, {counted(report.samples, 'sample')}, {counted(report.frames, 'frame')}, "
        f"{report.bytes} bytes"
    )
