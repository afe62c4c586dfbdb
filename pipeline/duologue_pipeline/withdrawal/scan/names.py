"""Finds what was removed by what it was called, in any text.

A file is cut into its tokens once, in two calls that run in C, and a token that was looked at before is not looked at
again. So the time does not depend on how many names there are, and hardly on how often the same words come back.
"""

import re
from collections.abc import Collection, Iterator
from typing import Final

__all__ = ["Names"]

_LETTERS: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
_CUT: Final = bytes(byte if byte in _LETTERS else 0x20 for byte in range(256))
_QUOTED: Final = re.compile(rb'"([^"]*)"')
_TOKENS_KEPT: Final = 1 << 18  # some 25 MB


class Names:
    """Finds removed names in text.

    A name ends where no letter, digit, ``_`` or ``-`` goes on; beyond those two it may be part of a longer one
    (``call-1-a``), unless a live name is (``call-1`` is not in ``call-1-b`` if that is live).

    Names that any text may hold by chance (``42``, ``casual``) count only where a name is expected.
    """

    def __init__(self, names: Collection[str], *, live: Collection[str]) -> None:
        self._all = frozenset(names)
        self._strong = frozenset(name for name in names if _is_strong(name))
        self._live = frozenset(live) - self._all
        # No name has more pieces than this, so no longer run of them is looked at.
        self._pieces = max((1 + len(re.findall("[-_]", name)) for name in (*self._strong, *self._live)), default=1)
        # in_text() does not see these: they count as a whole or not at all
        self._whole = frozenset(
            name.encode("utf-8", "surrogatepass")
            for name in names
            if name not in self._strong or not re.fullmatch("[A-Za-z0-9][A-Za-z0-9_-]*", name)
        )
        self._clean: set[bytes] = set()

    def in_text(self, text: str) -> Iterator[str]:
        """Finds the names in any text."""
        yield from self.in_bytes(text.encode("utf-8", "surrogatepass"))

    def in_bytes(self, text: bytes) -> Iterator[str]:
        """Finds the names in any text in UTF-8."""
        for token in set(text.translate(_CUT).split()) - self._clean:
            found = list(self._in_token(token.decode().lstrip("-_")))
            yield from found
            if not found:
                self._clean.add(token)
        if len(self._clean) > _TOKENS_KEPT:
            self._clean.clear()

    def as_name(self, value: str) -> Iterator[str]:
        """Finds the names in a text that is itself a name; weak ones are found too."""
        if value in self._all:
            yield value
        else:
            yield from self.in_text(value)

    def may_be_values(self, document: bytes) -> bool:
        """Tells whether JSON without escapes may hold a name as a value that :meth:`in_bytes` does not find in its text."""
        return bool(self._whole) and not self._whole.isdisjoint(_QUOTED.findall(document))

    def _in_token(self, token: str) -> Iterator[str]:
        if token in self._strong:
            yield token
            return
        if token in self._live or not ("-" in token or "_" in token):
            return
        cuts = [-1, *(place for place, letter in enumerate(token) if letter in "-_"), len(token)]
        first = 0
        while first < len(cuts) - 1:
            longest = min(first + self._pieces, len(cuts) - 1)
            for last in range(longest, first, -1):
                part = token[cuts[first] + 1 : cuts[last]]
                if part in self._strong:
                    yield part
                if part in self._strong or part in self._live:
                    first = last - 1
                    break
            first += 1


def _is_strong(name: str) -> bool:
    return len(name) >= 6 and not name.isalpha() and not name.isdigit()
