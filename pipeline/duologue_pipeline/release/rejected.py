"""Writes what is published of a refusal, and what only the one who ran the pipeline may see.

``rejected.jsonl`` goes out with the release. A sentence that names a file, quotes a line of the manifest or repeats what a
server said may hold somebody's name, a path or a password, so none is published: a published line holds the recording's id,
codes, the meaning of the reason, and numbers and words that the code has chosen (``RejectError.values``).

The sentences go to a private file beside the ledger, readable for its owner only.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from duologue_pipeline.consent.decided_files import public_id
from duologue_pipeline.errors import REASONS
from duologue_pipeline.files.faults import storage_faults
from duologue_pipeline.files.text import canonical_json
from duologue_pipeline.records import Rejected

__all__ = ["detail_lines", "published_lines", "published_row", "write_details"]


def published_row(rejected: Rejected) -> dict[str, Any]:
    """Makes the line of ``rejected.jsonl`` for a refusal (schemas/rejected.schema.json).

    The ``recording_id`` is None where the manifest line has none that follows the schema.
    """
    values = dict(sorted(rejected.values.items()))
    found = "".join(f"{', ' if number else ' '}{name} {value}" for number, (name, value) in enumerate(values.items()))
    return {
        "recording_id": public_id(rejected.recording_id),
        "stage": rejected.stage,
        "reason": rejected.reason,
        "detail": REASONS[rejected.reason] + (f" Found:{found}." if found else ""),
        **({"values": values} if values else {}),
    }


def published_lines(rejected: Iterable[Rejected]) -> list[bytes]:
    """Writes the lines of ``rejected.jsonl``, without newlines, in an order that does not depend on that of the refusals."""
    return sorted(canonical_json(published_row(each)) for each in rejected)


def detail_lines(rejected: Iterable[Rejected]) -> list[str]:
    """Writes refusals with their sentences: a line of JSON each, without newline.

    They are ASCII, because what was found may be no text that can be written.
    """
    rows = (
        {"recording_id": each.recording_id, "stage": each.stage, "reason": each.reason, "detail": each.detail}
        for each in rejected
    )
    return [json.dumps(row, sort_keys=True) for row in rows]


def write_details(lines: Iterable[str], path: str) -> None:
    """Writes the sentences of all refusals to a private file (0600), sorted; no file where there is none.

    Args:
        lines: from :func:`detail_lines`, in any order.
        path: local; its folder is there.

    Raises:
        UsageError: the disk does not take it.
    """
    ordered = sorted(lines)
    if not ordered:
        Path(path).unlink(missing_ok=True)  # an attempt before this one may have refused some
        return
    unfinished = Path(f"{path}.new")
    with storage_faults(path):
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.writelines(f"{line}\n" for line in ordered)
        unfinished.replace(path)
