"""Builds what ``dataset.json`` says of shards, splits and files, and the cards that are made from it.

A run builds it of its shards, a withdrawal of those that are left and those that it rewrote: both through these functions.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from duologue_cards import Sheet, Tally, make_sheet, write_cards
from duologue_consent.decisions.jurisdictions.rules import rules_for
from duologue_pipeline.labels.page import card_rules
from duologue_pipeline.records import SPLITS, WrittenTable
from duologue_pipeline.release.report import Tables, release_report

__all__ = [
    "card_sheet",
    "cards",
    "file_entry",
    "manifest_bytes",
    "next_version",
    "shard_entry",
    "shard_totals",
    "split_entries",
    "table_entry",
]


def manifest_bytes(document: Mapping[str, Any]) -> bytes:
    """Writes the document of ``dataset.json``: sorted keys, indented by one space, a newline at the end."""
    return json.dumps(document, indent=1, sort_keys=True).encode() + b"\n"


def next_version(version: str) -> str:
    """Counts up a version: ``2.0.0`` after ``1.0.0``."""
    return f"{int(version.partition('.')[0]) + 1}.0.0"


def file_entry(path: str, sha256: str, size: int) -> dict[str, Any]:
    """Builds the entry of a file in ``files``; the hash is lower-case hex, the size in bytes."""
    return {"path": path, "sha256": sha256, "bytes": size}


def shard_entry(path: str, *, split: str, sha256: str, size: int, samples: int, duration_s: float) -> dict[str, Any]:
    """Builds the entry of a shard in ``shards``.

    Args:
        path: below the folder of the release, ``shards/NAME.tar``.
        split: ``train``, ``validation`` or ``bridge``.
        sha256: of the file, in lower-case hex.
        size: of the file, in bytes.
        samples: how many it holds.
        duration_s: of its samples, to the millisecond.
    """
    return {
        "path": path,
        "split": split,
        "sha256": sha256,
        "bytes": size,
        "samples": samples,
        "duration_s": duration_s,
    }


def shard_totals(shards: Sequence[Mapping[str, Any]]) -> dict[str, int | float]:
    """Sums up entries of shards: ``samples``, ``duration_s`` and ``bytes`` of ``totals``."""
    return {
        "samples": sum(shard["samples"] for shard in shards),
        "duration_s": _sum_s(shards),
        "bytes": sum(shard["bytes"] for shard in shards),
    }


def table_entry(name: str, files: Sequence[WrittenTable]) -> dict[str, Any]:
    """Builds the entry of a table in ``tables``: the pattern of its files, ``NAME.parquet`` or ``NAME/*.parquet``, and its rows.

    Args:
        name: of the table.
        files: all of its files.
    """
    is_one = [file.path for file in files] == [f"{name}.parquet"]
    return {"files": f"{name}.parquet" if is_one else f"{name}/*.parquet", "rows": sum(file.rows for file in files)}


def split_entries(shards: Sequence[Mapping[str, Any]], tally: Tally) -> dict[str, dict[str, Any]]:
    """Builds ``splits``: what each split holds; ``bridge`` is named only where it holds something.

    Args:
        shards: the entries of all shards.
        tally: of all tables and people.
    """
    found = {split: _split(split, shards, tally) for split in SPLITS}
    return {split: entry for split, entry in found.items() if entry["shards"] or split in SPLITS[:2]}


def card_sheet(
    document: Mapping[str, Any],
    tally: Tally,
    reasons: Mapping[str, int],
    stated: Mapping[str, Any] | None = None,
    leakage: Mapping[str, Any] | None = None,
) -> Sheet:
    """Lays down the facts of a release, of which its cards are made.

    Args:
        document: of ``dataset.json``; its ``files`` name all but the cards.
        tally: of all tables and people (:mod:`duologue_cards.tally`).
        reasons: reason of a rejection -> how many recordings were rejected for it.
        stated: what a person stated (``dataset.yaml``).
        leakage: what was measured of how well speakers are linked (``leakage.json``).

    Raises:
        ValueError: document and tables do not belong together.
    """
    rules = replace(card_rules(), regimes=_regimes)
    return make_sheet(document, tally, reasons, stated=stated or {}, rules=rules, leakage=leakage)


def cards(
    document: Mapping[str, Any],
    tally: Tally,
    reasons: Mapping[str, int],
    stated: Mapping[str, Any] | None = None,
    *,
    root: str,
    tables: Tables,
    leave_out: Callable[[str], None] | None = None,
) -> Iterator[tuple[str, bytes]]:
    """Writes the cards of a release, and the page that shows some of its conversations, last.

    Args:
        document, tally, reasons, stated: as for :func:`card_sheet`.
        root, tables, leave_out: as for :func:`duologue_pipeline.release.report.release_report`.

    Yields:
        (path, content).

    Raises:
        ValueError: document and tables do not belong together.
        OSError, DamagedReleaseError: a conversation that the page shows cannot be read.
    """
    sheet = card_sheet(document, tally, reasons, stated)
    made = dict(write_cards(sheet))
    yield from made.items()
    yield release_report(root, document, tables, sheet, tally, made, leave_out=leave_out)


def _regimes(place: str) -> list[dict[str, Any]]:
    """Gives the rules of a place by which consent was judged, as the cards name them."""
    return [
        {
            "id": rule.rule_id,
            "title": rule.title,
            "purposes": list(map(str, rule.purposes)),
            "citation": rule.citation,
            "url": rule.url,
        }
        for rule in rules_for(place)
    ]


def _split(split: str, shards: Sequence[Mapping[str, Any]], tally: Tally) -> dict[str, Any]:
    own = [shard for shard in shards if shard["split"] == split]
    return {
        "shards": len(own),
        "samples": sum(shard["samples"] for shard in own),
        "recordings": tally["recordings", split],
        "speakers": tally["speakers", split],
        "duration_s": _sum_s(own),
    }


def _sum_s(shards: Sequence[Mapping[str, Any]]) -> float:
    return sum(round(1000 * shard["duration_s"]) for shard in shards) / 1000
