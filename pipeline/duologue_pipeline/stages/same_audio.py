"""Finds, on Beam, audio that stands under more than one recording_id: only hashes and ids cross the shuffle."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import AsDict, PCollection

from duologue_pipeline.ingest.same_audio import SAME_AUDIO_POLICIES, mark_same_audio, sharing, track_hashes
from duologue_pipeline.records import Ingested, Rejected
from duologue_pipeline.stages.guard import Split, guarded, settled, tried

__all__ = ["SameAudio"]

_STAGE = "ingest"


@dataclass(kw_only=True)
class SameAudio(beam.PTransform[Any, Any]):
    """Refuses or marks recordings that hold the audio of another one, whatever the order and wherever they were decoded.

    Args:
        policy: a key of :data:`duologue_pipeline.ingest.same_audio.SAME_AUDIO_POLICIES`.
    """

    policy: str

    def __post_init__(self) -> None:
        super().__init__()
        if self.policy not in SAME_AUDIO_POLICIES:
            raise ValueError(f"policy: expected one of {', '.join(SAME_AUDIO_POLICIES)}, found {self.policy!r}")

    def expand(self, ingested: PCollection[Ingested]) -> Split:
        """Compares the hashes of all tracks, and gives the recordings kept and those refused."""
        others = (
            ingested
            | "Hashes" >> beam.FlatMap(track_hashes).with_output_types(tuple[str, str])
            | "SameHash" >> beam.GroupByKey()
            | "Others" >> beam.FlatMap(_sharing).with_output_types(tuple[str, tuple[str, ...]])
            | "OfOne" >> beam.GroupByKey()
            | "Joined" >> beam.MapTuple(_joined)
        )
        work = partial(mark_same_audio, policy=self.policy)
        return guarded(ingested, "Compare", beam.ParDo(_compare, AsDict(others), work), Ingested)


def _sharing(keyed: tuple[str, Iterable[str]]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return sharing(keyed[1])


def _joined(recording_id: str, others: Iterable[tuple[str, ...]]) -> tuple[str, tuple[str, ...]]:
    return recording_id, tuple(sorted({other for each in others for other in each}))


def _compare(conversation: Ingested, others: dict[str, tuple[str, ...]], work: Any) -> Iterator[Any]:
    result = tried(_STAGE, work, conversation, others.get(conversation.recording.recording_id, ()))
    # What is kept has been counted as kept by the stage itself.
    yield settled(_STAGE, result) if isinstance(result, Rejected) else result
