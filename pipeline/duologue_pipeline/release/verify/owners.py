"""Checks that every word and event of a recording belongs to exactly one of its samples, and that its samples adjoin."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from duologue_pipeline.tokens.sample_figures import owns

__all__ = ["CutCheck", "adjoining_faults", "owner_faults"]

_SHOWN: Final = 3
_Row = Mapping[str, Any]
_Crossing = frozenset[tuple[str, str, str, int, int]]
"""What crosses a cut: list, speaker, word or kind, when it begins and ends in the conversation, in ms."""


def owner_faults(document: _Row) -> Iterator[str]:
    """Finds the first words and events of a valid ``KEY.json`` whose ``owned`` is not what their times say, or missing.

    The owner of what is listed on both sides of a cut follows from where it begins, so the samples need not be compared.
    """
    for name in ("words", "events"):
        wrong = [
            (place, entry)
            for place, entry in enumerate(document[name])
            if entry.get("owned") is not owns(document["segment"], entry["start_s"])
        ]
        for place, entry in wrong[:_SHOWN]:
            where = f"json: {name}[{place}].owned"
            if "owned" not in entry:
                yield f"{where} is missing, and index.parquet counts by it"
                return
            yield f"{where} is {str(entry['owned']).lower()}, and it begins at {entry['start_s']} s of sample {document['segment']}"


class CutCheck:
    """Holds what crosses the cuts of recordings, sample by sample in any order, and finds what one side of a cut lacks."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, int], _Crossing] = {}

    def faults(self, document: _Row) -> Iterator[str]:
        """Takes the next sample; finds where it disagrees with a neighbour that was taken before."""
        recording_id, segment = document["recording_id"], document["segment"]
        start_ms, end_ms = _ms(document["start_s"]), _ms(document["end_s"])
        listed = frozenset(
            (name, entry["speaker"], entry["word" if name == "words" else "kind"], *_times(entry, start_ms))
            for name in ("words", "events")
            for entry in document[name]
        )
        sides = {
            segment: frozenset(item for item in listed if item[3] < start_ms),
            segment + 1: frozenset(item for item in listed if item[4] > end_ms),
        }
        for cut, crossing in sides.items():
            if cut == 0:
                continue  # the conversation begins there
            other = self._open.pop((recording_id, cut), None)
            if other is None:
                self._open[recording_id, cut] = crossing
            elif other != crossing:
                name, speaker, what, *_ = min(other ^ crossing)
                yield f"json: {name} that cross the cut before sample {cut} are not the same on both sides ({what!r} of {speaker})"


def adjoining_faults(rows: Sequence[_Row]) -> Iterator[str]:
    """Finds recordings whose samples are not numbered from 0 on, or of which one does not begin where the last one ends.

    Args:
        rows: of ``index.parquet``.
    """
    wrong: dict[str, str] = {}
    before: _Row | None = None
    for row in sorted(rows, key=lambda row: (row["recording_id"], row["segment"])):
        if before is None or before["recording_id"] != row["recording_id"]:
            number, start_s = 0, 0.0
        else:
            number, start_s = before["segment"] + 1, before["end_s"]
        if (row["segment"], row["start_s"]) != (number, start_s):
            wrong.setdefault(
                row["recording_id"],
                f"index.parquet: {row['key']} is segment {row['segment']} and begins at {row['start_s']} s, expected "
                f"{number} and {start_s} s",
            )
        before = row
    yield from list(wrong.values())[:_SHOWN]


def _times(entry: _Row, start_ms: int) -> tuple[int, int]:
    return start_ms + _ms(entry["start_s"]), start_ms + _ms(entry["end_s"])


def _ms(seconds: float) -> int:
    return round(1000 * seconds)
