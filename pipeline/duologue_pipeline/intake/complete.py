"""Fills in what the files of a recording do not say: speakers, time, language, transcripts; as the user said, or not at all."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import Any

from duologue_pipeline.intake.candidates import Candidate, Part
from duologue_pipeline.intake.metadata import started_of_files
from duologue_pipeline.intake.model import FoundRecording, FoundTrack
from duologue_pipeline.intake.moments import NamePattern, Started, read_cells
from duologue_pipeline.intake.speakers import Person, SpeakerMap
from duologue_pipeline.records import SPEAKERS, Speaker

__all__ = ["Said", "UnknownError", "complete"]


class UnknownError(ValueError):
    """Says that a recording cannot be completed: ``reason`` is a key of ``REFUSALS``, the message says what to do."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class Said:
    """Holds what the user said of all recordings.

    Attributes:
        speakers: the map, None where there is none.
        started: when they were made, where they are found in names, or None where the map may say it.
        column: how times are written in the column of the map or the table; None: as :func:`read_cell` reads them.
        metadata: whether the metadata of the files say when they were made.
        zone: of times that have none.
        language: of all, where the map says no other.
    """

    speakers: SpeakerMap | None = None
    started: Started | NamePattern | None = None
    column: NamePattern | None = None
    metadata: bool = False
    zone: tzinfo | None = None
    language: str | None = None


def complete(candidate: Candidate, root: Path, said: Said, words: Mapping[tuple[str, Speaker], str]) -> FoundRecording:
    """Makes a recording of a candidate.

    Args:
        candidate: its files.
        root: the folder that they lie below.
        said: what the user said.
        words: the transcripts, by name and side.

    Returns:
        The recording; speakers whom the map does not name are None.

    Raises:
        UnknownError: its time is not where the user said, or two rows of the map claim it.
    """
    key, row = None, dict[str, str]()
    if said.speakers is not None:
        try:
            key = said.speakers.key_of(candidate.aliases)
        except ValueError as error:
            raise UnknownError("speaker_ambiguous", str(error)) from None
        row = dict(said.speakers.of_recording(key)) if key is not None else row
    started = _started(candidate, root, said, row)
    parts = zip(SPEAKERS, (candidate.a, candidate.b), strict=True)
    a, b = (
        _track(part, root, _person(said.speakers, key, part), words.get((candidate.name, side))) for side, part in parts
    )
    used = dict.fromkeys(words[candidate.name, side] for side in SPEAKERS if (candidate.name, side) in words)
    return FoundRecording(
        name=candidate.name,
        a=a,
        b=b,
        started_at=started.at if started else None,
        started_before=started.before if started else None,
        language=row.pop("language", said.language),
        files=(*candidate.files, *used),
        setting=row.get("setting"),
        topic=row.get("topic"),
        register=row.get("register"),
    )


def _person(speakers: SpeakerMap | None, key: str | None, part: Part) -> Person:
    if speakers is None or key is None:
        return Person(None)
    return speakers.person(key, [side.casefold() for side in part.sides])


def _track(part: Part, root: Path, person: Person, words: str | None) -> FoundTrack:
    fields: dict[str, Any] = {"role": part.role, **person.fields}
    return FoundTrack(
        uri=str(root / part.file),
        channel=part.channel,
        speaker_id=person.speaker_id,
        words_uri=None if words is None else str(root / words),
        **fields,
    )


def _started(candidate: Candidate, root: Path, said: Said, row: Mapping[str, str]) -> Started | None:
    if isinstance(said.started, Started):
        return said.started
    try:
        if isinstance(said.started, NamePattern):
            return said.started.find(candidate.name, *candidate.files)
        if said.metadata:
            return started_of_files((root / file for file in candidate.files), said.zone)
        return read_cells(row, said.zone, said.column)
    except ValueError as error:
        raise UnknownError("started_at_unknown", str(error)) from None
