"""Reads a release: samples as numpy arrays and metadata, without Beam and without torch."""

from duologue_pipeline.reader.dataset import Dataset, PurposeError, open_dataset
from duologue_pipeline.reader.release import DamagedReleaseError, read_release
from duologue_pipeline.reader.shard import Sample

__all__ = ["DamagedReleaseError", "Dataset", "PurposeError", "Sample", "open_dataset", "read_release"]
