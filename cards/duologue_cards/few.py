"""Keeps back counts by which fewer than five people could be told, by themselves or as the difference of two counts.

A count that is left out alone is found again by what is told beside it: of 20 speakers 16 are of one place, so four are of the other;
of 100 conversations 99 are covered, so one is not; a version had 16, the next has 15, so who withdrew was one of them. So all
counts of a kind are told, or none.
"""

from collections.abc import Iterable, Mapping
from typing import Final

__all__ = [
    "AFTER_WITHDRAWAL",
    "FEW",
    "NOT_COUNTED",
    "SMALL_GROUP",
    "SMALL_PLACE",
    "apart",
    "counts_by_place",
    "counts_by_text",
]

FEW: Final = 5
"""Groups of fewer speakers are not counted out: who is in them could be told."""

SMALL_PLACE: Final = f"not counted out, as a place has fewer than {FEW}"
"""Stands for the speakers of every place where one has few."""

SMALL_GROUP: Final = f"fewer than {FEW}"
"""Stands for all speakers where they are few."""

AFTER_WITHDRAWAL: Final = "not counted out after a withdrawal"
"""Stands for all speakers in a later version: by the one before, it would tell of what group who withdrew was."""

NOT_COUNTED: Final = f"not counted out, as fewer than {FEW} could be told by a difference"
"""Stands for a count that is close to another one."""


def counts_by_place(counts: Mapping[str, int], *, later: bool) -> dict[str, int | str]:
    """Gives how many speakers there are by place, or for every place why none is counted out.

    Args:
        counts: place -> speakers.
        later: whether a withdrawal has made this version of the one before.
    """
    if later:
        return dict.fromkeys(counts, AFTER_WITHDRAWAL)
    if any(count < FEW for count in counts.values()):
        return dict.fromkeys(counts, SMALL_PLACE)
    return dict(counts)


def counts_by_text(counts: Mapping[str, int], *, later: bool) -> dict[str, int | str]:
    """Gives how many speakers there are by a text that anybody may have written.

    Groups of few are one, ``other``, which takes in the smallest of the rest until it is none of few: the text of a small group could
    name who is in it, and its count would be told by the difference.

    Args:
        counts: text -> speakers; ``unknown`` where it is not said.
        later: whether a withdrawal has made this version of the one before; then none is named nor counted out.
    """
    if later:  # which texts are told would tell of what group who withdrew was
        return {"other": AFTER_WITHDRAWAL} if counts else {}
    left = dict(counts)
    other = [text for text, count in counts.items() if count < FEW]
    others = sum(left.pop(text) for text in other)
    others += left.pop("other", 0) if other else 0  # a text of that name is one of them
    while other and others < FEW and left:
        others += left.pop(min(left, key=lambda text: (left[text], text)))
    told: dict[str, int | str] = dict(left)
    if other:
        told["other"] = others if others >= FEW else SMALL_GROUP
    return told


def apart(count: int, told: Iterable[int]) -> bool:
    """Tells whether a count is that of none of these by fewer than five, unless it is the same."""
    return all(count == other or abs(count - other) >= FEW for other in told)
