"""Reads the manifest on Beam: its lines become recordings, each with a recording_id of its own."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import apache_beam as beam

from duologue_consent.decisions.names import skeleton
from duologue_pipeline.read.manifest import parse_line, read_lines, unique_recordings
from duologue_pipeline.records import Recording, Rejected
from duologue_pipeline.stages.guard import Split, guarded, settled

__all__ = ["ReadManifest"]

_STAGE: Final = "read"


@dataclass(kw_only=True)
class ReadManifest(beam.PTransform[Any, Any]):
    """Reads a manifest; rejects lines with a fault, and all lines whose recording_ids are one or look alike.

    Args:
        manifest: uri of a JSON Lines file.
    """

    manifest: str

    def __post_init__(self) -> None:
        super().__init__(label=_STAGE.capitalize())

    def expand(self, pipeline: beam.Pipeline) -> Split:
        """Reads the file on one worker and spreads its lines over all workers."""
        by_id = (
            pipeline
            | "Manifest" >> beam.Create([self.manifest])
            | "Lines" >> beam.FlatMap(read_lines)
            # One worker has read the file; the lines are spread from here on.
            | "Spread" >> beam.Reshuffle()
            | "Parse" >> beam.Map(_keyed, self.manifest).with_output_types(tuple[str, Any])
            | "SameId" >> beam.GroupByKey()
        )
        return guarded(by_id, "Unique", beam.ParDo(_unique), Recording)


def _keyed(line: bytes, manifest: str) -> tuple[str, Recording | Rejected]:
    parsed = parse_line(line, manifest_uri=manifest)
    # Rejected lines stand together: what they have in place of an id may not be encodable as a key.
    return skeleton(parsed.recording_id) if isinstance(parsed, Recording) else "", parsed


def _unique(keyed: tuple[str, Iterable[Recording | Rejected]]) -> Iterator[Any]:
    _, parsed = keyed
    for result in unique_recordings(parsed):
        yield settled(_STAGE, result)
