"""Lays a release ready: what was refused, statistics, cards, and ``dataset.json`` last.

Every shard has left its file of each table, with its hash (:mod:`duologue_pipeline.shards.write`). Those are the tables of a
release, as folders of files; the few of a small release are joined to one file a table, in the order of the shards. All is done
in the staging folder, takes nothing away and may be done again; :mod:`duologue_pipeline.release.publish` makes it seen.
"""

import hashlib
import io
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from duologue_pipeline.events.figures import statistics_file
from duologue_pipeline.events.totals import Totals
from duologue_pipeline.files.storage import digest, join, write_bytes
from duologue_pipeline.files.tables import read_table
from duologue_pipeline.made_by import MADE_BY
from duologue_pipeline.reader.release import MANIFEST, SCHEMA
from duologue_pipeline.records import Rejected, WrittenShard, WrittenTable
from duologue_pipeline.release.document import (
    cards,
    file_entry,
    manifest_bytes,
    shard_entry,
    shard_totals,
    split_entries,
    table_entry,
)
from duologue_pipeline.release.publish import publish_release
from duologue_pipeline.release.ready import published
from duologue_pipeline.release.rejected import published_lines
from duologue_pipeline.shards.write import ready_folder
from duologue_schemas.tables import TABLES

__all__ = ["JOINED_SHARDS", "ReleaseOptions", "stage_release", "write_release"]

JOINED_SHARDS: Final = 16
"""A release of so many shards has one file a table; one of more has a folder a table, in it one file a shard."""


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
        stated: what a person stated for the cards (:mod:`duologue_cards.statement`).
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
    stated: Mapping[str, Any] = field(default_factory=dict)


def stage_release(
    shards: Iterable[WrittenShard],
    rejected: Iterable[Rejected],
    totals: Mapping[tuple[str, str], Totals],
    *,
    out: str,
    options: ReleaseOptions,
    launch: str = "",
) -> dict[str, Any] | None:
    """Lays a release ready: tables, ``rejected.jsonl``, statistics, cards, and ``dataset.json`` when all else is there.

    It may be called again, at the same time and after the release was published: it writes the same bytes, or nothing.

    Args:
        shards: every shard, in any order.
        rejected: every rejection, in any order.
        totals: of the corpus, its languages and its speakers (:func:`duologue_pipeline.events.totals.corpus_totals`).
        out: the output folder; nothing of it is touched but what lies ready in its staging folder.
        options: what to say.
        launch: whose folder it is laid ready in (:func:`duologue_pipeline.shards.write.ready_folder`).

    Returns:
        The document of ``dataset.json``; None where no shard was written: then only ``rejected.jsonl`` lies ready.
    """
    done = published(out, options.fingerprint)
    if done is not None:
        return done
    ready = ready_folder(out, launch)
    ordered = sorted(shards, key=lambda shard: shard.name)
    refused = _write_rejected(rejected, out=ready)
    if not ordered:
        return None
    tables = {table: [_table_of(shard, table) for shard in ordered] for table in TABLES}
    index, recordings = (
        pa.concat_tables(read_table(join(ready, file.path)) for file in tables[name])
        for name in ("index", "recordings")
    )
    if len(ordered) <= JOINED_SHARDS:
        tables = {table: [_join(files, TABLES[table], f"{table}.parquet", ready)] for table, files in tables.items()}
    release = _release_document(ordered, tables, recordings, refused, options)
    reasons = Counter(row["reason"] for row in refused)
    write_bytes(join(ready, "statistics.json"), statistics_file(totals))
    release["files"] = [
        *(file_entry(file.path, file.sha256, file.bytes) for files in tables.values() for file in files),
        *(_file_entry(ready, name) for name in ("rejected.jsonl", "statistics.json")),
    ]
    for name, content in cards(release, index, recordings, reasons, options.stated):
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


def _table_of(shard: WrittenShard, table: str) -> WrittenTable:
    (found,) = (file for file in shard.tables if file.path.startswith(f"{table}/"))
    return found


def _join(files: Sequence[WrittenTable], schema: pa.Schema, path: str, ready: str) -> WrittenTable:
    """Joins the files of a table into one."""
    buffer = io.BytesIO()
    with pq.ParquetWriter(buffer, schema) as writer:
        for file in files:
            writer.write_table(read_table(join(ready, file.path)))
    data = buffer.getvalue()
    write_bytes(join(ready, path), data)
    return WrittenTable(path, sum(file.rows for file in files), hashlib.sha256(data).hexdigest(), len(data))


def _file_entry(out: str, name: str) -> dict[str, Any]:
    return file_entry(name, *digest(join(out, name)))


def _release_document(
    shards: Sequence[WrittenShard],
    tables: Mapping[str, Sequence[WrittenTable]],
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
        "tables": {name: table_entry(name, files) for name, files in tables.items()},
        "shards": entries,
    }
