"""Makes the files of the new version of a release but its shards: tables, statistics, cards and ``dataset.json``.

Everything is given as bytes; writing it, in which order and safe against a crash, is the caller's.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from duologue_cards import Tally, add_tallies, tally_index, tally_recordings, tally_speakers
from duologue_pipeline.consent.coverage import Coverage, coverage_document, samples_ms
from duologue_pipeline.events.figures import statistics_file
from duologue_pipeline.events.totals import totals_of_rows
from duologue_pipeline.files.storage import join
from duologue_pipeline.files.tables import parse_table, table_rows
from duologue_pipeline.files.text import read_json_lines
from duologue_pipeline.made_by import MADE_BY
from duologue_pipeline.reader.release_file import release_file, table_paths
from duologue_pipeline.records import SPLITS
from duologue_pipeline.release.document import (
    cards,
    file_entry,
    manifest_bytes,
    next_version,
    shard_entry,
    shard_totals,
    split_entries,
)
from duologue_pipeline.withdrawal.new_tables import new_tables
from duologue_pipeline.withdrawal.plan import Plan
from duologue_pipeline.withdrawal.rewrite import RewrittenShard
from duologue_pipeline.withdrawal.scan.removed import removed_by
from duologue_pipeline.withdrawal.statement import carried_statement
from duologue_schemas.tables import TABLES

__all__ = ["NewFile", "NewRelease", "new_release"]

KEPT_FILES: Final = ("rejected.jsonl",)
"""Files that a withdrawal does not change: they hold nothing of a recording that was written."""


@dataclass(frozen=True)
class NewFile:
    """Holds a file of the new version."""

    path: str
    data: bytes

    @property
    def sha256(self) -> str:
        """Hashes the file: SHA-256 in lower-case hex."""
        return hashlib.sha256(self.data).hexdigest()

    def entry(self) -> dict[str, Any]:
        """Builds its entry in ``files`` of ``dataset.json``."""
        return file_entry(self.path, self.sha256, len(self.data))


@dataclass(frozen=True)
class NewRelease:
    """Holds everything of the new version but its shards.

    Attributes:
        files: tables, statistics and cards.
        document: of ``dataset.json``; what the caller adds to it (the checkpoint) it can add here.
        obsolete: files of the old version that the new one does not carry on, because nobody knows how to take a
            speaker out of them: delete them.
    """

    files: tuple[NewFile, ...]
    document: Mapping[str, Any]
    obsolete: tuple[str, ...]

    @property
    def dataset_json(self) -> bytes:
        """Writes ``dataset.json``."""
        return manifest_bytes(self.document)


def new_release(
    root: str,
    old: bytes,
    plan: Plan,
    rewritten: Sequence[RewrittenShard],
    *,
    ledger: Mapping[str, Any] | None = None,
    coverage: Coverage | None = None,
    checked_at: str | None = None,
    kept_files: Collection[str] = KEPT_FILES,
    tell: Callable[[str], None] = lambda _: None,
) -> NewRelease:
    """Makes the new version of a release.

    Args:
        root: the folder of the release; tables and ``rejected.jsonl`` of the old version still lie in it.
        old: the bytes of its ``dataset.json``.
        plan: what was planned.
        rewritten: what became of each shard of the plan, in any order.
        ledger: ``ledger`` of the new ``dataset.json``; that of the old one if None.
        coverage: asks that ledger what speakers allow; without it the new version does not say.
        checked_at: for which moment, RFC 3339.
        kept_files: files of the release that stay as they are.
        tell: is told, as a line of text, what of the statement does not go on, and what the page cannot show.

    Returns:
        The new files; the same arguments give the same bytes.

    Raises:
        ValueError: the rewritten shards are not those of the plan.
    """
    release = json.loads(old)
    outcome = {shard.old_path: shard for shard in rewritten}
    if outcome.keys() != {shard.path for shard in plan.shards}:
        raise ValueError("the rewritten shards are not those of the plan: rewrite each shard of the plan once")
    tables = new_tables(root, release, plan, outcome)

    def files_of(name: str) -> Iterator[bytes]:
        for path in table_paths(release, name):
            yield tables[path] if path in tables else release_file(root, release, path)

    counted = [tally_index(parse_table(data)) for data in files_of("index")]
    counted += [tally_recordings(parse_table(data)) for data in files_of("recordings")]
    tally = add_tallies([*counted, tally_speakers(parse_table(data) for data in files_of("recordings"))])
    document = _document(release, hashlib.sha256(old).hexdigest(), plan, outcome, tally)
    rows = {name: sum(map(table_rows, files_of(name))) for name in release.get("tables", {})}
    if rows:
        document["tables"] = {name: {**entry, "rows": rows[name]} for name, entry in release["tables"].items()}
    if ledger is not None:
        document["ledger"] = dict(ledger)
    document.pop("consent", None)
    if coverage is not None:
        lengths_ms = samples_ms(*(parse_table(data) for data in files_of("index")))
        for data in files_of("recordings"):
            tally.update(coverage.tally_of(document, parse_table(data), lengths_ms))
        document |= coverage_document(tally, checked_at=checked_at, events=document["ledger"]["events"], later=True)
    totals = totals_of_rows(row for data in files_of("recordings") for row in parse_table(data).to_pylist())
    statistics = NewFile("statistics.json", statistics_file(totals, speakers=rows.get("speakers")))
    renewed = (*(NewFile(path, data) for path, data in tables.items()), statistics)
    made = {file.path: file for file in renewed}
    kept = {*kept_files, *(path for name in TABLES for path in table_paths(release, name))}
    files = [
        made[entry["path"]].entry() if entry["path"] in made else entry
        for entry in release["files"]
        if entry["path"] in made or entry["path"] in kept
    ]
    document["files"] = list(files)
    reasons = Counter(row["reason"] for row in read_json_lines(join(root, "rejected.jsonl")))

    def live() -> Iterator[str]:
        yield release["name"]
        for data in files_of("index"):
            for row in parse_table(data).select(["key", "recording_id"]).to_pylist():
                yield from row.values()

    stated = carried_statement(root, release, removed_by(plan, rewritten).names, live=live, tell=tell)
    made_cards = cards(
        document,
        tally,
        reasons,
        stated,
        root=root,
        tables=lambda name: (parse_table(data) for data in files_of(name)),
        leave_out=tell,
    )
    told = [NewFile(path, data) for path, data in made_cards]
    document["files"] += [card.entry() for card in told]
    known = {entry["path"] for entry in document["files"]}
    obsolete = tuple(entry["path"] for entry in release["files"] if entry["path"] not in known)
    return NewRelease((*renewed, *told), document, obsolete)


def _document(
    release: Mapping[str, Any],
    sha256: str,
    plan: Plan,
    outcome: Mapping[str, RewrittenShard],
    tally: Tally,
) -> dict[str, Any]:
    """Builds the document of the new ``dataset.json`` without its ``files``."""
    shards = []
    for entry in release["shards"]:
        new = outcome.get(entry["path"])
        if new is None:
            shards.append(entry)
        elif new.path is not None:
            shards.append(
                shard_entry(
                    new.path,
                    split=new.split,
                    sha256=new.sha256,
                    size=new.bytes,
                    samples=len(new.samples),
                    duration_s=new.duration_s,
                )
            )
    counts = plan.counts()
    totals = release["totals"]
    document = {
        **release,
        "version": next_version(release["version"]),
        "made_by": MADE_BY,
        "rules": {**release["rules"], "withdrawal": plan.rules},
        "previous": {"version": release["version"], "sha256": sha256},
        "withdrawal": counts,
        "splits": split_entries(shards, tally),
        "totals": {
            **totals,
            "written": sum(tally["recordings", split] for split in SPLITS),
            "withdrawn": totals.get("withdrawn", 0) + counts["recordings_dropped"],
            **shard_totals(shards),
        },
        "shards": shards,
    }
    return document
