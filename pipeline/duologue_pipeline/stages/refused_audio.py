"""Refuses, on Beam, recordings whose audio stands under another recording_id that the consent gate refuses."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import AsDict, AsSingleton, PCollection
from apache_beam.transforms.combiners import Count

from duologue_pipeline.consent.same_place import Candidate, byte_equal, file_size, refuse_audio_of, track_places
from duologue_pipeline.records import Consented, Recording, Rejected
from duologue_pipeline.stages.guard import Split, guarded, settled
from duologue_pipeline.stages.tried import tried

__all__ = ["RefusedAudio"]

_STAGE = "consent"


@dataclass(kw_only=True)
class RefusedAudio(beam.PTransform[Any, Any]):
    """Refuses recordings of which a track lies where a track of a refused one lies, or has the very bytes of its file.

    No audio of a refused recording is opened, but for files of the very size of one that may be read, which are hashed. Where nobody
    is refused nothing is looked at.

    Args:
        refused: the recordings that the consent gate refuses.
    """

    refused: PCollection[Recording]

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, consented: PCollection[Consented]) -> Split:
        """Compares where the tracks lie, and gives the recordings kept and those refused."""
        refused = self.refused
        count = AsSingleton(refused | "Count" >> Count.Globally())
        # The shuffles part the steps: Beam's local runner cannot run one that waits for a count of its own input.
        tracks = [
            refused | "SpreadRefused" >> beam.Reshuffle() | "RefusedTracks" >> beam.FlatMap(_candidates, True, count),
            consented | "Spread" >> beam.Reshuffle() | "Tracks" >> beam.FlatMap(_candidates, False, count),
        ] | beam.Flatten()
        one_place = (
            tracks
            | "Places" >> beam.FlatMap(_places).with_output_types(tuple[str, tuple[str, bool]])
            | "SamePlace" >> beam.GroupByKey()
            | "OnePlace" >> beam.FlatMap(_one_place).with_output_types(tuple[str, tuple[str, ...]])
        )
        one_content = (
            tracks
            | "Sizes" >> beam.FlatMap(_sizes).with_output_types(tuple[int, Candidate])
            | "SameSize" >> beam.GroupByKey()
            | "OneContent" >> beam.FlatMap(_one_content).with_output_types(tuple[str, tuple[str, ...]])
        )
        others = (
            [one_place, one_content]
            | "Found" >> beam.Flatten()
            | "OfOne" >> beam.GroupByKey()
            | "Joined" >> beam.MapTuple(_joined)
        )
        return guarded(consented, "Compare", beam.ParDo(_compare, AsDict(others)), Consented)


def _candidates(recording: Recording, is_refused: bool, refused: int) -> Iterator[Candidate]:
    if refused:
        for track in recording.tracks:
            yield Candidate(track.uri, track.channel, recording.recording_id, is_refused)


def _places(track: Candidate) -> Iterator[tuple[str, tuple[str, bool]]]:
    for place in track_places(track.uri, track.channel):
        yield place, (track.recording_id, track.is_refused)


def _one_place(keyed: tuple[str, Iterable[tuple[str, bool]]]) -> Iterator[tuple[str, tuple[str, ...]]]:
    ids = sorted(set(keyed[1]))
    refused = tuple(recording_id for recording_id, is_refused in ids if is_refused)
    if refused:
        yield from ((recording_id, refused) for recording_id, is_refused in ids if not is_refused)


def _sizes(track: Candidate) -> Iterator[tuple[int, Candidate]]:
    size = file_size(track.uri)
    if size is not None:
        yield size, track


def _one_content(keyed: tuple[int, Iterable[Candidate]]) -> Sequence[tuple[str, tuple[str, ...]]]:
    return byte_equal(keyed[1])


def _joined(recording_id: str, refused: Iterable[Sequence[str]]) -> tuple[str, tuple[str, ...]]:
    return recording_id, tuple(sorted({other for each in refused for other in each}))


def _compare(recording: Consented, refused: dict[str, tuple[str, ...]]) -> Iterator[Any]:
    result = tried(_STAGE, refuse_audio_of, recording, refused.get(recording.recording_id, ()))
    # What is kept has been counted as kept by the stage itself.
    yield settled(_STAGE, result) if isinstance(result, Rejected) else result
