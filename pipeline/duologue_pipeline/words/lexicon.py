"""Tells which words of a language are backchannels, fillers or edit terms, and how transcripts spell them.

One JSON file a language lies in ``lexicons/``; every list in it names its source. A language without a file gives
:data:`NO_LEXICON`, whose name is ``none``: then nothing is known from words but fragments, laughter and repetitions,
and English is never used in its stead.
"""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Final

__all__ = [
    "BACKCHANNEL_TYPES",
    "LANGUAGES",
    "NO_LEXICON",
    "Lexicon",
    "Norm",
    "is_fragment",
    "is_laughter",
    "load_lexicon",
    "normal_form",
    "phrase_end",
]

LANGUAGES: Final = ("de", "en", "es", "fr", "ja", "ko", "zh")
"""The languages that have a lexicon."""

BACKCHANNEL_TYPES: Final = ("acknowledgement", "continuer", "reaction", "assessment")
"""Gardner (2001): continuers say "go on", acknowledgements take in what was said, reactions (his newsmarkers) show
surprise or interest; assessments judge ("that's great") and are no continuers (Goodwin 1986)."""

Phrase = tuple[str, ...]

_OPENING: Final = r"\[<({〈【"
_HIRAGANA: Final = {katakana: katakana - 0x60 for katakana in range(0x30A1, 0x30F7)}
_OTHER_WORDS: Final = frozenset({"hell", "id", "ill", "shed", "shell", "wed", "well", "were"})


@dataclass(frozen=True)
class Norm:
    """Holds a published figure on a language: ``value`` in the unit that ``name`` ends with, from ``source``."""

    name: str
    value: float
    source: str


@dataclass(frozen=True)
class Lexicon:
    """Holds the words of one language that matter for turn taking, all of them in :func:`normal_form`.

    ``backchannels`` has the phrases of each of :data:`BACKCHANNEL_TYPES`; those also in ``answers`` are backchannels
    only while the other goes on speaking. ``fillers_before_break`` are words that are filled pauses where the speaker breaks off
    after them, as ``este`` and ``あの``, and else demonstratives. ``edit_terms`` are always edit terms, ``discourse_markers`` only where
    context says so, by the conditions in their entry (:mod:`duologue_pipeline.words.edit_terms`). ``emphatic`` may be
    said twice on purpose. ``laughter`` are its spellings, ``laughter_marks`` the words for it that transcripts write in
    brackets. ``retraces`` (words taken back, class of their first and last) and ``abandoned`` (class, next class) say
    at which pairs of :attr:`word_classes` a speaker goes back, and where: ``any``, or what lies there, joined by
    ``_or_`` (``edit``, ``pause``, ``adjacent``). ``full_forms`` gives the first word of a contraction. A language whose
    script has no spaces has ``spaces`` False.
    """

    name: str
    version: str = "none"
    spaces: bool = True
    backchannels: Mapping[str, frozenset[Phrase]] = field(default_factory=dict)
    answers: frozenset[Phrase] = frozenset()
    fillers: frozenset[str] = frozenset()
    fillers_before_break: frozenset[str] = frozenset()
    edit_terms: frozenset[Phrase] = frozenset()
    discourse_markers: Mapping[Phrase, Mapping[str, frozenset[str]]] = field(default_factory=dict)
    emphatic: frozenset[str] = frozenset()
    laughter: frozenset[str] = frozenset()
    laughter_marks: frozenset[str] = frozenset()
    question_begins: frozenset[Phrase] = frozenset()
    question_ends: frozenset[Phrase] = frozenset()
    word_classes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    retraces: Mapping[tuple[int, str, str], str] = field(default_factory=dict)
    abandoned: Mapping[tuple[str, str], str] = field(default_factory=dict)
    full_forms: Mapping[str, str] = field(default_factory=dict)
    norms: Sequence[Norm] = ()


NO_LEXICON: Final = Lexicon(name="none")
"""What an unknown language gets: timing only."""


@cache
def load_lexicon(language: str | None) -> Lexicon:
    """Loads the lexicon of a language.

    Args:
        language: a BCP 47 tag; only its primary subtag counts (``en-US`` and ``EN`` are ``en``).

    Returns:
        The lexicon, :data:`NO_LEXICON` where the language is None or has none.
    """
    primary = re.split("[-_]", language or "", maxsplit=1)[0].lower()
    if primary not in LANGUAGES:
        return NO_LEXICON
    text = files(__package__).joinpath("lexicons", f"{primary}.json").read_text(encoding="utf-8")
    return _parsed(json.loads(text))


def normal_form(word: str) -> str:
    """Spells a word as the lexicons do.

    Unicode NFKC (full-width letters become plain ones), katakana as hiragana, lower case, no punctuation around it, no apostrophes
    (transcripts disagree on them) but where that would give another word (``we'll``). A trailing hyphen stays: it marks
    a fragment (``th-``), for which Switchboard writes ``th[e]-``. ``[laughter-word]`` is the word, said while laughing;
    ``[laughter]`` and the like keep their brackets.

    Returns:
        The normal form, empty for what is punctuation alone.
    """
    text = unicodedata.normalize("NFKC", word).lower().translate(_HIRAGANA).replace("’", "'").replace("‘", "'").strip()
    text = re.sub(r"^\[laughter-(.+)\]$", r"\1", text)
    if re.fullmatch(rf"[{_OPENING}].*[\])>}}〉】]", text):
        return text
    text = re.sub(r"\[[^\]]*\]", "", text)
    fragment = bool(re.search(r"\w-+[.,;?!…]*$", text))
    text = re.sub(r"^[\W_]+|[\W_]+$", "", text)
    without = text.replace("'", "")
    text = text if without in _OTHER_WORDS else without
    return f"{text}-" if fragment and text else text


def phrase_end(normals: Sequence[str], at: int, phrase: Phrase) -> int | None:
    """Finds where a phrase ends that begins with a word, wherever the transcript cuts it into words.

    ``d' accord`` is ``d'accord``, ``uh huh`` is ``uhhuh``; no word is cut. Spelled letters (``j o h n``) are no word.

    Args:
        normals: the words in normal form.
        at: the first word of the phrase.
        phrase: in normal form.

    Returns:
        The place after its last word, None where the words are others.
    """
    wanted, said = "".join(phrase), ""
    for place in range(at, len(normals)):
        said += normals[place]
        if not said or not wanted.startswith(said):
            return None
        if said == wanted:
            pieces = tuple(normals[at : place + 1])
            spelled = len(pieces) > 1 and all(len(each) == 1 and each.isascii() for each in pieces)
            return None if spelled and pieces != phrase else place + 1
    return None


def is_fragment(normal: str) -> bool:
    """Tells whether a normal form is a word broken off (``th-``)."""
    return normal.endswith("-")


def is_laughter(word: str, normal: str, lexicon: Lexicon) -> bool:
    """Tells whether a transcript's token is laughter, or a word said while laughing (``[laughter-very]``).

    Laughter is a spelling of the lexicon or more of the same (``haha``, ``hahaha``), or a token in brackets that begins
    with a mark of the lexicon (``(risas)``, ``<笑い>``) or, in any language, with ``laugh``; CHAT's ``&=laughs`` too.

    Args:
        word: the token.
        normal: its normal form.
        lexicon: of its language.
    """
    text = unicodedata.normalize("NFKC", word).lower().strip()
    marked = re.match(rf"(?:[{_OPENING}]+|&)=?\s*(.+)", text)
    if marked and marked[1].startswith(("laugh", *lexicon.laughter_marks)):
        return True
    repeated = re.fullmatch(r"(.{1,2}?)\1+", normal)
    return normal in lexicon.laughter or bool(repeated and repeated[1] * 2 in lexicon.laughter)


def _parsed(data: Mapping[str, Any]) -> Lexicon:
    grammar = data.get("grammar", {})
    return Lexicon(
        name=data["language"],
        version=data["version"],
        spaces=data["spaces"],
        backchannels={kind: _phrases(data["backchannels"][kind]) for kind in BACKCHANNEL_TYPES},
        answers=_phrases(data["backchannels"]["only_while_other_speaks"]),
        fillers=_words(data["fillers"]["items"]),
        fillers_before_break=_words(data["fillers"].get("before_break", ())),
        edit_terms=_phrases(data["edit_terms"]["items"]),
        discourse_markers={
            _phrase(phrase): {name: _words(words) for name, words in conditions.items()}
            for phrase, conditions in data["discourse_markers"]["items"].items()
        },
        emphatic=_words(data["emphatic"]["items"]),
        laughter=_words(data["laughter"]["items"]),
        laughter_marks=frozenset(data["laughter"]["marks"]),
        question_begins=_phrases(data["questions"]["begin"]),
        question_ends=_phrases(data["questions"]["end"]),
        word_classes={name: _words(words.split()) for name, words in grammar.get("word_classes", {}).items()},
        retraces={(length, first, last): where for length, first, last, where in grammar.get("retraces", [])},
        abandoned={(first, then): where for first, then, where in grammar.get("abandoned", [])},
        full_forms={
            normal_form(short): full
            for full, shorts in grammar.get("contractions", {}).items()
            for short in shorts.split()
        },
        norms=tuple(Norm(**norm) for norm in data["norms"]),
    )


def _words(texts: Sequence[str]) -> frozenset[str]:
    return frozenset(normal_form(text) for text in texts)


def _phrase(text: str) -> Phrase:
    return tuple(normal_form(word) for word in text.split())


def _phrases(texts: Sequence[str]) -> frozenset[Phrase]:
    return frozenset(_phrase(text) for text in texts)
