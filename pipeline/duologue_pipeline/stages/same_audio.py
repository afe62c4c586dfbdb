"""Finds, on Beam, audio that stands under more than one recording_id: only hashes and ids cross the shuffle."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import AsDict, PCollection

from duologue_pipeline.consent.same_place import refuse_audio_of
from duologue_pipeline.files.addresses import allow_private_addresses
from duologue_pipeline.ingest.same_audio import (
    SAME_AUDIO_POLICIES,
    Holder,
    check_same_audio,
    hashes_of_refused,
    sharing,
    track_hashes,
)
from duologue_pipeline.records import Ingested, Recording, Rejected, Tokenized
from duologue_pipeline.stages.guard import Split, guarded, settled
from duologue_pipeline.stages.tried import tried

__all__ = ["HeardRefused", "SameAudio"]

_Others = tuple[str, tuple[Holder, ...]]
"""A recording_id, and others that hold its audio."""


@dataclass(kw_only=True)
class SameAudio(beam.PTransform[Any, Any]):
    """Refuses or marks recordings that hold the audio of another one, whatever the order and wherever they were decoded.

    It takes them when their parts are written: before, each would have to wait for the audio of all.

    Args:
        policy: a key of :data:`duologue_pipeline.ingest.same_audio.SAME_AUDIO_POLICIES`.
        ingested: all recordings that were decoded, those that were refused since among them.
    """

    policy: str
    ingested: PCollection[Ingested]

    def __post_init__(self) -> None:
        super().__init__()
        if self.policy not in SAME_AUDIO_POLICIES:
            raise ValueError(f"policy: expected one of {', '.join(SAME_AUDIO_POLICIES)}, found {self.policy!r}")

    def expand(self, tokenized: PCollection[Tokenized]) -> Split:
        """Compares the hashes of all tracks, and gives the recordings kept and those refused."""
        hashes = self.ingested | "Hashes" >> beam.FlatMap(track_hashes).with_output_types(tuple[str, Holder])
        same = hashes | "SameHash" >> beam.GroupByKey() | "Others" >> beam.FlatMap(_sharing).with_output_types(_Others)
        others = same | "OfOne" >> beam.GroupByKey() | "Joined" >> beam.MapTuple(_joined)
        return guarded(tokenized, "Compare", beam.ParDo(_compare, AsDict(others), self.policy), Tokenized)


@dataclass(kw_only=True)
class HeardRefused(beam.PTransform[Any, Any]):
    """Refuses recordings that hold audio of one without consent, before anything is made of them: all wait for it.

    Args:
        refused: recordings without consent of which the audio is compared; whatever holds it is refused as they are.
        private_addresses: as of :class:`duologue_pipeline.stages.stage.Stage`.
    """

    refused: PCollection[Recording]
    private_addresses: bool = False

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, ingested: PCollection[Ingested]) -> Split:
        """Compares the hashes of all tracks with those of the refused, and gives the recordings kept and those refused."""
        hashes = ingested | "Hashes" >> beam.FlatMap(track_hashes).with_output_types(tuple[str, Holder])
        unheard = self.refused | "Unheard" >> beam.FlatMap(
            _hashes_of_refused, self.private_addresses
        ).with_output_types(tuple[str, str])
        found = (
            {"kept": hashes, "refused": unheard}
            | "OfRefused" >> beam.CoGroupByKey()
            | "Holding" >> beam.FlatMap(_holding).with_output_types(tuple[str, tuple[str, ...]])
            | "HoldingOne" >> beam.GroupByKey()
            | "HoldingJoined" >> beam.MapTuple(_joined)
        )
        return guarded(ingested, "Compare", beam.ParDo(_compare_refused, AsDict(found)), Ingested)


def _hashes_of_refused(recording: Recording, private_addresses: bool) -> Iterator[tuple[str, str]]:
    if private_addresses:
        allow_private_addresses()
    yield from hashes_of_refused(recording)


def _sharing(keyed: tuple[str, Iterable[Holder]]) -> Sequence[_Others]:
    return sharing(keyed[1])


def _holding(keyed: tuple[str, dict[str, Iterable[Any]]]) -> Iterator[tuple[str, tuple[str, ...]]]:
    refused = tuple(sorted(set(keyed[1]["refused"])))
    if refused:
        yield from ((recording_id, refused) for recording_id in sorted({holder[0] for holder in keyed[1]["kept"]}))


def _joined(recording_id: str, others: Iterable[Sequence[Any]]) -> tuple[str, tuple[Any, ...]]:
    return recording_id, tuple(sorted({other for each in others for other in each}))


def _compare(tokenized: Tokenized, others: dict[str, tuple[Holder, ...]], policy: str) -> Iterator[Any]:
    own = others.get(tokenized.recording_id, ())
    yield _counted("ingest", tried("ingest", partial(_marked, policy=policy), tokenized, own) if own else tokenized)


def _marked(tokenized: Tokenized, own: Sequence[Holder], *, policy: str) -> Tokenized:
    return replace(tokenized, same_audio=check_same_audio(tokenized.recording_id, own, policy=policy))


def _compare_refused(conversation: Ingested, refused: dict[str, tuple[str, ...]]) -> Iterator[Any]:
    own = refused.get(conversation.recording.recording_id, ())
    result = tried("consent", refuse_audio_of, conversation.recording, own)
    yield _counted("consent", result) if isinstance(result, Rejected) else conversation


def _counted(stage: str, result: Any) -> Any:
    """Counts a refusal; what is kept has been counted as kept by the stage itself."""
    return settled(stage, result) if isinstance(result, Rejected) else result
