"""Recomputes what ``dataset.json`` sums up, and holds the tables and ``rejected.jsonl`` against each other."""

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from duologue_pipeline.files.file_fault import StoreFaultError
from duologue_pipeline.files.inside import read_inside
from duologue_pipeline.files.text import parse_json
from duologue_pipeline.reader.release_file import table_paths
from duologue_pipeline.records import SPEAKERS, SPLITS
from duologue_pipeline.release.verify.tables import HeldTables
from duologue_schemas import iter_faults
from duologue_schemas.tables import WITHDRAWN

__all__ = ["rejected_faults", "statistics_faults", "table_faults", "total_faults"]

_APART: Final = set(SPLITS[:2])
"""The splits that no speaker is in both of."""

_SHOWN: Final = 3


def total_faults(release: Mapping[str, Any], tables: HeldTables, rejected: int) -> Iterator[str]:
    """Recomputes the sums.

    Args:
        release: the document of ``dataset.json``.
        tables: all of its tables.
        rejected: lines of ``rejected.jsonl``.
    """
    totals, samples, recordings = release["totals"], tables.rows["index"], tables.rows["recordings"]
    found = {
        "read": recordings + rejected + totals.get("withdrawn", 0),
        "written": recordings,
        "rejected": rejected,
        "samples": samples,
        "bytes": sum(shard["bytes"] for shard in release["shards"]),
    }
    for name, value in found.items():
        if totals[name] != value:
            yield f"dataset.json: totals.{name} is {totals[name]}, the files hold {value}"
    index = tables.samples(["recording_id", "start_s", "end_s"])
    with np.errstate(invalid="ignore", over="ignore"):  # what is no time is no sum either
        duration_s = float((index["end_s"].to_numpy() - index["start_s"].to_numpy()).sum())
    if not abs(duration_s - totals["duration_s"]) <= 0.001 * max(1, samples):
        yield f"dataset.json: totals.duration_s is {totals['duration_s']}, the samples have {duration_s:.3f}"
    people = tables.people()
    yield from _split_faults(release, people)
    known = set(pc.unique(people["recording_id"]).to_pylist())
    strays = set(pc.unique(index["recording_id"]).to_pylist()) ^ known | tables.events_of - known
    yield from (
        f"recordings.parquet and the other tables differ on recording {name}" for name in sorted(strays)[:_SHOWN]
    )


def _split_faults(release: Mapping[str, Any], people: pa.Table) -> Iterator[str]:
    splits: dict[str, set[str]] = {}
    recordings = Counter(people["split"].to_pylist())
    speakers: dict[str, set[str]] = {}
    for side in SPEAKERS:
        for speaker, split in zip(people[f"speaker_{side}"].to_pylist(), people["split"].to_pylist(), strict=True):
            if speaker != WITHDRAWN:
                splits.setdefault(speaker, set()).add(split)
                speakers.setdefault(split, set()).add(speaker)
    for speaker, own in splits.items():
        if own >= _APART:
            yield f"recordings.parquet: speaker {speaker[:12]} is in train and in validation"
    for split, stated in release["splits"].items():
        counts = {"recordings": recordings[split], "speakers": len(speakers.get(split, ()))}
        for name, count in counts.items():
            if stated[name] != count:
                yield f"dataset.json: splits.{split}.{name} is {stated[name]}, recordings.parquet holds {count}"
    unknown = recordings.keys() - release["splits"].keys()
    yield from (f"recordings.parquet: split {name!r} is not in dataset.json" for name in sorted(unknown)[:_SHOWN])


def table_faults(release: Mapping[str, Any], rows: Mapping[str, int]) -> Iterator[str]:
    """Checks what ``dataset.json`` says of the tables.

    Args:
        release: the document of ``dataset.json``.
        rows: how many each of its tables has.
    """
    for name, count in rows.items():
        stated = release.get("tables", {}).get(name)
        if stated is not None and stated["rows"] != count:
            yield f"dataset.json: tables.{name}.rows is {stated['rows']}, the files hold {count}"
        if stated is not None and (stated["files"] == f"{name}.parquet") != (
            table_paths(release, name) == [f"{name}.parquet"]
        ):
            yield f"dataset.json: tables.{name}.files is {stated['files']}, and the files are named otherwise"


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
