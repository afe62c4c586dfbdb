"""Holds the cards of a release against its tables, and reads what a person stated in it."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from duologue_cards import CARD_FILES, STATEMENT, Sheet, parse_statement, write_cards
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.file_fault import StoreFaultError
from duologue_pipeline.files.inside import read_inside
from duologue_pipeline.files.storage import join
from duologue_pipeline.files.text import parse_json
from duologue_pipeline.reader.release import read_release
from duologue_pipeline.reader.release_file import release_file
from duologue_pipeline.reader.tables import read_release_table
from duologue_pipeline.release.document import card_sheet

__all__ = ["card_faults", "read_statement", "release_sheet"]

_MAX_BYTES = 1 << 28


def read_statement(root: str, release: Mapping[str, Any]) -> dict[str, Any]:
    """Reads what a person stated, as the release keeps it; empty where nobody did.

    Args:
        root: the folder of the release.
        release: the document of ``dataset.json``.

    Raises:
        UsageError: it is not the file that ``dataset.json`` names, or says what it may not.
    """
    if all(entry["path"] != STATEMENT for entry in release["files"]):
        return {}
    try:
        return parse_statement(release_file(root, release, STATEMENT), join(root, STATEMENT))
    except ValueError as error:
        raise UsageError(str(error)) from None


def release_sheet(root: str) -> tuple[dict[str, Any], Sheet]:
    """Reads a release and lays down its facts anew.

    Args:
        root: its folder.

    Returns:
        The document of ``dataset.json``, and the facts.

    Raises:
        UsageError: there is no release, or its tables are not those that it names.
    """
    release = read_release(root)
    index, recordings = (read_release_table(root, release, name) for name in ("index", "recordings"))
    lines = release_file(root, release, "rejected.jsonl").splitlines()
    try:
        reasons = Counter(parse_json(line)["reason"] for line in lines)
        return release, card_sheet(release, index, recordings, reasons, read_statement(root, release))
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{root}: its dataset.json and its tables do not belong together ({error})") from None


def card_faults(root: str) -> list[str]:
    """Holds every card of a release against what its tables say, byte by byte.

    Args:
        root: its folder.

    Returns:
        A line for each fault: what differs first, and where.

    Raises:
        UsageError: there is no release, or its tables are not those that it names.
    """
    release, sheet = release_sheet(root)
    listed = {entry["path"] for entry in release["files"]}
    expected = dict(write_cards(sheet))
    faults = [
        f"{path}: is not in dataset.json; `duologue card build` writes it" for path in expected if path not in listed
    ]
    faults += [
        f"{path}: is in dataset.json, and duologue writes no such card"
        for path in CARD_FILES
        if path in listed - expected.keys()
    ]
    for path, wanted in expected.items():
        if path not in listed:
            continue
        try:
            found = read_inside(root, path, max_bytes=_MAX_BYTES)
        except StoreFaultError:
            raise
        except (OSError, ValueError) as error:
            faults.append(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})")
            continue
        if found != wanted:
            faults.append(f"{path}: {_difference(found, wanted)}")
    return faults


def _difference(found: bytes, wanted: bytes) -> str:
    ours, theirs = wanted.splitlines(), found.splitlines()
    for number, (line, other) in enumerate(zip(ours, theirs, strict=False), 1):
        if line != other:
            return f"line {number} says {_shown(other)}, its tables say {_shown(line)}"
    return f"has {len(theirs)} lines, its tables make {len(ours)}"


def _shown(line: bytes) -> str:
    text = line.decode("utf-8", "replace").strip()
    return repr(text if len(text) <= 120 else text[:117] + "...")
