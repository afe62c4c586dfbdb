"""Lays a release ready: the tables of all shards, what was refused, statistics, cards, and ``dataset.json`` last.

Every shard has left its pieces of the tables (:mod:`duologue_pipeline.shards.write`); they are joined in the order of the
shards. All is done in the staging folder and may be done again; :mod:`duologue_pipeline.release.publish` makes it seen.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from duologue_pipeline.events.figures import statistics_file
from duologue_pipeline.events.totals import Totals
from duologue_pipeline.files.storage import (
    delete_file,
    digest,
    join,
    list_entries,
    open_output,
    write_bytes,
)
from duologue_pipeline.files.tables import read_table
from duologue_pipeline.made_by import MADE_BY
from duologue_pipeline.reader.release import MANIFEST, SCHEMA
from duologue_pipeline.records import Rejected, WrittenShard
from duologue_pipeline.release.document import (
    cards,
    file_entry,
    manifest_bytes,
    shard_entry,
    shard_totals,
    split_entries,
)
from duologue_pipeline.release.publish import publish_release
from duologue_pipeline.release.rejected import published_lines
from duologue_pipeline.shards.write import READY
from duologue_schemas.tables import TABLES

__all__ = ["ReleaseOptions", "stage_release", "write_release"]


@dataclass(frozen=True)
class ReleaseOptions:
    """Holds what a release says about the run that made it.

    Attributes:
        name: of the dataset.
        purpose: what it may be used for.
        codec: the codec's document with its ``quality``.
        segment_s, include_audio, words, isolation_policy: as the run was told.
        second_opinion: the hashes of pyannote.audio's checkpoints and the version of their rules; None where none were.
        asr: name and hash of the speech recogniser; None where none was asked.
        rules: versions of the rule sets.
        ledger: ``ledger_id``, ``events`` and ``checkpoint`` of the ledger, each None where there was none.
        fingerprint: hash of everything that decides the run's output.
        manifest_sha256: hash of the manifest's content, whatever its order.
    """

    name: str
    purpose: str
    codec: Mapping[str, Any]
    segment_s: float
    include_audio: bool
    words: str
    isolation_policy: str
    second_opinion: Mapping[str, str] | None
    asr: Mapping[str, str] | None
    rules: Mapping[str, str]
    ledger: Mapping[str, Any]
    fingerprint: str
    manifest_sha256: str


def stage_release(
    shards: Iterable[WrittenShard],
    rejected: Iterable[Rejected],
    totals: Mapping[tuple[str, str], Totals],
    *,
    out: str,
    options: ReleaseOptions,
) -> dict[str, Any] | None:
    """Lays a release ready: tables, ``rejected.jsonl``, statistics, cards, and ``dataset.json`` when all else is there.

    Args:
        shards: every shard, in any order.
        rejected: every rejection, in any order.
        totals: of the corpus, its languages and its speakers (:func:`duologue_pipeline.events.totals.corpus_totals`).
        out: the output folder; nothing of it is touched but what lies ready in its staging folder.
        options: what to say.

    Returns:
        The document of ``dataset.json``; None where no shard was written: then only ``rejected.jsonl`` lies ready.
    """
    ready = join(out, READY)
    ordered = sorted(shards, key=lambda shard: shard.name)
    refused = _write_rejected(rejected, out=ready)
    _delete_strays(ordered, ready)
    if not ordered:
        return None
    tables = {table: _join_pieces(ordered, table, out=ready) for table in TABLES}
    release = _release_document(ordered, tables["recordings"], refused, options)
    reasons = Counter(row["reason"] for row in refused)
    write_bytes(join(ready, "statistics.json"), statistics_file(totals))
    release["files"] = [
        _file_entry(ready, name)
        for name in (*(f"{table}.parquet" for table in TABLES), "rejected.jsonl", "statistics.json")
    ]
    made = list(cards(release, tables["index"], tables["recordings"], reasons))
    for name, content in made:
        write_bytes(join(ready, name), content)
        release["files"].append(_file_entry(ready, name))
    write_bytes(join(ready, MANIFEST), manifest_bytes(release))
    return release


def write_release(
    shards: Iterable[WrittenShard],
    rejected: Iterable[Rejected],
    totals: Mapping[tuple[str, str], Totals],
    *,
    out: str,
    options: ReleaseOptions,
) -> dict[str, Any] | None:
    """Writes a release whose shards lie ready: :func:`stage_release`, then at once :func:`publish_release`."""
    stage_release(shards, rejected, totals, out=out, options=options)
    return publish_release(out)


def _write_rejected(rejected: Iterable[Rejected], *, out: str) -> list[dict[str, Any]]:
    lines = published_lines(rejected)
    write_bytes(join(out, "rejected.jsonl"), b"".join(line + b"\n" for line in lines))
    return [json.loads(line) for line in lines]


def _delete_strays(shards: Sequence[WrittenShard], ready: str) -> None:
    """Removes shards that an attempt before this one has left ready under other names."""
    known = {shard.name for shard in shards}
    folder = join(ready, "shards")
    for name in list_entries(folder):
        if name.endswith(".tar") and name not in known:
            delete_file(join(folder, name))


def _join_pieces(shards: Sequence[WrittenShard], table: str, *, out: str) -> pa.Table:
    """Joins the shards' pieces of a table into one file, and gives it."""
    uri = join(out, f"{table}.parquet")
    with open_output(uri) as stream, pq.ParquetWriter(stream, TABLES[table]) as writer:
        for shard in shards:
            writer.write_table(read_table(join(shard.rows_uri, f"{table}.parquet")))
    return read_table(uri) if table != "events" else pa.table({})


def _file_entry(out: str, name: str) -> dict[str, Any]:
    return file_entry(name, *digest(join(out, name)))


def _release_document(
    shards: Sequence[WrittenShard],
    recordings: pa.Table,
    rejected: Sequence[Mapping[str, Any]],
    options: ReleaseOptions,
) -> dict[str, Any]:
    """Builds the document of ``dataset.json`` without its ``files`` (schemas/release.schema.json)."""
    entries = [
        shard_entry(
            f"shards/{shard.name}",
            split=shard.split,
            sha256=shard.sha256,
            size=shard.bytes,
            samples=shard.samples,
            duration_s=shard.duration_ms / 1000,
        )
        for shard in shards
    ]
    return {
        "schema": SCHEMA,
        "name": options.name,
        "version": "1.0.0",
        "made_by": MADE_BY,
        "purposes": [options.purpose],
        "codec": dict(options.codec),
        "segment_s": options.segment_s,
        "include_audio": options.include_audio,
        "words": options.words,
        "isolation_policy": options.isolation_policy,
        **({"second_opinion": dict(options.second_opinion)} if options.second_opinion else {}),
        **({"asr": dict(options.asr)} if options.asr else {}),
        "rules": dict(options.rules),
        "ledger": dict(options.ledger),
        "run": {"fingerprint": options.fingerprint, "manifest_sha256": options.manifest_sha256},
        "splits": split_entries(entries, recordings),
        "totals": {
            "read": recordings.num_rows + len(rejected),
            "written": recordings.num_rows,
            "rejected": len(rejected),
            **shard_totals(entries),
        },
        "shards": entries,
    }
