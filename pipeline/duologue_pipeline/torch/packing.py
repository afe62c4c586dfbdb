"""Packs items into sequences of one and the same number of frames."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from duologue_pipeline.errors import UsageError
from duologue_pipeline.torch.items import Item, check_padding, time_frames
from duologue_pipeline.torch.steps import Mark, Step

__all__ = ["Packing", "packs"]

_MOST_FRAMES: Final = 1 << 24


@dataclass(frozen=True)
class Packing:
    """Says how items are packed.

    Every frame of every item is in one pack, in order; an item that does not fit goes on in the next one::

        recording     x x x x x x x x x x x x x | y y y ...
        sample        0 0 0 0 0 0 0 1 1 1 1 1 1 | 2 2 2 ...
        packs of 5    [0 0 0 0 0] [0 0 1 1 1] [1 1 1 - -] [2 2 2 ...

    Attributes:
        frames: how long a pack is.
        axis: which axis of the arrays is time.
        across_recordings: whether a pack may hold frames that do not follow one another in one recording; then only the last
            one is filled up.
        pad: fills up packs of integers; floats are filled up with 0, bool with False.
    """

    frames: int
    axis: int = -1
    across_recordings: bool = False
    pad: int = -1

    def __post_init__(self) -> None:
        if type(self.frames) is not int or self.frames < 1:
            raise UsageError(f"frames {self.frames!r}: expected how many frames a pack has, a whole number from 1")
        if self.frames > _MOST_FRAMES:
            raise UsageError(
                f"frames {self.frames!r}: a pack has at most {_MOST_FRAMES}, two weeks of speech; give fewer"
            )
        check_padding(self.pad, self.axis)


def packs(found: Iterable[Step], packing: Packing) -> Iterator[tuple[Item, Mark]]:
    """Packs items.

    Args:
        found: the items in their order.
        packing: how.

    Returns:
        Each pack, and from where to go on after it. Beside the arrays of the items, each ``frames`` long, a pack holds
        ``segment`` int64 [frames], which of its items each frame is of, from 0, -1 where it was filled up; ``position`` int64
        [frames], which frame of the item it is; ``frames_held`` int; and ``key``, the list of the items' samples.

    Raises:
        UsageError: the arrays of an item are not of one length, or hold something that cannot be packed.
    """
    parts: list[tuple[Item, int]] = []
    room, before = packing.frames, None
    for step in found:
        frames = _frames(step.item, packing.axis)
        if parts and not packing.across_recordings and not step.follows(before):
            yield _pack(parts, packing), step.mark(step.given)
            parts, room = [], packing.frames
        if parts and (fault := _differs(parts[0][0], step.item, packing.axis)):
            raise UsageError(
                f"samples {parts[0][0]['key']} and {step.item['key']}: {fault}, so one pack cannot hold both; give a view that "
                "returns the same arrays for each, or another axis="
            )
        before, start = step, step.given
        while start < frames:
            end = min(frames, start + room)
            parts.append((_cut(step.item, start, end, packing.axis), start))
            room -= end - start
            start = end
            if not room:
                yield _pack(parts, packing), step.mark(end if end < frames else None)
                parts, room = [], packing.frames
    if parts and before is not None:
        yield _pack(parts, packing), before.mark()


def _frames(item: Item, axis: int) -> int:
    other = [name for name, value in item.items() if name != "key" and not isinstance(value, np.ndarray)]
    if other:
        raise UsageError(f"sample {item['key']}: {other[0]} is no array and cannot be packed; leave it out of the view")
    lengths = time_frames(item, axis)
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise UsageError(
            f"sample {item['key']}: arrays of different lengths along axis {axis} cannot be packed ({told}); read them as "
            "datasets of their own"
        )
    return next(iter(lengths.values()))


def _differs(item: Item, other: Item, axis: int) -> str:
    """Says in what the arrays of two items differ but in their length; "" where they may stand in one pack."""
    layouts = [
        {
            name: (value.dtype.kind in "iu" or value.dtype, np.delete(value.shape, axis).tolist())
            for name, value in each.items()
            if name != "key"
        }
        for each in (item, other)
    ]
    if layouts[0].keys() != layouts[1].keys():
        return f"they have the arrays {', '.join(sorted(layouts[0]))} and {', '.join(sorted(layouts[1]))}"
    return next(
        (
            f"their arrays {name} differ in more than their length"
            for name in layouts[0]
            if layouts[0][name] != layouts[1][name]
        ),
        "",
    )


def _cut(item: Item, start: int, end: int, axis: int) -> Item:
    return {
        name: value[(*(slice(None),) * (axis % value.ndim), slice(start, end))] if name != "key" else value
        for name, value in item.items()
    }


def _pack(parts: list[tuple[Item, int]], packing: Packing) -> Item:
    first, _ = parts[0]
    lengths = [_frames(part, packing.axis) for part, _ in parts]
    held = sum(lengths)
    pack: Item = {"key": [part["key"] for part, _ in parts], "frames_held": held}
    for name in first:
        if name != "key":
            if len({tuple(np.delete(part[name].shape, packing.axis)) for part, _ in parts}) > 1:
                raise UsageError(
                    f"sample {parts[-1][0]['key']}: axis {packing.axis} is to be the time of {name}, and the items differ along "
                    "another axis, so they cannot be packed; give the axis of time as Packing(axis=...)"
                )
            whole = np.concatenate([part[name] for part, _ in parts], axis=packing.axis)
            pack[name] = _filled(whole, packing.axis, packing.frames - held, packing.pad)
    segment = np.repeat(np.arange(len(parts)), lengths)
    position = np.concatenate(
        [np.arange(start, start + length) for (_, start), length in zip(parts, lengths, strict=True)]
    )
    pack["segment"] = _filled(segment, 0, packing.frames - held, -1)
    pack["position"] = _filled(position, 0, packing.frames - held, 0)
    return pack


def _filled(array: np.ndarray[Any, Any], axis: int, frames: int, pad: int) -> np.ndarray[Any, Any]:
    if array.dtype.kind in "iu":
        array = array.astype(np.int64)
    widths = [(0, 0)] * array.ndim
    widths[axis] = (0, frames)
    return np.pad(array, widths, constant_values=pad if array.dtype.kind == "i" else 0)
