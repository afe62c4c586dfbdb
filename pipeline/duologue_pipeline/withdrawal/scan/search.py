"""Scans a dataset's folder: proves that nothing of what was removed is left in any live file.

Every file is opened and read to its end, except receipts and revocations, which name what is gone because that is
their purpose. What is looked for (:class:`duologue_pipeline.withdrawal.scan.removed.Removed`):

- **names**: keys of dropped samples, commitments of the withdrawn speakers, ids of recordings of which nothing is left,
  names and hashes of the old shards. In the path of every file, in all text, in every string of JSON, in every column
  and in the schema of Parquet files, in the names and contents of tar members;
- **traces** (:mod:`duologue_pipeline.withdrawal.traces`): the tokens, the audio and the words that were taken out, whatever
  file they lie in and whatever it is called;
- **sound** that is encoded in text, as in ``report.html``: the page must be what the release makes of its shards now;
- **silence**: where a speaker is called withdrawn, taking them out once more must change nothing, and their track must
  be silence.

A file that the scan cannot look into (another binary format, a damaged file) is a finding too: nothing was proved of
it. One tar member, one row group, or one JSON document is in memory at a time. What it cannot see: audio that was
encoded again or cut otherwise, words without their times, fewer than four words, anything outside of the folder.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from functools import cache, partial
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from duologue_cards.report.of_release import REPORT
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.storage import digest, exists, join, list_files
from duologue_pipeline.files.tables import read_table
from duologue_pipeline.files.text import read_json
from duologue_pipeline.reader.release import MANIFEST
from duologue_pipeline.reader.release_file import JOURNAL
from duologue_pipeline.reader.revocations import FILE_NAME as REVOCATIONS
from duologue_pipeline.records import SPEAKERS, Speaker
from duologue_pipeline.release.card_files import report_stands
from duologue_pipeline.release.strays import RECEIPTS
from duologue_pipeline.withdrawal.scan.look import Look
from duologue_pipeline.withdrawal.scan.names import Names
from duologue_pipeline.withdrawal.scan.owners import Owners
from duologue_pipeline.withdrawal.scan.removed import Finding, Removed
from duologue_schemas.tables import WITHDRAWN

__all__ = ["NOT_SCANNED", "scan"]

NOT_SCANNED: Final = (f"{RECEIPTS}/", REVOCATIONS, f"{JOURNAL}/")
"""What names the removed on purpose: receipts and revocations by commitments and hashes, and the journal of the work
while it lasts. Paths and beginnings of paths."""

_FINDINGS_PER_FILE: Final = 20
_INDEX: Final = re.compile(r"index\.parquet|index/[^/]+\.parquet")


def scan(
    root: str, removed: Removed, *, skip: Sequence[str] = NOT_SCANNED, page_sha256: str | None = None
) -> Iterator[Finding]:
    """Looks through every file under the folder of a dataset.

    Args:
        root: the folder, of which ``index.parquet`` is of the new version.
        removed: what must not be there.
        skip: paths, or beginnings of paths, that are not looked into.
        page_sha256: of ``report.html``, where it is known to be made of the release without what was removed; any other is made
            again and compared.

    Yields:
        What was found; nothing where all is gone.
    """
    files = list_files(root)
    index = pa.concat_tables(read_table(join(root, path)) for path in files if _INDEX.fullmatch(path))
    owners = Owners(root, index, removed)
    look = Look(
        Names(removed.names, live=_live_names(index) | _release_name(root, files)),
        removed,
        _silenced(index),
        owners,
        cache(partial(_page_stands, root, page_sha256)),
    )
    for path in files:
        if path.startswith(tuple(skip)):
            continue
        found: dict[Finding, None] = {}
        for finding in look.file(join(root, path), path):
            found[finding] = None
            if len(found) >= _FINDINGS_PER_FILE:
                break
        yield from found
    yield from look.words_left()


def _page_stands(root: str, page_sha256: str | None, path: str) -> bool:
    """Tells whether a file is the page that the release makes of its shards as they are now, so that nobody else is heard in it."""
    if path != REPORT:
        return False
    if page_sha256 is not None and digest(join(root, path))[0] == page_sha256:
        return True
    try:
        return exists(join(root, MANIFEST)) and report_stands(root)
    except UsageError:
        return False


def _release_name(root: str, files: Collection[str]) -> set[str]:
    """Gives the name of the release, which is nobody's: that of a recording may be a part of it (``call-17`` of ``call-17-corpus``)."""
    if MANIFEST not in files:
        return set()
    name = read_json(join(root, MANIFEST)).get("name")
    return {name} if isinstance(name, str) else set()


def _live_names(index: pa.Table) -> set[str]:
    return {*index["key"].to_pylist(), *pc.unique(index["recording_id"]).to_pylist()}


def _silenced(index: pa.Table) -> dict[str, Speaker]:
    """Maps recording_id -> the side that was taken out of it."""
    sides: dict[str, Speaker] = {}
    for side in SPEAKERS:
        rows = index.filter(pc.equal(index[f"speaker_{side}"], WITHDRAWN))
        sides |= dict.fromkeys(pc.unique(rows["recording_id"]).to_pylist(), side)
    return sides
