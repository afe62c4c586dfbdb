"""Defines ``duologue consent explain``: tells why a recording of a manifest or a release may be used or not."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final

import typer

from duologue_consent import Form, Purpose, Recorded, Snapshot, parse_time
from duologue_consent.cli.options import DetailsOption, LedgerOption
from duologue_pipeline.cli.support import usage_errors
from duologue_pipeline.errors import RejectError, UsageError

if TYPE_CHECKING:
    from duologue_consent.decisions.explain import Party
    from duologue_pipeline.records import Recording

__all__ = ["EXAMPLE", "explain"]

_COLUMNS: Final = frozenset(
    ["recording_id", "started_at", "started_before"]
    + [f"{name}_{side}" for name in ("speaker", "jurisdiction", "words") for side in "ab"]
)
"""What is read of the recordings of a release."""

EXAMPLE: Final = "Example: duologue consent explain call-0001 --manifest calls/manifest.jsonl --ledger consent.db"


def explain(
    recording: Annotated[
        str, typer.Argument(metavar="RECORDING", help="Explain the recording with this recording_id.")
    ],
    ledger: LedgerOption,
    manifest: Annotated[
        str | None, typer.Option("--manifest", metavar="MANIFEST", help="Find the recording in this manifest.")
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(
            "--dataset", metavar="DIR", help="Find the recording in the release in this folder, instead of a manifest."
        ),
    ] = None,
    purpose: Annotated[
        list[str] | None,
        typer.Option(
            "--purpose",
            metavar="PURPOSE",
            help=f"Ask about this purpose; may be repeated. One of {', '.join(Purpose)}. Left out: training_inhouse, "
            "or the purposes of the release.",
        ),
    ] = None,
    form: Annotated[
        list[str] | None,
        typer.Option(
            "--form",
            metavar="FORM",
            help=f"Ask about this form of the data; may be repeated. One of {', '.join(Form)}. Left out: tokens, "
            "annotations, and transcript where there are words; for a release, the forms that it holds.",
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help="Answer as of this time, e.g. 2026-03-01T10:00:00Z. Left out: now."),
    ] = None,
    output: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="Print text to read, or json for programs.")
    ] = "text",
    details: DetailsOption = False,
) -> None:
    """Explain why a recording may be used or not, per speaker, purpose, form and legal rule, and what would cure it.

    Exit status: 0 it passes for every purpose; 1 it does not; 2 wrong usage.
    """
    from duologue_consent import Ledger, LedgerError
    from duologue_consent.decisions.explain import explain as explain_recording
    from duologue_consent.decisions.explain import explanation_text
    from duologue_pipeline.withdrawal.continuity import require_continues_own

    with usage_errors():
        if output not in ("text", "json"):
            raise UsageError(f"--format {output!r}: there is no such format; write text or json")
        if (manifest is None) is (dataset is None):
            raise UsageError("name the recording's --manifest or its --dataset, one of them")
        as_of = datetime.now(UTC) if at is None else _time(at)
        try:
            opened = Ledger.open(ledger, now=datetime.now(UTC))
            snapshot = opened.snapshot()
            if manifest is not None:
                case = _of_manifest(manifest, recording, as_of)
            else:
                require_continues_own(str(dataset), opened, now=datetime.now(UTC))
                case = _of_release(str(dataset), recording, snapshot)
            explanation = explain_recording(
                snapshot,
                recording,
                case.parties,
                purposes=[Purpose(each) for each in purpose or case.purposes],
                forms=list(map(Form, form)) if form else case.forms,
                recorded_at=case.recorded_at,
                as_of=as_of,
            )
        except (LedgerError, ValueError) as error:
            raise UsageError(str(error)) from None
    if output == "json":
        typer.echo(json.dumps(explanation, indent=2, ensure_ascii=False))
    else:
        typer.echo(explanation_text(explanation, details=details), nl=False)
    if not all(each["allowed"] for each in explanation["purposes"]):
        raise typer.Exit(1)


def _time(text: str) -> datetime:
    try:
        return parse_time(text)
    except ValueError as error:
        raise UsageError(f"--at: {error}") from None


@dataclass(frozen=True)
class _Case:
    """Holds what is asked about, with the purposes and forms that stand where the command names none."""

    parties: "Sequence[Party]"
    recorded_at: Recorded | None
    purposes: Sequence[str]
    forms: Sequence[Form]


def _of_manifest(manifest: str, recording_id: str, as_of: datetime) -> _Case:
    from duologue_consent.decisions.explain import Party
    from duologue_pipeline.consent.forms import forms_of_run
    from duologue_pipeline.consent.gate import recording_time

    found = _recording(manifest, recording_id)
    try:
        recorded_at = recording_time(found, as_of)
    except RejectError as error:
        raise UsageError(f"{manifest}: {recording_id}: {error.detail}") from None
    return _Case(
        parties=[
            Party(name, track.speaker_id, track.jurisdiction) for name, track in zip("ab", found.tracks, strict=True)
        ],
        recorded_at=recorded_at,
        purposes=("training_inhouse",),
        forms=forms_of_run(found, include_audio=False, words="optional", asr=False),
    )


def _of_release(dataset: str, recording_id: str, snapshot: Snapshot) -> _Case:
    """Reads the case from a release; a speaker whom the ledger does not know, or a withdrawal has taken out, has no name."""
    import pyarrow.compute as pc

    from duologue_consent.decisions.explain import Party
    from duologue_pipeline.consent.forms import forms_of_row
    from duologue_pipeline.consent.gate import recorded_of_row
    from duologue_pipeline.reader.release import read_release
    from duologue_pipeline.reader.tables import read_release_table
    from duologue_schemas.tables import WITHDRAWN

    release = read_release(dataset)
    table = read_release_table(dataset, release, "recordings", columns=_COLUMNS)
    row = next(iter(table.filter(pc.equal(table["recording_id"], recording_id)).to_pylist()), None)
    if row is None:
        gone = "; a withdrawal may have taken it out, see its receipts" if "withdrawal" in release else ""
        raise UsageError(f"{dataset}: the release holds no recording {recording_id!r}{gone}")
    ids = {snapshot.commitment(speaker_id): speaker_id for speaker_id in snapshot.speakers}
    return _Case(
        parties=[
            Party(
                name,
                ids.get(named, named),
                row[f"jurisdiction_{name}"],
                taken_out=named == WITHDRAWN,
                unknown=named not in ids,
            )
            for name in "ab"
            for named in [row[f"speaker_{name}"]]
        ],
        recorded_at=recorded_of_row(row),
        purposes=release["purposes"],
        forms=forms_of_row(row, include_audio=release["include_audio"]),
    )


def _recording(manifest: str, recording_id: str) -> "Recording":
    from duologue_pipeline.read.manifest import parse_line, read_lines
    from duologue_pipeline.records import Recording

    faults = []
    for line in read_lines(manifest):
        parsed = parse_line(line, manifest_uri=manifest)
        if parsed.recording_id == recording_id:
            if isinstance(parsed, Recording):
                return parsed
            faults.append(parsed.detail)
    what = f"recording {recording_id!r} is not usable: {faults[0]}" if faults else f"no recording {recording_id!r}"
    raise UsageError(f"{manifest}: {what}; `duologue validate {manifest}` checks every line")
