"""Lays a release ready: what was refused, statistics, cards, and ``dataset.json`` last.

Every shard has left its file of each table, with its hash (:mod:`duologue_pipeline.shards.write`). Those are the tables of a
release, as folders of files; the few of a small release are joined to one file a table, in the order of the shards. All is done
in the staging folder, takes nothing away and may be done again; :mod:`duologue_pipeline.release.publish` makes it seen.
"""

import hashlib
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from duologue_cards import Tally, add_tallies
from duologue_pipeline.consent.coverage import coverage_document
from duologue_pipeline.events.figures import statistics_file
from duologue_pipeline.events.speakers import SpeakerTotals
from duologue_pipeline.files.storage import digest, join, open_output, write_bytes
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
from duologue_pipeline.shards.summary import Summary, add_summaries, bucket
from duologue_pipeline.shards.write import WrittenSpeakers, ready_folder, write_speakers
from duologue_schemas.tables import SHARD_TABLES, TABLES

__all__ = ["JOINED_SHARDS", "ReleaseOptions", "lay_release_ready", "stage_release", "write_release"]

JOINED_SHARDS: Final = 16
"""A release of so many shards has one file a table; one of more has a folder a table, in it one file a shard."""

_READERS: Final = 16


@dataclass(frozen=True)
class ReleaseOptions:
    """Holds what a release says about the run that made it.

    Attributes:
        name: of the dataset.
        purpose: what it may be used for.
        codec: the codec's document with its ``quality``.
        segment_s, include_audio, words, isolation_policy, report_audio: as the run was told.
        second_opinion: the hashes of pyannote.audio's checkpoints and the version of their rules; None where none were.
        asr: name and hash of the speech recogniser; None where none was asked.
        laughter: name and hash of what heard laughter, and the version of its rules; None where none was asked.
        rules: versions of the rule sets.
        ledger: ``ledger_id``, ``events`` and ``checkpoint`` of the ledger, each None where there was none.
        fingerprint: hash of everything that decides the run's output.
        manifest_sha256: hash of the manifest's content, whatever its order.
        stated: what a person stated for the cards (:mod:`duologue_cards.statement`).
        retokenized: of a release whose samples are those of another one with other tokens: ``name``, ``version``, ``sha256`` (of
            its ``dataset.json``) and ``codec`` of that one.
        withdrawn: recordings that were taken out of that one.
        checked_at: the moment for which the ledger was asked what speakers allow, RFC 3339; None where it was not.
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
    laughter: Mapping[str, str] | None
    rules: Mapping[str, str]
    ledger: Mapping[str, Any]
    fingerprint: str
    manifest_sha256: str
    stated: Mapping[str, Any] = field(default_factory=dict)
    checked_at: str | None = None
    report_audio: str = "opus"
    retokenized: Mapping[str, Any] | None = None
    withdrawn: int = 0


def stage_release(
    shards: Iterable[WrittenShard],
    rejected: Iterable[Rejected],
    summary: Summary,
    speakers: Iterable[WrittenSpeakers],
    *,
    out: str,
    options: ReleaseOptions,
    launch: str = "",
) -> dict[str, Any] | None:
    """Lays a release ready: ``rejected.jsonl``, statistics, cards, and ``dataset.json`` when all else is there.

    It reads no row of the tables, unless it joins those of a small release; it needs memory for the names of shards and files,
    and for the refusals. It may be called again, at the same time and after the release was published: it writes the same
    bytes, or nothing.

    Args:
        shards: every shard, in any order.
        rejected: every rejection, in any order.
        summary: that of all shards together.
        speakers: the files of the table of speakers, in any order.
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
    people = sorted(speakers, key=lambda each: each.file.path)
    refused = _write_rejected(rejected, out=ready)
    if not ordered:
        return None
    tables = {table: [_table_of(shard, table) for shard in ordered] for table in SHARD_TABLES}
    tables["speakers"] = [each.file for each in people]
    if len(ordered) <= JOINED_SHARDS:
        tables = {table: [_join(files, TABLES[table], f"{table}.parquet", ready)] for table, files in tables.items()}
    tally = add_tallies([summary.tally, *(each.tally for each in people)])
    release = _release_document(ordered, tables, tally, refused.total(), options)
    statistics = statistics_file(summary.totals, speakers=release["tables"]["speakers"]["rows"])
    write_bytes(join(ready, "statistics.json"), statistics)
    release["files"] = [
        *(file_entry(file.path, file.sha256, file.bytes) for files in tables.values() for file in files),
        *(_file_entry(ready, name) for name in ("rejected.jsonl", "statistics.json")),
    ]

    def read(name: str) -> Iterator[pa.Table]:
        return (read_table(join(ready, file.path)) for file in tables[name])

    for name, content in cards(release, tally, refused, options.stated, root=ready, tables=read):
        write_bytes(join(ready, name), content)
        release["files"].append(_file_entry(ready, name))
    write_bytes(join(ready, MANIFEST), manifest_bytes(release))
    return release


def write_release(
    shards: Iterable[WrittenShard], rejected: Iterable[Rejected], *, out: str, options: ReleaseOptions
) -> dict[str, Any] | None:
    """Writes a release whose shards lie ready, in one process: :func:`lay_release_ready`, :func:`publish_release`."""
    lay_release_ready(shards, rejected, out=out, options=options)
    return publish_release(out)


def lay_release_ready(
    shards: Iterable[WrittenShard],
    rejected: Iterable[Rejected],
    *,
    out: str,
    options: ReleaseOptions,
    launch: str = "",
) -> None:
    """Lays a release ready whose shards do, in one process: the speakers, :func:`stage_release`; arguments are those of that."""
    written = list(shards)
    summary = add_summaries(shard.summary for shard in written)
    by_file: dict[str, dict[str, SpeakerTotals]] = {}
    for name, totals in summary.speakers.items():
        by_file.setdefault(bucket(name), {})[name] = totals
    speakers = [write_speakers(name, own, out=out, launch=launch) for name, own in by_file.items()]
    stage_release(written, rejected, summary, speakers, out=out, options=options, launch=launch)


def _write_rejected(rejected: Iterable[Rejected], *, out: str) -> Counter[str]:
    """Writes ``rejected.jsonl``, and counts the reasons; of many refusals no more than the lines is held."""
    reasons = Counter[str]()

    def counted() -> Iterator[Rejected]:
        for each in rejected:
            reasons[each.reason] += 1
            yield each

    lines = published_lines(counted())
    with open_output(join(out, "rejected.jsonl")) as stream:
        stream.writelines(line + b"\n" for line in lines)
    return reasons


def _table_of(shard: WrittenShard, table: str) -> WrittenTable:
    (found,) = (file for file in shard.tables if file.path.startswith(f"{table}/"))
    return found


def _join(files: Sequence[WrittenTable], schema: pa.Schema, path: str, ready: str) -> WrittenTable:
    """Joins the files of a table into one."""
    buffer = io.BytesIO()
    with ThreadPoolExecutor(_READERS) as readers, pq.ParquetWriter(buffer, schema) as writer:
        for table in readers.map(read_table, [join(ready, file.path) for file in files]):
            if table.num_rows:
                writer.write_table(table)
    data = buffer.getvalue()
    write_bytes(join(ready, path), data)
    return WrittenTable(path, sum(file.rows for file in files), hashlib.sha256(data).hexdigest(), len(data))


def _file_entry(out: str, name: str) -> dict[str, Any]:
    return file_entry(name, *digest(join(out, name)))


def _release_document(
    shards: Sequence[WrittenShard],
    tables: Mapping[str, Sequence[WrittenTable]],
    tally: Tally,
    rejected: int,
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
    written = sum(file.rows for file in tables["recordings"])
    return {
        "schema": SCHEMA,
        "name": options.name,
        "version": "1.0.0",
        "made_by": MADE_BY,
        "purposes": [options.purpose],
        "codec": dict(options.codec),
        "segment_s": options.segment_s,
        "include_audio": options.include_audio,
        **({"report_audio": options.report_audio} if options.report_audio != "opus" else {}),
        "words": options.words,
        "isolation_policy": options.isolation_policy,
        **({"second_opinion": dict(options.second_opinion)} if options.second_opinion else {}),
        **({"asr": dict(options.asr)} if options.asr else {}),
        **({"laughter": dict(options.laughter)} if options.laughter else {}),
        "rules": dict(options.rules),
        "ledger": dict(options.ledger),
        **coverage_document(
            tally,
            checked_at=options.checked_at,
            events=options.ledger["events"],
            later=options.retokenized
            is not None,  # held against the other release it would tell who allows what no more
        ),
        "run": {"fingerprint": options.fingerprint, "manifest_sha256": options.manifest_sha256},
        **({"retokenized": dict(options.retokenized)} if options.retokenized is not None else {}),
        "splits": split_entries(entries, tally),
        "totals": {
            "read": written + rejected + options.withdrawn,
            "written": written,
            "rejected": rejected,
            **({"withdrawn": options.withdrawn} if options.withdrawn else {}),
            **shard_totals(entries),
        },
        "tables": {name: table_entry(name, files) for name, files in tables.items()},
        "shards": entries,
    }
