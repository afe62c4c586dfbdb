"""Finds backchannels in words: short responses such as "uh-huh" that a listener gives while the other one talks.

They take no turn, so events must know them before they speak of turns and interruptions. The words of both speakers,
and their times, decide.

An inter-pausal unit (IPU) of one speaker is a backchannel if

1. it is short, and all its words are phrases of the lexicon ("yeah", "oh okay", "uh-huh uh-huh"; laughter may stand
   between them);
2. it does not hang on to an own turn: the own IPU before it ends some time before, or is a backchannel by 1 as well, or
   no speech (laughter, noise);
3. the other speaker has the floor: speaks at its onset, or did so until shortly before;
4. it is no answer: while the other does not go on speaking, neither units with an answer word ("yes", "oh yes") count
   nor any after a question that asks for a yes or no ("do you like it" - "yeah").

The definition is that of Yngve (1970) and Ward & Tsukahara (2000): a response to the other's ongoing talk that does not
take the turn; the types are told apart by their words (duologue_pipeline.words.lexicon.BACKCHANNEL_TYPES).

Where the language has no lexicon, or nobody knows the words of an IPU, only timing is left. An IPU is then a
backchannel, of no type, if it is brief and stands apart from all other speech of its speaker, and the other one has the
floor: has spoken for some time shortly before it, and goes on over its end or is the next to speak, soon.

The confidence of a backchannel is how often people agree with it. What says most is its type, or how long it is where
only timing tells, and whether own talk is near.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.backchannel_words import BackchannelWordsRules
from duologue_pipeline.transcripts.spoken import UNHEARD
from duologue_pipeline.words.ipu_ranges import ipu_ranges
from duologue_pipeline.words.lexicon import BACKCHANNEL_TYPES, Lexicon, phrase_end
from duologue_pipeline.words.track import TrackWords

__all__ = ["BackchannelIpu", "backchannel_ipus"]

# A mixed unit is named after the type that says most: "oh yeah" is a reaction, "yeah uh-huh" an acknowledgement.
_BY_WEIGHT: Final = ("assessment", "reaction", "acknowledgement", "continuer")

_Pieces = Mapping[tuple[str, ...], str]
"""The type of each phrase; of single characters where a script has no spaces."""


@dataclass(frozen=True)
class BackchannelIpu:
    """Holds an IPU that is a backchannel, and when it is said.

    Its words are ``[start, end)`` of the speaker's words. ``type`` is one of
    :data:`duologue_pipeline.words.lexicon.BACKCHANNEL_TYPES`, empty where only timing tells. ``confidence``, in [0, 1],
    is the share of such units that people take for backchannels.
    """

    type: str
    start: int
    end: int
    start_ms: int
    end_ms: int
    confidence: float


@dataclass(frozen=True)
class _Unit:
    """Holds an IPU: its words in normal form, without laughter and noise, and its type by these words alone.

    It is unsure where all of its words are.
    """

    first: int
    last: int
    start_ms: int
    end_ms: int
    spoken: tuple[str, ...]
    type: str
    is_unsure: bool

    @property
    def is_turn(self) -> bool:
        return bool(self.spoken) and not self.type

    @property
    def is_unknown(self) -> bool:
        """Tells whether somebody spoke and nobody knows the words."""
        return bool(self.spoken) and not any(self.spoken)


class _Other:
    """Tells when the other speaker is heard: IPUs as ``(start_ms, end_ms)``, sorted and disjoint."""

    def __init__(self, ipus: Sequence[tuple[int, int]]) -> None:
        self._ipus = ipus

    def heard_ms(self, before_ms: int) -> int | None:
        """Gives the end of the latest IPU that began before then; None if there is none."""
        begun = bisect_left(self._ipus, (before_ms, 0))
        return self._ipus[begun - 1][1] if begun else None

    def next_ms(self, from_ms: int) -> int | None:
        """Gives when the next IPU begins, then or later; None if there is none."""
        begun = bisect_left(self._ipus, (from_ms, 0))
        return self._ipus[begun][0] if begun < len(self._ipus) else None

    def goes_on(self, at_ms: int) -> bool:
        """Tells whether the other speaks before and after then."""
        heard_ms = self.heard_ms(at_ms)
        return heard_ms is not None and heard_ms > at_ms

    def spoken_ms(self, from_ms: int, until_ms: int) -> int:
        """Counts the milliseconds in which the other speaks."""
        spoken_ms = 0
        for place in range(bisect_left(self._ipus, (until_ms, 0)) - 1, -1, -1):
            start_ms, end_ms = self._ipus[place]
            if end_ms <= from_ms:
                break
            spoken_ms += min(end_ms, until_ms) - max(start_ms, from_ms)
        return spoken_ms


def backchannel_ipus(
    own: TrackWords,
    other: TrackWords,
    *,
    assessments: bool = False,
    rules: BackchannelWordsRules | None = None,
) -> list[BackchannelIpu]:
    """Finds the backchannels of one speaker in the words of both.

    Args:
        own: words of the speaker, whose lexicon decides. With the lexicon ``none`` only timing tells, and of IPUs of
            empty words, which stand for speech that nobody has written down.
        other: words of the other speaker.
        assessments: also units with assessments in them ("wow", "that's great").
        rules: the rule set ``backchannel_words``, the packaged one if None.

    Returns:
        In order of time.
    """
    rules = load_rules(BackchannelWordsRules) if rules is None else rules
    pieces = _pieces(own.lexicon, [kind for kind in BACKCHANNEL_TYPES if assessments or kind != "assessment"])
    units = [_unit(own, first, last, pieces, rules) for first, last in ipu_ranges(own.words, rules.ipu_silence_ms)]
    heard = _Other(
        [
            (other.words[first].start_ms, max(word.end_ms for word in other.words[first:last]))
            for first, last in ipu_ranges(other.words, rules.ipu_silence_ms)
        ]
    )
    found = []
    for i, unit in enumerate(units):
        before, after = units[i - 1] if i else None, units[i + 1] if i + 1 < len(units) else None
        if unit.is_unknown or not pieces:
            is_one = _sounds_like_one(unit, before, after, heard, rules)
        else:
            is_one = (
                bool(unit.type)
                and not (before and before.is_turn and unit.start_ms - before.end_ms < rules.own_turn_before_ms)
                and heard.spoken_ms(unit.start_ms - rules.other_silent_before_ms, unit.end_ms) > 0
                and (heard.goes_on(unit.end_ms) or not _is_answer(unit, other, own.lexicon, rules))
            )
            if not is_one and unit.is_unsure:  # such words may say that it is one, never that it is none
                unit = replace(unit, spoken=("",), type="")
                is_one = _sounds_like_one(unit, before, after, heard, rules)
        if is_one:
            confidence = _confidence(unit, before, after, rules)
            found.append(BackchannelIpu(unit.type, unit.first, unit.last, unit.start_ms, unit.end_ms, confidence))
    return found


def _unit(track: TrackWords, first: int, last: int, pieces: _Pieces, rules: BackchannelWordsRules) -> _Unit:
    start_ms, end_ms = track.words[first].start_ms, max(word.end_ms for word in track.words[first:last])
    places = [i for i in range(first, last) if not _is_noise(track, i)]
    spoken = tuple(track.normals[i] for i in places)
    if not places and UNHEARD in track.normals[first:last]:
        spoken = ("",)
    short = 0 < len(spoken) <= rules.max_words and end_ms - start_ms <= rules.max_ms
    kind = _type_of(spoken, pieces, track.lexicon.spaces) if short else ""
    is_unsure = bool(places) and all("unsure" in track.words[i].marks for i in places)
    return _Unit(first, last, start_ms, end_ms, spoken, kind, is_unsure)


def _is_noise(track: TrackWords, i: int) -> bool:
    """Tells whether a token is no speech: laughter without a word, ``[noise]``, ``<breath>``, ``¿``; an empty word is some speech."""
    if track.words[i].word and not track.normals[i]:
        return True
    return track.normals[i][:1] in ("[", "<", "(") or (
        track.laughter[i] and not track.words[i].word.lower().startswith("[laughter-")
    )


def _pieces(lexicon: Lexicon, types: Sequence[str]) -> _Pieces:
    """Gives the type of each phrase of the lexicon, the weightiest if it has several."""
    return {
        (phrase if lexicon.spaces else tuple("".join(phrase))): kind
        for kind in reversed(_BY_WEIGHT)
        if kind in types
        for phrase in lexicon.backchannels.get(kind, ())
    }


def _type_of(spoken: Sequence[str], phrases: _Pieces, spaces: bool) -> str:
    """Finds the weightiest type among the phrases that the words are made of; empty if they are made of none."""
    pieces: Sequence[str] = spoken if spaces else list("".join(spoken))
    reached: list[set[str] | None] = [set(), *[None] * len(pieces)]  # the types up to here, None: not made of phrases
    for at in range(len(pieces)):
        so_far = reached[at]
        if so_far is None:
            continue
        for phrase, kind in phrases.items():
            end = phrase_end(pieces, at, phrase)
            if end is not None and reached[end] is None:
                reached[end] = so_far | {kind}
    kinds = reached[-1] or set()
    return next((kind for kind in _BY_WEIGHT if kind in kinds), "")


def _is_answer(unit: _Unit, other: TrackWords, lexicon: Lexicon, rules: BackchannelWordsRules) -> bool:
    if unit.spoken in lexicon.answers or any((word,) in lexicon.answers for word in unit.spoken):
        return True
    asked: list[int] = []
    for i in reversed(range(bisect_left(other.words, unit.start_ms, key=lambda word: word.start_ms))):
        reach_ms = rules.ipu_silence_ms if asked else rules.question_before_ms + 1
        next_ms = other.words[asked[0]].start_ms if asked else unit.start_ms
        if other.words[i].end_ms > unit.start_ms:
            continue
        if next_ms - other.words[i].end_ms >= reach_ms or len(asked) == rules.question_max_words:
            break
        asked.insert(0, i)
    return _is_question([other.normals[i] for i in asked], lexicon)


def _is_question(heard: Sequence[str], lexicon: Lexicon) -> bool:
    """Tells whether words ask for a yes or no, as far as words without punctuation can tell."""
    if any(tuple(heard[: len(begin)]) == begin for begin in lexicon.question_begins):
        return True
    space = " " if lexicon.spaces else ""
    return (space + space.join(heard)).endswith(tuple(space + space.join(end) for end in lexicon.question_ends))


def _sounds_like_one(
    unit: _Unit, before: _Unit | None, after: _Unit | None, other: _Other, rules: BackchannelWordsRules
) -> bool:
    """Tells by timing alone whether the unit is a backchannel."""
    next_ms = other.next_ms(unit.end_ms)
    speaks_next = (
        next_ms is not None
        and next_ms - unit.end_ms <= rules.timing_resume_ms
        and (after is None or next_ms <= after.start_ms)
    )
    return (
        bool(unit.spoken)
        and sum(len(word) > 1 for word in unit.spoken) <= rules.timing_max_words
        and unit.end_ms - unit.start_ms <= rules.timing_max_ms
        and (before is None or unit.start_ms - before.end_ms >= rules.timing_lone_before_ms)
        and (after is None or after.start_ms - unit.end_ms >= rules.timing_lone_after_ms)
        and other.spoken_ms(unit.start_ms - rules.timing_other_within_ms, unit.start_ms) >= rules.timing_other_spoke_ms
        and (other.goes_on(unit.end_ms) or speaks_next)
    )


def _confidence(unit: _Unit, before: _Unit | None, after: _Unit | None, rules: BackchannelWordsRules) -> float:
    """Looks up how often people agree: by the type, or the length without one, and whether own talk is near."""
    table = rules.confidences
    own = [each for each in (before, after) if each is not None and (each.is_turn or not unit.type)]
    near = any(max(unit.start_ms - each.end_ms, each.start_ms - unit.end_ms) < table.near_ms for each in own)
    if not unit.type:
        cell = table.brief if unit.end_ms - unit.start_ms <= table.brief_ms else table.long
    elif unit.type == "continuer":
        cell = table.continuer
    else:
        cell = table.acknowledgement if unit.type == "acknowledgement" else table.reaction
    return cell.near if near else cell.apart
