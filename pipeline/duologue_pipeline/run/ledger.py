"""Opens and signs the ledger of a run, as of the checkpoint that the release will name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from duologue_consent import Ledger, LedgerError, Snapshot
from duologue_consent.ledger.publication import publish_log
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.storage import join, local_path, write_bytes
from duologue_pipeline.shards.write import READY

__all__ = ["PinnedLedger", "open_ledger", "stage_log"]


@dataclass(frozen=True)
class PinnedLedger:
    """Holds a signed ledger, as of the checkpoint that the release will name."""

    ledger: Ledger
    snapshot: Snapshot
    pin: Mapping[str, Any]


def open_ledger(name: str | None) -> PinnedLedger | None:
    """Opens and signs a ledger; a missing file gives None, a missing database an error.

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
    """Lays the public log of the ledger ready, for the release that there will be.

    It is not among the ``files`` of the release: it grows with every withdrawal, and what binds it is the checkpoint in
    ``dataset.json``.
    """
    publish_log(
        ledger.ledger,
        lambda name, content: write_bytes(join(out, READY, name), content),
        checkpoint=ledger.pin["checkpoint"].encode(),
    )
