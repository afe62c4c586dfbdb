"""Makes the entries of facts.json: a value with its unit, method and source, or why it is unknown."""

from typing import Any, Final

from duologue_cards.draws import Estimate
from duologue_cards.facts import Count

__all__ = [
    "BOTH",
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
]

PURPOSES: Final = ("recording", "training_inhouse", "redistribution", "speaker_identification", "likeness")
"""Every purpose that a ledger knows."""

RECORDINGS: Final = "recordings.parquet"
INDEX: Final = "index.parquet"
RELEASE: Final = "dataset.json"
REJECTED: Final = "rejected.jsonl"
BOTH: Final = "over the conversations with both voices"

Entry = dict[str, Any]
"""``value``, ``unit``, ``method`` and ``source``, of an estimate ``n`` and ``interval`` too; or ``value`` None and ``unknown``, the reason."""


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
