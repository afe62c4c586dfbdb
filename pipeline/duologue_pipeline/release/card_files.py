"""Makes the cards of a release anew from its tables."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import pyarrow as pa

from duologue_cards import (
    CARD_FILES,
    Sheet,
    Tally,
    add_tallies,
    shards_sha256,
    tally_index,
    tally_recordings,
    tally_speakers,
    write_cards,
)
from duologue_cards.report.of_release import REPORT
from duologue_consent import Ledger, LedgerError, Snapshot, format_time, parse_time
from duologue_pipeline.consent.coverage import Coverage, coverage_document, coverage_moment, samples_ms
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.conditional import read_version, swap_bytes
from duologue_pipeline.files.file_fault import StoreFaultError
from duologue_pipeline.files.inside import read_inside
from duologue_pipeline.files.locks import exclusive
from duologue_pipeline.files.storage import delete_file, exists, join, local_path, move, write_bytes
from duologue_pipeline.files.tables import parse_table
from duologue_pipeline.files.text import parse_json
from duologue_pipeline.reader.release import MANIFEST, read_release
from duologue_pipeline.reader.release_file import release_file, table_paths, waiting_path
from duologue_pipeline.reader.tables import iter_release_table, read_release_table
from duologue_pipeline.release.document import card_sheet, file_entry, manifest_bytes
from duologue_pipeline.release.report import release_report
from duologue_pipeline.release.same_page import same_page
from duologue_pipeline.release.stated import read_leakage, read_statement
from duologue_pipeline.release.strays import KEPT, LOCK, find_strays, install_statement

__all__ = [
    "MAX_BYTES",
    "as_of_time",
    "build_cards",
    "read_ledger",
    "release_sheet",
    "release_tally",
    "remade_report",
    "report_stands",
    "sheet_and_tally",
]

MAX_BYTES: Final = 1 << 28
"""A card is no larger."""


def read_ledger(name: str) -> Snapshot:
    """Reads all of a ledger.

    Args:
        name: path or PostgreSQL URL.

    Raises:
        UsageError: it cannot be opened, or is ahead of the clock.
    """
    try:
        return Ledger.open(name if "://" in name else local_path(name), now=datetime.now(UTC)).snapshot()
    except LedgerError as error:
        raise UsageError(str(error)) from None


def as_of_time(text: str | None, *, asked: bool) -> datetime | None:
    """Reads the moment for which a ledger is to be asked; None where none is named.

    Args:
        text: RFC 3339, with a zone.
        asked: whether a ledger is asked at all.

    Raises:
        UsageError: it is no such time, lies ahead of the clock, or no ledger is asked.
    """
    if text is None:
        return None
    if not asked:
        raise UsageError("--as-of: no ledger is asked; name it with --ledger")
    try:
        at = parse_time(text)
    except ValueError as error:
        raise UsageError(f"--as-of: {error}") from None
    if at > datetime.now(UTC):
        raise UsageError(
            f"--as-of: {text} lies ahead, and what is decided until then is not known; name a moment that is past"
        )
    return at


def release_tally(index: Iterable[pa.Table], recordings: Iterable[pa.Table]) -> Tally:
    """Counts both tables of a release, and its people.

    Args:
        index: all of ``index.parquet``, in any number of parts, of which one is held at a time.
        recordings: all of ``recordings.parquet``, likewise.
    """
    tally = add_tallies(map(tally_index, index))

    def counted() -> Iterator[pa.Table]:
        for part in recordings:
            tally.update(tally_recordings(part))
            yield part

    people = tally_speakers(counted())
    tally.update(people)
    return tally


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
    return release, sheet_and_tally(root, release, stated)[0]


def sheet_and_tally(
    root: str, release: Mapping[str, Any], stated: Mapping[str, Any] | None, leakage: Mapping[str, Any] | None = None
) -> tuple[Sheet, Tally]:
    """Lays down the facts of a release anew, and gives what they were counted from; what is None is as the release keeps it."""
    index, recordings = (iter_release_table(root, release, name) for name in ("index", "recordings"))
    lines = release_file(root, release, "rejected.jsonl").splitlines()
    try:
        reasons = Counter(parse_json(line)["reason"] for line in lines)
        told = read_statement(root, release) if stated is None else stated
        linked = read_leakage(root, release) if leakage is None else leakage
        tally = release_tally(index, recordings)
        return card_sheet(release, tally, reasons, told, linked), tally
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
    sheet, tally = sheet_and_tally(root, release, None)
    _, made = remade_report(root, release, sheet, tally, dict(write_cards(sheet)), leave_out=lambda _: None)
    return _is(root, REPORT, made)


def remade_report(
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


def build_cards(
    root: str,
    stated: Mapping[str, Any] | None = None,
    *,
    snapshot: Snapshot | None = None,
    as_of: datetime | None = None,
    leakage: Mapping[str, Any] | None = None,
    tell: Callable[[str], None],
) -> list[str]:
    """Writes the cards of a release anew where they differ, after the ``dataset.json`` that lists them.

    Killed at any moment it leaves the old statement or the new one (and so what was measured), and the next call makes the cards of that one whole: across
    the change of ``dataset.json`` the one that is not in its place waits beside it.

    Args:
        root: its folder.
        stated: what a person states; what the release keeps if None.
        snapshot: the ledger, which is asked anew what speakers allow; what the release says of it stays if None.
        as_of: the moment for which it is asked; the last one in the ledger if None.
        leakage: what was measured of how well speakers are linked; what the release keeps if None.
        tell: is told who holds the folder, as a line of text.

    Returns:
        The paths that were written or removed; none where all was as it is.

    Raises:
        UsageError: there is no release, the ledger is another one than its, or a withdrawal has changed it: its receipt names
            ``dataset.json`` by its hash.
    """
    with exclusive(
        join(root, LOCK), wait_s=600.0, waiting=lambda who: tell(f"waiting: {root} is held by {who}")
    ) as lease:
        old = read_version(join(root, MANIFEST))
        kept = read_release(root)
        release = kept if snapshot is None else _asked_again(root, kept, snapshot, as_of)
        sheet, tally = sheet_and_tally(root, release, stated, leakage)
        made = dict(write_cards(sheet))
        made |= [remade_report(root, release, sheet, tally, made)]
        own = [file_entry(path, hashlib.sha256(data).hexdigest(), len(data)) for path, data in made.items()]
        others = [entry for entry in release["files"] if entry["path"] not in CARD_FILES]
        before = {entry["path"]: entry for entry in release["files"]}
        changed = [entry["path"] for entry in own if before.get(entry["path"]) != entry]
        gone = [path for path in before if path in CARD_FILES and path not in made]
        broken = [path for path in made if path not in changed and not _is(root, path, made[path])]
        if (changed or gone or release != kept) and "previous" in release:
            raise UsageError(
                f"{root}: the receipt of its last withdrawal names dataset.json by its hash, and new cards would change it; "
                "state it with the run that makes the next release, or keep the cards as they are"
            )
        if leakage is not None and leakage["release"]["shards_sha256"] != shards_sha256(release):
            raise UsageError(f"{root}: has become another version while it was measured; measure again")
        lease.check()
        install_statement(root, release)
        for path in KEPT:
            if path in changed:
                entry = next(entry for entry in own if entry["path"] == path)
                write_bytes(join(root, waiting_path(entry)), made[path])
            elif path in gone and exists(join(root, path)):
                move(join(root, path), join(root, waiting_path(before[path])))
        document = {**release, "files": others + own} if changed or gone or release != kept else release
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


def _asked_again(root: str, release: dict[str, Any], snapshot: Snapshot, as_of: datetime | None) -> dict[str, Any]:
    """Gives the document of a release with what the ledger says now."""
    if snapshot.ledger_id != release["ledger"]["ledger_id"]:
        raise UsageError(
            f"{root}: was made with the ledger {release['ledger']['ledger_id']}, and this is {snapshot.ledger_id}; name that one"
        )
    at = coverage_moment(snapshot, as_of)
    if at is None:
        raise UsageError(
            f"{root}: the ledger holds no decision, so nobody can be asked; name the one that the release was made with"
        )
    index, recordings = (read_release_table(root, release, name) for name in ("index", "recordings"))
    tally = add_tallies(
        (release_tally([index], [recordings]), Coverage(snapshot, at).tally_of(release, recordings, samples_ms(index)))
    )
    return {**release, **coverage_document(tally, checked_at=format_time(at), events=snapshot.events)}


def _is(root: str, path: str, data: bytes) -> bool:
    try:
        return read_inside(root, path, max_bytes=MAX_BYTES) == data
    except StoreFaultError:
        raise
    except (OSError, ValueError):
        return False
