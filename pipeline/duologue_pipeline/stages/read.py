"""Read: the manifest's lines become recordings, each with an id of its own."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import apache_beam as beam

from ..manifest import parse_line, read_lines
from ..records import Recording, Rejected
from .guard import REJECTED, Split, guarded

__all__ = ["ReadManifest"]


@dataclass(kw_only=True)
class ReadManifest(beam.PTransform):  # type: ignore[misc]
    """Reads a manifest. Lines with a fault, and all lines that share a recording_id, are rejected.

    Args:
        manifest: uri of a JSON Lines file.
    """

    manifest: str

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, pipeline: beam.Pipeline) -> Split:
        lines = (
            pipeline
            | "Manifest" >> beam.Create([self.manifest])
            | "Lines" >> beam.FlatMap(read_lines)
            # One worker has read the file; the lines are spread from here on.
            | "Spread" >> beam.Reshuffle()
        )
        parsed, invalid = guarded(lines, _Parse(self.manifest), Recording)
        by_id = (
            parsed | "ById" >> beam.Map(_keyed).with_output_types(tuple[str, Recording]) | "SameId" >> beam.GroupByKey()
        )
        unique, repeated = guarded(by_id, _Unique(), Recording)
        return unique, (invalid, repeated) | "Rejected" >> beam.Flatten()


def _keyed(recording: Recording) -> tuple[str, Recording]:
    return recording.recording_id, recording


class _Parse(beam.DoFn):  # type: ignore[misc]
    def __init__(self, manifest: str) -> None:
        self._manifest = manifest

    def process(self, element: bytes) -> Iterator[Any]:
        result = parse_line(element, manifest_uri=self._manifest)
        yield result if isinstance(result, Recording) else beam.pvalue.TaggedOutput(REJECTED, result)


class _Unique(beam.DoFn):  # type: ignore[misc]
    def process(self, element: tuple[str, Iterable[Recording]]) -> Iterator[Any]:
        recording_id, found = element
        recordings = list(found)
        if len(recordings) == 1:
            yield recordings[0]
            return
        detail = f"{len(recordings)} lines have the recording_id {recording_id!r}; give each recording its own"
        for _ in recordings:
            yield beam.pvalue.TaggedOutput(REJECTED, Rejected(recording_id, "read", "manifest_duplicate_id", detail))
