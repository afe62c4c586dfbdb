"""Fetches parts of files over http and https, and asks how long they are, by the same rules as whole files."""

import io
import re
from typing import Any, Final

from duologue_pipeline.files.file_fault import FileFault, FileMissing
from duologue_pipeline.files.pace import Pace
from duologue_pipeline.files.web import (
    NO_SUCH_RANGE,
    PART,
    ForAWhileError,
    announced_size,
    ask_for,
    receive,
    try_again,
)
from duologue_pipeline.files.web_address import WebAddress, parse_web_address
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.files import FilesRules

__all__ = ["NoRangesError", "fetch_range", "web_size"]

_CONTENT_RANGE: Final = re.compile(r"bytes (?P<start>[0-9]{1,18})-[0-9]{1,18}/(?P<whole>[0-9]{1,18})")


class NoRangesError(FileFault):
    """Says that a server gives files whole and not in parts."""


def web_size(uri: str) -> int | None:
    """Gives the size of a file on a web server in bytes; None where there is none.

    Raises:
        FileFault: the server does not say it.
    """
    rules = load_rules(FilesRules)
    address = parse_web_address(uri)

    def size_of(found: WebAddress, answer: Any, pace: Pace) -> int:
        if int(answer.status) == NO_SUCH_RANGE:
            return 0
        size = _ranged(found, answer)[1] if int(answer.status) == PART else announced_size(found, answer)
        if size is None:
            raise FileFault(
                f"{found.shown}: cannot be looked at: the server does not say how long it is; have it send Content-Length",
                values={"fault": "protocol"},
            )
        return size

    try:
        return try_again(address, rules, lambda pace: ask_for(address, pace, rules, size_of, {"Range": "bytes=0-0"}))
    except FileMissing:
        return None


def fetch_range(uri: str, offset: int, size: int) -> bytes:
    """Fetches a part of a file; the whole part, or as much of it as the file has.

    Args:
        uri: ``http://`` or ``https://``.
        offset: where it begins, in bytes.
        size: how many bytes, at least 1.

    Raises:
        FileFault: it cannot be had; FileMissing where the server has no such file, NoRangesError where it gives no parts.
    """
    rules = load_rules(FilesRules)
    address = parse_web_address(uri)

    def part_of(found: WebAddress, answer: Any, pace: Pace) -> bytes:
        if int(answer.status) == NO_SUCH_RANGE:
            return b""
        if int(answer.status) != PART:
            raise NoRangesError(f"{found.shown}: the server gives no parts of files", "not_allowed")
        start, whole = _ranged(found, answer)
        wanted = min(size, whole - offset)
        if start != offset:
            raise FileFault(
                f"{found.shown}: cannot be fetched: the server gave another part than was asked for",
                values={"fault": "protocol"},
            )
        buffer = io.BytesIO()
        receive(found, answer, buffer, pace, wanted)
        if buffer.tell() != wanted:
            raise ForAWhileError(f"{buffer.tell()} of {wanted} bytes came")
        return buffer.getvalue()

    asked = {"Range": f"bytes={offset}-{offset + size - 1}"}
    return try_again(address, rules, lambda pace: ask_for(address, pace, rules, part_of, asked))


def _ranged(address: WebAddress, answer: Any) -> tuple[int, int]:
    """Gives where the part begins that a server has sent, and how long the whole file is."""
    text = answer.headers.get("Content-Range", "")
    found = _CONTENT_RANGE.fullmatch(text.strip())
    if found is None:
        raise FileFault(
            f"{address.shown}: cannot be fetched: the server does not say which part it sends ({text[:40]!r})",
            values={"fault": "protocol"},
        )
    return int(found["start"]), int(found["whole"])
