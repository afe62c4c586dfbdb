"""Reads a release: samples as numpy arrays and metadata, without Beam and without torch."""

from duologue_pipeline.reader.dataset import Dataset, PurposeError, Sample, open_dataset, read_release

__all__ = ["Dataset", "PurposeError", "Sample", "open_dataset", "read_release"]
