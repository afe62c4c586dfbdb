"""Goes over the pages of a Parquet file by their headers, before any is unpacked, and adds up what they would unpack to.

The footer may say anything; what a reader unpacks is what the header of each page says (parquet.thrift, PageHeader, in
Thrift's compact protocol). A few hundred bytes can unpack to gigabytes.
"""

from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import Any, Final

import pyarrow.parquet as pq

__all__ = ["ColumnPages", "column_pages"]

_PLAIN, _PLAIN_DICTIONARY, _RLE, _RLE_DICTIONARY = 0, 2, 3, 8
_ENCODINGS: Final = {_PLAIN, _PLAIN_DICTIONARY, _RLE, _RLE_DICTIONARY}
_DATA, _DICTIONARY, _DATA_V2 = 0, 2, 3
_HEADERS: Final = {_DATA: 5, _DICTIONARY: 7, _DATA_V2: 8}
"""Type of a page -> the field of its header that tells about it."""
_ENCODING_FIELDS: Final = {_DATA: 2, _DICTIONARY: 2, _DATA_V2: 4}
_MAX_DEPTH: Final = 8
_NUMBERS: Final = (5, 6)
"""Whole numbers of 32 and 64 bits, of the types of Thrift's compact protocol."""


@dataclass(frozen=True)
class ColumnPages:
    """Says what the pages of a column of one row group unpack to.

    Attributes:
        path: the column's path, e.g. ``kinds.list.element.kind``.
        is_text: whether its values are texts or bytes.
        is_nested: whether it lies in a list or a struct.
        rows: of the row group.
        values: how many its data pages hold, those that are null counted too.
        bytes: of its pages, unpacked.
        dictionary_bytes: of its dictionary, unpacked; 0 without one. No value is longer than that.
    """

    path: str
    is_text: bool
    is_nested: bool
    rows: int
    values: int
    bytes: int
    dictionary_bytes: int


def column_pages(
    data: bytes, metadata: pq.FileMetaData, columns: Container[str] | None = None
) -> Iterator[ColumnPages]:
    """Goes over the pages of columns.

    Args:
        data: the whole file.
        metadata: its footer.
        columns: by their names, with all that lies in them; all if None.

    Raises:
        ValueError: the pages are not where the footer says, or of an encoding that duologue does not write.
    """
    schema = metadata.schema
    paths = [schema.column(place).path for place in range(metadata.num_columns)]
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        if group.num_columns != len(paths):
            raise ValueError(f"has {group.num_columns} columns in a group of rows, and {len(paths)} in its footer")
        for place, path in enumerate(paths):
            if columns is None or path.partition(".")[0] in columns:
                yield _pages(data, path, group.column(place), group.num_rows)


def _pages(data: bytes, path: str, column: Any, rows: int) -> ColumnPages:
    size = column.total_compressed_size
    start = column.dictionary_page_offset or column.data_page_offset
    end = start + size
    is_text = column.physical_type in ("BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY")
    if rows == size == start == 0:  # of a shard that has no row in the table
        return ColumnPages(path, is_text, "." in path, 0, 0, 0, 0)
    if not 4 <= start <= end <= len(data) or rows < 0:
        raise ValueError(f"column {path} is said to lie at bytes {start} to {end} of {len(data)}")
    values = unpacked = dictionary = 0
    while start < end:
        header, start = _Reader(data, start, end).struct()
        try:
            kind, size, packed = header[1], header[2], header[3]
            about = header[_HEADERS[kind]]
            count, encoding = about[1], about[_ENCODING_FIELDS[kind]]
            whole = count >= 0 and size >= 0 and 0 <= packed <= end - start
        except (KeyError, TypeError):
            raise ValueError(f"column {path} has a page of an unknown kind") from None
        if not whole:
            raise ValueError(f"column {path} has a page of sizes that cannot be")
        if encoding not in _ENCODINGS:
            raise ValueError(f"column {path} has a page of encoding {encoding}, which duologue does not write")
        unpacked += size
        start += packed
        if kind == _DICTIONARY:
            dictionary += size
        else:
            values += count
    return ColumnPages(path, is_text, "." in path, rows, values, unpacked, dictionary)


class _Reader:
    """Reads Thrift's compact protocol; ValueError where it is damaged."""

    def __init__(self, data: bytes, position: int, end: int) -> None:
        self._data = data
        self._position = position
        self._end = end

    def struct(self) -> tuple[dict[int, Any], int]:
        """Reads a struct: (field -> whole number, struct or None for what is of another type, where it ends)."""
        return self._struct(0), self._position

    def _struct(self, depth: int) -> dict[int, Any]:
        if depth > _MAX_DEPTH:
            raise ValueError("the header of a page is nested too deeply")
        fields: dict[int, Any] = {}
        number = 0
        while head := self._byte():
            delta, kind = head >> 4, head & 15
            number = number + delta if delta else self._number()
            fields[number] = self._number() if kind in _NUMBERS else self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        match kind:
            case 1 | 2:  # true, false
                return None
            case 12:
                return self._struct(depth + 1)
            case 3:
                self._skip(1)
            case 7:  # a double
                self._skip(8)
            case 8:  # bytes or text
                self._skip(self._varint())
            case _:
                raise ValueError("the header of a page holds what does not belong there")
        return None

    def _byte(self) -> int:
        if self._position >= self._end:
            raise ValueError("the header of a page is cut off")
        self._position += 1
        return self._data[self._position - 1]

    def _skip(self, count: int) -> None:
        if count > self._end - self._position:
            raise ValueError("the header of a page is cut off")
        self._position += count

    def _varint(self) -> int:
        value = self._byte()
        if value < 128:
            return value
        value &= 127
        for shift in range(7, 70, 7):
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        raise ValueError("the header of a page holds a number that is too long")

    def _number(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
