"""Defines ``duologue validate`` and ``duologue shards verify``: list the faults of a manifest and of a release."""

from typing import Annotated, Final

import typer

from duologue_pipeline.cli.support import EXIT_FAULTS, usage_errors

__all__ = ["VALIDATE_EXAMPLE", "VERIFY_EXAMPLE", "validate", "verify"]

VALIDATE_EXAMPLE: Final = "Example: duologue validate calls/manifest.jsonl"
VERIFY_EXAMPLE: Final = "Example: duologue shards verify out"


def validate(
    manifest: Annotated[
        str, typer.Argument(help="Check this manifest: JSON Lines, one recording a line.", metavar="MANIFEST")
    ],
) -> None:
    """List every fault of a manifest with its line and field.

    Exit status: 0 no faults; 1 faults; 2 the manifest cannot be read.
    """
    from duologue_pipeline.read.look_alikes import look_alike_faults
    from duologue_pipeline.read.manifest import read_all_lines
    from duologue_schemas import validate_manifest_lines

    with usage_errors():
        lines = list(read_all_lines(manifest))
    faults = sorted([*validate_manifest_lines(lines), *look_alike_faults(lines)], key=lambda fault: fault.line)
    for fault in faults:
        where = f" {fault.field}:" if fault.field else ""
        typer.echo(f"{manifest}:{fault.line}:{where} {fault.message}")
    recordings = sum(bool(line.strip()) for line in lines)
    if faults:
        broken = len({fault.line for fault in faults})
        typer.echo(f"{len(faults)} faults on {broken} of {recordings} lines", err=True)
        raise typer.Exit(EXIT_FAULTS)
    typer.echo(f"{manifest}: {recordings} recordings, no faults")


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
        found = "1 fault" if report.fault_count == 1 else f"{report.fault_count} faults"
        typer.echo(
            f"{directory}: {found}; the release is not as it was published: use nothing of it, and fetch it again",
            err=True,
        )
        raise typer.Exit(EXIT_FAULTS)
    typer.echo(
        f"{directory}: all well: {report.shards} shards, {report.samples} samples, {report.frames} frames, "
        f"{report.bytes} bytes"
    )
