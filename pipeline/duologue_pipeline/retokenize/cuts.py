"""Finds where the samples of a recording begin on the frames of another codec, and refuses where they begin between two.

The codes of a recording are those of one stream from beginning to end (docs/adr/0006), of which each sample has its frames.
So every sample but the first has to begin where a frame of the other codec begins. Frames are counted in samples of
audio, as fractions, so a rate that is no whole number is exact.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

from duologue_pipeline.codec.base import Codec
from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader.release import DamagedReleaseError
from duologue_schemas.tables import WITHDRAWN

__all__ = ["SampleCut", "StoredRecording", "find_cuts"]


@dataclass(frozen=True)
class SampleCut:
    """Says of a sample where it lies in its shard, and at which frame of the other codec it begins in its recording."""

    key: str
    offset: int
    bytes: int
    start_frame: int


@dataclass(frozen=True)
class StoredRecording:
    """Holds the rows of one recording in a shard.

    Attributes:
        row: of ``recordings.parquet``.
        index: its rows of ``index.parquet``, by segment.
        events: its rows of ``events.parquet``.
    """

    row: Mapping[str, Any]
    index: Sequence[Mapping[str, Any]]
    events: Sequence[Mapping[str, Any]]

    @property
    def recording_id(self) -> str:
        """Names it."""
        name: str = self.row["recording_id"]
        return name

    def is_withdrawn(self, side: str) -> bool:
        """Tells whether the speaker of a track was taken out."""
        return bool(self.row[f"speaker_{side}"] == WITHDRAWN)


def find_cuts(index: Sequence[Mapping[str, Any]], made_with: Mapping[str, Any], codec: Codec) -> list[SampleCut]:
    """Finds where the samples of a recording begin on the frames of another codec.

    Args:
        index: its rows of ``index.parquet``, by segment.
        made_with: ``codec`` of the release's ``dataset.json``.
        codec: the other one.

    Raises:
        UsageError: a sample begins within a frame.
        DamagedReleaseError: a sample is missing.
    """
    for number, row in enumerate(index):
        if row["segment"] != number:
            raise DamagedReleaseError(
                f"{row['recording_id']}: its samples are not numbered from 0 on without a gap; see `duologue shards verify`"
            )
    # The rate was computed from whole numbers: so many samples make a frame.
    frame_s = Fraction(round(made_with["sample_rate_hz"] / made_with["frame_rate_hz"]), made_with["sample_rate_hz"])
    other_s = Fraction(codec.samples_per_frame, codec.sample_rate_hz)
    cuts: list[SampleCut] = []
    start_s = Fraction(0)
    for row in index:
        start = start_s / other_s
        if start.denominator != 1:
            raise UsageError(
                f"{row['key']}: begins {float(start_s):.3f} s into its recording, within frame {int(start)} of the codec "
                f"{codec.name} ({codec.samples_per_frame} samples at {codec.sample_rate_hz} Hz a frame), so its tokens could not be "
                f"those of its own audio; make the release anew with `duologue run --codec {codec.name}:…`, which cuts on its frames"
            )
        cuts.append(SampleCut(row["key"], row["offset"], row["bytes"], int(start)))
        start_s += row["frames"] * frame_s
    if any(later.start_frame <= earlier.start_frame for earlier, later in pairwise(cuts)):
        raise UsageError(f"{cuts[0].key}: a sample of its recording is shorter than a frame of the codec {codec.name}")
    return cuts
