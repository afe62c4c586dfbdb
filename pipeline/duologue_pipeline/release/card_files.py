"""Holds the cards of a release against its tables, and reads what a person stated in it."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import pyarrow as pa

from duologue_cards import (
    CARD_FILES,
    STATEMENT,
    Sheet,
    Tally,
    add_tallies,
    judge,
    parse_statement,
    tally_speakers,
    tally_tables,
    write_cards,
)
from duologue_cards.report.of_release import REPORT
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.conditional import read_version, swap_bytes
from duologue_pipeline.files.file_fault import StoreFaultError
from duologue_pipeline.files.inside import read_inside
from duologue_pipeline.files.locks import exclusive
from duologue_pipeline.files.storage import delete_file, exists, join, move, read_bytes, write_bytes
from duologue_pipeline.files.tables import parse_table
from duologue_pipeline.files.text import parse_json
from duologue_pipeline.reader.release import MANIFEST, read_release
from duologue_pipeline.reader.release_file import release_file, table_paths, waiting_path
from duologue_pipeline.reader.tables import read_release_table
from duologue_pipeline.release.document import card_sheet, file_entry, manifest_bytes
from duologue_pipeline.release.report import release_report
from duologue_pipeline.release.same_page import same_page
from duologue_pipeline.release.strays import LOCK, find_strays, install_statement

__all__ = [
    "build_cards",
    "card_changes",
    "card_faults",
    "load_statement",
    "read_statement",
    "release_sheet",
    "release_tally",
    "report_stands",
]

_MAX_BYTES: Final = 1 << 28


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


def load_statement(uri: str) -> dict[str, Any]:
    """Reads a dataset.yaml that a person wrote.

    Args:
        uri: of the file.

    Raises:
        UsageError: it cannot be read, is no YAML, or says what it may not; all faults at once.
    """
    try:
        return parse_statement(read_bytes(uri), uri)
    except OSError as error:
        raise UsageError(
            f"{uri}: cannot be read ({error.strerror or error}); `duologue card init` writes one"
        ) from None
    except ValueError as error:
        raise UsageError(str(error)) from None


def release_tally(index: pa.Table, recordings: pa.Table) -> Tally:
    """Counts both tables of a release, and its people.

    Args:
        index: all of ``index.parquet``.
        recordings: all of ``recordings.parquet``.
    """
    return add_tallies((tally_tables(index, recordings), tally_speakers([recordings])))


def release_sheet(root: str, stated: Mapping[str, Any] | None = None) -> tuple[dict[str, Any], Sheet]:
    """Reads a release and lays down its facts anew.

    Args:
        root: its folder.
        stated: what a person states; what the release keeps if None.

    Returns:
        The document of ``dataset.json``, and the facts.

    Raises:
        UsageError: there is no release, or its tables are not those that it names.
    """
    release = read_release(root)
    return release, _sheet(root, release, stated)[0]


def _sheet(root: str, release: Mapping[str, Any], stated: Mapping[str, Any] | None) -> tuple[Sheet, Tally]:
    """Lays down the facts of a release anew, and gives what they were counted from."""
    index, recordings = (read_release_table(root, release, name) for name in ("index", "recordings"))
    lines = release_file(root, release, "rejected.jsonl").splitlines()
    try:
        reasons = Counter(parse_json(line)["reason"] for line in lines)
        told = read_statement(root, release) if stated is None else stated
        tally = release_tally(index, recordings)
        return card_sheet(release, tally, reasons, told), tally
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{root}: its dataset.json and its tables do not belong together ({error})") from None


def report_stands(root: str) -> bool:
    """Tells whether the page of a release says and sounds as its tables and shards make it now.

    Args:
        root: the folder of the release.

    Raises:
        UsageError: there is no release, or its tables are not those that it names.
    """
    release = read_release(root)
    sheet, tally = _sheet(root, release, None)
    _, made = _report(root, release, sheet, tally, dict(write_cards(sheet)), leave_out=lambda _: None)
    return _is(root, REPORT, made)


def _report(
    root: str,
    release: Mapping[str, Any],
    sheet: Sheet,
    tally: Tally,
    made: Mapping[str, bytes],
    *,
    leave_out: Callable[[str], None] | None = None,
) -> tuple[str, bytes]:
    """Makes the page of a release anew; what is there and listed stays, where it says and sounds the same (:mod:`same_page`).

    Raises:
        UsageError: a sample that it shows cannot be read.
    """

    def tables(name: str) -> Iterator[pa.Table]:
        return (parse_table(release_file(root, release, path)) for path in table_paths(release, name))

    try:
        path, page = release_report(root, release, tables, sheet, tally, made, leave_out=leave_out)
    except StoreFaultError:
        raise
    except (OSError, ValueError) as error:
        told = getattr(error, "strerror", None) or error
        raise UsageError(f"{REPORT}: cannot be made again, as a conversation cannot be read ({told})") from None
    try:
        found = release_file(root, release, path)
    except UsageError:  # not listed, or not as it is listed
        return path, page
    return path, found if same_page(found, page) else page


def card_faults(root: str) -> list[str]:
    """Holds every card of a release against what its tables say, byte by byte.

    Args:
        root: its folder.

    Returns:
        A line for each fault: what differs first, and where.

    Raises:
        UsageError: there is no release, or its tables are not those that it names.
    """
    release = read_release(root)
    try:
        stated = read_statement(root, release)
    except UsageError as error:
        return [str(error)]
    sheet, tally = _sheet(root, release, stated)
    listed = {entry["path"] for entry in release["files"]}
    expected = dict(write_cards(sheet))
    faults = []
    try:
        expected |= [_report(root, release, sheet, tally, expected)]
    except UsageError as error:
        faults.append(str(error))
    faults += [
        f"{path}: is not in dataset.json; `duologue card build` writes it" for path in expected if path not in listed
    ]
    faults += [
        f"{path}: is in dataset.json, and duologue writes no such card"
        for path in CARD_FILES
        if path in listed - expected.keys() - {REPORT}
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


def build_cards(root: str, stated: Mapping[str, Any] | None = None, *, tell: Callable[[str], None]) -> list[str]:
    """Writes the cards of a release anew where they differ, after the ``dataset.json`` that lists them.

    Killed at any moment it leaves the old statement or the new one, and the next call makes the cards of that one whole: across
    the change of ``dataset.json`` the one that is not in its place waits beside it.

    Args:
        root: its folder.
        stated: what a person states; what the release keeps if None.
        tell: is told who holds the folder, as a line of text.

    Returns:
        The paths that were written or removed; none where all was as it is.

    Raises:
        UsageError: there is no release, or a withdrawal has changed it: its receipt names ``dataset.json`` by its hash.
    """
    with exclusive(
        join(root, LOCK), wait_s=600.0, waiting=lambda who: tell(f"waiting: {root} is held by {who}")
    ) as lease:
        old = read_version(join(root, MANIFEST))
        release = read_release(root)
        sheet, tally = _sheet(root, release, stated)
        made = dict(write_cards(sheet))
        made |= [_report(root, release, sheet, tally, made)]
        own = [file_entry(path, hashlib.sha256(data).hexdigest(), len(data)) for path, data in made.items()]
        others = [entry for entry in release["files"] if entry["path"] not in CARD_FILES]
        before = {entry["path"]: entry for entry in release["files"]}
        changed = [entry["path"] for entry in own if before.get(entry["path"]) != entry]
        gone = [path for path in before if path in CARD_FILES and path not in made]
        broken = [path for path in made if path not in changed and not _is(root, path, made[path])]
        if (changed or gone) and "previous" in release:
            raise UsageError(
                f"{root}: the receipt of its last withdrawal names dataset.json by its hash, and new cards would change it; "
                "state it with the run that makes the next release, or keep the cards as they are"
            )
        lease.check()
        install_statement(root, release)
        if STATEMENT in changed:
            entry = next(entry for entry in own if entry["path"] == STATEMENT)
            write_bytes(join(root, waiting_path(entry)), made[STATEMENT])
        elif STATEMENT in gone and exists(join(root, STATEMENT)):
            move(join(root, STATEMENT), join(root, waiting_path(before[STATEMENT])))
        document = {**release, "files": others + own} if changed or gone else release
        if document is not release:
            lease.check()
            swap_bytes(join(root, MANIFEST), manifest_bytes(document), old=old)
        lease.check()
        for path in (*changed, *broken):
            write_bytes(join(root, path), made[path])
        for path in gone:
            if exists(join(root, path)):
                delete_file(join(root, path))
        for path in find_strays(root, document).ours:
            if path.startswith((".", "cards/.")):  # what waited, and what a killed call has left
                delete_file(join(root, path))
        return sorted([*changed, *broken, *gone])


def card_changes(before: str, after: str) -> list[str]:
    """Says what changed from one release to another, or from one version to the next, a line for each fact.

    Args:
        before, after: folders of releases.

    Raises:
        UsageError: one is no release.
    """
    old, new = (release_sheet(root)[1] for root in (before, after))
    lines = [
        f"{what}: {was} before, {now} now"
        for what, was, now in (
            ("name", old.facts.name, new.facts.name),
            ("version", old.facts.version, new.facts.version),
        )
        if was != now
    ]
    for name in sorted({*old.entries, *new.entries}):
        was, now = (_in_words(sheet.entries.get(name)) for sheet in (old, new))
        if was != now:
            lines.append(f"{name.replace('stated.', 'stated: ').replace('_', ' ')}: {was} before, {now} now")
    verdicts = [{each.id: each.status for each in judge(sheet)} for sheet in (old, new)]
    lines += [
        f"requirement {name.replace('_', ' ')}: {was} before, {verdicts[1][name]} now"
        for name, was in verdicts[0].items()
        if was != verdicts[1][name]
    ]
    return lines


def _in_words(fact: Mapping[str, Any] | None) -> str:
    if fact is None:
        return "not there"
    value = fact["value"]
    if value is None:
        return f"unknown ({fact['unknown']})"
    if isinstance(value, dict):
        return ", ".join(f"{name} ({count})" for name, count in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, int | float):
        return str(value)
    number = f"{value:,}" if isinstance(value, int) else f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.1f}"
    unit = fact["unit"]
    return number if unit == "share" else f"{number} {unit}"


def _is(root: str, path: str, data: bytes) -> bool:
    try:
        return read_inside(root, path, max_bytes=_MAX_BYTES) == data
    except StoreFaultError:
        raise
    except (OSError, ValueError):
        return False


def _difference(found: bytes, wanted: bytes) -> str:
    ours, theirs = wanted.splitlines(), found.splitlines()
    for number, (line, other) in enumerate(zip(ours, theirs, strict=False), 1):
        if line != other:
            return f"line {number} says {_shown(other)}, its tables say {_shown(line)}"
    return f"has {len(theirs)} lines, its tables make {len(ours)}"


def _shown(line: bytes) -> str:
    text = line.decode("utf-8", "replace").strip()
    return repr(text if len(text) <= 120 else text[:117] + "...")
