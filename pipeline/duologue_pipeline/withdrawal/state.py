"""Reads a release as it is now, and who in it may no longer be used."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

import pyarrow as pa

from duologue_consent import Snapshot, format_time
from duologue_consent.ledger.publication import PUBLISHED
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.conditional import Version, read_version
from duologue_pipeline.files.inside import irregular_faults
from duologue_pipeline.files.storage import join, list_entries, read_bytes
from duologue_pipeline.files.text import parse_json
from duologue_pipeline.reader.release import MANIFEST, parse_release, read_manifest
from duologue_pipeline.reader.release_file import release_file, table_paths
from duologue_pipeline.reader.revocations import FILE_NAME
from duologue_pipeline.reader.tables import index_fault, iter_release_table, read_release_table
from duologue_pipeline.release.card_files import release_tally
from duologue_pipeline.release.document import card_sheet
from duologue_pipeline.release.strays import RECEIPTS
from duologue_pipeline.withdrawal.refusals import Refusal, find_refusals
from duologue_pipeline.withdrawal.same_audio import with_same_audio
from duologue_schemas.tables import LATER_TABLES, TABLES

__all__ = ["ReleaseState", "look_again", "manifest_sha256", "read_state"]

_LOOKS: Final = 5
_OF_SAMPLES: Final = frozenset(
    ["key", "shard", "offset", "bytes", "recording_id", "start_s", "end_s", "speaker_a", "speaker_b"]
)
_OF_RECORDINGS: Final = frozenset(TABLES["recordings"].names) - {"ftos_s", "ftos_a_s", "ftos_b_s", "kinds", "word_tags"}
"""What is held of the tables: the lists of very many recordings would fill the memory."""
_Seen = TypeVar("_Seen")


@dataclass(frozen=True)
class ReleaseState:
    """Holds a release as it is at one moment, and who in it no longer allows what it is for.

    Attributes:
        root: the folder.
        manifest: ``dataset.json`` with what tells this version of the file from any other.
        release: its document.
        index, recordings: the tables that belong to it, with the columns that a withdrawal is decided by.
        refusals: the tracks that may no longer be used.
        as_of: the moment for which consent was asked, RFC 3339.
    """

    root: str
    manifest: Version
    release: Mapping[str, Any]
    index: pa.Table
    recordings: pa.Table
    refusals: tuple[Refusal, ...]
    as_of: str

    @property
    def sha256(self) -> str:
        """Hashes ``dataset.json``: SHA-256 in lower-case hex."""
        return hashlib.sha256(self.manifest.data).hexdigest()


def read_state(root: str, snapshot: Snapshot, as_of: datetime) -> ReleaseState:
    """Reads a release and asks the ledger who in it still allows what it is for.

    Args:
        root: the folder.
        snapshot: the ledger.
        as_of: the moment for which consent is asked.

    Raises:
        UsageError: there is no release, it is of another ledger, or a table is not the one that ``dataset.json`` names.
    """
    return look_again(root, lambda: _read_once(root, snapshot, as_of))


def look_again(root: str, look: Callable[[], _Seen]) -> _Seen:
    """Looks at a release without its lock: once more where another process has put a new version in its place meanwhile.

    Args:
        root: the folder.
        look: reads ``dataset.json`` and what belongs to it; called until one and the same version was there throughout.

    Raises:
        UsageError: ``look`` did, and not because of another version.
    """
    for _ in range(_LOOKS):
        before = read_version(join(root, MANIFEST))
        try:
            return look()
        except UsageError:
            if read_version(join(root, MANIFEST)) == before:
                raise
    return look()


def _read_once(root: str, snapshot: Snapshot, as_of: datetime) -> ReleaseState:
    read_manifest(root)  # says what is wrong where there is none
    manifest = read_version(join(root, MANIFEST))
    if manifest is None:
        raise UsageError(f"{join(root, MANIFEST)}: vanished while it was read; run the command again")
    release = parse_release(manifest.data, join(root, MANIFEST))
    if release["ledger"]["ledger_id"] != snapshot.ledger_id:
        raise UsageError(
            f"{root}: was made with the ledger {release['ledger']['ledger_id']}, and --ledger is "
            f"{snapshot.ledger_id}; give the ledger that it was made with"
        )
    names = [*PUBLISHED, FILE_NAME, *(entry["path"] for entry in release["files"])]
    names += [f"{folder}/{name}" for folder in ("shards", RECEIPTS) for name in list_entries(join(root, folder))]
    for irregular in irregular_faults(root, names):
        raise UsageError(irregular)
    held: dict[str, list[pa.Table]] = {"index": [], "recordings": []}

    def parts(name: str, columns: frozenset[str]) -> Iterator[pa.Table]:
        for part in iter_release_table(root, release, name):
            held[name].append(part.select([column for column in part.column_names if column in columns]))
            yield part

    try:
        tally = release_tally(parts("index", _OF_SAMPLES), parts("recordings", _OF_RECORDINGS))
    except UsageError:
        raise
    except ValueError as error:
        raise _mixed(root, error) from None
    index, recordings = (pa.concat_tables(held[name]) for name in ("index", "recordings"))
    for name in (
        "events",
        "speakers",
    ):  # looked at before anything is written; of a folder of files each when it is changed
        paths = table_paths(release, name)
        if paths == [f"{name}.parquet"] or not (paths or name in LATER_TABLES):
            read_release_table(root, release, name)
    reasons = _rejected_reasons(root, release)
    fault = index_fault(release, index)
    if fault:
        raise UsageError(f"{join(root, 'index.parquet')}: {fault}; see `duologue shards verify {root}`")
    try:
        card_sheet(release, tally, reasons)  # without the statement, which never stops a no
    except ValueError as error:  # the cards of the new version could not be made
        raise _mixed(root, error) from None
    try:
        refusals = with_same_audio(release, recordings, find_refusals(release, recordings, snapshot, as_of=as_of))
    except ValueError as error:  # a purpose or a time that is none
        raise UsageError(f"{root}: cannot be held against the ledger ({error}); see `duologue shards verify`") from None
    return ReleaseState(root, manifest, release, index, recordings, refusals, format_time(as_of))


def _mixed(root: str, error: ValueError) -> UsageError:
    return UsageError(
        f"{root}: its dataset.json and its tables do not belong together ({error}); put back the tables of this very "
        f"release, see `duologue shards verify {root}`"
    )


def manifest_sha256(root: str) -> str:
    """Hashes the ``dataset.json`` that is there now; lower-case hex."""
    return hashlib.sha256(read_bytes(join(root, MANIFEST))).hexdigest()


def _rejected_reasons(root: str, release: Mapping[str, Any]) -> Counter[str]:
    """Counts why recordings were refused; the new cards are made of that, so it is looked at before anything is written."""
    reasons = Counter[str]()
    for number, line in enumerate(release_file(root, release, "rejected.jsonl").splitlines(), 1):
        try:
            reason = parse_json(line)["reason"]
            if type(reason) is not str:
                raise ValueError("its reason is no text")
            reasons[reason] += 1
        except (KeyError, TypeError, ValueError) as error:
            name = f"{join(root, 'rejected.jsonl')} line {number}"
            raise UsageError(f"{name}: cannot be read ({error}); see `duologue shards verify {root}`") from None
    return reasons
