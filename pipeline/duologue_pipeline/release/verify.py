"""Holds every byte of a release against what its manifest and its tables say: ``duologue shards verify``."""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from duologue_pipeline.files.storage import absolute_uri, digest, exists, join, list_entries, open_input, read_bytes
from duologue_pipeline.files.tables import read_columns, read_table
from duologue_pipeline.reader.release import read_release
from duologue_pipeline.reader.shard import read_members
from duologue_schemas import iter_faults
from duologue_schemas.tables import TABLES, WITHDRAWN

__all__ = ["VerifyReport", "verify_release"]

_SHOWN = 3


@dataclass(frozen=True)
class VerifyReport:
    """Holds what a verification found: ``faults`` is empty where all is well."""

    shards: int
    samples: int
    frames: int
    bytes: int
    faults: tuple[str, ...]


def verify_release(uri: str) -> VerifyReport:
    """Checks a release: hashes and sizes of all files, members and frame counts of all samples, rows, and totals.

    Args:
        uri: the output folder of a run.

    Returns:
        All faults found, each a sentence that names the file.

    Raises:
        UsageError: there is no release to verify.
    """
    root = absolute_uri(uri)
    release = read_release(root)
    faults = [f"dataset.json: {fault.field}: {fault.message}" for fault in iter_faults("release", release)]
    if faults:
        return VerifyReport(0, 0, 0, 0, tuple(faults))
    for entry in release["files"]:
        faults += _check_file(root, entry)
    for shard in release["shards"]:
        faults += _check_file(root, shard)
    listed = {entry["path"] for entry in release["files"]}
    faults += [
        f"{name}: is not in the files of dataset.json"
        for name in (*(f"{table}.parquet" for table in TABLES), "rejected.jsonl", "README.md", "croissant.json")
        if name not in listed
    ]
    known = {shard["path"].rpartition("/")[2] for shard in release["shards"]}
    faults += [
        f"shards/{name}: is not in dataset.json; it belongs to no release: remove it"
        for name in list_entries(join(root, "shards"))
        if name not in known
    ]
    if faults:  # contents of files that are not what they should be would only repeat it
        return VerifyReport(len(release["shards"]), 0, 0, 0, tuple(faults))
    rows = read_table(join(root, "index.parquet")).to_pylist()
    by_shard: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_shard.setdefault(row["shard"], []).append(row)
    samples = frames = 0
    for shard in release["shards"]:
        own = by_shard.pop(shard["path"], [])
        faults += _check_shard(root, release, shard, own)
        samples, frames = samples + len(own), frames + sum(row["frames"] for row in own)
    faults += [
        f"index.parquet: {len(own)} rows name {path}, which is not in dataset.json" for path, own in by_shard.items()
    ]
    faults += _check_totals(root, release, rows)
    size = sum(shard["bytes"] for shard in release["shards"])
    return VerifyReport(len(release["shards"]), samples, frames, size, tuple(faults))


def _check_file(root: str, entry: dict[str, Any]) -> list[str]:
    path = entry["path"]
    uri = join(root, path)
    if not exists(uri):
        return [f"{path}: is in dataset.json and not in the folder"]
    sha256, size = digest(uri)
    faults = []
    if size != entry["bytes"]:
        faults.append(f"{path}: has {size} bytes, dataset.json says {entry['bytes']}")
    if sha256 != entry["sha256"]:
        faults.append(f"{path}: has SHA-256 {sha256}, dataset.json says {entry['sha256']}")
    elif path.startswith("shards/") and not path.endswith(f"-{entry['sha256'][:12]}.tar"):
        faults.append(f"{path}: the name does not end in the first 12 digits of its SHA-256, {entry['sha256'][:12]}")
    return faults


def _check_shard(root: str, release: dict[str, Any], shard: dict[str, Any], rows: list[dict[str, Any]]) -> list[str]:
    path = shard["path"]
    faults = []
    if len(rows) != shard["samples"]:
        faults.append(f"{path}: index.parquet has {len(rows)} of its samples, dataset.json says {shard['samples']}")
    expected = {row["key"]: row for row in rows}
    extensions = ["json", "codes.npy", *(["flac"] if release["include_audio"] else [])]
    try:
        for key, members in read_members(join(root, path)):
            where = f"{path}: {key}"
            row = expected.pop(key, None)
            if row is None:
                faults.append(f"{where}: is not in index.parquet")
            elif list(members) != extensions:
                faults.append(f"{where}: has the members {', '.join(members)}, expected {', '.join(extensions)}")
            else:
                faults += [f"{where}: {fault}" for fault in _check_sample(members, row, release)]
    except ValueError as error:
        faults.append(str(error))
    faults += [f"{path}: {key}: is in index.parquet and not in the shard" for key in list(expected)[:_SHOWN]]
    with open_input(join(root, path)) as stream:
        position = 0
        for row in sorted(rows, key=lambda row: row["offset"]):
            if row["offset"] != position:
                faults.append(f"{path}: {row['key']}: begins at byte {position}, index.parquet says {row['offset']}")
                break
            header = stream.read(row["bytes"])[: len(row["key"]) + 1]
            if header != f"{row['key']}.".encode():
                faults.append(f"{path}: {row['key']}: its members do not begin at byte {row['offset']}")
            position += row["bytes"]
    return faults


def _check_sample(members: dict[str, bytes], row: dict[str, Any], release: dict[str, Any]) -> Iterator[str]:
    try:
        document = json.loads(members["json"])
        codes = np.lib.format.read_array(io.BytesIO(members["codes.npy"]), allow_pickle=False)
    except ValueError as error:
        yield f"json or codes.npy cannot be read ({error})"
        return
    faults = [f"json: {fault.field}: {fault.message}" for fault in iter_faults("sample", document)]
    yield from faults[:_SHOWN]
    if faults:
        return
    codec = release["codec"]
    shape = (2, codec["codebooks"], document["codec"]["frames"])
    if codes.dtype != np.uint16 or codes.shape != shape:
        yield f"codes.npy: is {codes.dtype} {list(codes.shape)}, expected uint16 {list(shape)}"
    elif codes.size and (codes.max(axis=(0, 2)) >= codec["cardinalities"]).any():
        yield "codes.npy: a code lies outside its codebook"
    for field in ("key", "recording_id", "segment", "split", "start_s", "end_s", "purposes"):
        if document[field] != row[field]:
            yield f"json: {field} is {document[field]!r}, index.parquet says {row[field]!r}"
    if document["codec"]["frames"] != row["frames"]:
        yield f"json: codec.frames is {document['codec']['frames']}, index.parquet says {row['frames']}"
    duration_s = document["end_s"] - document["start_s"]
    if not -0.02 < row["frames"] - duration_s * codec["frame_rate_hz"] < 1.02:
        yield f"{row['frames']} frames do not fit its {duration_s:.3f} s at {codec['frame_rate_hz']} frames a second"
    if not set(release["purposes"]) <= set(document["purposes"]):
        yield f"json: purposes {document['purposes']} do not hold those of the release, {release['purposes']}"


def _check_totals(root: str, release: dict[str, Any], rows: list[dict[str, Any]]) -> list[str]:
    """Recomputes what dataset.json sums up."""
    tables = {name: read_table(join(root, f"{name}.parquet")) for name in ("recordings", "events")}
    recordings = tables["recordings"].to_pylist()
    rejected = read_bytes(join(root, "rejected.jsonl")).splitlines()
    found = {
        "read": len(recordings) + len(rejected) + release["totals"].get("withdrawn", 0),
        "written": len(recordings),
        "rejected": len(rejected),
        "samples": len(rows),
        "bytes": sum(shard["bytes"] for shard in release["shards"]),
    }
    faults = [
        f"dataset.json: totals.{name} is {release['totals'][name]}, the files hold {value}"
        for name, value in found.items()
        if release["totals"][name] != value
    ]
    duration_s = sum(row["end_s"] - row["start_s"] for row in rows)
    if abs(duration_s - release["totals"]["duration_s"]) > 0.001 * max(1, len(rows)):
        faults.append(
            f"dataset.json: totals.duration_s is {release['totals']['duration_s']}, the samples have {duration_s:.3f}"
        )
    speakers: dict[str, set[str]] = {}
    for row in recordings:
        for name in ("speaker_a", "speaker_b"):
            if row[name] != WITHDRAWN:
                speakers.setdefault(row[name], set()).add(row["split"])
    faults += [
        f"recordings.parquet: speaker {speaker[:12]} is in more than one split"
        for speaker, splits in speakers.items()
        if len(splits) > 1
    ]
    known = {row["recording_id"] for row in recordings}
    strays = {row["recording_id"] for row in rows} ^ known | set(tables["events"]["recording_id"].to_pylist()) - known
    faults += [
        f"recordings.parquet and the other tables differ on recording {name}" for name in sorted(strays)[:_SHOWN]
    ]
    for name, schema in TABLES.items():
        columns = read_columns(join(root, f"{name}.parquet"))
        if columns != schema.names:
            faults.append(f"{name}.parquet: has the columns {', '.join(columns)}, expected {', '.join(schema.names)}")
    for number, line in enumerate(rejected, 1):
        faults += [
            f"rejected.jsonl line {number}: {fault.field}: {fault.message}"
            for fault in iter_faults("rejected", json.loads(line))
        ]
    return faults
