"""Arrays of .npy files: read as numpy reads them, and never believed."""

import io
from typing import Any

import numpy as np
import pytest

from duologue_pipeline.files.arrays import parse_npy


def npy(array: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asanyarray(array), **options)
    return buffer.getvalue()


def with_header(text: str, content: bytes = b"\0" * 6) -> bytes:
    return b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text.encode() + content


@pytest.mark.parametrize(
    "array",
    [
        np.arange(24, dtype="<u2").reshape(2, 3, 4),
        np.arange(24, dtype=">i4").reshape(4, 6),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.zeros((2, 8, 0), np.uint16),
        np.float32(3),
        np.zeros(5, np.int8),
    ],
)
@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_an_array_comes_back_as_it_was_written(array: Any, version: tuple[int, int]) -> None:
    found = parse_npy(npy(array, version=version))
    assert np.array_equal(found, array)
    assert found.shape == array.shape
    assert found.flags.writeable


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no .npy file"),
        (b"\x93NUMPY\7\0\0\0", "unknown version 07"),
        (npy(np.zeros(4, "<u2"))[:-1], r"its header says uint16 \[4\], 8 bytes, and 7 follow"),
        (npy(np.zeros(4, "<u2")) + b"\0", "8 bytes, and 9 follow"),
        (with_header("{'descr': '<u2', 'fortran_order': False, 'shape': (2, 8, 99999999999), }"), "and 6 follow"),
        (with_header("{'descr': '<u2', 'fortran_order': False, 'shape': (-3,), }"), "its header is damaged"),
        (with_header("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"), "Object arrays cannot be loaded"),
        (with_header("{'descr': '<U999', 'fortran_order': False, 'shape': (1,), }"), "expected numbers"),
        (with_header("{'descr': [('a', '<u2')], 'fortran_order': False, 'shape': (1,), }"), "its header is damaged"),
        (with_header("__import__('os').system('true')"), "its header is damaged"),
        (with_header("(" * 9000), "its header is damaged"),
        (b"\x93NUMPY\2\0\xff\xff\xff\x7f", "its header has 2147483647 bytes"),
    ],
)
def test_what_is_none_is_refused_before_memory_is_taken(data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_npy(data)


def test_another_type_or_shape_than_expected_is_refused() -> None:
    data = npy(np.zeros((2, 3), "<u2"))
    assert parse_npy(data, dtype="uint16", shape=(2, 3)).shape == (2, 3)
    with pytest.raises(ValueError, match=r"is uint16 \[2, 3\], expected int32 \[2, 3\]"):
        parse_npy(data, dtype="int32")
    with pytest.raises(ValueError, match=r"is uint16 \[2, 3\], expected numbers \[2, 4\]"):
        parse_npy(data, shape=(2, 4))
