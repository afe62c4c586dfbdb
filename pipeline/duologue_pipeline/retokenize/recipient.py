"""Puts a release with other tokens on record, as a recipient of the one that it is made of: a withdrawal from that names it."""

from datetime import UTC, datetime

from duologue_consent import Ledger, format_time
from duologue_consent.lineage.lineage import LINKED, Link
from duologue_consent.lineage.store import read_links
from duologue_pipeline.consent.forms import forms_of_row
from duologue_pipeline.files.tables import iter_rows
from duologue_pipeline.records import SPEAKERS
from duologue_pipeline.withdrawal.state import ReleaseState
from duologue_schemas.tables import WITHDRAWN

__all__ = ["record_recipient"]


def record_recipient(ledger: Ledger, state: ReleaseState, out: str) -> None:
    """Records in the ledger that a folder gets the samples of a release, before its first byte is there; once.

    Args:
        ledger: of the release.
        state: the release.
        out: the folder of the new one, absolute.

    Raises:
        LedgerError: the ledger does not take it.
    """
    name = f"retokenized: {out}"
    if any((link.name, link.release) == (name, state.sha256) for link in read_links(ledger).values()):
        return
    speakers, forms = set[str](), set[str]()
    for row in iter_rows(state.recordings, state.recordings.column_names):
        speakers |= {row[f"speaker_{side}"] for side in SPEAKERS} - {WITHDRAWN}
        forms |= set(map(str, forms_of_row(row, include_audio=True)))
    link = Link(
        role="recipient",
        name=name,
        contact=None,
        release=state.sha256,
        dataset=f"{state.release['name']} {state.release['version']}",
        purposes=tuple(state.release["purposes"]),
        speakers=tuple(sorted(speakers)),
        at=format_time(datetime.now(UTC)),
        folder=state.root,
        forms=tuple(sorted(forms)),
    )
    ledger.append(LINKED, link.to_fields())
