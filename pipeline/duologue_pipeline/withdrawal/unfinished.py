"""Reaches what an unfinished run has left: takes out of its staging folder the parts of those who no longer allow them.

Parts are all that a run goes on with; whatever else lies there is made anew, so it goes as a whole. A part says beside it on
which consent it rests. One that does not, or that rests on another ledger, goes too: of it nothing can be told. So does one that
holds the audio of a refused track under another recording_id.

A launch that has not come to a recording yet has no part of it, but has decided to use it: what was decided is asked as well, and a
launch that was to use what is not allowed any more may not stay.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import Any, Final

import pyarrow as pa

from duologue_consent import Snapshot
from duologue_pipeline.consent.decided_files import DECIDED, read_uses
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.storage import delete_file, join, list_files, open_input, read_bytes
from duologue_pipeline.records import SPEAKERS
from duologue_pipeline.release.ready import JOB, MARK
from duologue_pipeline.shards.write import STAGING
from duologue_pipeline.withdrawal.refusals import Refusal, find_refusals
from duologue_pipeline.withdrawal.same_audio import REASON as SAME_AUDIO
from duologue_pipeline.withdrawal.scan.names import Names
from duologue_schemas.tables import RECORDINGS

__all__ = ["Leftovers", "find_leftovers", "remove_leftovers"]

_ROWS: Final = ".rows.json"
_DECIDED: Final = f"{STAGING}/{DECIDED}/"
_READERS: Final = 16
_BLOCK_BYTES: Final = 1 << 20
_LONGEST_NAME: Final = 512


@dataclass(frozen=True)
class _Part:
    """Says what a part holds: its recording, its speakers, hashes of their audio, the keys of its samples, and who no longer allows it."""

    path: str
    recording_id: str
    speakers: tuple[str, ...]
    audio: tuple[str, ...]
    keys: tuple[str, ...]
    refused: tuple[Refusal, ...] | None
    """None where it cannot be told."""


@dataclass(frozen=True)
class Leftovers:
    """Says what lies in the staging folder of a run that did not end.

    Attributes:
        kept: files that the next run goes on with, by their paths in the folder of the release.
        removed: all others.
        kept_parts: how many parts these are.
        refused: the rows of parts of which a speaker no longer allows what they were made for.
        refusals: who that is, and why.
        unknown: how many parts go because nothing can be told of them.
        decided: how many recordings a launch was to use, and may not use now; nor may it be published.
        names: by which what was removed would be found: keys, recordings and speakers that no kept part has.
        live: names of what is kept.
    """

    kept: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    kept_parts: int = 0
    refused: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    unknown: int = 0
    decided: int = 0
    names: frozenset[str] = frozenset()
    live: frozenset[str] = frozenset()

    @property
    def all_allowed(self) -> bool:
        """Tells whether every part may stay, and the launch may go on with what it has decided."""
        return not self.refused and not self.unknown and not self.decided


def find_leftovers(root: str, snapshot: Snapshot | None, *, as_of: datetime) -> Leftovers:
    """Asks of every part of an unfinished run, and of all that it was to use, whether its speakers allow it now.

    Args:
        root: the output folder.
        snapshot: the ledger; None lets nothing stay.
        as_of: the moment for which consent is asked.
    """
    files = [f"{STAGING}/{path}" for path in list_files(join(root, STAGING))]
    parts = [path for path in files if path.endswith(_ROWS) and path.count("/") == 2]  # .staging/parts/NAME
    with ThreadPoolExecutor(_READERS) as readers:
        read = [part for part in readers.map(partial(_read, root, snapshot, as_of), parts) if part is not None]
        decided = list(readers.map(partial(_read_decided, root, snapshot, as_of), filter(_is_decided, files)))
    read = list(_with_same_audio(_with_part(read, frozenset(files))))
    kept = [part for part in read if part.refused == ()]
    gone = [part for part in read if part.refused != ()]
    stay = {MARK, JOB}
    for part in kept:
        stay |= {part.path, f"{part.path.removesuffix(_ROWS)}.part"}
    live = frozenset(_names(kept))
    noes = [no for of_file, _ in decided for no in of_file]
    return Leftovers(
        kept=tuple(path for path in files if path in stay),
        removed=tuple(path for path in files if path not in stay),
        kept_parts=len(kept),
        refused=tuple(part.path for part in gone if part.refused),
        refusals=tuple(sorted({*noes, *(no for part in gone for no in part.refused or ())})),
        unknown=sum(part.refused is None for part in gone),
        decided=sum(count for _, count in decided),
        names=frozenset([*_names(gone), *(name for no in noes for name in (no.recording_id, no.commitment))]) - live,
        live=live,
    )


def remove_leftovers(root: str, leftovers: Leftovers) -> None:
    """Removes what may not stay, and proves that nothing of it is in the folder any more.

    The rows of parts, and what was decided, go last, after the search: they say for what is searched, so that whoever does it again
    finds the same.

    Args:
        root: the folder; the caller holds its lock.
        leftovers: from :func:`find_leftovers`.

    Raises:
        UsageError: a file there still names what was removed.
    """
    rows = {path for path in leftovers.removed if path.endswith(_ROWS) or _is_decided(path)}
    for path in leftovers.removed:
        if path not in rows:
            delete_file(join(root, path))
    names = Names(leftovers.names, live=leftovers.live)
    looked = set(rows)
    # Until nothing is new: a worker that stops only now may move a file on while it is looked for.
    while unseen := set(list_files(root)) - looked if leftovers.names else set():
        looked |= unseen
        for path in sorted(unseen):
            for found in _found(root, path, names):
                raise UsageError(
                    f"{join(root, path)}: still holds {found}, which was removed from {STAGING}; remove the file and run the "
                    "command again"
                )
    for path in sorted(rows):
        delete_file(join(root, path))


def _read(root: str, snapshot: Snapshot | None, as_of: datetime, path: str) -> _Part | None:
    """Reads what a part says beside it; None where it is gone: the run that works there has come to its end meanwhile."""
    try:
        document = json.loads(read_bytes(join(root, path)))
        (row,), basis = document["recordings"], document["basis"]
        speakers = tuple(row[f"speaker_{side}"] for side in SPEAKERS)
        audio = tuple(row[f"samples_sha256_{side}"] for side in SPEAKERS)
        keys = tuple(sample["key"] for sample in document["index"])
        refused = _refused([row], basis, snapshot, as_of)
        return _Part(path, row["recording_id"], speakers, audio, keys, refused)
    except FileNotFoundError:
        return None
    except (KeyError, TypeError, ValueError, pa.ArrowException):
        return _Part(path, "", (), (), (), None)


def _is_decided(path: str) -> bool:
    return path.startswith(_DECIDED)


def _read_decided(root: str, snapshot: Snapshot | None, as_of: datetime, path: str) -> tuple[tuple[Refusal, ...], int]:
    """Asks of what a launch has decided to use: gives who does not allow it now, and how many recordings that are."""
    found, unknown = list[Refusal](), 0
    try:
        for _, uses in groupby(read_uses(join(root, path)), key=lambda use: sorted(use[0].items())):
            bases, rows = zip(*uses, strict=True)
            refused = _refused(rows, bases[0], snapshot, as_of)
            unknown += len(rows) if refused is None else 0
            found += refused or ()
    except FileNotFoundError:
        pass  # the run that works there has come to its end meanwhile
    except (KeyError, TypeError, ValueError, pa.ArrowException):
        unknown += 1
    return tuple(found), unknown + len({refusal.recording_id for refusal in found})


def _refused(
    rows: Sequence[Mapping[str, Any]], basis: Mapping[str, Any], snapshot: Snapshot | None, as_of: datetime
) -> tuple[Refusal, ...] | None:
    if snapshot is None or basis["ledger_id"] != snapshot.ledger_id:
        return None
    made_for = {"include_audio": basis["include_audio"], "purposes": [basis["purpose"]]}
    table = pa.Table.from_pylist([{**row, "shard": ""} for row in rows], schema=RECORDINGS)
    return find_refusals(made_for, table, snapshot, as_of=as_of)


def _with_part(parts: Iterable[_Part], files: Collection[str]) -> list[_Part]:
    """Lets no rows stay whose part is gone: a removal was killed between the two."""
    return [
        replace(part, refused=None)
        if part.refused == () and f"{part.path.removesuffix(_ROWS)}.part" not in files
        else part
        for part in parts
    ]


def _with_same_audio(parts: Sequence[_Part]) -> Iterator[_Part]:
    """Refuses the parts that hold the audio of a refused track under another recording_id."""
    causes = {
        part.audio[SPEAKERS.index(refusal.side)]: refusal for part in parts for refusal in reversed(part.refused or ())
    }
    for part in parts:
        found = (
            tuple(
                replace(causes[audio], recording_id=part.recording_id, side=side, commitment=speaker, reason=SAME_AUDIO)
                for side, speaker, audio in zip(SPEAKERS, part.speakers, part.audio, strict=True)
                if audio in causes
            )
            if part.refused == ()
            else ()
        )
        yield replace(part, refused=found) if found else part


def _names(parts: Iterable[_Part]) -> Iterator[str]:
    for part in parts:
        yield from (part.recording_id, *part.speakers, *part.keys)


def _found(root: str, path: str, names: Names) -> Iterator[str]:
    yield from names.in_text(path)
    carried = b""
    with suppress(FileNotFoundError), open_input(join(root, path)) as stream:
        while block := stream.read(_BLOCK_BYTES):
            yield from names.in_bytes(carried + block)
            carried = block[-_LONGEST_NAME:]
