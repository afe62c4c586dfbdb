"""Defines ``duologue consent propagate``: carries withdrawals into releases that were already written."""

import json
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final

import typer

from duologue_consent.cli.options import DetailsOption, FormatOption, LedgerOption
from duologue_consent.cli.said import joined
from duologue_consent.proofs.receipt_page import page_name
from duologue_pipeline.cli.support import EXIT_USAGE, fail, on_terminal, stoppable, usage_errors

if TYPE_CHECKING:
    from duologue_consent import Ledger
    from duologue_pipeline.export.recipient import StaleExport
    from duologue_pipeline.withdrawal.protocol import Outcome

__all__ = ["EXAMPLE", "propagate"]

EXAMPLE = "Example: duologue consent propagate out s3://bucket/release --ledger consent.db"

_NAMED: Final = 3


def propagate(
    datasets: Annotated[
        list[str],
        typer.Argument(
            metavar="DATASET...", help="Rewrite the releases in these folders: local paths, s3:// or gs://."
        ),
    ],
    ledger: LedgerOption,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be done and write nothing.")] = False,
    output: FormatOption = "text",
    details: DetailsOption = False,
    wait_s: Annotated[
        float,
        typer.Option(
            "--wait-s", help="Wait up to this many seconds for another propagation or run in the same folder to end."
        ),
    ] = 600.0,
) -> None:
    """Remove from releases what their speakers no longer allow, and write a receipt that proves it.

    Readers leave the samples out from the first second. Killed at any moment, it is finished by running it again. What
    an unfinished run has left in the folder is searched too, and parts of those who no longer allow them are removed.
    Exit status: 0 done, or nothing to do; 2 something could not be done.
    """
    if output not in ("text", "json"):
        fail(f"--format {output!r}: there is no such format; write text or json", EXIT_USAGE)
    outcomes: list[Outcome] = []
    with stoppable("run the command again to go on from here"), usage_errors():
        from duologue_consent import Ledger
        from duologue_pipeline.errors import UsageError
        from duologue_pipeline.export.recipient import stale_exports
        from duologue_pipeline.files.conditional import check_conditional
        from duologue_pipeline.withdrawal.continuity import require_continues_own
        from duologue_pipeline.withdrawal.protocol import faults_as_usage, propagate_release

        with faults_as_usage():
            opened = Ledger.open(ledger, now=datetime.now(UTC))
        for dataset in datasets if len(datasets) > 1 else ():  # all of them, before one is written
            check_conditional(dataset)
            require_continues_own(dataset, opened, now=datetime.now(UTC))
        for dataset in datasets:
            began = time.monotonic()

            def tell(text: str, dataset: str = dataset, began: float = began) -> None:
                print(f"[{time.monotonic() - began:6.1f} s] {dataset}: {text}", file=sys.stderr, flush=True)

            try:
                done = propagate_release(dataset, opened, dry_run=dry_run, wait_s=wait_s, tell=tell)
            except UsageError as error:
                if len(datasets) == 1:
                    raise
                raise UsageError(f"{error} (of {len(datasets)} releases {len(outcomes)} are done)") from None
            outcomes += done
            if output == "text":
                names = _names(opened) if on_terminal() and any(outcome.speakers for outcome in done) else {}
                for outcome in done:
                    typer.echo(_summary(outcome, names, dry_run=dry_run, details=details))
        with faults_as_usage():
            stale = stale_exports(opened, list(dict.fromkeys(outcome.name for outcome in outcomes)))
    if output == "json":
        exports = [asdict(export) for export in stale]
        typer.echo(json.dumps([{**asdict(outcome), "exports": exports} for outcome in outcomes], indent=2))
        return
    for export in stale:
        typer.echo(_export_line(export, ledger))


def _export_line(export: "StaleExport", ledger: str) -> str:
    """Says that an export still holds who is gone, and the command that takes them out."""
    who = "1 speaker who is gone" if export.gone == 1 else f"{export.gone} speakers who are gone"
    shown = "LEDGER" if "://" in ledger else shlex.quote(ledger)  # an address may hold a password
    return (
        f"Next: {export.name} in {export.folder} still holds {who}: "
        f"duologue export refresh {shlex.quote(export.folder)} --ledger {shown}"
    )


def _names(ledger: "Ledger") -> dict[str, str]:
    """Maps pseudonym -> id, for whoever sits before the terminal: a log that is kept names nobody."""
    snapshot = ledger.snapshot()
    return {snapshot.commitment(each): each for each in snapshot.speakers}


def _summary(outcome: "Outcome", names: Mapping[str, str], *, dry_run: bool, details: bool) -> str:
    if not outcome.old_version:
        return _unfinished(outcome, dry_run=dry_run)
    head = f"{outcome.dataset}: {outcome.name} {outcome.old_version}"
    if outcome.new_version is None:
        return f"{head}: nothing to do, every speaker in it allows what it is for"
    first = _first_line(outcome, names, dry_run=dry_run)
    if not details:
        return first
    counts = outcome.counts
    reasons = ", ".join(f"{count} {reason}" for reason, count in outcome.refusals.items())
    share = counts["removed_s"] / counts["withdrawn_s"] if counts["withdrawn_s"] else 0.0
    lines = [
        first,
        f"  tracks no longer allowed: {reasons}",
        f"  samples: {counts['samples_dropped']} dropped, {counts['samples_silenced']} with the speaker silenced",
        f"  seconds of tracks: {counts['withdrawn_s']:.1f} withdrawn, {counts['removed_s']:.1f} removed ({share:.2f})",
    ]
    for pseudonym, own in outcome.speakers.items():
        lines.append(f"  {_who([pseudonym], names, pseudonym)}: {_what(own['silenced'], own['dropped'])}")
    if dry_run:
        return "\n".join([*lines, f"  shards to rewrite: {_size(outcome.touched_bytes)}; nothing was written"])
    lines.append(f"  shards rewritten: {_size(outcome.touched_bytes)} to {_size(outcome.written_bytes)}")
    if outcome.revoked_after_s is not None:
        lines.append(f"  readers left the samples out after {outcome.revoked_after_s:.1f} s")
    return "\n".join([*lines, f"  receipt: {outcome.receipt}, after {outcome.seconds:.1f} s"])


def _first_line(outcome: "Outcome", names: Mapping[str, str], *, dry_run: bool) -> str:
    """Says in one sentence who went from how many recordings, and where the proof is."""
    people = list(outcome.speakers)
    who = _who(people, names, "1 speaker" if len(people) == 1 else f"{len(people):,} speakers")
    verb = "would be" if dry_run else "is" if len(people) == 1 else "are"
    what = _what(int(outcome.counts["recordings_silenced"]), int(outcome.counts["recordings_dropped"]))
    version = f"{outcome.name} {outcome.old_version} {'would become' if dry_run else 'is now'} {outcome.new_version}"
    if dry_run:
        return f"Nothing was written. {who} {verb} {what} of {outcome.dataset}; {version}."
    page = (
        "" if outcome.receipt is None else f"{outcome.dataset}/{outcome.receipt}, to read {page_name(outcome.receipt)}"
    )
    return f"Done: {who} {verb} {what} of {outcome.dataset}; {version}; receipt {page}"


def _who(people: Sequence[str], names: Mapping[str, str], nameless: str) -> str:
    known = sorted(names[each] for each in people if each in names)
    return joined(known) if len(known) == len(people) <= _NAMED else nameless


def _what(silenced: int, dropped: int) -> str:
    parts = [f"silenced in {_recordings(silenced)}"] if silenced else []
    parts += [f"gone with {_recordings(dropped)}"] if dropped else []
    return " and ".join(parts)


def _recordings(count: int) -> str:
    return f"{count:,} recording{'' if count == 1 else 's'}"


def _unfinished(outcome: "Outcome", *, dry_run: bool) -> str:
    counts = outcome.counts
    lines = [
        f"{outcome.dataset}: no release, but what an unfinished run has left",
        (
            f"  parts {'that would be removed' if dry_run else 'removed'}: {counts['parts_refused']} with a speaker who no longer "
            f"allows them, {counts['parts_unknown']} of which it cannot be told; kept: {counts['parts_kept']}"
        ),
    ]
    if counts["recordings_decided"]:
        lines.append(
            f"  recordings that a launch was to use, and may not any more: {counts['recordings_decided']}; it "
            f"{'would be' if dry_run else 'is'} stopped, and nothing of it is published"
        )
    if outcome.refusals:
        reasons = ", ".join(f"{count} {reason}" for reason, count in outcome.refusals.items())
        lines.insert(1, f"  tracks no longer allowed: {reasons}")
    return "\n".join([*lines, "  nothing was written" if dry_run else "  nothing of them is in the folder any more"])


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB"
