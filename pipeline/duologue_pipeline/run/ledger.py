"""Opens and signs the ledger of a run, as of the checkpoint that the release will name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from duologue_consent import Ledger, LedgerError, Snapshot
from duologue_consent.ledger.publication import publish_log
from duologue_consent.lineage.store import release_folders
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.storage import exists, join, local_path, write_bytes
from duologue_pipeline.reader.release import MANIFEST
from duologue_pipeline.shards.write import ready_folder
from duologue_pipeline.withdrawal.continuity import require_continues, require_continues_own

__all__ = ["PinnedLedger", "continuing_ledger", "open_ledger", "stage_log"]


@dataclass(frozen=True)
class PinnedLedger:
    """Holds a signed ledger, as of the checkpoint that the release will name."""

    ledger: Ledger
    snapshot: Snapshot
    pin: Mapping[str, Any]


def open_ledger(
    name: str | None,
    *,
    out: str | None = None,
    against: Sequence[str] = (),
    now: datetime | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> PinnedLedger | None:
    """Opens and signs a ledger; arguments and faults are those of :func:`continuing_ledger`."""
    ledger = continuing_ledger(name, out=out, against=against, now=now, tell=tell)
    if ledger is None:
        return None
    try:
        pin = ledger.release_pin()
        return PinnedLedger(ledger, ledger.snapshot(pin["events"]), pin)
    except LedgerError as error:
        raise UsageError(str(error)) from None


def continuing_ledger(
    name: str | None,
    *,
    out: str | None = None,
    against: Sequence[str] = (),
    now: datetime | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Ledger | None:
    """Opens a ledger; a missing file gives None, a missing database an error.

    It must continue what others know of it: ``against``, the release in ``out``, and every release of its
    lineage whose folder can be reached.

    Args:
        name: path or PostgreSQL URL.
        out: the output folder, None where it was asked before; what it holds of another ledger is passed over, as the run will
            refuse it.
        against: releases, or files with a signed checkpoint.
        now: what the clock shows; it is looked at if None.
        tell: is told which release could not be reached.

    Raises:
        UsageError: the ledger cannot be opened, is not whole, is ahead of the clock, or does not continue what it is held against.
    """
    if name is None or ("://" not in name and not local_path(name).exists()):
        if against:
            raise UsageError(
                f"--against {against[0]}: there is no ledger {name or ''} to be held against it; name one with --ledger"
            )
        return None
    now = now or datetime.now(UTC)
    try:
        ledger = Ledger.open(name if "://" in name else local_path(name), now=now)
        for uri in against:
            require_continues(uri, ledger, now=now)
        for folder in dict.fromkeys([*([] if out is None else [out]), *release_folders(ledger)]):
            try:
                reached = exists(join(folder, MANIFEST))
            except (OSError, UsageError):
                reached = False
            if reached:
                require_continues_own(folder, ledger, now=now)
            elif folder != out:
                tell(
                    f"{folder}: a release of the ledger's lineage, cannot be reached, and the ledger was not held against it"
                )
        return ledger
    except LedgerError as error:
        raise UsageError(str(error)) from None


def stage_log(ledger: PinnedLedger, out: str, *, launch: str) -> None:
    """Lays the public log of the ledger ready, for the release that there will be.

    It is not among the ``files`` of the release: it grows with every withdrawal, and what binds it is the checkpoint in
    ``dataset.json``.
    """
    publish_log(
        ledger.ledger,
        lambda name, content: write_bytes(join(ready_folder(out, launch), name), content),
        checkpoint=ledger.pin["checkpoint"].encode(),
    )
