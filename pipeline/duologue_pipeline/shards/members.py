"""Reads the members of a shard, of whoever has written it: regular files under plain names, and nothing else of what tar can hold.

A shard has links, devices, sparse files, folders and extended headers no more than it has two members of one name. What is
in it is read in one pass; no member takes more memory than there are bytes left.
"""

import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["Member", "MemberError", "SampleMembers", "first_key", "group_members", "read_members_of"]

_BLOCK: Final = 512
_MAX_NAME: Final = 4096
_NAME: Final = re.compile(r"(?P<key>[A-Za-z0-9][A-Za-z0-9_-]*)\.(?P<extension>[A-Za-z0-9]+(?:\.[A-Za-z0-9]+)*)")
_OCTAL: Final = re.compile(rb" *([0-7]+)[ \0]*")
_FILE: Final = (b"0", b"\0")
_LONG_NAME: Final = b"L"
_KINDS: Final = {
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"3": "a device",
    b"4": "a device",
    b"5": "a folder",
    b"6": "a pipe",
    b"S": "a sparse file",
    b"K": "a long link",
    b"x": "an extended header",
    b"g": "an extended header",
}


class MemberError(ValueError):
    """Tells what is wrong with an archive; the message is the end of a sentence that names the file."""


@dataclass(frozen=True)
class Member:
    """Holds one file of an archive: ``KEY.extension``, and where its headers begin in the archive, in bytes."""

    key: str
    extension: str
    offset: int
    content: bytes


@dataclass(frozen=True)
class SampleMembers:
    """Holds the members of one sample, extension -> content in their order, and from which byte to which they lie."""

    key: str
    members: dict[str, bytes]
    start: int
    stop: int


def read_members_of(stream: Any, *, max_bytes: int) -> Iterator[Member]:
    """Reads an archive from beginning to end.

    Args:
        stream: a file object to read bytes from.
        max_bytes: how long the archive may be.

    Raises:
        MemberError: it is damaged, longer, or holds anything but regular files of the name ``KEY.extension``.
    """
    tape = _Tape(stream, max_bytes)
    while True:
        start, name = tape.position, ""
        header = tape.header()
        if header is not None and header[156:157] == _LONG_NAME:
            size = _size(header)
            if size > _MAX_NAME:
                raise MemberError(f"it has a name of {size} bytes")
            name = _text(tape.content(size, "a long name"))
            header = tape.header()
        if header is None or not any(header):
            if name:
                raise MemberError("it ends after a long name")
            tape.only_zeros()
            return
        kind = header[156:157]
        name = name or _text(header[:100])
        if kind not in _FILE:
            raise MemberError(
                f"it holds {_KINDS.get(kind, 'something unknown')} ({_shown(name)}), and a shard only files"
            )
        found = _NAME.fullmatch(name)
        if found is None or (header[257:263] == b"ustar\0" and header[345:500].strip(b"\0")):
            raise MemberError(f"it holds a file named {_shown(name)}, expected KEY.json, KEY.codes.npy or KEY.flac")
        yield Member(found["key"], found["extension"], start, tape.content(_size(header), name))


def group_members(members: Iterable[Member]) -> Iterator[SampleMembers]:
    """Groups members by sample, in the order of the archive; where it is damaged, the samples before that come first.

    Raises:
        MemberError: a sample has two members of one name; or what the members raise.
    """
    key, held, start, stop = "", dict[str, bytes](), 0, 0
    try:
        for member in members:
            if held and member.key != key:
                yield SampleMembers(key, held, start, member.offset)
                held = {}
            if not held:
                start = member.offset
            if member.extension in held:
                raise MemberError(f"it holds {member.key}.{member.extension} twice")
            key, held[member.extension] = member.key, member.content
            stop = member.offset + _headers(member) + _padded(len(member.content))
    except MemberError:
        if held:
            yield SampleMembers(key, held, start, stop)
        raise
    if held:
        yield SampleMembers(key, held, start, stop)


def first_key(data: bytes) -> str:
    """Reads the key of the sample whose members begin with these bytes; "" where none does."""
    tape = _Tape(io.BytesIO(data), len(data))
    try:
        header = tape.header()
        if header is not None and header[156:157] == _LONG_NAME:
            name = _text(tape.content(_size(header), "a long name"))
        else:
            name = _text((header or b"")[:100])
    except MemberError:
        return ""
    found = _NAME.fullmatch(name)
    return found["key"] if found else ""


class _Tape:
    def __init__(self, stream: Any, max_bytes: int) -> None:
        self._stream = stream
        self._left = max_bytes
        self.position = 0

    def header(self) -> bytes | None:
        """Reads one header; None at the end of the file."""
        block = self._read(_BLOCK)
        if not block:
            return None
        if len(block) < _BLOCK:
            raise MemberError("it is cut off within a header")
        if any(block):
            told = _OCTAL.fullmatch(block[148:156])
            if told is None or sum(block[:148]) + 8 * 32 + sum(block[156:]) != int(told[1], 8):
                raise MemberError(f"at byte {self.position - _BLOCK} is no header of a tar archive")
            if block[257:262] != b"ustar":
                raise MemberError(f"at byte {self.position - _BLOCK} is a header of another kind of archive")
        return block

    def content(self, size: int, name: str) -> bytes:
        """Reads what follows a header, with its padding."""
        if size > self._left:
            raise MemberError(f"{_shown(name)} is said to have {size} bytes, and {self._left} are left")
        content = self._read(size)
        if len(content) < size or len(self._read(_padded(size) - size)) < _padded(size) - size:
            raise MemberError(f"it is cut off within {_shown(name)}")
        return content

    def only_zeros(self) -> None:
        """Reads to the end of the archive, where nothing follows its end mark."""
        while block := self._read(1 << 20):
            if any(block):
                raise MemberError("something follows its end")
        if self._stream.read(1):
            raise MemberError(f"it is longer than the {self.position} bytes that it should have")

    def _read(self, size: int) -> bytes:
        parts: list[bytes] = []
        wanted = min(size, self._left)
        while wanted and (part := self._stream.read(wanted)):
            parts.append(bytes(part))
            wanted -= len(part)
        data = b"".join(parts)
        self._left -= len(data)
        self.position += len(data)
        return data


def _size(header: bytes) -> int:
    field = header[124:136]
    if field[0] == 0x80:  # GNU writes what needs more than eleven octal digits as a binary number
        return int.from_bytes(field[1:], "big")
    told = _OCTAL.fullmatch(field)
    if told is None:
        raise MemberError("it holds a member of a size that is no number")
    return int(told[1], 8)


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "replace")


def _shown(name: str) -> str:
    return repr(name if len(name) <= 200 else f"{name[:200]}...")


def _padded(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


def _headers(member: Member) -> int:
    name = len(f"{member.key}.{member.extension}")
    return _BLOCK if name <= 100 else 2 * _BLOCK + _padded(name + 1)
