"""Finds backchannels in words: short responses such as "uh-huh" that a listener gives while the other one talks.

They take no turn, so events must know them before they speak of turns and interruptions. The words of both speakers,
and their times, decide.

An inter-pausal unit (IPU) of one speaker is a backchannel if

1. it is short, and all its words are phrases of the lexicon ("yeah", "oh okay", "uh-huh uh-huh"; laughter may stand
   between them);
2. it does not hang on to an own turn: no other own IPU ends shortly before or begins shortly after, unless that is a
   backchannel by 1 as well, or no speech (laughter, noise);
3. the other speaker has the floor: speaks at its onset, or did so until shortly before;
4. it is no answer: the other's last words are not a question that the word would answer ("do you like it" - "yeah"),
   and units with an answer word ("yes", "oh yes") count only while the other goes on speaking.

The definition is that of Yngve (1970) and Ward & Tsukahara (2000): a response to the other's ongoing talk that does not
take the turn; the types are told apart by their words (duologue_pipeline.words.lexicon.BACKCHANNEL_TYPES).

Where the language has no lexicon only timing is left. An IPU is then a backchannel, of no type, if it is one or two
words in a short time, stands apart from all other speech of its speaker, and the other one goes on: speaks over its
end, or speaks next, soon.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from duologue_pipeline.records import Word
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.backchannel_words import BackchannelWordsRules
from duologue_pipeline.words.ipu_ranges import ipu_ranges
from duologue_pipeline.words.lexicon import BACKCHANNEL_TYPES, Lexicon, phrase_end
from duologue_pipeline.words.track import TrackWords

__all__ = ["BackchannelIpu", "backchannel_ipus"]

# A mixed unit is named after the type that says most: "oh yeah" is a reaction, "yeah uh-huh" an acknowledgement.
_BY_WEIGHT: Final = ("assessment", "reaction", "acknowledgement", "continuer")

_Times = Sequence[tuple[int, int]]


@dataclass(frozen=True)
class BackchannelIpu:
    """Holds an IPU that is a backchannel, and when it is said.

    Its words are ``[start, end)`` of the speaker's words. ``type`` is one of
    :data:`duologue_pipeline.words.lexicon.BACKCHANNEL_TYPES`, empty where only timing tells.
    """

    type: str
    start: int
    end: int
    start_ms: int
    end_ms: int


@dataclass(frozen=True)
class _Unit:
    """Holds an IPU: its words in normal form, without laughter and noise, and its type by these words alone."""

    first: int
    last: int
    start_ms: int
    end_ms: int
    spoken: tuple[str, ...]
    type: str

    @property
    def is_turn(self) -> bool:
        return bool(self.spoken) and not self.type


def backchannel_ipus(
    own: TrackWords,
    other: TrackWords,
    *,
    assessments: bool = False,
    rules: BackchannelWordsRules | None = None,
) -> list[BackchannelIpu]:
    """Finds the backchannels of one speaker in the words of both.

    Args:
        own: words of the speaker, whose lexicon decides; with the lexicon ``none`` only timing tells.
        other: words of the other speaker.
        assessments: also units with assessments in them ("wow", "that's great").
        rules: the rule set ``backchannel_words``, the packaged one if None.

    Returns:
        In order of time.
    """
    rules = load_rules(BackchannelWordsRules) if rules is None else rules
    types = [kind for kind in BACKCHANNEL_TYPES if assessments or kind != "assessment"]
    units = [_unit(own, first, last, types, rules) for first, last in ipu_ranges(own.words, rules.ipu_silence_ms)]
    other_ipus = [
        (other.words[first].start_ms, max(word.end_ms for word in other.words[first:last]))
        for first, last in ipu_ranges(other.words, rules.ipu_silence_ms)
    ]
    found = []
    for i, unit in enumerate(units):
        before, after = units[i - 1] if i else None, units[i + 1] if i + 1 < len(units) else None
        goes_on = any(start_ms < unit.end_ms < end_ms for start_ms, end_ms in other_ipus)
        if not any(own.lexicon.backchannels.values()):
            is_one = _sounds_like_one(unit, before, after, goes_on, other_ipus, rules)
        else:
            is_one = (
                bool(unit.type)
                and not (before and before.is_turn and unit.start_ms - before.end_ms < rules.own_turn_before_ms)
                and not (after and after.is_turn and after.start_ms - unit.end_ms < rules.own_turn_after_ms)
                and _other_has_floor(unit, other.words, rules)
                and (goes_on or not _is_answer(unit, other, own.lexicon, rules))
            )
        if is_one:
            found.append(BackchannelIpu(unit.type, unit.first, unit.last, unit.start_ms, unit.end_ms))
    return found


def _unit(track: TrackWords, first: int, last: int, types: Sequence[str], rules: BackchannelWordsRules) -> _Unit:
    start_ms, end_ms = track.words[first].start_ms, max(word.end_ms for word in track.words[first:last])
    spoken = tuple(track.normals[i] for i in range(first, last) if not _is_noise(track, i))
    short = 0 < len(spoken) <= rules.max_words and end_ms - start_ms <= rules.max_ms
    return _Unit(first, last, start_ms, end_ms, spoken, _type_of(spoken, track.lexicon, types) if short else "")


def _is_noise(track: TrackWords, i: int) -> bool:
    """Tells whether a token is no speech: laughter without a word, ``[noise]``, ``<breath>``, ``¿``; an empty word is some speech."""
    if track.words[i].word and not track.normals[i]:
        return True
    return track.normals[i][:1] in ("[", "<", "(") or (
        track.laughter[i] and not track.words[i].word.lower().startswith("[laughter-")
    )


def _type_of(spoken: Sequence[str], lexicon: Lexicon, types: Sequence[str]) -> str:
    """Finds the weightiest type among the phrases that the words are made of; empty if they are made of none."""
    pieces: Sequence[str] = spoken if lexicon.spaces else list("".join(spoken))
    phrases = {
        (phrase if lexicon.spaces else tuple("".join(phrase))): kind
        for kind in reversed(_BY_WEIGHT)
        if kind in types
        for phrase in lexicon.backchannels.get(kind, ())
    }
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


def _other_has_floor(unit: _Unit, other: Sequence[Word], rules: BackchannelWordsRules) -> bool:
    earliest_ms = unit.start_ms - rules.other_silent_before_ms
    return any(word.start_ms < unit.end_ms and word.end_ms > earliest_ms for word in other)


def _is_answer(unit: _Unit, other: TrackWords, lexicon: Lexicon, rules: BackchannelWordsRules) -> bool:
    if unit.spoken in lexicon.answers or any((word,) in lexicon.answers for word in unit.spoken):
        return True
    if unit.type != "acknowledgement":
        return False
    heard = [i for i, word in enumerate(other.words) if word.end_ms <= unit.start_ms]
    if not heard or unit.start_ms - other.words[heard[-1]].end_ms > rules.question_before_ms:
        return False
    first, last = ipu_ranges([other.words[i] for i in heard], rules.ipu_silence_ms)[-1]
    asked = heard[max(first, last - rules.question_max_words) : last]
    return _is_question([other.normals[i] for i in asked], lexicon)


def _sounds_like_one(
    unit: _Unit, before: _Unit | None, after: _Unit | None, goes_on: bool, other: _Times, rules: BackchannelWordsRules
) -> bool:
    """Tells by timing alone whether the unit is a backchannel."""
    resumes_ms = next((start_ms for start_ms, _ in other if start_ms >= unit.end_ms), None)
    speaks_next = (
        resumes_ms is not None
        and resumes_ms - unit.end_ms <= rules.timing_resume_ms
        and (after is None or resumes_ms <= after.start_ms)
    )
    return (
        0 < len(unit.spoken) <= rules.timing_max_words
        and unit.end_ms - unit.start_ms <= rules.timing_max_ms
        and (before is None or unit.start_ms - before.end_ms >= rules.timing_lone_before_ms)
        and (after is None or after.start_ms - unit.end_ms >= rules.timing_lone_after_ms)
        and (goes_on or speaks_next)
    )


def _is_question(heard: Sequence[str], lexicon: Lexicon) -> bool:
    """Tells whether words ask for a yes or no, as far as words without punctuation can tell."""
    if any(tuple(heard[: len(begin)]) == begin for begin in lexicon.question_begins):
        return True
    space = " " if lexicon.spaces else ""
    return (space + space.join(heard)).endswith(tuple(space + space.join(end) for end in lexicon.question_ends))
