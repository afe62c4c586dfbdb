"""Checks a manifest line by line, as ``duologue validate`` does."""

import codecs
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from duologue_schemas.faults import iter_faults
from duologue_schemas.messages import shown
from duologue_schemas.strict_json import NestedError, parse_line

__all__ = ["LineFault", "parse_manifest_line", "validate_manifest_lines"]


@dataclass(frozen=True)
class LineFault:
    """Describes one fault of a manifest; ``line`` counts from 1, and 0 stands for the manifest as a whole."""

    line: int
    recording_id: str | None
    field: str
    message: str


def validate_manifest_lines(lines: Iterable[bytes]) -> Iterator[LineFault]:
    """Lists every fault of a JSON Lines manifest, line by line; blank lines are allowed.

    Args:
        lines: the lines as bytes, with or without their ends, as an opened binary file gives them.

    Yields:
        The faults in the order of the lines; none if the manifest is valid.
    """
    first_line_of: dict[str, int] = {}
    recordings = 0
    for number, line in enumerate(lines, start=1):
        if number == 1 and line.startswith(codecs.BOM_UTF8):
            yield LineFault(1, None, "", "begins with a byte order mark; save the file as UTF-8 without BOM")
            line = line.removeprefix(codecs.BOM_UTF8)
        if not line.strip():
            continue
        recordings += 1
        try:
            document = parse_manifest_line(line)
        except ValueError as error:
            yield LineFault(number, None, "", str(error))
            continue
        faults = list(iter_faults("recording", document))
        # An id that breaks the rules is shown in its fault only: it may hold a line end.
        named = isinstance(document, dict) and not any(fault.field == "recording_id" for fault in faults)
        recording_id: str | None = document["recording_id"] if named else None
        for fault in faults:
            yield LineFault(number, recording_id, fault.field, fault.message)
        if recording_id is not None:
            first = first_line_of.setdefault(recording_id, number)
            if first != number:
                message = f"line {first} and line {number} both have {shown(recording_id)}; give each its own id"
                yield LineFault(number, recording_id, "recording_id", message)
    if not recordings:
        yield LineFault(0, None, "", "the manifest holds no recording; write one JSON object a line")


def parse_manifest_line(line: bytes) -> Any:
    """Parses one line, more strictly than ``json.loads``: UTF-8 only, and as :func:`duologue_schemas.strict_json.parse_json` does.

    Raises:
        ValueError: the line is not JSON; the message says where and what to do.
    """
    try:
        return parse_line(line)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"is not UTF-8: byte {error.start + 1} of the line is 0x{line[error.start]:02x}; save the file as UTF-8"
        ) from error
    except json.JSONDecodeError as error:
        raise ValueError(
            f"is not valid JSON at column {error.colno}: {error.msg}; write one complete JSON object a line"
        ) from error
    except NestedError as error:
        raise ValueError(f"{error}; write the object that the recording schema describes") from error
