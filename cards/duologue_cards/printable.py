"""Knows the characters that no page may hold: what XML and HTML forbid, and what turns the text around it.

Controls of direction (Unicode Standard Annex 9) make ``MIT (3)`` read otherwise than it is written ("Trojan Source", CVE-2021-42574);
the marks for Arabic and Hebrew, U+200E and U+200F, turn nothing around and may stand.
"""

import re
from typing import Final

__all__ = ["UNPRINTABLE", "printable"]

UNPRINTABLE: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
"""A character that no page may hold."""


def printable(text: str) -> str:
    """Puts U+FFFD in the place of what no page may hold."""
    return UNPRINTABLE.sub("\ufffd", text)
