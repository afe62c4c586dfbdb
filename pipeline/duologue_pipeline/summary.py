"""The summary that ends a run: what a person wants to know, from the files that were written."""

import textwrap
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from duologue_schemas.tables import FAULT_MEASURES

from .errors import REASONS
from .run import RunResult
from .storage import join
from .tables import read_table

__all__ = ["summarize"]

_HUMAN: Final = "people on the telephone: 4.7 % of speech, 33.5 % of transfers, median 0.13 s (Switchboard)"


def summarize(result: RunResult) -> str:
    """Makes the text of a run's summary, lines of up to about 100 characters."""
    lines = ["", *_refusals(result)]
    if result.release is None:
        return "\n".join([*lines, f"Nothing could be written. The reasons are in {join(result.out, 'rejected.jsonl')}"])
    release = result.release
    totals, splits = release["totals"], release["splits"]
    recordings = read_table(join(result.out, "recordings.parquet")).to_pylist()
    ledger = release["ledger"]
    hourly = totals["bytes"] / max(totals["duration_s"], 1e-9) * 3600
    consent = (
        f"for {', '.join(release['purposes'])}; ledger of {ledger['events']} records, "
        f"root {ledger['checkpoint'].splitlines()[2][:12]}"
    )
    lines = [
        "",
        *(["This run is complete already; nothing was done again."] if result.was_complete else []),
        f"Conversations  {totals['written']} written of {totals['read']} read, {_hours(totals['duration_s'])}",
        *_refusals(result),
        "Splits         "
        + ", ".join(
            f"{name}: {split['samples']} samples, {split['speakers']} speakers, {_hours(split['duration_s'])}"
            for name, split in splits.items()
        ),
        *_turn_taking(recordings),
        *_isolation(release["isolation_policy"], result, recordings),
        *textwrap.wrap(
            f"Codec          {release['codec']['name']}: {release['codec']['quality']}", 100, subsequent_indent=" " * 15
        ),
        f"Consent        {consent}",
        f"Shards         {len(release['shards'])}, {_size(totals['bytes'])} ({_size(hourly)} an hour)",
        f"Files          {result.out}",
        "               README.md is the dataset card; index, recordings and events.parquet are the tables;",
        "               rejected.jsonl says what was refused; dataset.json lists every file with its hash",
    ]
    return "\n".join(lines)


def _refusals(result: RunResult) -> list[str]:
    if not result.refused:
        return []
    total = sum(result.refused.values())
    return [
        f"Refused        {total}",
        *(f"    {count:5d}  {reason}: {REASONS.get(reason, '')}" for reason, count in result.refused.items()),
    ]


def _isolation(policy: str, result: RunResult, recordings: Sequence[dict[str, Any]]) -> list[str]:
    refused = sum(count for reason, count in result.refused.items() if reason.startswith("isolation_"))
    lines = [f"Isolation      {_counts([row['isolation'] for row in recordings])}; {refused} refused by {policy}"]
    levels_db = [
        row[column]
        for row in recordings
        for column in ("bleed_db_a_from_b", "bleed_db_b_from_a")
        if row[column] is not None
    ]
    if levels_db:
        lines.append(
            f"               the other voice seen in {len(levels_db)} of {2 * len(recordings)} tracks, "
            f"median {np.median(levels_db):.1f} dB, highest {max(levels_db):.1f} dB"
        )
    found = {name: sum(row[f"{name}_found"] is True for row in recordings) for name in FAULT_MEASURES}
    if any(found.values()):
        lines.append("               " + ", ".join(f"{count} {name}" for name, count in found.items() if count))
    return lines


def _turn_taking(recordings: Sequence[dict[str, Any]]) -> list[str]:
    overlap_s = sum(row["overlap_s"] for row in recordings)
    speech_s = sum(row["speech_a_s"] + row["speech_b_s"] for row in recordings) - overlap_s
    duration_s = sum(row["duration_s"] for row in recordings)
    ftos_s = np.array([fto for row in recordings for fto in row["ftos_s"]])
    lines = [
        f"Overlap        {_percent(overlap_s, duration_s)} of the time, {_percent(overlap_s, speech_s)} of speech",
        f"Floor          {len(ftos_s)} transfers, {_percent(int((ftos_s < 0).sum()), len(ftos_s))} in overlap"
        + (f", median gap {np.median(ftos_s):.2f} s" if len(ftos_s) else ""),
        f"               {_HUMAN}",
    ]
    backchannels = sum(row["backchannels_a"] + row["backchannels_b"] for row in recordings)
    interruptions = sum(row["interruptions_a"] + row["interruptions_b"] for row in recordings)
    return [*lines, f"Events         {backchannels} backchannel and {interruptions} interruption candidates"]


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "no part"


def _counts(values: Sequence[str]) -> str:
    return ", ".join(f"{values.count(value)} {value}" for value in sorted(set(values)))


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.2f} h" if seconds >= 3600 else f"{seconds / 60:.1f} min"


def _size(size: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
