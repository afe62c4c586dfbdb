"""Reads faults as people write them on the command line: ``bleed:a_from_b:-30dB:60ms``."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal

from duologue_pipeline.errors import UsageError
from duologue_pipeline.records import SPEAKERS, Speaker
from duologue_pipeline.simulate.spec import (
    Bleed,
    Clipping,
    Curve,
    Drift,
    Dropouts,
    Duplicate,
    Fault,
    MonoMix,
    Offset,
    OverSuppression,
    Separated,
    Swap,
)

__all__ = ["FAULT_FORMS", "parse_fault"]

FAULT_FORMS: Final[Mapping[str, str]] = {
    "bleed": "bleed:a_from_b|b_from_a|both:-30dB:60ms[:0.3s], the last the reverberation; a level or lag that changes: "
    "-40dB@0s,-20dB@120s",
    "duplicate": "duplicate[:a|b|mix[:GAINdB[:DELAYms[:NOISEdB]]]]",
    "mono_mix": "mono_mix[:NOISEdB]",
    "over_suppression": "over_suppression:a|b|both:soft|strong|20dB",
    "swap": "swap:120s",
    "offset": "offset:a|b:0.8s",
    "drift": "drift:a|b:80ppm",
    "clipping": "clipping[:a|b|both[:1%]]",
    "dropouts": "dropouts[:a|b|both[:6/min]]",
    "separated": "separated[:-25dB]",
}
"""How each fault is written."""

_DEPTHS_DB: Final = {"soft": 12.0, "strong": 40.0}


class _FormError(Exception):
    """Says that the text does not have the form of its fault."""


def parse_fault(text: str) -> tuple[Fault, ...]:
    """Reads a fault; ``both`` gives two.

    Raises:
        UsageError: it is not one of :data:`FAULT_FORMS`, or a figure is out of range.
    """
    name, *fields = text.split(":")
    if name not in FAULT_FORMS:
        raise UsageError(f"--fault {text}: {name!r} is no fault; one of {', '.join(FAULT_FORMS)}")
    try:
        return _PARSERS[name](fields)
    except _FormError:
        raise UsageError(f"--fault {text}: expected {FAULT_FORMS[name]}") from None
    except ValueError as error:
        raise UsageError(f"--fault {text}: {error}") from None


def _bleed(fields: Sequence[str]) -> tuple[Fault, ...]:
    way, level, lag, room = _filled(fields, 4, 3)
    into = {"a_from_b": SPEAKERS[:1], "b_from_a": SPEAKERS[1:], "both": SPEAKERS}.get(way or "")
    if into is None:
        raise _FormError
    t60_s = _number(room, "s", 0.0)
    return tuple(Bleed(speaker, _curve(level, "dB"), _curve(lag, "ms"), t60_s) for speaker in into)


def _duplicate(fields: Sequence[str]) -> tuple[Fault, ...]:
    source, gain, delay, noise = _filled(fields, 4, 0)
    sources: dict[str, Literal["a", "b", "mix"]] = {"a": "a", "b": "b", "mix": "mix"}
    if (source or "a") not in sources:
        raise _FormError
    return (
        Duplicate(
            sources[source or "a"], _number(gain, "dB", 0.0), _number(delay, "ms", 0.0), _number(noise, "dB", -50.0)
        ),
    )


def _mono_mix(fields: Sequence[str]) -> tuple[Fault, ...]:
    (noise,) = _filled(fields, 1, 0)
    return (MonoMix(_number(noise, "dB", -60.0)),)


def _over_suppression(fields: Sequence[str]) -> tuple[Fault, ...]:
    who, depth = _filled(fields, 2, 2)
    depth_db = _DEPTHS_DB[depth] if depth in _DEPTHS_DB else _number(depth, "dB")
    return tuple(OverSuppression(speaker, depth_db) for speaker in _sides(who))


def _swap(fields: Sequence[str]) -> tuple[Fault, ...]:
    (at,) = _filled(fields, 1, 1)
    return (Swap(_number(at, "s")),)


def _offset(fields: Sequence[str]) -> tuple[Fault, ...]:
    who, late = _filled(fields, 2, 2)
    return (Offset(_side(who), _number(late, "s")),)


def _drift(fields: Sequence[str]) -> tuple[Fault, ...]:
    who, ppm = _filled(fields, 2, 2)
    return (Drift(_side(who), _number(ppm, "ppm")),)


def _clipping(fields: Sequence[str]) -> tuple[Fault, ...]:
    who, share = _filled(fields, 2, 0)
    return tuple(Clipping(speaker, _number(share, "%", 1.0) / 100) for speaker in _sides(who or "both"))


def _dropouts(fields: Sequence[str]) -> tuple[Fault, ...]:
    who, rate = _filled(fields, 2, 0)
    return tuple(Dropouts(speaker, _number(rate, "/min", 6.0)) for speaker in _sides(who or "both"))


def _separated(fields: Sequence[str]) -> tuple[Fault, ...]:
    (leak,) = _filled(fields, 1, 0)
    return (Separated(_number(leak, "dB", -25.0)),)


_PARSERS: Final[Mapping[str, Callable[[Sequence[str]], tuple[Fault, ...]]]] = {
    "bleed": _bleed,
    "duplicate": _duplicate,
    "mono_mix": _mono_mix,
    "over_suppression": _over_suppression,
    "swap": _swap,
    "offset": _offset,
    "drift": _drift,
    "clipping": _clipping,
    "dropouts": _dropouts,
    "separated": _separated,
}


# --- fields ---------------------------------------------------------------------------------------------------------


def _filled(fields: Sequence[str], at_most: int, at_least: int) -> list[str | None]:
    if not at_least <= len(fields) <= at_most:
        raise _FormError
    return [*fields, *[None] * (at_most - len(fields))]


def _side(text: str | None) -> Speaker:
    for speaker in SPEAKERS:
        if text == speaker:
            return speaker
    raise _FormError


def _sides(text: str | None) -> tuple[Speaker, ...]:
    return SPEAKERS if text == "both" else (_side(text),)


def _number(text: str | None, unit: str, default: float | None = None) -> float:
    if text is None and default is not None:
        return default
    if text is None or not text.endswith(unit):
        raise _FormError
    try:
        return float(text.removesuffix(unit))
    except ValueError:
        raise _FormError from None


def _curve(text: str | None, unit: str) -> Curve:
    points = []
    for point in (text or "").split(","):
        value, _, at = point.partition("@")
        points.append((_number(at, "s") if at else 0.0, _number(value, unit)))
    return tuple(points)
