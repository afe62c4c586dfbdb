"""Finds recordings whose audio stands under a refused recording_id too, as a run does before it opens any (``RefusedAudio``)."""

from collections.abc import Callable, Iterable

from duologue_pipeline.consent.decide import Refused
from duologue_pipeline.consent.same_place import Candidate, byte_equal, file_size, track_places
from duologue_pipeline.records import Recording
from duologue_pipeline.validate.finding import Decided

__all__ = ["audio_of_refused"]


def audio_of_refused(
    decided: Callable[[], Iterable[Decided]],
) -> dict[str, tuple[str, ...]]:
    """Finds the recordings that may be used and lie where a refused one lies, or have the very bytes of its file.

    Where nobody is refused nothing is looked at.

    Args:
        decided: gives what was decided on all recordings; it is gone through twice.

    Returns:
        recording_id -> the refused ones that hold its audio, sorted.
    """
    places: dict[str, set[str]] = {}
    sizes: dict[int, set[Candidate]] = {}
    for each in decided():
        if isinstance(each, Refused):
            for track in _candidates(each.recording, refused=True):
                for place in track_places(track.uri, track.channel):
                    places.setdefault(place, set()).add(track.recording_id)
                if (size := file_size(track.uri)) is not None:
                    sizes.setdefault(size, set()).add(track)
    found: dict[str, set[str]] = {}
    if not places:
        return {}
    for each in decided():
        if isinstance(each, Recording):
            for track in _candidates(each, refused=False):
                for place in track_places(track.uri, track.channel):
                    if place in places:
                        found.setdefault(track.recording_id, set()).update(places[place])
                size = file_size(track.uri)
                if size in sizes:
                    sizes[size].add(track)
    for same_size in sizes.values():
        for recording_id, refused in byte_equal(same_size):
            found.setdefault(recording_id, set()).update(refused)
    return {recording_id: tuple(sorted(refused)) for recording_id, refused in found.items()}


def _candidates(recording: Recording, *, refused: bool) -> list[Candidate]:
    return [Candidate(track.uri, track.channel, recording.recording_id, refused) for track in recording.tracks]
