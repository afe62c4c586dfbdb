"""Names the first recordings that a run refused, and those that it took with a warning, with what to do."""

import heapq
import json
import textwrap
from collections.abc import Iterable, Iterator
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from duologue_pipeline.errors import REMEDIES
from duologue_pipeline.files.storage import exists, join, open_input
from duologue_pipeline.run import RunResult
from duologue_pipeline.words.check import MISFITS
from duologue_schemas.tables import FAULT_MEASURES

__all__ = ["COLUMNS", "first_refused", "first_warned"]

COLUMNS: Final = frozenset(
    ["recording_id", "isolation", *(f"{name}_found" for name in FAULT_MEASURES)]
    + [f"words_{name}_{side}" for name in ("check", "outside") for side in "ab"]
)
"""What is read of the recordings."""

_NAMED: Final = 5
_WIDTH: Final = 100
_INDENT: Final = " " * 15

_WARNING: Final = ("warn", "fail")
_WORDS: Final = {
    "shifted": "correct the times of the transcript",
    "wrong_track": "give the transcripts to the right tracks",
    "outside": "see that the transcript is of this recording, and correct its times or offset_s",
    "invalid": "`duologue words import FILE` says what is wrong with it",
}


def first_refused(result: RunResult, *, private: bool) -> list[str]:
    """Writes the first refusals by their recording_id, a line or more each, with what was found and what to do.

    Args:
        result: of the run.
        private: whether only the one who runs it sees that, as on a terminal: then the sentences of the private file are told,
            which name files; else what is published of a refusal.
    """
    told = _sentence if private and result.details else _published
    path = result.details if told is _sentence and result.details else join(result.out, "rejected.jsonl")
    if not exists(path):
        return []
    first = heapq.nsmallest(_NAMED, _rows(path), key=lambda row: (row["recording_id"] or "", row["detail"]))
    return _lines((row["recording_id"] or "a line without an id", told(row)) for row in first)


def first_warned(recordings: pa.Table) -> list[str]:
    """Writes how many recordings were taken with a warning, and the first by their recording_id.

    Args:
        recordings: rows of ``recordings.parquet`` with the columns :data:`COLUMNS`.
    """
    masks = [pc.is_in(recordings["isolation"], pa.array(_WARNING))]
    for side in "ab":
        masks.append(pc.is_in(recordings[f"words_check_{side}"], pa.array(MISFITS)))
        masks.append(pc.greater(pc.fill_null(recordings[f"words_outside_{side}"], 0), 0))
    warned = recordings.filter(_any(masks))
    if not len(warned):
        return []
    first = warned.sort_by("recording_id").slice(0, _NAMED).to_pylist()
    told = _lines((row["recording_id"], "; ".join(_warnings(row))) for row in first)
    return [f"{'Warned':15}{len(warned)} of {len(recordings)} written", *told]


def _any(masks: list[Any]) -> Any:
    found = masks[0]
    for mask in masks[1:]:
        found = pc.or_(found, mask)
    return found


def _rows(path: str) -> Iterator[dict[str, Any]]:
    with open_input(path) as stream:
        for line in stream:
            yield json.loads(line)


def _sentence(row: dict[str, Any]) -> str:
    text: str = row["detail"].partition("\n")[0]  # a trace stays in the file
    return text


def _published(row: dict[str, Any]) -> str:
    return f"{row['detail'].rstrip('.')}; {REMEDIES[row['reason']]}"


def _warnings(row: dict[str, Any]) -> Iterator[str]:
    if row["isolation"] in _WARNING:
        found = [name for name in FAULT_MEASURES if row[f"{name}_found"]]
        why = f" ({', '.join(found)})" if found else ""
        yield f"isolation {row['isolation']}{why}: `duologue isolation A B` shows why"
    for side in "ab":
        check, outside = row[f"words_check_{side}"], row[f"words_outside_{side}"]
        if check in MISFITS:
            yield f"words of {side} not used ({check.replace('_', ' ')}): {_WORDS[check]}"
        elif outside:
            yield f"{outside} words of {side} lie outside of the audio and are left out: correct their times or offset_s"


def _lines(named: Iterable[tuple[str, str]]) -> list[str]:
    return [
        line
        for name, told in named
        for line in textwrap.wrap(
            f"{name}: {told}", _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT + "  ", break_long_words=False
        )
    ]
