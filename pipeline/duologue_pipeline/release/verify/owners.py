"""Checks that every word and event of a recording belongs to exactly one of its samples, and that its samples adjoin."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from duologue_pipeline.tokens.sample_figures import owns

__all__ = ["ADJOINING", "CutCheck", "adjoining_faults", "owner_faults"]

ADJOINING: Final = ("key", "recording_id", "segment", "start_s", "end_s")
"""The columns of ``index.parquet`` that say how samples follow each other."""

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


def adjoining_faults(index: pa.Table) -> Iterator[str]:
    """Finds recordings whose samples are not numbered from 0 on, or of which one does not begin where the last one ends.

    Args:
        index: :data:`ADJOINING` of ``index.parquet``.
    """
    if not len(index):
        return
    ordered = index.take(pc.sort_indices(index, [("recording_id", "ascending"), ("segment", "ascending")]))
    name, segment = ordered["recording_id"].combine_chunks(), ordered["segment"].to_numpy().astype(np.int64)
    start_s, end_s = ordered["start_s"].to_numpy(), ordered["end_s"].to_numpy()
    goes_on = np.append(False, pc.equal(name[1:], name[:-1]).to_numpy(zero_copy_only=False))
    number = np.where(goes_on, np.append(0, segment[:-1] + 1), 0)
    begins_s = np.where(goes_on, np.append(0.0, end_s[:-1]), 0.0)
    wrong: dict[str, str] = {}
    for place in np.flatnonzero((segment != number) | (start_s != begins_s)).tolist():
        wrong.setdefault(
            name[place].as_py(),
            f"index.parquet: {ordered['key'][place].as_py()} is segment {segment[place]} and begins at {start_s[place]} s, expected "
            f"{number[place]} and {begins_s[place]} s",
        )
        if len(wrong) > _SHOWN:
            break
    yield from list(wrong.values())[:_SHOWN]


def _times(entry: _Row, start_ms: int) -> tuple[int, int]:
    return start_ms + _ms(entry["start_s"]), start_ms + _ms(entry["end_s"])


def _ms(seconds: float) -> int:
    return round(1000 * seconds)
