"""Says what is to be done after a no: which releases hold the speaker as far as the ledger knows, and the commands for it."""

import shlex
from collections.abc import Collection, Iterator
from datetime import UTC, datetime

import sqlalchemy as sa
import typer

from duologue_consent.cli.lineage import affected_lines
from duologue_consent.cli.options import LEDGER_VARIABLE
from duologue_consent.cli.support import source_of
from duologue_consent.decisions.snapshot import Snapshot
from duologue_consent.ledger.ledger import Ledger
from duologue_consent.lineage.lineage import affected_links
from duologue_consent.lineage.store import read_links

__all__ = ["ledger_words", "next_lines"]


def next_lines(
    ledger: Ledger, snapshot: Snapshot, people: Collection[str], *, again: str, always: bool = True
) -> Iterator[str]:
    """Writes the lines: the releases by the lineage with the command for each, then whom else to tell.

    Args:
        ledger: as it is now.
        snapshot: of it.
        people: who has said no.
        always: whether something is said also where no release is known that is concerned.
        again: the words by which a further command names the ledger, of :func:`ledger_words`.
    """
    pseudonyms = {snapshot.commitment(each) for each in people}
    links = read_links(ledger)
    hit = [
        affected
        for affected in affected_links(links, snapshot, as_of=datetime.now(UTC))
        if any(gone.speaker in pseudonyms for gone in affected.gone)
    ]
    folders: dict[str, dict[str, None]] = {}
    for each in hit:
        if each.link.folder is not None:
            folders.setdefault(each.link.folder, {})[each.link.dataset] = None
    if folders:
        who = "the speaker" if len(people) == 1 else "the speakers"
        yield f"Next: take {who} out of the releases that are known to hold them:"
        for folder, datasets in folders.items():
            yield f"  duologue consent propagate {shlex.quote(folder)}{again}    # {', '.join(datasets)}"
        yield "and, by the same command, out of every other release that was made with this ledger (`lineage add` makes one known)."
    elif always:
        yield f"Next, for each release that was made with this ledger: duologue consent propagate RELEASE{again}"
        yield "(the ledger's lineage knows of none that is concerned; `duologue consent lineage add` makes one known)"
    if hit or always:
        yield from affected_lines(ledger)


def ledger_words(context: typer.Context, ledger: str) -> str:
    """Gives the words by which a further command names the same ledger; none where the environment names it."""
    if source_of(context, "ledger") == "ENVIRONMENT":
        return ""
    if "://" in ledger:
        url = sa.make_url(ledger)
        if url.password is not None or "password" in url.query:  # it is never shown
            return f' --ledger "${LEDGER_VARIABLE}"'
    return f" --ledger {shlex.quote(ledger)}"
