"""Goes through the share of a reader item by item, and knows at each of them from where to go on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from duologue_pipeline.reader import Sample
from duologue_pipeline.reader.epochs import Epochs
from duologue_pipeline.torch.items import Item, View, items_of

__all__ = ["Begun", "Mark", "Step", "steps"]

Begun = dict[str, tuple[int, int]]
"""Samples that are given in part: key -> (items, frames of the next item) that were given."""


class Mark(NamedTuple):
    """Says from where to go on.

    Attributes:
        reader: the state of the reader, before a sample that is given in part.
        begun: that sample, if there is one.
    """

    reader: Mapping[str, Any]
    begun: Begun


@dataclass(frozen=True)
class Step:
    """Holds an item, and the states of the reader around its sample.

    Attributes:
        item: arrays by name.
        sample: what it was made of.
        number, count: which of the items of the sample it is, and of how many.
        given: frames of it that were given before.
        before, after: states of the reader.
    """

    item: Item
    sample: Sample
    place: str
    number: int
    count: int
    given: int
    before: Mapping[str, Any]
    after: Mapping[str, Any]

    def mark(self, frames: int | None = None) -> Mark:
        """Says from where to go on after so many frames of the item, or after all of it."""
        if frames is not None:
            return Mark(self.before, {self.place: (self.number, frames)})
        if self.number + 1 < self.count:
            return Mark(self.before, {self.place: (self.number + 1, 0)})
        return Mark(self.after, {})

    def follows(self, other: "Step | None") -> bool:
        """Tells whether the item goes on where the other one ends, in one and the same recording."""
        if other is None or self.count > 1 or other.count > 1:
            return False
        mine, others = self.sample.metadata, other.sample.metadata
        return bool(mine["recording_id"] == others["recording_id"] and mine["start_s"] == others["end_s"])


def steps(share: Epochs, view: View | None, begun: Begun) -> Iterator[Step]:
    """Gives the items of a reader's share, in its order.

    Args:
        share: is iterated.
        view: see :func:`duologue_pipeline.torch.items.items_of`.
        begun: what is skipped; a sample is taken out of it when it is met.
    """
    samples = iter(share)
    while True:
        before = share.state_dict()
        sample = next(samples, None)
        if sample is None:
            return
        after, place = share.state_dict(), str(share.place)
        items = items_of(sample, view)
        done, frames = begun.pop(place, (0, 0))
        for number, item in enumerate(items):
            if number >= done:
                given = frames if number == done else 0
                yield Step(item, sample, place, number, len(items), given, before, after)
