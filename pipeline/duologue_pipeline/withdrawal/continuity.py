"""Holds a ledger, and the clock, against what a release says: before anything is signed, published or decided.

A release is a witness of its ledger. Its checkpoints tell how far the ledger had come, ``revocations.jsonl`` which leaves took consent
away, and the times in it what the clock has shown. A ledger that was restored from an older backup, its keys as well, knows none
of that, and what it would publish is a second history.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from duologue_consent import Action, ConsentError, Ledger, parse_time
from duologue_consent.decisions.clock import clock_fault
from duologue_consent.lineage.release_facts import read_checkpoints
from duologue_consent.proofs.dsse import load_json, parse_envelope
from duologue_consent.proofs.leaves import kind_of
from duologue_pipeline.consent.gate import recorded_of_row
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.file_fault import StoreFaultError
from duologue_pipeline.files.storage import exists, file_size, join, read_bytes
from duologue_pipeline.files.tables import iter_rows
from duologue_pipeline.reader.release import MANIFEST, read_release
from duologue_pipeline.reader.revocations import FILE_NAME, Revocations
from duologue_pipeline.reader.tables import read_release_table
from duologue_pipeline.withdrawal.journal import read_journal
from duologue_pipeline.withdrawal.revoke import published_revocations
from duologue_pipeline.withdrawal.state import look_again

__all__ = ["require_clock", "require_continues", "require_continues_own", "require_continues_release"]

_MAX_BYTES: Final = 1 << 30
_DENIALS: Final = {f"consent.{action}" for action in Action if action is not Action.GRANT}


def require_clock(name: str, latest: datetime | None, now: datetime) -> None:
    """Checks that nothing in a ledger or a release is dated later than the clock shows.

    Args:
        name: of the ledger or the release.
        latest: the latest time in it.
        now: what the clock shows.

    Raises:
        UsageError: something is.
    """
    fault = clock_fault(latest, now)
    if fault is not None:
        raise UsageError(f"{name}: {fault}")


def require_continues(uri: str, ledger: Ledger, *, now: datetime) -> None:
    """Checks that a ledger continues a release, or a checkpoint that was kept.

    Args:
        uri: the folder of a release, or a file with a signed checkpoint.
        ledger: the ledger.
        now: what the clock shows.

    Raises:
        UsageError: the ledger does not, or there is nothing that it could be held against.
    """
    try:
        for name, note in read_checkpoints(uri, read=_read_if_there).items():
            ledger.require_continues(note, name=name)
        is_release = exists(join(uri, MANIFEST))
    except (ConsentError, OSError) as error:
        raise UsageError(str(error)) from None
    if is_release:
        require_continues_release(uri, ledger, now=now)


def require_continues_own(folder: str, ledger: Ledger, *, now: datetime) -> None:
    """Checks that a ledger continues the release in a folder, if there is one and it was made with this ledger.

    Args:
        folder: a path, ``s3://`` or ``gs://``.
        ledger: the ledger.
        now: what the clock shows.

    Raises:
        UsageError: the ledger does not.
    """
    try:
        reached = exists(join(folder, MANIFEST))
    except OSError as error:
        raise UsageError(f"{folder}: cannot be reached ({error}); name the folder of a release") from None
    if reached:
        release = read_release(folder)
        pin = release.get("ledger")
        if isinstance(pin, dict) and pin.get("ledger_id") == ledger.ledger_id:
            require_continues_release(folder, ledger, now=now)


def require_continues_release(root: str, ledger: Ledger, *, now: datetime) -> None:
    """Checks that a ledger continues all that a release knows of it, an interrupted propagation of the release included.

    Args:
        root: the folder of the release.
        ledger: the ledger.
        now: what the clock shows.

    Raises:
        UsageError: the ledger does not, the clock is behind, or the release is not as it should be.
    """
    look_again(root, lambda: _require_once(root, read_release(root), ledger, now))


def _require_once(root: str, release: Mapping[str, Any], ledger: Ledger, now: datetime) -> None:
    try:
        notes = read_checkpoints(root, read=_read_if_there)
        notes |= _noted(root)
        for name, note in notes.items():
            ledger.require_continues(note, name=name)
        _, revocations = published_revocations(root, release, ledger.public_key_text())
        _require_leaves(root, revocations, ledger)
        latest = max(_moments(root, release, revocations), default=None)
    except ConsentError as error:
        raise UsageError(str(error)) from None
    except StoreFaultError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{root}: its files are damaged ({error}); see `duologue shards verify {root}`") from None
    require_clock(root, latest, now)


def _read_if_there(uri: str) -> bytes | None:
    """Reads a file as all others of the pipeline are read; None where there is none."""
    return None if file_size(uri) is None else read_bytes(uri, max_bytes=_MAX_BYTES)


def _noted(root: str) -> dict[str, bytes]:
    """Gives the checkpoint with which an interrupted propagation was decided, if there is one, with what names it."""
    try:
        journal = read_journal(root)
    except ValueError as error:
        raise UsageError(f"{error}; finish with the duologue that wrote it") from None
    if journal is None:
        return {}
    return {f"the propagation of {root} that was begun": str(journal.ledger["checkpoint"]).encode()}


def _require_leaves(root: str, revocations: Revocations, ledger: Ledger) -> None:
    """Checks that the leaves that took consent away are in the ledger: those of a propagation that was killed are in no checkpoint."""
    named = {entry.seq for entry in revocations.entries if entry.seq is not None}
    if not named:
        return
    first, size = min(named), ledger.size()
    lines = dict(enumerate(ledger.log_lines(first, max(named) + 1), first))
    for seq in sorted(named):
        if seq not in lines or kind_of(lines[seq].removesuffix(b"\n")) not in _DENIALS:
            found = "that leaf is something else" if seq in lines else f"it holds {size} leaves"
            raise UsageError(
                f"{ledger.name}: does not continue {join(root, FILE_NAME)}, by which leaf {seq} took consent away: {found}, so it is an "
                "older copy or a fork; do not use it, restore the newest backup of ledger and keys"
            )


def _moments(root: str, release: Mapping[str, Any], revocations: Revocations) -> Iterator[datetime]:
    """Gives the times in a release that had come when they were written: of publications, and of recordings."""
    for number, line in enumerate(revocations.data.splitlines(keepends=True), 1):  # verified before
        yield parse_time(load_json(parse_envelope(line).payload, f"line {number}")["published_at"])
    recordings = read_release_table(root, release, "recordings", columns=["started_at", "started_before"])
    for row in iter_rows(recordings):
        recorded = recorded_of_row(row)
        if recorded is not None:
            yield recorded.earliest
