"""Reads the arrays of ``.npy`` files whose size is known to fit their bytes before any memory is taken.

numpy's own reader believes the header: it makes the array that the header speaks of, and evaluates the header as Python.
"""

import math
import re
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["parse_npy"]

_MAGIC: Final = b"\x93NUMPY"
_HEADER: Final = re.compile(
    r"\{'descr': '(?P<descr>[<>|=]?[a-zA-Z][0-9]{0,3})', 'fortran_order': (?P<fortran>True|False), "
    r"'shape': \((?P<shape>(?:[0-9]{1,18}, ?)*[0-9]{0,18})\),? ?\} *\n?"
)
_KINDS: Final = "uif"
_MAX_HEADER: Final = 10_000


def parse_npy(
    data: bytes, *, dtype: npt.DTypeLike | None = None, shape: Sequence[int] | None = None
) -> npt.NDArray[Any]:
    """Reads the array of a ``.npy`` file.

    Args:
        data: the whole file.
        dtype: what it must hold; any integers or floats if None.
        shape: what it must have; any if None.

    Returns:
        The array, in memory of its own, in C order and in the byte order of this machine.

    Raises:
        ValueError: it is damaged, holds objects, or is not of this dtype and shape. No array has been made then.
    """
    major, start = data[6:7], {b"\1": 10, b"\2": 12, b"\3": 12}.get(data[6:7], 0)
    if not data.startswith(_MAGIC) or not start or len(data) < start:
        raise ValueError(f"it is no .npy file, or of an unknown version {major.hex() or '(none)'}")
    size = int.from_bytes(data[8:start], "little")
    if size > _MAX_HEADER:
        raise ValueError(f"its header has {size} bytes, more than {_MAX_HEADER}")
    header = _HEADER.fullmatch(data[start : start + size].decode("latin-1"))
    if header is None or len(data) < start + size:
        raise ValueError("its header is damaged")
    found_dtype = _dtype(header["descr"])
    found_shape = tuple(int(part) for part in header["shape"].replace(" ", "").split(",") if part)
    if (dtype is not None and found_dtype.newbyteorder("=") != np.dtype(dtype)) or (
        shape is not None and found_shape != tuple(shape)
    ):
        raise ValueError(
            f"is {found_dtype} {list(found_shape)}, expected {dtype or 'numbers'} {list(shape or found_shape)}"
        )
    content = memoryview(data)[start + size :]
    if math.prod(found_shape) * found_dtype.itemsize != len(content):
        raise ValueError(
            f"its header says {found_dtype} {list(found_shape)}, {math.prod(found_shape) * found_dtype.itemsize} bytes, "
            f"and {len(content)} follow"
        )
    order: Any = "F" if header["fortran"] == "True" else "C"
    stored = np.frombuffer(content, found_dtype).reshape(found_shape, order=order)
    return stored.astype(found_dtype.newbyteorder("="), order="C")


def _dtype(text: str) -> np.dtype[Any]:
    if text.endswith("O") or "O" in text:
        raise ValueError("Object arrays cannot be loaded: they would run code; expected numbers")
    try:
        found = np.dtype(text)
    except TypeError:
        raise ValueError(f"it holds {text!r}, which is no type of numbers") from None
    if found.kind not in _KINDS:
        raise ValueError(f"it holds {found}, expected numbers")
    return found
