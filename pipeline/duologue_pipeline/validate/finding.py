"""Defines what is found wrong with a manifest: one line of the table, and the totals under it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from duologue_pipeline.consent.decide import Refused
from duologue_pipeline.consent.decided_files import public_id
from duologue_pipeline.errors import REMEDIES
from duologue_pipeline.files.names import shown
from duologue_pipeline.files.sealed import without_secrets
from duologue_pipeline.records import SPEAKERS, Recording, Rejected

__all__ = ["Decided", "Finding", "Level", "Totals", "finding_of", "split_told", "warning_of"]

Decided = Recording | Refused | Rejected
"""What was decided on a line of a manifest: a recording that is let through, or a refusal."""

Level = Literal["refused", "warned"]
"""A run refuses the recording, or takes it and says so."""

_REFUSED_BY: Final[Mapping[str, str]] = {"read": "manifest", "ingest": "audio"}
"""Stage -> what a person calls it; the others are called by their word."""


@dataclass(frozen=True)
class Finding:
    """Holds one fault.

    Attributes:
        level: what becomes of the recording.
        what: manifest, consent, audio or words.
        reason: a key of :data:`duologue_pipeline.errors.REASONS` where the recording is refused; a word of its own where not.
        recording_id: None where the manifest line has none that follows the schema.
        track: ``a``, ``b``, or None where it is of the recording.
        line: of the manifest, from 1; None where it is told by the recording.
        fault: what was found, without secrets.
        remedy: what to do.
    """

    level: Level
    what: str
    reason: str
    recording_id: str | None
    track: str | None
    line: int | None
    fault: str
    remedy: str


@dataclass
class Totals:
    """Counts what became of the lines of a manifest: each is either taken or refused, once.

    Attributes:
        lines: of the manifest, without blank ones.
        refused: what refuses (:class:`Finding`) -> recordings.
        looked: recordings of which the audio was read to its end.
        duration_ms: of these.
        words: format -> tracks that have words in it.
    """

    lines: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    looked: int = 0
    duration_ms: int = 0
    words: Counter[str] = field(default_factory=Counter)
    _warned: set[str] = field(default_factory=set)

    @property
    def taken(self) -> int:
        """Counts the recordings that a run would take."""
        return self.lines - self.refused.total()

    @property
    def warned(self) -> int:
        """Counts those of them that have a warning."""
        return len(self._warned)

    def refuse(self, what: str, recording_id: str = "") -> None:
        """Counts a recording as refused; one that was counted with a warning before is named."""
        self._warned.discard(recording_id)
        self.refused[what] += 1

    def warn(self, recording_id: str, found: Iterable[Finding]) -> Iterator[Finding]:
        """Passes on the warnings of a recording that is taken, and counts it if there are some."""
        for each in found:
            self._warned.add(recording_id)
            yield each


def finding_of(rejected: Rejected, recording: Recording | None = None) -> Finding:
    """Makes the finding of a refusal.

    Args:
        rejected: as the run makes it.
        recording: that it is of, by whose uris the track is told; None where it could not be read.
    """
    track = rejected.values.get("track")
    if track is None and recording is not None:
        track = _track_of(rejected.detail, recording)
    fault, remedy = split_told(rejected.detail)
    what = _REFUSED_BY.get(rejected.stage, rejected.stage)
    return Finding(
        "refused",
        what,
        rejected.reason,
        public_id(rejected.recording_id),
        None if track is None else str(track),
        None,
        fault,
        remedy or REMEDIES[rejected.reason],
    )


def warning_of(recording_id: str, track: str | None, what: str, reason: str, fault: str, remedy: str) -> Finding:
    """Makes the finding of what a run takes and tells."""
    return Finding(
        "warned", what, reason, public_id(recording_id), track, None, without_secrets(fault), without_secrets(remedy)
    )


def split_told(told: str) -> tuple[str, str]:
    """Parts a sentence into what was found and what to do, which follows the first semicolon."""
    fault, _, remedy = told.partition("; ")
    return fault, remedy.removesuffix(".")


def _track_of(detail: str, recording: Recording) -> str | None:
    """Tells by the file that a sentence begins with whose track it is of; None where it may be both."""
    named = [
        speaker
        for speaker, track in zip(SPEAKERS, recording.tracks, strict=True)
        for uri in {track.uri, track.words_uri} - {None}
        if detail.startswith((f"{uri}:", f"{shown(str(uri))}:", f"{uri} channel {track.channel}:"))
    ]
    return named[0] if len(set(named)) == 1 else None
