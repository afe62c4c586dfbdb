"""Builders that the end-to-end tests share."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from duologue_consent import Ledger, Purpose, parse_time

RECORDED_AT = "2026-03-01T10:00:00Z"
GRANTED_AT = "2026-01-01T00:00:00Z"


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    code: int
    stdout: str
    stderr: str


Duologue = Callable[..., Outcome]


def recording_line(recording_id: str, a: Path | str, b: Path | str, **changes: Any) -> dict[str, Any]:
    """A manifest line of two mono files, speakers named after the recording; ``changes`` replace fields."""
    line = {
        "recording_id": recording_id,
        "language": "en-US",
        "started_at": RECORDED_AT,
        "tracks": [
            {"speaker_id": f"{recording_id}-a", "uri": str(a)},
            {"speaker_id": f"{recording_id}-b", "uri": str(b)},
        ],
    }
    return {**line, **changes}


def write_manifest(path: Path, lines: Sequence[dict[str, Any] | str]) -> Path:
    """Writes documents, and strings as they stand, one a line."""
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines) + "\n")
    return path


def write_ledger(path: Path, speakers: Sequence[str]) -> Path:
    """Makes a ledger in which the speakers have granted recording and in-house training before RECORDED_AT."""
    ledger = Ledger.create(path, ledger_id="test-ledger", created_at=parse_time(GRANTED_AT))
    for speaker in speakers:
        ledger.grant(speaker, [Purpose.RECORDING, Purpose.TRAINING_INHOUSE], at=parse_time(GRANTED_AT))
    return path


def rejected(out: Path) -> dict[str | None, str]:
    """recording_id -> reason, from rejected.jsonl."""
    rows = [json.loads(line) for line in (out / "rejected.jsonl").read_text().splitlines()]
    return {row["recording_id"]: row["reason"] for row in rows}


def refused_details(ledger: Path) -> list[dict[str, Any]]:
    """The private lines of all runs with this ledger: recording_id, stage, reason, detail."""
    files = sorted(ledger.with_name(f"{ledger.name}.refused").glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]
