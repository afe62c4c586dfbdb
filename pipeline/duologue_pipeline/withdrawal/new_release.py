"""The new version of a release: its tables, statistics, cards and ``dataset.json``, made from the old ones and the rewritten shards.

Tables are gone through one row group at a time, and by rule: a column that a later version adds to
``recordings.parquet`` or ``events.parquet`` is emptied for a silenced recording unless rules/withdrawal.json keeps it.
Everything is given as bytes; writing it, in which order and safe against a crash, is the caller's.
"""

import hashlib
import io
import json
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from duologue_cards import facts_from_release, write_croissant, write_readme
from duologue_pipeline.events.figures import statistics_file
from duologue_pipeline.events.totals import totals_of_rows
from duologue_pipeline.files.storage import join, read_bytes
from duologue_pipeline.made_by import MADE_BY
from duologue_pipeline.records import SPEAKERS, SPLITS
from duologue_pipeline.withdrawal.plan import Plan, silenced_side
from duologue_pipeline.withdrawal.rewrite import RewrittenShard
from duologue_pipeline.withdrawal.silence import event_stays, silence_event_row, silence_recording
from duologue_schemas.tables import WITHDRAWN

__all__ = ["NewFile", "NewRelease", "new_release"]

KEPT_FILES: Final = ("rejected.jsonl",)
"""Files that a withdrawal does not change: they hold nothing of a recording that was written."""

_Row = dict[str, Any]


@dataclass(frozen=True)
class NewFile:
    """A file of the new version, whole."""

    path: str
    data: bytes

    @property
    def sha256(self) -> str:
        """SHA-256 of the file in lower-case hex."""
        return hashlib.sha256(self.data).hexdigest()

    def entry(self) -> dict[str, Any]:
        """Its entry in ``files`` of ``dataset.json``."""
        return {"path": self.path, "sha256": self.sha256, "bytes": len(self.data)}


@dataclass(frozen=True)
class NewRelease:
    """Everything of the new version but its shards.

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
        """The bytes of ``dataset.json``."""
        return json.dumps(self.document, indent=1, sort_keys=True).encode() + b"\n"


def new_release(
    root: str,
    old: bytes,
    plan: Plan,
    rewritten: Sequence[RewrittenShard],
    *,
    ledger: Mapping[str, Any] | None = None,
    kept_files: Collection[str] = KEPT_FILES,
) -> NewRelease:
    """Makes the new version of a release.

    Args:
        root: the folder of the release; tables and ``rejected.jsonl`` of the old version still lie in it.
        old: the bytes of its ``dataset.json``.
        plan: what was planned.
        rewritten: what became of each shard of the plan, in any order.
        ledger: ``ledger`` of the new ``dataset.json``; that of the old one if None.
        kept_files: files of the release that stay as they are.

    Returns:
        The new files; the same arguments give the same bytes.

    Raises:
        ValueError: the rewritten shards are not those of the plan.
    """
    release = json.loads(old)
    outcome = {shard.old_path: shard for shard in rewritten}
    if outcome.keys() != {shard.path for shard in plan.shards}:
        raise ValueError("the rewritten shards are not those of the plan: rewrite each shard of the plan once")
    tables = {
        name: _new_table(root, name, change)
        for name, change in (
            ("index", _IndexRows(plan, outcome)),
            ("recordings", _RecordingRows(plan, outcome)),
            ("events", _EventRows(plan)),
        )
    }
    index, recordings = (_read(tables[name].data) for name in ("index", "recordings"))
    document = _document(release, hashlib.sha256(old).hexdigest(), plan, outcome, recordings)
    if ledger is not None:
        document["ledger"] = dict(ledger)
    statistics = NewFile("statistics.json", statistics_file(totals_of_rows(recordings.to_pylist())))
    made = {file.path: file for file in (*tables.values(), statistics)}
    files = [
        made[entry["path"]].entry() if entry["path"] in made else entry
        for entry in release["files"]
        if entry["path"] in made or entry["path"] in kept_files
    ]
    document["files"] = list(files)
    reasons = Counter(json.loads(line)["reason"] for line in read_bytes(join(root, "rejected.jsonl")).splitlines())
    facts = facts_from_release(document, index, recordings, reasons)
    cards = [
        NewFile(name, text.encode())
        for name, text in (("README.md", write_readme(facts)), ("croissant.json", write_croissant(facts)))
    ]
    document["files"] += [card.entry() for card in cards]
    known = {entry["path"] for entry in document["files"]}
    obsolete = tuple(entry["path"] for entry in release["files"] if entry["path"] not in known)
    return NewRelease((*made.values(), *cards), document, obsolete)


# --- tables ---------------------------------------------------------------------------------------------------------


class _Rows(ABC):
    """What happens to the rows of one table; ``touches`` spares the row groups in which nothing does."""

    def __init__(self, plan: Plan) -> None:
        self._actions = plan.actions
        self._named = pa.array(self._actions, pa.string())

    def touches(self, group: pa.Table) -> bool:
        return bool(pc.any(pc.is_in(group["recording_id"], value_set=self._named)).as_py())

    @abstractmethod
    def change(self, row: _Row, schema: pa.Schema) -> _Row | None:
        """The row of the new version; None where it has none."""


class _IndexRows(_Rows):
    def __init__(self, plan: Plan, outcome: Mapping[str, RewrittenShard]) -> None:
        super().__init__(plan)
        self._shards = pa.array(outcome, pa.string())
        self._places = {sample.key: (shard.path, sample) for shard in outcome.values() for sample in shard.samples}

    def touches(self, group: pa.Table) -> bool:
        return bool(pc.any(pc.is_in(group["shard"], value_set=self._shards)).as_py())

    def change(self, row: _Row, schema: pa.Schema) -> _Row | None:
        action = self._actions.get(row["recording_id"], "keep")
        if action == "drop":
            return None
        if row["key"] in self._places:
            path, sample = self._places[row["key"]]
            row |= {"shard": path, "offset": sample.offset, "bytes": sample.bytes}
        side = silenced_side(action)
        return row | {f"speaker_{side}": WITHDRAWN} if side else row


class _RecordingRows(_Rows):
    def __init__(self, plan: Plan, outcome: Mapping[str, RewrittenShard]) -> None:
        super().__init__(plan)
        self._paths = {path: shard.path for path, shard in outcome.items()}
        self._shards = pa.array(self._paths, pa.string())

    def touches(self, group: pa.Table) -> bool:
        return bool(pc.any(pc.is_in(group["shard"], value_set=self._shards)).as_py())

    def change(self, row: _Row, schema: pa.Schema) -> _Row | None:
        action = self._actions.get(row["recording_id"], "keep")
        if action == "drop":
            return None
        side = silenced_side(action)
        if side:
            row = silence_recording(row, side, schema)
        return row | {"shard": self._paths.get(row["shard"], row["shard"])}


class _EventRows(_Rows):
    def change(self, row: _Row, schema: pa.Schema) -> _Row | None:
        action = self._actions.get(row["recording_id"], "keep")
        side = silenced_side(action)
        if action == "drop" or (side and not event_stays(row["kind"], row["speaker"], side)):
            return None
        return silence_event_row(row, schema) if side else row


def _new_table(root: str, name: str, rows: _Rows) -> NewFile:
    path = f"{name}.parquet"
    data = read_bytes(join(root, path))
    source = pq.ParquetFile(pa.BufferReader(data))
    schema = source.schema_arrow
    buffer = io.BytesIO()
    changed = False
    with pq.ParquetWriter(buffer, schema) as writer:
        for number in range(source.num_row_groups):
            group = source.read_row_group(number, use_threads=False)
            if rows.touches(group):
                changed = True
                new = (rows.change(row, schema) for row in group.to_pylist())
                group = pa.Table.from_pylist([row for row in new if row is not None], schema=schema)
            if group.num_rows:
                writer.write_table(group)
    # Parquet calls the items of a list otherwise than pyarrow does in memory: a copy would not be the same bytes.
    return NewFile(path, buffer.getvalue() if changed else data)


def _read(data: bytes) -> pa.Table:
    return pq.ParquetFile(pa.BufferReader(data)).read(use_threads=False)


# --- dataset.json ---------------------------------------------------------------------------------------------------


def _document(
    release: Mapping[str, Any],
    sha256: str,
    plan: Plan,
    outcome: Mapping[str, RewrittenShard],
    recordings: pa.Table,
) -> dict[str, Any]:
    """``dataset.json`` of the new version without its ``files``."""
    shards = []
    for entry in release["shards"]:
        new = outcome.get(entry["path"])
        if new is None:
            shards.append(entry)
        elif new.path is not None:
            shards.append(
                {
                    "path": new.path,
                    "split": new.split,
                    "sha256": new.sha256,
                    "bytes": new.bytes,
                    "samples": len(new.samples),
                    "duration_s": new.duration_s,
                }
            )
    counts = plan.counts()
    totals = release["totals"]
    document = {
        **release,
        "version": f"{int(release['version'].partition('.')[0]) + 1}.0.0",
        "made_by": MADE_BY,
        "rules": {**release["rules"], "withdrawal": plan.rules},
        "previous": {"version": release["version"], "sha256": sha256},
        "withdrawal": counts,
        "splits": {split: _split(split, shards, recordings) for split in SPLITS},
        "totals": {
            **totals,
            "written": recordings.num_rows,
            "withdrawn": totals.get("withdrawn", 0) + counts["recordings_dropped"],
            "samples": sum(shard["samples"] for shard in shards),
            "duration_s": _sum_s(shards),
            "bytes": sum(shard["bytes"] for shard in shards),
        },
        "shards": shards,
    }
    return document


def _split(split: str, shards: Sequence[Mapping[str, Any]], recordings: pa.Table) -> dict[str, Any]:
    own = [shard for shard in shards if shard["split"] == split]
    rows = recordings.filter(pc.equal(recordings["split"], split))
    speakers = {name for side in SPEAKERS for name in rows[f"speaker_{side}"].to_pylist()}
    return {
        "shards": len(own),
        "samples": sum(shard["samples"] for shard in own),
        "recordings": rows.num_rows,
        "speakers": len(speakers - {WITHDRAWN}),
        "duration_s": _sum_s(own),
    }


def _sum_s(shards: Sequence[Mapping[str, Any]]) -> float:
    return sum(round(1000 * shard["duration_s"]) for shard in shards) / 1000
