"""Finds in a folder which files make a recording: a stereo file, or two of which a pattern names recording and side."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from duologue_pipeline.errors import UsageError
from duologue_pipeline.intake.listing import Listing, composed
from duologue_pipeline.intake.look import channels_of
from duologue_pipeline.intake.model import RefusedFile

__all__ = ["Candidate", "Part", "find_pairs", "find_stereo", "globbed"]

_NAMED: Final = 6
"""So many names are listed in a message."""


@dataclass(frozen=True)
class Part:
    """Holds one side of a candidate: the file below the folder, its channel, and what the side is called, a first name first.

    ``role`` is what the user called it, None where nobody did.
    """

    file: str
    channel: int
    sides: tuple[str, ...]
    role: str | None


@dataclass(frozen=True)
class Candidate:
    """Holds files that make a recording: its name, and its sides, ``a`` first."""

    name: str
    a: Part
    b: Part

    @property
    def files(self) -> tuple[str, ...]:
        """Lists its audio files, each once."""
        return tuple(dict.fromkeys((self.a.file, self.b.file)))

    @property
    def aliases(self) -> tuple[tuple[str, ...], ...]:
        """Lists what people may call it, in groups, the most exact ones first: paths before names of files."""
        files = [composed(file) for file in self.files]
        names = [PurePosixPath(file).name for file in files]
        return (
            (self.name, *files),
            (PurePosixPath(self.name).name, *names, *(PurePosixPath(name).stem for name in names)),
        )


def find_stereo(
    listing: Listing, globs: Sequence[str], *, left: str | None, right: str | None
) -> tuple[list[Candidate], list[RefusedFile]]:
    """Takes each file that a glob names for a recording, its left channel (0) for ``a`` and its right one (1) for ``b``.

    Args:
        listing: of the folder.
        globs: as ``**/*.wav``, below the folder.
        left, right: what the sides are, e.g. agent; None where nobody says.

    Returns:
        The recordings, and the files that were matched and are none. Files that no glob names are in neither.

    Raises:
        UsageError: a glob cannot be one, or leads out of the folder.
    """
    chosen = globbed(listing, globs, option="--stereo")
    found: list[Candidate] = []
    refused: list[RefusedFile] = []
    names = _names(chosen)
    for file in chosen:
        try:
            channels = channels_of(listing.root / file)
        except ValueError as error:
            refused.append(RefusedFile(file=file, reason="not_readable", detail=str(error), recording=names[file]))
            continue
        if channels != 2:
            detail = f"has {channels} channel{'' if channels == 1 else 's'}; " + (
                "was it mixed down, or is it one side of a pair (--pairs)?"
                if channels == 1
                else "take the two apart that are the speakers'"
            )
            refused.append(RefusedFile(file=file, reason="not_two_channels", detail=detail, recording=names[file]))
            continue
        a = Part(file, 0, tuple(side for side in (left, "a", "left") if side), left)
        b = Part(file, 1, tuple(side for side in (right, "b", "right") if side), right)
        found.append(Candidate(names[file], a, b))
    return found, refused


def find_pairs(
    listing: Listing, pattern: str, *, left: str | None, right: str | None
) -> tuple[list[Candidate], list[RefusedFile]]:
    r"""Puts two files together of which a regular expression names the recording and the side.

    The expression has to match the whole path below the folder, or the whole name of the file; then the folder in which it lies
    belongs to the name of the recording.

    Args:
        listing: of the folder.
        pattern: with the groups ``recording`` and ``side``, e.g. ``(?P<recording>.+)_(?P<side>agent|caller)\.wav``.
        left, right: the sides that become ``a`` and ``b``; None: the two that a recording has, in alphabetical order. Where the sides
            are people, each recording has others.

    Returns:
        As :func:`find_stereo`.

    Raises:
        UsageError: the expression is none, lacks a group, matches nothing, or no recording has two sides.
    """
    matched = _matched(listing, pattern)
    if not matched:
        shown = ", ".join(listing.files[:3]) or "none"
        raise UsageError(
            f"--pairs {pattern}: matches none of the {len(listing.files)} files (such as {shown}); it has to match a whole path or name"
        )
    named = _two_sides(sorted({side for _, side in matched.values()}), left, right)
    groups: dict[str, dict[str, list[str]]] = {}
    refused: list[RefusedFile] = []
    for file, (recording, side) in matched.items():
        if named is not None and side not in named:
            detail = f"is of the side {side!r}, and the sides are {named[0]!r} and {named[1]!r}; name two with --left and --right"
            refused.append(RefusedFile(file=file, reason="side_not_named", detail=detail, recording=recording))
            continue
        groups.setdefault(recording, {}).setdefault(side, []).append(file)
    if named is None and not any(len(own) == 2 for own in groups.values()):
        sides = sorted({side for own in groups.values() for side in own})
        raise UsageError(
            f"--pairs finds {len(sides)} sides ({_listed(sides)}) and no recording of two; name them with --left and --right, or correct "
            "what the expression takes for recording and side"
        )
    found: list[Candidate] = []
    for recording, own in groups.items():
        sides = sorted(own) if named is None else list(named)
        fault = _count_fault(sides) if len(sides) != 2 else _pair_fault(own, *sides)
        if fault is None:
            a_side, b_side = sides
            (a_file,), (b_file,) = own[a_side], own[b_side]
            faults = _not_one_voice(listing.root, (a_file, b_file))
            if not faults:
                a = Part(a_file, 0, tuple(dict.fromkeys((a_side, "a"))), left)
                b = Part(b_file, 0, tuple(dict.fromkeys((b_side, "b"))), right)
                found.append(Candidate(recording, a, b))
                continue
        else:
            faults = {}
        for file in (file for files in own.values() for file in files):
            reason, detail = (
                fault or faults.get(file) or ("side_missing", f"the other side is refused: {next(iter(faults))}")
            )
            refused.append(RefusedFile(file=file, reason=reason, detail=detail, recording=recording))
    return found, refused


def globbed(listing: Listing, globs: Sequence[str], *, option: str) -> list[str]:
    """Lists the files of a folder that globs name, sorted.

    Raises:
        UsageError: a glob cannot be one, leads out of the folder, or matches nothing.
    """
    known = set(listing.files)
    chosen = set[str]()
    for glob in globs:
        if ".." in PurePosixPath(glob).parts:
            raise UsageError(f"{option} {glob}: is no pattern below the folder; write one as '**/*.wav', without '..'")
        try:
            paths = {path.relative_to(listing.root).as_posix() for path in listing.root.glob(glob)}
        except (NotImplementedError, ValueError, IndexError) as error:
            raise UsageError(
                f"{option} {glob}: is no pattern below the folder ({error}); write one as '**/*.wav'"
            ) from None
        if not paths & known:
            deeper = "" if "**" in glob else f"; to look into folders too, write '**/{glob}'"
            raise UsageError(f"{option} {glob}: matches none of the {len(known)} files{deeper}")
        chosen |= paths & known
    return sorted(chosen)


def _two_sides(sides: Sequence[str], left: str | None, right: str | None) -> tuple[str, str] | None:
    """Gives the two sides that all recordings have; None where each has its own, as where the sides are people."""
    if (left is None) is not (right is None):
        raise UsageError("--left and --right name the two sides: give both, or none")
    if left is not None and right is not None:
        missing = [side for side in (left, right) if side not in sides]
        if missing or left == right:
            told = f"no file is of the side {missing[0]!r}" if missing else "they are the same"
            raise UsageError(f"--left {left} --right {right}: {told}; the sides found are {_listed(sides)}")
        return left, right
    return (sides[0], sides[1]) if len(sides) == 2 else None


def _count_fault(sides: Sequence[str]) -> tuple[str, str]:
    if len(sides) == 1:
        return "side_missing", f"there is no file of another side than {sides[0]!r}"
    return "side_not_named", (
        f"{len(sides)} sides are found ({_listed(sides)}) where a conversation has two; name two with --left and --right"
    )


def _pair_fault(own: dict[str, list[str]], a_side: str, b_side: str) -> tuple[str, str] | None:
    for side in (a_side, b_side):
        if len(own.get(side, ())) > 1:
            return "side_twice", f"{len(own[side])} files are of the side {side!r}: {_listed(own[side])}; leave one"
    for side in (a_side, b_side):
        if side not in own:
            return "side_missing", f"there is no file of the side {side!r}"
    return None


def _not_one_voice(root: Path, files: Iterable[str]) -> dict[str, tuple[str, str]]:
    faults = {}
    for file in files:
        try:
            channels = channels_of(root / file)
        except ValueError as error:
            faults[file] = "not_readable", str(error)
            continue
        if channels != 1:
            detail = f"has {channels} channels; if both hold the same voice, mix them down to one, else use --stereo"
            faults[file] = "not_one_channel", detail
    return faults


def _matched(listing: Listing, pattern: str) -> dict[str, tuple[str, str]]:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise UsageError(f"--pairs {pattern}: is no regular expression ({error})") from None
    missing = [name for name in ("recording", "side") if name not in compiled.groupindex]
    if missing:
        groups = " and ".join(f"(?P<{name}>...)" for name in missing)
        raise UsageError(
            f"--pairs {pattern}: lacks {groups}; write it as '(?P<recording>.+)_(?P<side>agent|caller)\\.wav'"
        )
    found = {}
    for file in listing.files:
        path = PurePosixPath(composed(file))
        match, folder = compiled.fullmatch(str(path)), ""
        if match is None and (match := compiled.fullmatch(path.name)) is not None:
            folder = "" if str(path.parent) == "." else f"{path.parent}/"
        if match is not None and match["recording"] and match["side"]:
            found[file] = folder + match["recording"], match["side"]
    return found


def _names(files: Iterable[str]) -> dict[str, str]:
    """Names recordings by their paths without the suffix; with it where two would have one name."""
    stems = {file: composed(str(PurePosixPath(file).with_suffix(""))) for file in files}
    counts = Counter(stems.values())
    return {file: composed(file) if counts[stem] > 1 else stem for file, stem in stems.items()}


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:_NAMED])) + (", ..." if len(names) > _NAMED else "")
