"""Sorts the files of a corpus by its rules: which are tracks, transcripts and tables, and of which recording."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from duologue_pipeline.corpora.adapter import Adapter, FileRule
from duologue_pipeline.errors import UsageError
from duologue_pipeline.intake.listing import composed, list_folder
from duologue_pipeline.intake.model import RefusedFile

__all__ = ["BOTH", "Arranged", "Parts", "arrange", "sides_of"]

BOTH = ""
"""The side of a file that is of both."""


@dataclass
class Parts:
    """Holds the files of one recording, by their names in the account.

    Attributes:
        name: what the corpus calls the recording.
        audio: side as the files name it, or :data:`BOTH` -> its files.
        words: the same of transcripts, with the place of their rule: a lower one is the better transcript.
        metadata: documents about it.
        said: what the names of its files say, such as ``a.speaker_id``.
        people: whether the sides are people, in no order but that of their names.
    """

    name: str
    audio: dict[str, list[str]] = field(default_factory=dict)
    words: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    metadata: list[tuple[str, FileRule]] = field(default_factory=list)
    said: dict[str, str] = field(default_factory=dict)
    people: bool = False

    @property
    def files(self) -> list[str]:
        """Lists all of its files, those of the audio first."""
        return [
            *(file for own in self.audio.values() for file in own),
            *(file for own in self.words.values() for _, file in own),
            *(file for file, _ in self.metadata),
        ]


@dataclass
class Arranged:
    """Holds a corpus, sorted.

    Attributes:
        recordings: by their name.
        tables: the tables of many recordings, with their rules.
        shared_words: transcripts of many recordings, with their rules.
        other: how many files are used otherwise, by what they are.
        refused: the files that are none of these.
        paths: name of a file in the account -> where it lies.
        looked_at: how many files there are.
    """

    recordings: dict[str, Parts] = field(default_factory=dict)
    tables: list[tuple[str, FileRule]] = field(default_factory=list)
    shared_words: list[tuple[str, FileRule]] = field(default_factory=list)
    other: Counter[str] = field(default_factory=Counter)
    refused: list[RefusedFile] = field(default_factory=list)
    paths: dict[str, Path] = field(default_factory=dict)
    looked_at: int = 0


def arrange(adapter: Adapter, root: Path, transcripts: Path | None, out: Path) -> Arranged:
    """Lists the folders of a corpus and sorts their files.

    Args:
        adapter: whose rules are asked.
        root: the folder of the corpus.
        transcripts: another folder, where they lie apart from the audio; its files are called ``transcripts:...`` in the account.
        out: is left out where it lies within.

    Raises:
        UsageError: a folder cannot be listed, one lies within the other, or none of the files is as this corpus has them.
    """
    arranged = Arranged()
    rules = [(place, rule, re.compile(rule.pattern)) for place, rule in enumerate(adapter.files)]
    for folder, prefix in _folders(root, transcripts):
        listing = list_folder(folder, without=out)
        arranged.looked_at += listing.looked_at
        arranged.refused += [
            RefusedFile(file=prefix + each.file, reason=each.reason, detail=each.detail) for each in listing.refused
        ]
        for file in listing.files:
            arranged.paths[prefix + file] = listing.root / file
            found = _first(rules, composed(file))
            if found is None:
                detail = f"no rule of `{adapter.name}` names it: of {adapter.title} there are: {adapter.tracks}"
                arranged.refused.append(RefusedFile(file=prefix + file, reason="not_matched", detail=detail))
            else:
                _put(arranged, prefix + file, *found)
    if not any(parts.audio for parts in arranged.recordings.values()):
        raise UsageError(
            f"{root}: no audio in it is named as {adapter.title} names its files, such as {_example(adapter)}; "
            f"it needs: {adapter.needs}"
        )
    return arranged


def sides_of(parts: Parts) -> dict[str, str]:
    """Gives what the files call the sides -> ``a`` and ``b``.

    Raises:
        ValueError: they are not two.
    """
    if BOTH in parts.audio:
        return {}
    if not parts.people:
        return {side: side for side in parts.audio}
    if len(parts.audio) != 2:
        raise ValueError(f"has {len(parts.audio)} people with a track; only conversations of two are taken")
    return dict(zip(sorted(parts.audio), "ab", strict=True))


def _folders(root: Path, transcripts: Path | None) -> Iterator[tuple[Path, str]]:
    yield root, ""
    if transcripts is None:
        return
    if not transcripts.is_dir():
        raise UsageError(f"{transcripts}: there is no such folder; name the folder that holds the transcripts")
    one, other = root.resolve(), transcripts.resolve()
    if one == other or one in other.parents:
        return
    if other in one.parents:
        raise UsageError(f"{transcripts}: holds {root}; name the outer folder alone, for both are found in it")
    yield transcripts, "transcripts:"


def _first(
    rules: Sequence[tuple[int, FileRule, re.Pattern[str]]], file: str
) -> tuple[int, FileRule, Mapping[str, str]] | None:
    for place, rule, pattern in rules:
        if found := pattern.fullmatch(file):
            return place, rule, {name: value for name, value in found.groupdict().items() if value is not None}
    return None


def _put(arranged: Arranged, file: str, place: int, rule: FileRule, groups: Mapping[str, str]) -> None:
    if rule.use == "other":
        arranged.other[rule.what] += 1
        return
    if rule.use == "refuse":
        arranged.refused.append(RefusedFile(file=file, reason="not_readable", detail=rule.what))
        return
    if rule.use == "table":
        arranged.tables.append((file, rule))
        return
    if rule.use == "shared-words":
        arranged.shared_words.append((file, rule))
        return
    name = rule.recording.format(**groups)
    parts = arranged.recordings.setdefault(name, Parts(name))
    said = groups.get("side", BOTH)
    side = rule.sides.get(said, said)
    parts.people = parts.people or (rule.use == "side" and not rule.sides)
    if rule.side_is_speaker and side:
        parts.said[f"{side}.speaker_id"] = side
    for own in "ab":
        if f"speaker_{own}" in groups:
            parts.said[f"{own}.speaker_id"] = groups[f"speaker_{own}"]
    if "started" in groups and rule.use != "words":
        parts.said["started_at"] = f"{rule.started}\n{groups['started']}"
    if rule.use == "metadata":
        parts.metadata.append((file, rule))
    elif rule.use == "words":
        parts.words.setdefault(side, []).append((place, file))
    else:
        parts.audio.setdefault(BOTH if rule.use == "stereo" else side, []).append(file)


def _example(adapter: Adapter) -> str:
    return next(rule.example for rule in adapter.files if rule.use in ("stereo", "side"))
