"""Reads the values of transcripts: numbers in other units and as text, and labels of channels."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from duologue_pipeline.transcripts.model import TranscriptError

__all__ = [
    "as_list",
    "as_mapping",
    "clock_s",
    "confidence",
    "letter_channel",
    "seconds",
    "text_of",
    "time_pair",
    "whole",
]

_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_CLOCK: Final = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{1,2})(?:[.,](\d{1,9}))?")
_CONFIDENT: Final = 1.0
_LATEST_S: Final = 1_000_000
"""The latest time of a words file (schemas/words.schema.json)."""


def seconds(value: object, *, where: str, unit_s: float = 1.0) -> float | None:
    """Reads a time: a number, a number as text (``"1.3"``, ``"1.300s"``), or seconds and nanos of protobuf.

    Args:
        value: as the file has it; None, an empty text and NaN stand for no time.
        where: its place, for messages.
        unit_s: how many seconds one of its units is, e.g. 1e-3 of milliseconds; a text that ends with ``s`` is in seconds.

    Returns:
        Seconds, None where there is no time.

    Raises:
        TranscriptError: it is no time, infinite or negative.
    """
    if isinstance(value, Mapping):  # google.protobuf.Duration as a Python program dumps it
        whole_s, nanos = value.get("seconds", 0) or 0, value.get("nanos", 0) or 0
        value = (seconds(whole_s, where=where) or 0.0) + (seconds(nanos, where=where, unit_s=1e-9) or 0.0)
        unit_s = 1.0
    if isinstance(value, str):
        text = value.strip()
        if text.endswith("s") and _NUMBER.fullmatch(text[:-1]):
            text, unit_s = text[:-1], 1.0
        if text.lower() in ("", "nan", "null", "none", "na"):
            return None
        if not _NUMBER.fullmatch(text):
            raise TranscriptError(f"{where}: found {value[:40]!r}, expected a time in seconds")
        value = float(text)
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TranscriptError(f"{where}: found {_short(value)}, expected a time")
    found = float(value) * unit_s if abs(value) < 1e300 else math.inf
    if not math.isfinite(found):
        raise TranscriptError(f"{where}: found an infinite time; correct it")
    if found > _LATEST_S:
        raise TranscriptError(
            f"{where}: found {found:g} s, more than {_LATEST_S / 86400:.0f} days: is it in another unit?"
        )
    if found < 0:
        if found > -0.001:  # what rounding leaves of 0
            return 0.0
        raise TranscriptError(
            f"{where}: found {found:g} s, before the audio begins; correct it, or give the file the track's offset_s"
        )
    return round(found, 6)


def time_pair(
    item: Mapping[str, Any], *, where: str, unit_s: float = 1.0, names: tuple[str, str] = ("start", "end")
) -> tuple[float | None, float | None]:
    """Reads when something begins and ends, as :func:`seconds` does.

    Raises:
        TranscriptError: as :func:`seconds`.
    """
    start, end = (seconds(item.get(name), where=f"{where}.{name}", unit_s=unit_s) for name in names)
    return start, end


def clock_s(text: str, *, where: str) -> float:
    """Reads ``01:02:03,450``, ``02:03.450`` and the like as seconds.

    Raises:
        TranscriptError: it is no such time.
    """
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        raise TranscriptError(f"{where}: found {text[:40]!r}, expected a time such as 00:01:02.345")
    hours, minutes, whole_s, part = found.groups()
    return round(int(hours or 0) * 3600 + int(minutes) * 60 + int(whole_s) + float(f"0.{part or 0}"), 6)


def confidence(value: object) -> float | None:
    """Reads how sure a transcript is; None where it says nothing that is between 0 and 1."""
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return round(float(value), 6) if 0 <= value <= _CONFIDENT else None


def letter_channel(text: str) -> int | None:
    """Reads the channel that a corpus writes as a letter: A (and L) is 0, B (and R) 1; None for anything else."""
    return {"a": 0, "l": 0, "left": 0, "b": 1, "r": 1, "right": 1}.get(text.strip().lower())


def whole(value: object) -> int | None:
    """Reads a whole number, also one written as text; None for anything else."""
    if isinstance(value, str) and re.fullmatch(r"\d{1,6}", value.strip()):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def text_of(value: object) -> str:
    """Gives a text without the blanks around it; empty for what is no text."""
    return value.strip() if isinstance(value, str) else ""


def as_list(value: object, *, where: str) -> Sequence[Any]:
    """Gives a list; empty where there is none.

    Raises:
        TranscriptError: it is something else.
    """
    if value is None:
        return ()
    if not isinstance(value, list):
        raise TranscriptError(f"{where}: found {_short(value)}, expected a list")
    return value


def as_mapping(value: object, *, where: str) -> Mapping[str, Any]:
    """Gives an object; empty where there is none.

    Raises:
        TranscriptError: it is something else.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise TranscriptError(f"{where}: found {_short(value)}, expected an object")
    return value


def _short(value: object) -> str:
    return {dict: "an object", list: "a list", bool: "true or false", str: "a text"}.get(type(value)) or repr(value)[
        :40
    ]
