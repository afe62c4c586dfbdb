"""Read: the manifest's lines become recordings, each with an id of its own."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput

from duologue_pipeline.read.manifest import parse_line, read_lines
from duologue_pipeline.records import Recording, Rejected
from duologue_pipeline.stages.guard import REJECTED, Split, guarded

__all__ = ["ReadManifest"]


@dataclass(kw_only=True)
class ReadManifest(beam.PTransform[Any, Any]):
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
        parsed, invalid = guarded(lines, "Parse", beam.ParDo(_parse, self.manifest), Recording)
        by_id = (
            parsed | "ById" >> beam.Map(_keyed).with_output_types(tuple[str, Recording]) | "SameId" >> beam.GroupByKey()
        )
        unique, repeated = guarded(by_id, "Unique", beam.ParDo(_unique), Recording)
        return unique, (invalid, repeated) | "Rejected" >> beam.Flatten()


def _keyed(recording: Recording) -> tuple[str, Recording]:
    return recording.recording_id, recording


def _parse(line: bytes, manifest: str) -> Iterator[Any]:
    result = parse_line(line, manifest_uri=manifest)
    yield result if isinstance(result, Recording) else TaggedOutput(REJECTED, result)


def _unique(keyed: tuple[str, Iterable[Recording]]) -> Iterator[Any]:
    recording_id, found = keyed
    recordings = list(found)
    if len(recordings) == 1:
        yield recordings[0]
        return
    detail = f"{len(recordings)} lines have the recording_id {recording_id!r}; give each recording its own"
    for _ in recordings:
        yield TaggedOutput(REJECTED, Rejected(recording_id, "read", "manifest_duplicate_id", detail))
