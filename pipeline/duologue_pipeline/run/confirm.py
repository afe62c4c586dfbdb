"""Asks the ledger once more, as it is then, before a release is published: consent may have ended while the run was under way."""

from collections.abc import Callable
from datetime import UTC, datetime

from duologue_consent import Ledger, LedgerError
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.locks import Lease
from duologue_pipeline.files.storage import exists, join
from duologue_pipeline.files.text import read_json
from duologue_pipeline.reader.release import MANIFEST
from duologue_pipeline.release.ready import ready_table
from duologue_pipeline.shards.write import ready_folder
from duologue_pipeline.withdrawal.refusals import Refusal, find_refusals

__all__ = ["WithdrawnMeanwhile", "confirmation"]


class WithdrawnMeanwhile(Exception):
    """Says that a release lies ready which holds recordings that may no longer be used.

    Args:
        refusals: whose.
        events: how many records the ledger has by now.
    """

    def __init__(self, refusals: tuple[Refusal, ...], events: int) -> None:
        super().__init__(f"{len(refusals)} tracks may no longer be used")
        self.refusals = refusals
        self.events = events


def confirmation(
    out: str, ledger: Ledger | None, lease: Lease, *, launch: str, as_of: datetime | None
) -> Callable[[], None]:
    """Makes the check that stands before every step of a publication.

    Args:
        out: the output folder, in which the release lies ready.
        ledger: None where there is none: then nothing was let through.
        lease: the lock of the folder.
        launch: who has laid it ready.
        as_of: the moment for which consent is asked; that of the check if None.

    Returns:
        A function that raises ConflictError where the lock was lost, WithdrawnMeanwhile where consent was, and UsageError
        where the ledger can no longer be read.
    """
    ready = ready_folder(out, launch)
    if ledger is None or not exists(join(ready, MANIFEST)):
        return lease.check
    release, recordings = read_json(join(ready, MANIFEST)), ready_table(out, launch, "recordings")

    def check() -> None:
        lease.check()
        try:
            snapshot = ledger.snapshot()
        except LedgerError as error:
            raise UsageError(f"{error}; the release is not published: run the command again") from None
        refusals = find_refusals(release, recordings, snapshot, as_of=as_of or datetime.now(UTC))
        if refusals:
            raise WithdrawnMeanwhile(refusals, ledger.size())

    return check
