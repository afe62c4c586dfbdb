"""Names a language as Whisper does."""

from collections.abc import Collection
from typing import Final

__all__ = ["english_knows", "whisper_language"]

_OTHERWISE: Final = {"cmn": "zh", "nb": "no", "fil": "tl", "iw": "he", "in": "id", "ji": "yi"}
"""Primary subtags of BCP 47 that Whisper knows by another code."""


def english_knows(tag: str | None) -> bool:
    """Tells whether a model of English alone may hear a conversation: it is in English, or nobody says in what.

    Args:
        tag: a BCP 47 tag, None if unknown.
    """
    return (tag or "und").partition("-")[0].lower() in ("en", "und", "mul")


def whisper_language(tag: str | None, known: Collection[str]) -> str | None:
    """Gives the code by which a model knows a language.

    Args:
        tag: a BCP 47 tag, None if unknown.
        known: the codes that the model knows.

    Returns:
        None where the language is not known, or not to the model: then the model tells it by what it hears.
    """
    primary = (tag or "").partition("-")[0].lower()
    return next((code for code in (primary, _OTHERWISE.get(primary)) if code in known), None)
