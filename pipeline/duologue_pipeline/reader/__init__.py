"""Reads a release: samples as numpy arrays and metadata, without Beam and without torch."""

from duologue_pipeline.reader.dataset import Dataset, PurposeError, open_dataset
from duologue_pipeline.reader.mix import Mix, mix
from duologue_pipeline.reader.release import DamagedReleaseError, read_release
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.reader.state import merge_states

__all__ = [
    "DamagedReleaseError",
    "Dataset",
    "Mix",
    "PurposeError",
    "Sample",
    "merge_states",
    "mix",
    "open_dataset",
    "read_release",
]
