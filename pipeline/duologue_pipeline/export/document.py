"""Writes ``export.json``: what an export is made of, what is in it, and what was left out and why."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from duologue_pipeline.export.folder import Record
from duologue_pipeline.export.reasons import REASONS
from duologue_pipeline.made_by import MADE_BY

__all__ = ["SCHEMA", "build_document"]

SCHEMA: Final = "export/1.0"


def build_document(
    told: Mapping[str, Any],
    release: Mapping[str, Any],
    release_sha256: str,
    records: Iterable[Record],
    not_read: Mapping[str, int],
) -> dict[str, Any]:
    """Builds the document.

    Args:
        told: what was asked for (:meth:`ExportRequest.told`).
        release: the document of ``dataset.json``.
        release_sha256: of that file, which names this very version.
        records: of all parts and of the files of the whole, one after the other.
        not_read: reason -> samples of the splits that were not read at all.
    """
    words, samples, counts = Counter[str](), Counter(not_read), Counter[str]()
    listing, parts = hashlib.sha256(), []
    for record in records:
        content = record.content
        for path, size, sha256 in record.files:
            listing.update(f"{path}\0{sha256}\n".encode())
            counts.update(files=1, bytes=size)
        if "samples" not in content:
            continue
        counts.update(samples=content["samples"], words=content["words"], duration_ms=content["duration_ms"])
        counts.update(words_listed=content["words_listed"])
        words.update(content["words_left_out"])
        samples.update(content["samples_left_out"])
        parts.append(
            {
                "name": record.name,
                "shard": content["shard"],
                "shard_sha256": content["shard_sha256"],
                "samples": content["samples"],
                "files": len(record.files),
            }
        )
    left_out = Counter({reason: count for reason, count in (words + samples).items() if count})
    return {
        "schema": SCHEMA,
        "made_by": MADE_BY,
        **told,
        "release": {
            "name": release["name"],
            "version": release["version"],
            "sha256": release_sha256,
            "ledger_id": None if told["public"] else release["ledger"].get("ledger_id"),
            "purposes": list(release["purposes"]),
        },
        "samples": {"written": counts["samples"], "left_out": dict(sorted((+samples).items()))},
        "words": {
            "listed": counts["words_listed"],
            "written": counts["words"],
            "left_out": dict(sorted((+words).items())),
        },
        "why_left_out": {reason: REASONS[reason] for reason in sorted(left_out)},
        "duration_s": counts["duration_ms"] / 1000,
        "files": {"count": counts["files"], "bytes": counts["bytes"], "sha256": listing.hexdigest()},
        "parts": parts,
    }
