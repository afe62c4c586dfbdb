"""Defines the commands of ``duologue audit``: what the tokens of a release hold, and what they give away."""

import json
import sys
from typing import TYPE_CHECKING, Annotated, Final

import typer

from duologue_consent import Purpose
from duologue_pipeline.cli.support import EXIT_FAULTS, quiet, stoppable, usage_errors

if TYPE_CHECKING:
    from duologue_pipeline.audit.tokens import TokensAudit

__all__ = ["TOKENS_EXAMPLE", "tokens"]

TOKENS_EXAMPLE: Final = "Example: duologue audit tokens out --codec mimi:models/mimi --json > audit.json"

_SHOWN: Final = 20


def tokens(
    dataset: Annotated[
        str, typer.Argument(metavar="DATASET", help="Look at the release in this folder, the --out of a run.")
    ],
    codec: Annotated[
        str | None,
        typer.Option(
            metavar="CODEC",
            help="Find the codec's weights here, as in `duologue run`, to decode samples and compare them with their audio.",
            show_default="the codec of the release, where it is found without being told",
        ),
    ] = None,
    decode: Annotated[
        int, typer.Option(min=0, max=1000, help="Decode and compare so many samples of those with audio.")
    ] = 4,
    purpose: Annotated[
        str,
        typer.Option(help=f"Read the release for this purpose, one that it was made for: {', '.join(Purpose)}."),
    ] = "training_inhouse",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print all figures as JSON (tokens_audit.schema.json).")
    ] = False,
) -> None:
    """Look for dead channels and codebooks, wrong lengths and withdrawn tracks that are not silent, and compare decoded samples.

    Prints for each codebook the entries in use and its entropy in bits. Exit status: 0 nothing found; 1 findings; 2 the
    release or the codec cannot be read.
    """
    quiet()
    with stoppable("nothing was changed"), usage_errors():
        from duologue_pipeline.audit.tokens import audit_tokens
        from duologue_pipeline.progress import ProgressShow

        show = ProgressShow(sys.stderr)

        def seen(samples: int) -> None:
            if sys.stderr.isatty() and samples % 100 == 0:
                show.show(0.0, f"{samples} samples", hours=0.0)

        audit = audit_tokens(dataset, purpose=purpose, codec=codec, decode=decode, seen=seen)
        typer.echo(json.dumps(audit.document(), indent=1) if as_json else _text(audit))
    if audit.findings:
        raise typer.Exit(EXIT_FAULTS)


def _text(audit: "TokensAudit") -> str:
    lines = [
        f"{audit.dataset}: {audit.name} {audit.version}, {audit.samples} samples, {audit.frames} frames of {audit.codec['name']}"
    ]
    lines.append("codebook  entries     used   share  entropy bits  most common")
    lines += [
        f"{use.codebook:8}  {use.entries:7}  {use.used:7}  {use.used / use.entries:6.1%}  {use.entropy_bits:12.2f}  {use.most_common_share:11.1%}"
        for use in audit.codebooks
    ]
    if audit.decoded:
        lines.append("decoded                            STOI  SI-SDR dB  LSD dB  level dB  loudness")
        lines += [
            f"{track.key[:28]:28} {track.speaker}  "
            f"{_figure(track.stoi, 7, 3)}  {_figure(track.si_sdr_db, 9, 1)}  {_figure(track.log_spectral_distance_db, 6, 1)}  "
            f"{_figure(track.level_db, 8, 1)}  {_figure(track.loudness_correlation, 8, 2)}"
            for track in audit.decoded
        ]
    lines += [f"note: {note}" for note in audit.notes]
    for finding in audit.findings[:_SHOWN]:
        where = f"{finding.key} {finding.speaker}".strip()
        lines.append(f"{finding.kind}: {where}{': ' if where else ''}{finding.detail}")
    if len(audit.findings) > _SHOWN:
        lines.append(f"and {len(audit.findings) - _SHOWN} more; --json lists all")
    count = len(audit.findings)
    lines.append("nothing found" if not count else f"{count} finding{'s' if count > 1 else ''}")
    return "\n".join(lines)


def _figure(value: float | None, width: int, digits: int) -> str:
    return f"{'-':>{width}}" if value is None else f"{value:{width}.{digits}f}"
