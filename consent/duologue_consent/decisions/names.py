"""Tells ids of speakers apart that look alike, so that nobody becomes two people by a spelling. Pure.

Two ids *look alike* where their :func:`skeleton` is one. Covered are

- letters composed and decomposed, full-width and other compatibility forms (NFKC), and case;
- invisible characters: zero-width ones, soft hyphens, marks of direction, variation selectors, fillers;
- blanks of every kind at the ends, in a row, and beside anything but two digits: ``spk 17`` is ``spk17``, ``1 11`` is not ``11 1``;
- hyphens, dashes and minus signs; apostrophes and quotation marks; digits of other scripts;
- letters of other scripts that are drawn as Latin ones, in the table below: Cyrillic, Greek, Armenian, some Latin small forms.

Not covered: letters that resemble each other within a script (``l`` and ``1``, ``rn`` and ``m``), accents that are there in one id and
not in the other, letters that resemble another one by their capital than by their small form (Greek nu as v), and whole other alphabets.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

__all__ = ["by_skeleton", "escaped", "look_alike_ids", "look_alikes", "named_by", "skeleton"]

# Default-ignorable code points of Unicode that are not of the category Cf.
_INVISIBLE: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)
_BLANK: Final = re.compile("[\\s\u2800]+")  # the latter is the braille pattern without dots
_BLANK_BETWEEN_DIGITS: Final = re.compile("(?<=[0-9]) (?=[0-9])")
_SIGNS: Final = {
    **dict.fromkeys("\u02d7\u1806\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\u2796\u2e3a\u2e3b\ufe58", "-"),
    **dict.fromkeys(
        "`\u00b4\u02b9\u02bb\u02bc\u02bd\u02c8\u02ca\u02cb\u0384\u2018\u2019\u201a\u201b\u2032\u2035\uff07", "'"
    ),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u2036", '"'),
    "\u2044": "/",
    "\u2215": "/",
    "\u2223": "|",
    "\u2236": ":",
    "\ua789": ":",
    "\u0589": ":",
    "\u05c3": ":",
    "\u06d4": ".",
}
_LETTERS: Final = {
    # small letters of which the small or the capital form is drawn as the Latin one, after case folding
    **dict(
        zip(
            "\u0430\u0432\u0441\u0501\u0435\u04bb\u043d\u0456\u0458\u043a\u043c\u043e\u0440\u051b",
            "abcdehhijkmopq",
            strict=True,
        )
    ),
    **dict(zip("\u0455\u0442\u0443\u04af\u051d\u0445\u04cf\u0475\u050d", "styywxlvg", strict=True)),
    **dict(
        zip(
            "\u03b1\u03b2\u03b5\u03b6\u03b7\u03b9\u03ba\u03bc\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7\u03f2\u03f3",
            "abezhikmnoptyxcj",
            strict=True,
        )
    ),
    **dict(zip("\u0578\u057d\u0585\u0570\u0575\u0566\u0581", "nuohjqg", strict=True)),
    **dict(zip("\u0131\u0237\u0251\u0261\u0269\u1d04\u1d0f\u1d1c\u1d20\u1d21\u1d22", "ijagicouvwz", strict=True)),
    **dict(
        zip(
            "\u1d00\u0299\u1d05\u1d07\ua730\u0262\u029c\u026a\u1d0a\u1d0b\u029f\u1d0d\u0274\u1d18\u0280\ua731\u1d1b\u028f",
            "abdefghijklmnprsty",
            strict=True,
        )
    ),
}
_PLAIN: Final = re.compile("[A-Za-z0-9_.@+-]*").fullmatch
"""Tells of an id that only its case can be seen otherwise."""
_DRAWN_AS: Final = str.maketrans(_SIGNS | _LETTERS)


@lru_cache(maxsize=1 << 16)
def skeleton(speaker_id: str) -> str:
    """Reduces an id to what is seen of it; ids of one skeleton look alike. It is no id and is never shown."""
    if _PLAIN(speaker_id):
        return speaker_id.lower()
    text = speaker_id
    while True:
        text = unicodedata.normalize("NFKC", "".join(letter for letter in text if not _is_invisible(letter)))
        # A dot over an i is there in either case; folding a capital I with a dot leaves a second one.
        text = unicodedata.normalize("NFD", text.casefold()).replace("i\u0307", "i").replace("j\u0307", "j")
        text = unicodedata.normalize("NFC", "".join(map(_digit, text)).translate(_DRAWN_AS))
        text = _without_blanks(text)
        if text == speaker_id:
            return text
        speaker_id = text


def look_alikes(speaker_id: str, known: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Lists the ids that look like this one and are not it, sorted.

    Args:
        speaker_id: any id.
        known: from :func:`by_skeleton`.
    """
    return tuple(sorted(set(known.get(skeleton(speaker_id), ())) - {speaker_id}))


def look_alike_ids(ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Finds the ids that look like another one: each of them -> the others, sorted."""
    groups = by_skeleton(ids)
    return {each: look_alikes(each, groups) for own in groups.values() if len(own) > 1 for each in own}


def by_skeleton(ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Sorts ids by what is seen of them: skeleton -> the ids, sorted, each once."""
    found: dict[str, set[str]] = {}
    for each in ids:
        found.setdefault(skeleton(each), set()).add(each)
    return {seen: tuple(sorted(own)) for seen, own in found.items()}


def escaped(speaker_id: str) -> str:
    r"""Writes an id in quotes, so that what looks alike can be told apart: ``'José'``, ``'Jose\u0301'``.

    A letter stands as it is where no other looks like it, but for its case: of a name in Latin letters, or in kanji, only marks apart from
    their letters, signs and blanks are written as numbers. Where some letter is drawn as one of another script, all but ASCII are.
    """
    plain = all(map(_is_itself, filter(str.isalnum, speaker_id)))
    return "'" + "".join(letter if plain and letter.isalnum() else _escape(letter) for letter in speaker_id) + "'"


def named_by(ids: Iterable[str]) -> str:
    r"""Names ids so that they can be told apart: ``'Zoë' and 'Zoe\u0308'``."""
    return " and ".join(map(escaped, ids))


def _is_itself(letter: str) -> bool:
    """Tells whether no other letter looks like this one, but for its case and for the letters that it is composed of."""
    if "\u1100" <= letter <= "\u11ff":  # the parts of which a syllable of Korean is composed
        return False
    return unicodedata.normalize("NFKC", letter) == letter and skeleton(letter) == letter.casefold()


def _escape(letter: str) -> str:
    if " " <= letter <= "~":
        return "\\" + letter if letter in "'\\" else letter
    return f"\\u{ord(letter):04x}" if ord(letter) <= 0xFFFF else f"\\U{ord(letter):08x}"


def _is_invisible(letter: str) -> bool:
    # A control character is shown as nothing or as a box; those that part words are blanks.
    category = unicodedata.category(letter)
    return category == "Cf" or (category == "Cc" and not letter.isspace()) or _INVISIBLE.match(letter) is not None


def _digit(letter: str) -> str:
    value = unicodedata.decimal(letter, None) if letter > "\x7f" else None
    return letter if value is None else str(value)


def _without_blanks(text: str) -> str:
    single = _BLANK.sub(" ", text).strip()
    return "\0".join(part.replace(" ", "") for part in _BLANK_BETWEEN_DIGITS.split(single)).replace("\0", " ")
