"""Puts items together into a batch."""

from collections.abc import Sequence
from typing import Any

import torch

from duologue_pipeline.errors import UsageError
from duologue_pipeline.torch.items import Item, check_padding, time_frames

__all__ = ["collate"]


def collate(items: Sequence[Item], *, pad: int = -1, axis: int = -1) -> dict[str, Any]:
    """Pads items to one length and stacks them, as ``collate_fn`` of a DataLoader.

    For other values, ``functools.partial(collate, pad=2048)``.

    Args:
        items: what :class:`duologue_pipeline.torch.TorchDataset` gives.
        pad: fills up integers; floats are filled up with 0, bool with False.
        axis: which axis of an item's tensors is time; 0 for :func:`duologue_pipeline.views.turn_frames`.

    Returns:
        Under the name of each tensor, the batch of it [B, ...], padded at the end of each axis to the longest;
        ``lengths`` int64 [B], the frames of each item's first tensor before it was padded (of packs: before they were filled
        up), and ``NAME_lengths`` of a tensor with other lengths; ``keys``, a list of the samples' keys (of packs: of lists). What
        is no tensor becomes a list.

    Raises:
        UsageError: a tensor has no such axis, there is no item, or they hold something else each, or are of one length along
            the axis and of several along another.
    """
    check_padding(pad, axis)
    _check_alike(items)
    batch = {**_lengths(items, axis), "keys": [item["key"] for item in items]}
    for name in items[0]:
        values = [item[name] for item in items]
        if isinstance(values[0], torch.Tensor):
            batch[name] = _stacked(values, pad)
        elif name not in ("key", "frames_held"):
            batch[name] = values
    return batch


def _check_alike(items: Sequence[Item]) -> None:
    if not items or not all(isinstance(item, dict) and "key" in item for item in items):
        raise UsageError("collate: expected a list of items of a TorchDataset, at least one")
    first = items[0]
    for item in items:
        if item.keys() != first.keys():
            raise UsageError(
                f"samples {first['key']} and {item['key']} have different parts ({', '.join(first)}; {', '.join(item)}) and make no "
                "batch; give a view that returns the same for each, or batches of one"
            )
        for name, value in item.items():
            if _layout(value) != _layout(first[name]):
                raise UsageError(
                    f"samples {first['key']} and {item['key']}: {name} is of another type or number of axes in each, and makes no "
                    "batch; give a view that returns the same for each, or batches of one"
                )


def _layout(value: Any) -> Any:
    return (value.dtype, value.ndim) if isinstance(value, torch.Tensor) else None


def _lengths(items: Sequence[Item], axis: int) -> dict[str, Any]:
    if "frames_held" in items[0]:
        return {"lengths": torch.tensor([item["frames_held"] for item in items])}
    found = [time_frames(item, axis) for item in items]
    _check_axis(items, next(iter(found[0])), axis)
    lengths = {name: torch.tensor([frames[name] for frames in found]) for name in found[0]}
    first, *others = lengths.items()
    return {"lengths": first[1], **{f"{name}_lengths": each for name, each in others if not each.equal(first[1])}}


def _check_axis(items: Sequence[Item], name: str, axis: int) -> None:
    """Checks that what is to be time is not an axis along which nothing differs, while another one does."""
    sizes = [set(each) for each in zip(*(item[name].shape for item in items), strict=True)]
    other = [number for number, each in enumerate(sizes) if len(each) > 1]
    if other and len(sizes[axis]) == 1:
        raise UsageError(
            f"sample {items[0]['key']}: axis {axis} is to be the time of {name} {list(items[0][name].shape)}, and the items of the "
            f"batch differ along axis {other[0]}; if that is time give axis={other[0]}: functools.partial(collate, axis={other[0]})"
        )


def _stacked(values: Sequence[torch.Tensor], pad: int) -> torch.Tensor:
    shapes = {tuple(value.shape) for value in values}
    if len(shapes) == 1:
        return torch.stack(list(values))
    longest = [max(sizes) for sizes in zip(*shapes, strict=True)]
    first = values[0]
    filling = pad if first.dtype == torch.int64 else 0
    batch = first.new_full((len(values), *longest), filling)
    for row, value in zip(batch, values, strict=True):
        row[tuple(slice(size) for size in value.shape)] = value
    return batch
