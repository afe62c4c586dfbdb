"""Adds up the table of speakers anew, some speakers at a time: the sums of all of them would fill the memory.

For each of these sets ``recordings.parquet`` is gone through once more.
"""

import zlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pyarrow as pa

from duologue_pipeline.events.speakers import ADDED_UP, speaker_row, speakers_of_rows
from duologue_pipeline.files.tables import iter_rows
from duologue_pipeline.reader.tables import iter_release_table
from duologue_pipeline.records import SPEAKERS

__all__ = ["speaker_faults"]

_RECORDINGS: Final = 1 << 16
"""For so many recordings there is a set of speakers."""
_SHOWN: Final = 3


def speaker_faults(root: str, release: Mapping[str, Any]) -> Iterator[str]:
    """Finds speakers of whom ``speakers.parquet`` does not say what their recordings add up to.

    Args:
        root: the folder of the release.
        release: the document of ``dataset.json``; its tables can be read.
    """
    sets = 1 + release["totals"]["written"] // _RECORDINGS
    missing: list[str] = []
    for number in range(sets):

        def wanted(speaker: str, number: int = number) -> bool:
            return zlib.crc32(speaker.encode()) % sets == number

        def rows(name: str, columns: tuple[str, ...] | None, number: int = number) -> Iterator[dict[str, Any]]:
            asked = [f"speaker_{side}" for side in SPEAKERS] if name == "recordings" else ["speaker"]
            for part in iter_release_table(root, release, name, columns=columns):
                named = zip(*(part[column].to_pylist() for column in asked), strict=True)
                mask = [any(wanted(speaker, number) for speaker in speakers) for speakers in named]
                yield from iter_rows(part.filter(pa.array(mask, pa.bool_())))

        try:
            found = speakers_of_rows(rows("recordings", ADDED_UP), wanted=wanted)
        except (OverflowError, ValueError):
            yield "recordings.parquet: holds a time of more than any clock shows, or none"
            return
        expected = {name: speaker_row(name, each.totals) for name, each in found.items() if each.totals.conversations}
        del found
        for row in rows("speakers", None):
            if row != expected.pop(row["speaker"], None):
                yield f"speakers.parquet: the row of {row['speaker'][:12]} is not what recordings.parquet adds up to"
        missing += expected
    yield from (f"speakers.parquet: {name[:12]} is not in it" for name in sorted(missing)[:_SHOWN])
