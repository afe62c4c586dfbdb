"""Makes the entries of facts.json: a value with its unit, method and source, or why it is unknown."""

from typing import Any, Final

from duologue_cards.draws import Estimate
from duologue_cards.facts import Count

__all__ = [
    "BOTH",
    "FEW",
    "INDEX",
    "PURPOSES",
    "RECORDINGS",
    "REJECTED",
    "RELEASE",
    "Entry",
    "by_name",
    "estimated",
    "known",
    "or_unknown",
    "unknown",
    "with_few_hidden",
    "with_few_merged",
]

FEW: Final = 5
"""Groups of fewer speakers are not counted out: who is in them could be told."""

PURPOSES: Final = ("recording", "training_inhouse", "redistribution", "speaker_identification", "likeness")
"""Every purpose that a ledger knows."""

RECORDINGS: Final = "recordings.parquet"
INDEX: Final = "index.parquet"
RELEASE: Final = "dataset.json"
REJECTED: Final = "rejected.jsonl"
BOTH: Final = "over the conversations with both voices"

_KEPT_BACK: Final = "not counted out"

Entry = dict[str, Any]
"""``value``, ``unit``, ``method`` and ``source``, of an estimate ``n`` and ``interval`` too; or ``value`` None and ``unknown``, the reason."""


def with_few_hidden(counts: tuple[Count, ...]) -> dict[str, int | str]:
    """Gives counts of speakers by name, ``unknown`` for None; fewer than five are ``fewer than 5``.

    Where one group alone is so small, the smallest of the others is not counted out either: all speakers are counted elsewhere, and
    the difference would be the small group.
    """
    shown: dict[str, int | str] = {
        each.value or "unknown": each.count if each.count >= FEW else f"fewer than {FEW}" for each in counts
    }
    large = [each for each in counts if each.count >= FEW]
    if large and len(large) == len(counts) - 1:
        shown[min(large, key=lambda each: (each.count, each.value or "unknown")).value or "unknown"] = _KEPT_BACK
    return shown


def with_few_merged(counts: tuple[Count, ...]) -> dict[str, int | str]:
    """Gives counts of speakers by a text that anybody may have written: groups of fewer than five are one, ``other``.

    The text of a small group could name who is in it; what is left is as :func:`with_few_hidden` gives it.
    """
    merged: dict[str | None, int] = {}
    for each in counts:
        value = each.value if each.value is None or each.count >= FEW else "other"
        merged[value] = merged.get(value, 0) + each.count
    return with_few_hidden(tuple(Count(value, count) for value, count in merged.items()))


def known(value: Any, unit: str, method: str, source: str, **more: Any) -> Entry:
    """Makes the entry of what is known."""
    return {"value": value, "unit": unit, "method": method, "source": source, **more}


def unknown(why: str) -> Entry:
    """Makes the entry of what is unknown, with the reason."""
    return {"value": None, "unknown": why}


def estimated(estimate: Estimate, unit: str, method: str, missing: str) -> Entry:
    """Makes the entry of an estimate; ``missing`` says why there is none."""
    if estimate.value is None:
        return unknown(missing)
    more: dict[str, Any] = {"n": estimate.n}
    if estimate.interval:
        more["interval"] = list(estimate.interval)
    return known(estimate.value, unit, method, RECORDINGS, **more)


def or_unknown(value: Any, unit: str, method: str, source: str, why: str) -> Entry:
    """Makes the entry of a value, which is unknown for that reason if it is None."""
    return unknown(why) if value is None else known(value, unit, method, source)


def by_name(counts: tuple[Count, ...]) -> dict[str, int]:
    """Gives counts by name, ``unknown`` for None."""
    return {each.value or "unknown": each.count for each in counts}
