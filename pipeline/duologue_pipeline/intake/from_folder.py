"""Takes a folder of recordings in: finds them, completes them as the user says, and accounts for every file."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from duologue_pipeline.errors import UsageError
from duologue_pipeline.intake.candidates import Candidate, find_pairs, find_stereo, globbed
from duologue_pipeline.intake.complete import Said, UnknownError, complete
from duologue_pipeline.intake.ids import recording_ids
from duologue_pipeline.intake.listing import Listing, list_folder
from duologue_pipeline.intake.model import FoundRecording, Intake, RefusedFile
from duologue_pipeline.intake.speakers import read_speaker_map
from duologue_pipeline.intake.tables import read_table
from duologue_pipeline.intake.words import FoundWords, find_words

__all__ = ["FolderRequest", "from_folder"]


@dataclass(frozen=True, kw_only=True)
class FolderRequest:
    """Holds what the user asks of a folder: the options of ``duologue manifest from-folder``.

    Exactly one of ``stereo`` (globs) and ``pairs`` (a regular expression) is given; ``speakers`` is the path of the map.

    Raises:
        UsageError: both or neither are.
    """

    folder: Path
    out: Path
    stereo: tuple[str, ...] = ()
    pairs: str | None = None
    left: str | None = None
    right: str | None = None
    speakers: str | None = None
    words: tuple[str, ...] = ()
    words_format: str = "auto"
    hashed_ids: bool = False

    def __post_init__(self) -> None:
        if bool(self.stereo) == (self.pairs is not None):
            raise UsageError(
                "say how the two speakers lie in the files: --stereo '**/*.wav' for one file with a channel each, or --pairs "
                "'(?P<recording>.+)_(?P<side>agent|caller)\\.wav' for a file each"
            )


def from_folder(request: FolderRequest, said: Said) -> Intake:
    """Finds the recordings of a folder; writes nothing.

    Args:
        request: what is looked for.
        said: what the user says of all recordings; its map is read here, where the request names one.

    Raises:
        UsageError: nothing is found, or what the user says contradicts itself.
    """
    listing = list_folder(request.folder, without=request.out)
    other = _other(listing, request)
    transcripts = set(globbed(listing, request.words, option="--words")) - set(other)
    candidates, refused = _candidates(replace(listing, files=_without(listing, {*other, *transcripts})), request)
    if request.speakers is not None:
        people = read_speaker_map(
            read_table(request.speakers), _sides(candidates, request), shared=_shared_names(candidates)
        )
        said = replace(said, speakers=people)
    ids = recording_ids({candidate.name for candidate in candidates}, hashed=request.hashed_ids)
    words = find_words(listing, sorted(transcripts), candidates, ids, format=request.words_format)
    recordings: list[FoundRecording] = []
    for candidate in candidates:
        try:
            recordings.append(complete(candidate, listing.root, said, words.files))
        except UnknownError as error:
            own = {file for (name, _), file in words.files.items() if name == candidate.name}
            refused += [
                RefusedFile(file=file, reason=error.reason, detail=str(error), recording=candidate.name)
                for file in (*candidate.files, *sorted(own))
            ]
    refused += words.refused
    known = {file for each in recordings for file in each.files} | {each.file for each in refused} | set(other)
    option = "--stereo" if request.stereo else "--pairs"
    refused += [
        RefusedFile(file=file, reason="not_matched", detail=f"{option} does not name it, nor does --words")
        for file in _without(listing, known)
    ]
    return Intake(
        source=f"the folder {request.folder.resolve().name}",
        unit="files",
        looked_at=listing.looked_at,
        recordings=tuple(recordings),
        refused=(*listing.refused, *refused),
        other={"the map of speakers": len(other)} if other else {},
        notes=tuple(_notes(request, candidates, said, words)),
    )


def _without(listing: Listing, files: Collection[str]) -> tuple[str, ...]:
    return tuple(file for file in listing.files if file not in files)


def _candidates(listing: Listing, request: FolderRequest) -> tuple[list[Candidate], list[RefusedFile]]:
    if request.pairs is not None:
        return find_pairs(listing, request.pairs, left=request.left, right=request.right)
    return find_stereo(listing, request.stereo, left=request.left, right=request.right)


def _shared_names(candidates: Sequence[Candidate]) -> set[str]:
    """Lists the names to which several recordings answer, as where each folder has a call-1."""
    counts = Counter(name for each in candidates for name in {name for group in each.aliases for name in group})
    return {name for name, count in counts.items() if count > 1}


def _sides(candidates: Sequence[Candidate], request: FolderRequest) -> list[str]:
    """Lists what a map may call the sides."""
    found = {side for each in candidates for part in (each.a, each.b) for side in part.sides}
    given = [side for side in (request.left, request.right) if side]
    return list(dict.fromkeys((*sorted({"a", "b"} | found), *given)))


def _other(listing: Listing, request: FolderRequest) -> list[str]:
    """Names the files of the folder that are used for something else."""
    if request.speakers is None:
        return []
    path = Path(request.speakers).resolve()
    inside = path.relative_to(listing.root).as_posix() if path.is_relative_to(listing.root) else ""
    return [inside] if inside in listing.files else []


def _notes(request: FolderRequest, candidates: Sequence[Candidate], said: Said, words: FoundWords) -> list[str]:
    notes = []
    sides = {each.sides[0] for candidate in candidates for each in (candidate.a, candidate.b)}
    if request.pairs is not None and len(sides) > 2:
        notes.append(
            f"The sides are called by {len(sides)} names; in each recording the first of its two by the alphabet is track a. If they should "
            "be roles, correct the names that are misspelt, or name the two with --left and --right."
        )
    if said.speakers is not None and (left := said.speakers.not_used):
        notes.append(f"{len(left)} recordings of {said.speakers.name} are not in the folder, such as {left[0]!r}.")
    if words.formats:
        told = ", ".join(f"{count} {name or 'words'}" for name, count in sorted(words.formats.items()))
        notes.append(f"Transcripts by format: {told}.")
    if words.halves:
        first = min(words.halves)
        notes.append(
            f"{len(words.halves)} transcripts give the words of one track alone, such as {first} ({words.halves[first]})."
        )
    return notes
