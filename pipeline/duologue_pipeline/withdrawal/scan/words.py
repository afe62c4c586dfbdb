"""Finds the lists of timed words in a JSON document, each speaker's by themselves.

Documents as this package writes them (canonical JSON) are not parsed for that: their words are found in the bytes. Whether
a document is such a one is not believed but counted: every ``"word"`` in it must be one of a canonical entry.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["Words", "canonical_words", "listed_words"]

# The last four fields of an entry, in their order; whatever comes before them, these are the ones that count.
_ENTRY: Final = re.compile(
    rb'"speaker":"([^"]*)","start_s":(-?[0-9]{1,9}(?:\.[0-9]{1,9})?),"tags":"[^"]*","word":"([^"]*)"\}'
)
_MAX_S: Final = 1e9  # what is more is no time


@dataclass
class Words:
    """Holds the words of one speaker: the texts in UTF-8 and the second at which each begins."""

    texts: list[bytes] = field(default_factory=list)
    starts_s: list[float] = field(default_factory=list)


def canonical_words(document: bytes) -> dict[str, Words] | None:
    """Finds the words in the bytes of a JSON document without escapes, by speaker, all lists in a row.

    Returns:
        None where there are words, or may be, that are not written as this package does: the document must be parsed.
    """
    count = document.count(b'"word"')
    entries = _ENTRY.findall(document) if count else []
    if len(entries) != count:
        return None
    words = {}
    for speaker in dict.fromkeys(entry[0] for entry in entries):
        own = [entry for entry in entries if entry[0] == speaker]
        words[speaker.decode()] = Words([entry[2] for entry in own], [float(entry[1]) for entry in own])
    return words


def listed_words(document: Any) -> Iterator[dict[str, Words]]:
    """Finds the words of every list in a parsed document, by speaker (``None`` where an entry names nobody)."""
    stack = [document]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)
            words: dict[str, Words] = {}
            for entry in value:
                if isinstance(entry, dict) and _is_word(entry):
                    own = words.setdefault(str(entry.get("speaker")), Words())
                    own.texts.append(entry["word"].encode("utf-8", "surrogatepass"))
                    own.starts_s.append(float(entry["start_s"]))
            if words:
                yield words


def _is_word(entry: Mapping[str, Any]) -> bool:
    start_s = entry.get("start_s")
    return isinstance(entry.get("word"), str) and isinstance(start_s, int | float) and -_MAX_S < start_s < _MAX_S
