"""Makes the items that a DataLoader gives of samples: arrays by name, as a view returns them."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader import Sample

__all__ = ["Item", "View", "check_padding", "items_of", "time_frames", "to_tensors"]

Item = dict[str, Any]
"""Arrays, or tensors, by name, and under ``key`` the sample that they are of."""

View = Callable[[Sample], Any]
"""Makes of a sample what a model takes; :func:`items_of` says what it may return."""


def items_of(sample: Sample, view: View | None) -> list[Item]:
    """Applies a view to a sample.

    Args:
        sample: is left as it is.
        view: None gives ``codes`` uint16 [2, codebooks, frames]. It may return

            - an array, which is called ``ids``;
            - two arrays, ``ids`` and ``mask``, or, if the first one is of floats, ``features`` and ``states``;
            - a dataclass, e.g. :class:`duologue_pipeline.views.Tokens`: its arrays under their names;
            - a mapping: what it holds under its names;
            - None: the sample is left out;
            - a list of these, e.g. one for each speaker as the model.

    Returns:
        The items, each with the sample's ``key``.

    Raises:
        UsageError: the view returns something else, or names something ``key``.
    """
    if view is None:
        return [{"key": sample.key, "codes": sample.codes}]
    found = view(sample)
    parts = [_named(part) for part in (found if isinstance(found, list) else [found]) if part is not None]
    if any("key" in part for part in parts):
        raise UsageError("a view returns something under the name `key`, which holds the sample's; rename it")
    return [{"key": sample.key, **part} for part in parts]


def time_frames(item: Item, axis: int) -> dict[str, int]:
    """Counts the frames of each array of an item.

    Args:
        item: arrays or tensors by name.
        axis: which axis of each is time.

    Raises:
        UsageError: there is none, or one has no such axis.
    """
    arrays = {name: value for name, value in item.items() if hasattr(value, "shape")}
    if not arrays or not all(-value.ndim <= axis < value.ndim for value in arrays.values()):
        told = ", ".join(f"{name} {list(value.shape)}" for name, value in arrays.items()) or "none"
        raise UsageError(
            f"sample {item['key']}: axis {axis} is to be the time of its arrays ({told}); give another one as axis="
        )
    return {name: int(value.shape[axis]) for name, value in arrays.items()}


def check_padding(pad: Any, axis: Any) -> None:
    """Checks what fills up integers, and which axis is time; raises UsageError."""
    if type(pad) is not int or not -(1 << 63) <= pad < 1 << 63:
        raise UsageError(f"pad {pad!r}: expected a whole number that fills up integers")
    if type(axis) is not int:
        raise UsageError(f"axis {axis!r}: expected which axis is time, a whole number")


def to_tensors(item: Item) -> Item:
    """Turns arrays into tensors: integers of any kind into int64, floats into float32; bool and what is no array stays.

    Raises:
        UsageError: an array is of something else.
    """
    for name, value in item.items():
        if isinstance(value, np.ndarray) and value.dtype.kind not in "iufb":
            raise UsageError(
                f"sample {item['key']}: {name} is an array of {value.dtype}, expected whole numbers, floats or bool; turn it into a "
                "list in the view"
            )
    return {name: _tensor(value) if isinstance(value, np.ndarray) else value for name, value in item.items()}


def _named(found: Any) -> dict[str, Any]:
    if isinstance(found, np.ndarray):
        return {"ids": found}
    if isinstance(found, tuple) and len(found) == 2 and all(isinstance(part, np.ndarray) for part in found):
        names = ("features", "states") if found[0].dtype.kind == "f" else ("ids", "mask")
        return dict(zip(names, found, strict=True))
    if dataclasses.is_dataclass(found) and not isinstance(found, type):
        held = {field.name: getattr(found, field.name) for field in dataclasses.fields(found)}
        return {name: value for name, value in held.items() if isinstance(value, np.ndarray)}
    if isinstance(found, Mapping) and all(isinstance(name, str) for name in found):
        return dict(found)
    raise UsageError(
        f"a view returns {type(found).__name__}: expected an array, two arrays (ids and mask), a dataclass or a mapping of "
        "arrays by name, a list of these, or None"
    )


def _tensor(array: np.ndarray[Any, Any]) -> torch.Tensor:
    if array.dtype.kind in "iu":
        array = array.astype(np.int64)
    elif array.dtype.kind == "f":
        array = array.astype(np.float32)
    return torch.from_numpy(np.ascontiguousarray(array))
