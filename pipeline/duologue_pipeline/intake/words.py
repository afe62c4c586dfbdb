"""Finds the transcripts of recordings by their names, and reads them as a run would; whose words they are is never guessed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from duologue_pipeline.errors import RejectError
from duologue_pipeline.intake.candidates import Candidate, Part
from duologue_pipeline.intake.listing import Listing, composed
from duologue_pipeline.intake.model import RefusedFile
from duologue_pipeline.records import SPEAKERS, Recording, Speaker, Track
from duologue_pipeline.transcripts.formats import format_of
from duologue_pipeline.transcripts.model import TranscriptError
from duologue_pipeline.transcripts.source import Source
from duologue_pipeline.words.files import read_transcripts, read_words_bytes

__all__ = ["FoundWords", "find_words"]

_Claim = tuple[str, Speaker]


@dataclass
class FoundWords:
    """Holds the transcripts of the sides of recordings, as (name, side) -> file below the folder, and the files that are of none.

    ``formats`` counts the files by their format; ``halves`` are those of both sides that give the words of one alone, and why.
    """

    files: dict[_Claim, str] = field(default_factory=dict)
    refused: list[RefusedFile] = field(default_factory=list)
    formats: dict[str, int] = field(default_factory=dict)
    halves: dict[str, str] = field(default_factory=dict)


def find_words(
    listing: Listing,
    files: Sequence[str],
    candidates: Sequence[Candidate],
    ids: Mapping[str, str],
    *,
    format: str = "auto",
) -> FoundWords:
    """Finds for each transcript the recording that it is of: the one that is called as it is, in the same folder or else anywhere.

    ``call-7.json`` is of both sides of call-7, and ``call-7.a.json`` or ``call-7_agent.json`` of one.

    Args:
        listing: of the folder.
        files: which of its files are transcripts.
        candidates: the recordings.
        ids: their names -> their recording ids.
        format: of the transcripts, a key of :data:`~duologue_pipeline.transcripts.formats.FORMATS`; ``auto``: any.
    """
    found = FoundWords()
    claims = _claims(files, candidates, found)
    by_name = {candidate.name: candidate for candidate in candidates}
    for name in sorted({name for name, _ in claims}):
        own: dict[Speaker, str] = {side: claims[name, side] for side in SPEAKERS if (name, side) in claims}
        _read(listing, by_name[name], ids[name], own, format, found)
    return found


def _claims(files: Iterable[str], candidates: Iterable[Candidate], found: FoundWords) -> dict[_Claim, str]:
    """Gives each side its transcript, by the names of the files."""
    exact, loose = _called(candidates)
    claimed: dict[_Claim, list[str]] = {}
    for file in files:
        stem = composed(str(PurePosixPath(file).with_suffix("")))
        claims = exact.get(stem) or loose.get(PurePosixPath(stem).name) or set()
        names = sorted({name for name, _ in claims})
        if len(names) == 1:
            for claim in claims:
                claimed.setdefault(claim, []).append(file)
        elif names:
            detail = f"{len(names)} recordings are called so ({', '.join(names[:3])}); lay it beside its own"
            found.refused.append(RefusedFile(file=file, reason="words_ambiguous", detail=detail))
        else:
            detail = "no recording is called so; give it the name of its recording or of its audio file"
            found.refused.append(RefusedFile(file=file, reason="words_without_recording", detail=detail))
    several = {file: claim for claim, files in claimed.items() if len(files) > 1 for file in files}
    for file, (name, side) in several.items():
        detail = f"track {side} of {name} has {len(claimed[name, side])} transcripts; leave one"
        found.refused.append(RefusedFile(file=file, reason="words_ambiguous", detail=detail, recording=name))
    return {claim: files[0] for claim, files in claimed.items() if not several.keys() & set(files)}


def _called(candidates: Iterable[Candidate]) -> tuple[dict[str, set[_Claim]], dict[str, set[_Claim]]]:
    """Says which sides a transcript may be of by its path without suffix, and by its name without suffix."""
    exact: dict[str, set[_Claim]] = {}
    for candidate in candidates:
        both: set[_Claim] = {(candidate.name, side) for side in SPEAKERS}
        exact.setdefault(str(PurePosixPath(candidate.name)), set()).update(both)
        for side, part in _parts(candidate):
            stem = composed(str(PurePosixPath(part.file).with_suffix("")))
            shared = candidate.a.file == candidate.b.file
            exact.setdefault(stem, set()).update(both if shared else {(candidate.name, side)})
            for name in part.sides:
                for joint in ".-_":
                    exact.setdefault(f"{candidate.name}{joint}{name}", set()).add((candidate.name, side))
    loose: dict[str, set[_Claim]] = {}
    for path, claims in exact.items():
        loose.setdefault(PurePosixPath(path).name, set()).update(claims)
    return exact, loose


def _parts(candidate: Candidate) -> tuple[tuple[Speaker, Part], tuple[Speaker, Part]]:
    return ("a", candidate.a), ("b", candidate.b)


def _read(
    listing: Listing,
    candidate: Candidate,
    recording_id: str,
    own: Mapping[Speaker, str],
    format: str,
    found: FoundWords,
) -> None:
    """Reads the transcripts of a recording as a run would; those that give no side any words are refused."""
    formats = {file: _format(listing, file) for file in set(own.values())}
    faults = dict[Speaker, str]()
    tracks = {
        side: Track(
            speaker_id=side,
            uri=str(listing.root / part.file),
            channel=part.channel,
            words_uri=str(listing.root / own[side]) if side in own else None,
        )
        for side, part in _parts(candidate)
    }
    try:
        read = read_transcripts(Recording(recording_id, tracks["a"], tracks["b"]), policy="optional", bear_faults=True)
        faults |= read.faults
    except RejectError as error:
        faults |= dict.fromkeys(own, error.detail)
    for file in sorted(set(own.values())):
        sides = [side for side in own if own[side] == file]
        good = [side for side in sides if side not in faults]
        fault = "" if good else faults[sides[0]]
        if format not in ("auto", formats[file]):
            fault = f"is {formats[file] or 'of no known format'} and not {format}; correct --words-format"
        if fault:
            told = fault.removeprefix(f"{listing.root / file}: ")
            found.refused.append(RefusedFile(file=file, reason="words_not_read", detail=told, recording=candidate.name))
            continue
        for side in set(sides) - set(good):
            found.halves[file] = f"track {side}: {faults[side].removeprefix(f'{listing.root / file}: ')}"
        found.formats[formats[file]] = found.formats.get(formats[file], 0) + 1
        found.files |= {(candidate.name, side): file for side in good}


def _format(listing: Listing, file: str) -> str:
    path = str(listing.root / file)
    try:
        return format_of(Source(read_words_bytes(path), path)) or ""
    except (TranscriptError, RejectError):
        return ""
