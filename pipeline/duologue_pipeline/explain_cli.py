"""``duologue consent explain``: why a recording of a manifest passes the consent gate or not."""

import json
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from duologue_consent import Form, Ledger, LedgerError, Purpose, parse_time
from duologue_consent.explain import Party, explanation_text
from duologue_consent.explain import explain as explain_recording

from .cli_support import usage_errors
from .errors import RejectError, UsageError
from .gate import recording_time, written_forms
from .manifest import parse_line, read_lines
from .records import Recording

__all__ = ["EXAMPLE", "explain"]

EXAMPLE: Final = "Example: duologue consent explain call-0001 --manifest calls/manifest.jsonl --ledger consent.db"


def explain(
    recording: Annotated[str, typer.Argument(metavar="RECORDING", help="The recording_id of a line of the manifest.")],
    manifest: Annotated[str, typer.Option("--manifest", metavar="MANIFEST", help="The manifest that names it.")],
    ledger: Annotated[str, typer.Option("--ledger", metavar="LEDGER", help="The ledger's file, or postgresql://…")],
    purpose: Annotated[
        list[str] | None,
        typer.Option("--purpose", metavar="PURPOSE", help="May be repeated. Left out: training_inhouse."),
    ] = None,
    form: Annotated[
        list[str] | None,
        typer.Option(
            "--form",
            metavar="FORM",
            help="May be repeated. Left out: tokens, annotations, and transcript where the manifest names words.",
        ),
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="The moment that it is asked for. Left out: now.")
    ] = None,
    output: Annotated[str, typer.Option("--format", metavar="FORMAT", help="text or json.")] = "text",
) -> None:
    """Say per speaker, purpose, form and rule of the place why a recording may be used or not, and what would cure it.

    Exit status: 0 it passes for every purpose; 1 it does not; 2 wrong usage.
    """
    with usage_errors():
        if output not in ("text", "json"):
            raise UsageError(f"--format {output!r}: there is no such format; write text or json")
        as_of = datetime.now(UTC) if at is None else _time(at)
        found = _recording(manifest, recording)
        transcripts = any(track.words_uri is not None for track in found.tracks)
        try:
            explanation = explain_recording(
                Ledger.open(ledger).snapshot(),
                found.recording_id,
                [
                    Party(name, track.speaker_id, track.jurisdiction)
                    for name, track in zip("ab", found.tracks, strict=True)
                ],
                purposes=[Purpose(each) for each in purpose or ("training_inhouse",)],
                forms=list(map(Form, form)) if form else written_forms(include_audio=False, transcripts=transcripts),
                recorded_at=recording_time(found, as_of),
                as_of=as_of,
            )
        except RejectError as error:
            raise UsageError(f"{manifest}: {recording}: {error.detail}") from None
        except (LedgerError, ValueError) as error:
            raise UsageError(str(error)) from None
    if output == "json":
        typer.echo(json.dumps(explanation, indent=2, ensure_ascii=False))
    else:
        typer.echo(explanation_text(explanation), nl=False)
    if not all(each["allowed"] for each in explanation["purposes"]):
        raise typer.Exit(1)


def _time(text: str) -> datetime:
    try:
        return parse_time(text)
    except ValueError as error:
        raise UsageError(f"--at: {error}") from None


def _recording(manifest: str, recording_id: str) -> Recording:
    faults = []
    for line in read_lines(manifest):
        parsed = parse_line(line, manifest_uri=manifest)
        if parsed.recording_id == recording_id:
            if isinstance(parsed, Recording):
                return parsed
            faults.append(parsed.detail)
    what = f"recording {recording_id!r} is not usable: {faults[0]}" if faults else f"no recording {recording_id!r}"
    raise UsageError(f"{manifest}: {what}; `duologue validate {manifest}` checks every line")
