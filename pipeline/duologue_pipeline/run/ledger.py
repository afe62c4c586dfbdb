"""The ledger of a run: opened, signed, and held at the checkpoint that the release will name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from duologue_consent import Ledger, LedgerError, Snapshot
from duologue_consent.ledger.publication import publish_log
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.storage import join, local_path, write_bytes
from duologue_pipeline.release.write import STAGED_LOG

__all__ = ["PinnedLedger", "open_ledger", "stage_log"]


@dataclass(frozen=True)
class PinnedLedger:
    """The ledger that a run asks: signed, and as it was at the checkpoint that the release will name."""

    ledger: Ledger
    snapshot: Snapshot
    pin: Mapping[str, Any]


def open_ledger(name: str | None) -> PinnedLedger | None:
    """Opens and signs the ledger; None where there is no such file. A database that is named has to be there.

    Raises:
        UsageError: the ledger cannot be opened, or is not whole.
    """
    if name is None or ("://" not in name and not local_path(name).exists()):
        return None
    try:
        ledger = Ledger.open(name if "://" in name else local_path(name))
        pin = ledger.release_pin()
        return PinnedLedger(ledger, ledger.snapshot(pin["events"]), pin)
    except LedgerError as error:
        raise UsageError(str(error)) from None


def stage_log(ledger: PinnedLedger, out: str) -> None:
    """Leaves the public log of the ledger in the staging folder, from where the release takes it at its end."""
    publish_log(
        ledger.ledger,
        lambda name, content: write_bytes(join(out, STAGED_LOG, name), content),
        checkpoint=ledger.pin["checkpoint"].encode(),
    )
