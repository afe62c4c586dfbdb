"""Finds the disfluencies of a speaker in words: what is said that the sentence can do without.

It gives them word by word, as tags, and as events.

Shriberg (1994) takes a disfluency apart into the **reparandum** (what is taken back), the **interregnum** (edit terms
between: ``uh``, ``i mean``) and the **repair** (what takes its place)::

    we went to [ the + uh, i mean, my ] house
                 reparandum  interregnum  repair

Kinds of :class:`Disfluency` (the classes of Full-Duplex-Bench v3):

- ``filler``: filled pauses outside of an interregnum (Clark & Fox Tree 2002);
- ``hesitation``: an own silence after a word that cannot end a phrase, or such a word drawn out (rules:
  ``hesitation_min_ms``, ``drawn_out_min_ms``);
- ``repetition``: the repair is the reparandum again, or completes its fragment;
- ``self_correction``: the repair takes up words of the reparandum and says others otherwise;
- ``false_start``: nothing takes the place of the reparandum.

Which words are edit terms is told by :mod:`duologue_pipeline.words.edit_terms`, what is taken back by
:mod:`duologue_pipeline.words.repairs`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from duologue_pipeline.records import Word
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.disfluency import DisfluencyRules
from duologue_pipeline.words.edit_terms import edit_terms, filled_pauses
from duologue_pipeline.words.lexicon import is_fragment
from duologue_pipeline.words.repairs import Repair, find_repairs
from duologue_pipeline.words.track import TrackWords

__all__ = ["TAGS", "Disfluency", "Kind", "WordTags", "find_disfluencies", "tag_words", "tags_and_disfluencies"]

Kind = Literal["filler", "hesitation", "repetition", "false_start", "self_correction"]
WordTags = tuple[str, ...]
"""The tags of one word, in the order of :data:`TAGS`."""

TAGS: Final = (
    "filler",
    "edit_term",
    "reparandum",
    "interregnum",
    "repair",
    "partial",
    "backchannel",
    "laughter",
    "noise",
    "unsure",
    "untimed",
)
"""The tags of a word. All are given here but ``backchannel``, which an annotation gives by the roles of the floor.

``noise`` and ``unsure`` are marks of the transcript, ``unsure`` also of recognised words; ``untimed`` says that the times are not the word's own."""

_CANNOT_END: Final = ("article", "place", "nominative")


@dataclass(frozen=True)
class Disfluency:
    """Holds one disfluency: its kind, its time and its parts.

    All ranges are half-open ranges of word indices, None where there is no such part. ``edit_terms`` are the indices of
    the edit terms in it. A silent hesitation has no words: ``start_ms`` and ``end_ms`` say when it is.
    """

    kind: Kind
    start_ms: int
    end_ms: int
    reparandum: tuple[int, int] | None = None
    interregnum: tuple[int, int] | None = None
    repair: tuple[int, int] | None = None
    edit_terms: tuple[int, ...] = ()


@dataclass(frozen=True)
class _Reading:
    """Holds the words of a speaker as the rules see them."""

    track: TrackWords
    filler: Sequence[bool]
    edit: Sequence[bool]
    repairs: Sequence[Repair]

    @property
    def words(self) -> Sequence[Word]:
        return self.track.words

    @property
    def normals(self) -> Sequence[str]:
        return self.track.normals


def tag_words(track: TrackWords, *, rules: DisfluencyRules | None = None) -> list[WordTags]:
    """Tags each word of a speaker with what it is in a disfluency.

    Args:
        track: their words (:func:`duologue_pipeline.words.track.track_words`).
        rules: the rule set ``disfluency``, the packaged one if None.

    Returns:
        For each word, in their order, any of :data:`TAGS` but ``backchannel``.
    """
    return _tags(_read(track, load_rules(DisfluencyRules) if rules is None else rules))


def find_disfluencies(track: TrackWords, *, rules: DisfluencyRules | None = None) -> list[Disfluency]:
    """Finds the disfluencies of one speaker.

    Args:
        track: their words.
        rules: the rule set ``disfluency``, the packaged one if None.

    Returns:
        In order of start and end.
    """
    rules = load_rules(DisfluencyRules) if rules is None else rules
    return _disfluencies(_read(track, rules), rules)


def tags_and_disfluencies(track: TrackWords) -> tuple[list[WordTags], list[Disfluency]]:
    """Gives what :func:`tag_words` and :func:`find_disfluencies` give, at the cost of one of them."""
    rules = load_rules(DisfluencyRules)
    read = _read(track, rules)
    return _tags(read), _disfluencies(read, rules)


def _tags(read: _Reading) -> list[WordTags]:
    tags: list[set[str]] = [set() for _ in read.words]
    for i, normal in enumerate(read.normals):
        if read.filler[i]:
            tags[i].add("filler")
        if read.edit[i]:
            tags[i].add("edit_term")
        if is_fragment(normal):
            tags[i].add("partial")
        if read.track.laughter[i]:
            tags[i].add("laughter")
        tags[i].update(read.words[i].marks)
        if read.words[i].timing != "word":
            tags[i].add("untimed")
    for repair in read.repairs:
        for i in range(repair.start, repair.interruption):
            if not read.edit[i]:
                tags[i].add("reparandum")
        for i in range(repair.interruption, repair.resumption):
            tags[i].add("interregnum")
        for i in range(repair.resumption, repair.end):
            if not read.edit[i]:
                tags[i].add("repair")
    return [tuple(tag for tag in TAGS if tag in each) for each in tags]


def _disfluencies(read: _Reading, rules: DisfluencyRules) -> list[Disfluency]:
    found = [*(_disfluency(read, repair) for repair in read.repairs), *_fillers(read), *_hesitations(read, rules)]
    return sorted(found, key=lambda each: (each.start_ms, each.end_ms, each.kind))


def _read(track: TrackWords, rules: DisfluencyRules) -> _Reading:
    filler = filled_pauses(track, rules=rules)
    edit = edit_terms(track, filler, rules=rules)
    # Tokens such as [laughter] stand between words without being any: repairs reach across them as across edit terms.
    skipped = [edit[i] or not spoken for i, spoken in enumerate(track.spoken)]
    return _Reading(track, filler, edit, find_repairs(track, skipped, rules=rules))


def _disfluency(read: _Reading, repair: Repair) -> Disfluency:
    between = (repair.interruption, repair.resumption)
    return Disfluency(
        kind=_kind(read, repair),
        start_ms=read.words[repair.start].start_ms,
        end_ms=max(read.words[i].end_ms for i in range(repair.start, max(repair.end, repair.interruption))),
        reparandum=(repair.start, repair.interruption),
        interregnum=between if between[0] < between[1] else None,
        repair=(repair.resumption, repair.end) if repair.resumption < repair.end else None,
        edit_terms=tuple(i for i in range(repair.start, max(repair.end, repair.resumption)) if read.edit[i]),
    )


def _kind(read: _Reading, repair: Repair) -> Kind:
    if repair.sign == "repetition":
        return "repetition"
    if repair.sign in ("abandoned", "restart"):
        return "false_start"
    if repair.sign == "fragment":
        taken_back, instead = (
            [read.normals[i] for i in range(*part) if not read.edit[i]]
            for part in ((repair.start, repair.interruption), (repair.resumption, repair.end))
        )
        again = taken_back[:-1] == instead[: len(taken_back) - 1]
        if again and instead[len(taken_back) - 1 :] and instead[-1].startswith(taken_back[-1].rstrip("-")):
            return "repetition"
        if len(taken_back) == 1:
            return "false_start"
    return "self_correction"


def _fillers(read: _Reading) -> list[Disfluency]:
    inside = {i for repair in read.repairs for i in range(repair.interruption, repair.resumption)}
    return [
        Disfluency("filler", word.start_ms, word.end_ms, edit_terms=(i,))
        for i, word in enumerate(read.words)
        if read.filler[i] and i not in inside
    ]


def _hesitations(read: _Reading, rules: DisfluencyRules) -> list[Disfluency]:
    """Finds silent and drawn-out hesitations, where the speaker must still have something to say."""
    classes = read.track.lexicon.word_classes
    waiting = frozenset().union(*(classes.get(name, frozenset()) for name in _CANNOT_END))
    found = []
    for i, (word, normal) in enumerate(zip(read.words, read.normals, strict=True)):
        if normal not in waiting:
            continue
        if word.end_ms - word.start_ms >= rules.drawn_out_min_ms:
            found.append(Disfluency("hesitation", word.start_ms, word.end_ms))
        if i + 1 == len(read.words):
            continue
        silence_ms = read.words[i + 1].start_ms - word.end_ms
        if rules.hesitation_min_ms <= silence_ms <= rules.hesitation_max_ms:
            found.append(Disfluency("hesitation", word.end_ms, read.words[i + 1].start_ms))
    return found
