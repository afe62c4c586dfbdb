"""Offers ``duologue consent settle``: what each speaker is owed for the uses of releases."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from duologue_consent.cli.options import FormatOption, LedgerOption
from duologue_consent.cli.support import chosen_format, fail, named, one_line_errors, open_ledger, require_continues
from duologue_consent.decisions.events import parse_time
from duologue_consent.decisions.snapshot import Snapshot
from duologue_consent.lineage.release_facts import ReleaseFacts, read_release_facts
from duologue_consent.lineage.settlement import Claim, ReleaseHours, SettlementError, Use, claims_bytes, settle
from duologue_consent.proofs.dsse import EnvelopeError, load_json
from duologue_consent.verify import read_file

if TYPE_CHECKING:
    from duologue_consent.ledger.ledger import Ledger

__all__ = ["USED", "register"]

USED: Final = "release.used"
"""The leaf of a use: the use, and the hours of the release at that moment, so that no later withdrawal changes a claim."""

_FIELDS: Final = {"use_id": str, "release": str, "at": str, "rate_minor_per_hour": int, "currency": str}


def register(app: typer.Typer) -> None:
    """Adds the command to an app."""
    app.command("settle", epilog="Example: duologue consent settle out --uses uses.jsonl --ledger consent.db")(_settle)


def _settle(
    ledger: LedgerOption,
    datasets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[DATASET]...",
            help="Read the releases that --uses speaks of from these folders.",
            show_default=False,
        ),
    ] = None,
    uses: Annotated[
        Path | None,
        typer.Option(
            "--uses",
            metavar="FILE",
            help="Record the uses in this file, JSON Lines: use_id, release (name and version, or the SHA-256 of "
            "dataset.json), at, rate_minor_per_hour, currency.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write every claim into this file, JSON Lines.")
    ] = None,
    output: FormatOption = "text",
) -> None:
    """Pay per recorded hour of each speaker for every use on record; repeated, it gives the same bytes.

    A use is recorded once, with the hours of its release, so a speaker who withdraws keeps the claims from before.
    """
    with one_line_errors():
        chosen_format(output)
        opened = open_ledger(ledger)
        snapshot = opened.snapshot()
        if uses is not None:
            _record(opened, snapshot, uses, datasets or [], named(ledger))
        elif datasets:
            fail("DATASET is given without --uses FILE; leave it out to settle what is on record")
        on_record = [r.fields for r in opened.records(USED) if r.fields is not None]
        hours = {fields["use"]["release"]: _hours(fields) for fields in on_record}
        claims = settle(hours.values(), [_use(fields["use"], named(ledger)) for fields in on_record])
        if out is not None:
            try:
                out.write_bytes(claims_bytes(claims))
            except OSError as error:
                fail(f"--out {out}: cannot be written ({error.strerror}); choose another file")
    _show(claims, snapshot, len(on_record), output, named(ledger))


def _record(ledger: "Ledger", snapshot: Snapshot, path: Path, datasets: Sequence[str], name: str) -> None:
    """Appends the uses of a file that are not on record; all of them are checked first."""
    known = {r.fields["use"]["use_id"]: r.fields["use"] for r in ledger.records(USED) if r.fields is not None}
    releases: dict[str, ReleaseFacts] = {}
    for uri in datasets:
        facts = read_release_facts(uri)
        if facts.ledger_id != snapshot.ledger_id:
            fail(f"{uri}: was made with ledger {facts.ledger_id}, and {name} is {snapshot.ledger_id}")
        require_continues(ledger, facts.checkpoints)
        releases |= {facts.sha256: facts, facts.label: facts}
    fresh: dict[str, dict[str, Any]] = {}
    for number, line in enumerate(_lines(path), start=1):
        where = f"{path}:{number}"
        use = _parsed(line, where)
        facts_or_none = releases.get(use["release"])
        if facts_or_none is not None:
            use["release"] = facts_or_none.sha256
        earlier = known.get(use["use_id"], fresh.get(use["use_id"], {}).get("use"))
        if earlier is not None:
            if _named_alike(earlier, use):
                continue
            raise SettlementError(
                f"{where}: use {use['use_id']} is told in two ways; correct one, or give it another id"
            )
        if facts_or_none is None:
            raise SettlementError(f"{where}: release {use['release']} is none of the given; name its folder as DATASET")
        fresh[use["use_id"]] = {
            "use": use,
            "recorded_ms": dict(facts_or_none.recorded_ms),
            "label": facts_or_none.label,
        }
    for fields in fresh.values():
        ledger.append(USED, fields, once=True)


def _named_alike(earlier: Mapping[str, Any], use: Mapping[str, Any]) -> bool:
    """Tells whether a use on record is this one; its release may be gone, and named by a label that cannot be resolved."""
    unresolved = " " in use["release"]
    return all(earlier[field] == use[field] for field in _FIELDS if not (unresolved and field == "release"))


def _lines(path: Path) -> list[str]:
    try:
        return [line for line in read_file(path).decode("utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        fail(f"--uses {path}: cannot be read ({error}); name a file of JSON Lines")


def _parsed(line: str, where: str) -> dict[str, Any]:
    try:
        use = load_json(line.encode(), where)
    except EnvelopeError as error:
        raise SettlementError(str(error)) from None
    if not isinstance(use, dict) or use.keys() != _FIELDS.keys():
        raise SettlementError(f"{where}: expected an object with {', '.join(_FIELDS)}")
    for field, kind in _FIELDS.items():
        if not isinstance(use[field], kind) or isinstance(use[field], bool):
            raise SettlementError(
                f"{where}: {field} is {use[field]!r}, expected {'a whole number' if kind is int else 'text'}"
            )
    _use(use, where)
    return use


def _use(fields: Mapping[str, Any], where: str) -> Use:
    try:
        return Use(**{**fields, "at": parse_time(fields["at"])})
    except ValueError as error:
        raise SettlementError(f"{where}: {error}") from None


def _hours(fields: Mapping[str, Any]) -> ReleaseHours:
    return ReleaseHours(fields["use"]["release"], fields["recorded_ms"])


def _show(claims: Sequence[Claim], snapshot: Snapshot, uses: int, output: str, name: str) -> None:
    names = {snapshot.commitment(speaker): speaker for speaker in snapshot.speakers}
    owed: dict[tuple[str, str], int] = defaultdict(int)
    hours: dict[str, int] = defaultdict(int)
    for claim in claims:
        owed[claim.speaker, claim.currency] += claim.amount_minor
        hours[claim.speaker] += claim.recorded_ms
    if output == "json":
        rows = [
            {"speaker": who, "speaker_id": names.get(who), "currency": currency, "amount_minor": amount}
            for (who, currency), amount in sorted(owed.items())
        ]
        typer.echo(json.dumps({"uses": uses, "claims": len(claims), "owed": rows}, indent=2, ensure_ascii=False))
        return
    if not claims:
        typer.echo(f"{name}: no use of a release is on record; give --uses FILE")
        return
    for (who, currency), amount in sorted(owed.items(), key=lambda item: (names.get(item[0][0], ""), item[0])):
        whose = names.get(who, f"{who[:12]}… (forgotten)")
        typer.echo(f"{whose}: {amount} minor units of {currency}, {hours[who] / 3_600_000:.3f} recorded hours")
    plural = "" if uses == 1 else "s"
    for currency in sorted({currency for _, currency in owed}):
        total = sum(amount for (_, unit), amount in owed.items() if unit == currency)
        typer.echo(f"together: {total} minor units of {currency} for {uses} use{plural}")
