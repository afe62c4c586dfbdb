"""Decides for all recordings of a manifest, in the process that launches a run, who may be used: nothing secret leaves it.

What goes on holds no id of a speaker any more: the commitment stands in its place, as it does in every output. What is refused
keeps the places of its tracks, by which its audio is known again under another recording_id.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from duologue_pipeline.errors import RejectError
from duologue_pipeline.records import SPEAKERS, ConsentBasis, Consented, Recording, Rejected, Track

__all__ = ["Refused", "decide", "decide_all"]

_STAGE: Final = "consent"


@dataclass(frozen=True)
class Refused:
    """Holds a recording without consent: where its tracks lie and nothing else of it, and the refusal."""

    recording: Recording
    rejected: Rejected


def decide_all(
    recordings: Iterable[Recording | Rejected], check: Callable[[Recording], ConsentBasis]
) -> Iterator[Consented | Refused | Rejected]:
    """Decides for each recording, in their order.

    Args:
        recordings: of a manifest, and what was refused of it, which is passed on.
        check: asks for the consent of one; it raises RejectError where there is none.
    """
    for each in recordings:
        yield each if isinstance(each, Rejected) else decide(each, check)


def decide(recording: Recording, check: Callable[[Recording], ConsentBasis]) -> Consented | Refused:
    """Decides for one recording; arguments as :func:`decide_all`."""
    try:
        consent = check(recording)
    except RejectError as error:
        rejected = Rejected(recording.recording_id, _STAGE, error.reason, error.detail, error.values)
        a, b = (
            Track(name, track.uri, track.channel, track.offset_s)
            for name, track in zip(SPEAKERS, recording.tracks, strict=True)
        )
        return Refused(Recording(recording.recording_id, a, b), rejected)
    a = Track(**{**vars(recording.a), "speaker_id": consent.a.commitment})
    b = Track(**{**vars(recording.b), "speaker_id": consent.b.commitment})
    return Consented(**{**vars(recording), "a": a, "b": b}, consent=consent)
