"""Holds the cards of a release against its tables, their schemas and their hashes, and lists all that is wrong at once."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from duologue_cards import CARD_FILES, document_faults, write_cards
from duologue_cards.report.of_release import REPORT
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.file_fault import StoreFaultError
from duologue_pipeline.files.inside import read_inside
from duologue_pipeline.made_by import MADE_BY
from duologue_pipeline.reader.release import read_release
from duologue_pipeline.release.card_files import MAX_BYTES, remade_report, sheet_and_tally
from duologue_pipeline.release.stated import read_statement
from duologue_pipeline.release.strays import KEPT

__all__ = ["card_faults", "other_version"]

_MOST: Final = 20
"""So many lines of one card are told; of more how many there are."""


def other_version(root: str) -> str | None:
    """Says what is not held against the tables, as another version of duologue has worded the cards; None of this version's.

    Args:
        root: the folder of a release.

    Raises:
        UsageError: there is no release.
    """
    made_by = read_release(root)["made_by"]
    if made_by == MADE_BY:
        return None
    return (
        f"{root}: was made by {made_by}, and this is {MADE_BY}, which words cards otherwise: they were held against their hashes in "
        f"dataset.json, and not against the tables"
    )


def card_faults(root: str) -> list[str]:
    """Holds every card of a release against its hash, its schema and what its tables say, byte by byte.

    Those of another version of duologue are held against their hashes alone (:func:`other_version`).

    Args:
        root: its folder.

    Returns:
        A line for each fault: what differs, and where.

    Raises:
        UsageError: there is no release, or its tables are not those that it names.
    """
    release = read_release(root)
    listed = {entry["path"]: entry for entry in release["files"] if entry["path"] in CARD_FILES}
    found: dict[str, bytes] = {}
    faults: dict[str, list[str]] = {}
    for path, entry in listed.items():
        try:
            found[path] = read_inside(root, path, max_bytes=MAX_BYTES)
        except StoreFaultError:
            raise
        except (OSError, ValueError) as error:
            faults[path] = [f"cannot be read ({getattr(error, 'strerror', None) or error})"]
            continue
        if hashlib.sha256(found[path]).hexdigest() != entry["sha256"]:
            faults[path] = ["is not the file that dataset.json names, by its SHA-256"]
    if release["made_by"] != MADE_BY:
        return _lines(faults)
    for path, data in found.items():
        faults.setdefault(path, []).extend(document_faults(path, data))
    try:
        expected = dict(_remade(root, release, faults))
    except UsageError as error:
        damaged = [path for path in KEPT if path in faults]
        if not damaged:
            raise
        faults[damaged[0]].append(
            f"the other cards were not held against the tables, which takes what is stated and measured ({error})"
        )
        return _lines(faults)
    for path in expected.keys() - listed.keys():
        faults[path] = ["is not in dataset.json; `duologue card build` writes it"]
    for path in listed.keys() - expected.keys() - faults.keys() - {REPORT}:
        faults[path] = ["is in dataset.json, and duologue writes no such card"]
    for path, wanted in expected.items():
        if path in found and found[path] != wanted:
            faults[path] = [*_differences(found[path], wanted), *faults[path][1:]]
    return _lines(faults)


def _remade(root: str, release: Mapping[str, Any], faults: dict[str, list[str]]) -> Iterator[tuple[str, bytes]]:
    """Makes every card anew; a page that cannot be made is noted as a fault."""
    sheet, tally = sheet_and_tally(root, release, read_statement(root, release))
    made = dict(write_cards(sheet))
    yield from made.items()
    try:
        yield remade_report(root, release, sheet, tally, made)
    except UsageError as error:
        faults.setdefault(REPORT, []).append(str(error).removeprefix(f"{REPORT}: "))


def _lines(faults: Mapping[str, list[str]]) -> list[str]:
    """Writes the faults in the order of the cards."""
    return [f"{path}: {fault}" for path in CARD_FILES for fault in dict.fromkeys(faults.get(path, ()))]


def _differences(found: bytes, wanted: bytes) -> list[str]:
    """Names every line that differs; of texts of another length the first one, and the lengths."""
    ours, theirs = wanted.splitlines(), found.splitlines()
    told = [
        f"line {number} says {_shown(other)}, the tables say {_shown(line)}"
        for number, (line, other) in enumerate(zip(ours, theirs, strict=False), 1)
        if line != other
    ]
    if len(ours) != len(theirs):
        return [*told[:1], f"has {len(theirs)} lines, the tables make {len(ours)}"]
    return [*told[:_MOST], *([f"and {len(told) - _MOST} more lines"] if len(told) > _MOST else [])] or [
        "ends its lines otherwise than the tables say"
    ]


def _shown(line: bytes) -> str:
    text = line.decode("utf-8", "replace").strip()
    return repr(text if len(text) <= 120 else text[:117] + "...")
