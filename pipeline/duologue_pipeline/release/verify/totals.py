"""Recomputes what ``dataset.json`` sums up, and holds the tables and ``rejected.jsonl`` against each other."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

import pyarrow as pa

from duologue_pipeline.events.speakers import speaker_row, speakers_of_rows
from duologue_pipeline.files.file_fault import StoreFaultError
from duologue_pipeline.files.inside import read_inside
from duologue_pipeline.files.text import parse_json
from duologue_pipeline.reader.release_file import table_paths
from duologue_pipeline.records import SPEAKERS, SPLITS
from duologue_schemas import iter_faults
from duologue_schemas.tables import WITHDRAWN

__all__ = ["rejected_faults", "statistics_faults", "table_faults", "total_faults"]

_APART: Final = set(SPLITS[:2])
"""The splits that no speaker is in both of."""

_SHOWN: Final = 3
_Rows = Sequence[Mapping[str, Any]]


def total_faults(
    release: Mapping[str, Any], rows: _Rows, recordings: _Rows, events: pa.Table, rejected: int
) -> Iterator[str]:
    """Recomputes the sums.

    Args:
        release: the document of ``dataset.json``.
        rows: of ``index.parquet``.
        recordings: the rows of ``recordings.parquet``.
        events: the table of ``events.parquet``.
        rejected: lines of ``rejected.jsonl``.
    """
    totals = release["totals"]
    found = {
        "read": len(recordings) + rejected + totals.get("withdrawn", 0),
        "written": len(recordings),
        "rejected": rejected,
        "samples": len(rows),
        "bytes": sum(shard["bytes"] for shard in release["shards"]),
    }
    for name, value in found.items():
        if totals[name] != value:
            yield f"dataset.json: totals.{name} is {totals[name]}, the files hold {value}"
    duration_s = sum(row["end_s"] - row["start_s"] for row in rows)
    if not abs(duration_s - totals["duration_s"]) <= 0.001 * max(1, len(rows)):
        yield f"dataset.json: totals.duration_s is {totals['duration_s']}, the samples have {duration_s:.3f}"
    yield from _split_faults(release, recordings)
    known = {row["recording_id"] for row in recordings}
    strays = {row["recording_id"] for row in rows} ^ known | set(events["recording_id"].unique().to_pylist()) - known
    yield from (
        f"recordings.parquet and the other tables differ on recording {name}" for name in sorted(strays)[:_SHOWN]
    )


def _split_faults(release: Mapping[str, Any], recordings: _Rows) -> Iterator[str]:
    speakers: dict[str, set[str]] = {}
    for row in recordings:
        for name in ("speaker_a", "speaker_b"):
            if row[name] != WITHDRAWN:
                speakers.setdefault(row[name], set()).add(row["split"])
    for speaker, splits in speakers.items():
        if splits >= _APART:
            yield f"recordings.parquet: speaker {speaker[:12]} is in train and in validation"
    for split, stated in release["splits"].items():
        own = [row for row in recordings if row["split"] == split]
        counts = {
            "recordings": len(own),
            "speakers": len({row[f"speaker_{side}"] for row in own for side in SPEAKERS} - {WITHDRAWN}),
        }
        for name, count in counts.items():
            if stated[name] != count:
                yield f"dataset.json: splits.{split}.{name} is {stated[name]}, recordings.parquet holds {count}"
    unknown = {row["split"] for row in recordings} - release["splits"].keys()
    yield from (f"recordings.parquet: split {name!r} is not in dataset.json" for name in sorted(unknown)[:_SHOWN])


def table_faults(release: Mapping[str, Any], tables: Mapping[str, pa.Table]) -> Iterator[str]:
    """Checks what ``dataset.json`` says of the tables, and adds up the table of speakers anew, where the release has them.

    Args:
        release: the document of ``dataset.json``.
        tables: all of its tables.
    """
    for name, table in tables.items():
        stated = release.get("tables", {}).get(name)
        if stated is not None and stated["rows"] != table.num_rows:
            yield f"dataset.json: tables.{name}.rows is {stated['rows']}, the files hold {table.num_rows}"
        if stated is not None and (stated["files"] == f"{name}.parquet") != (
            table_paths(release, name) == [f"{name}.parquet"]
        ):
            yield f"dataset.json: tables.{name}.files is {stated['files']}, and the files are named otherwise"
    if "speakers" in tables:
        found = speakers_of_rows(tables["recordings"].to_pylist())
        expected = {name: speaker_row(name, each.totals) for name, each in found.items() if each.totals.conversations}
        for row in tables["speakers"].to_pylist():
            if row != expected.pop(row["speaker"], None):
                yield f"speakers.parquet: the row of {row['speaker'][:12]} is not what recordings.parquet adds up to"
        yield from (f"speakers.parquet: {name[:12]} is not in it" for name in sorted(expected)[:_SHOWN])


def rejected_faults(root: str, release: Mapping[str, Any]) -> tuple[int, list[str]]:
    """Counts the lines of ``rejected.jsonl`` and checks each."""
    size = sum(entry["bytes"] for entry in release["files"] if entry["path"] == "rejected.jsonl")
    lines = read_inside(root, "rejected.jsonl", max_bytes=size).split(b"\n")
    faults = []
    if lines.pop():
        faults.append("rejected.jsonl: its last line is cut off")
    for number, line in enumerate(lines, 1):
        where = f"rejected.jsonl line {number}"
        try:
            document = parse_json(line)
        except ValueError as error:
            faults.append(f"{where}: cannot be read ({error})")
            continue
        found = islice(iter_faults("rejected", document), _SHOWN)
        faults += [f"{where}: {fault}" for fault in found]
    return len(lines), faults


def statistics_faults(root: str, release: Mapping[str, Any]) -> Iterator[str]:
    """Checks ``statistics.json`` where the release has one."""
    for entry in release["files"]:
        if entry["path"] == "statistics.json":
            try:
                document = parse_json(read_inside(root, "statistics.json", max_bytes=entry["bytes"]))
            except StoreFaultError:
                raise
            except (OSError, ValueError) as error:
                yield f"statistics.json: cannot be read ({error})"
                return
            for fault in islice(iter_faults("statistics", document), _SHOWN):
                yield f"statistics.json: {fault}"
