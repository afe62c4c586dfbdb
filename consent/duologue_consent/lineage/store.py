"""Reads lineage from a ledger: the links, how their notices stand, and whether everybody was told of somebody."""

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from duologue_consent.lineage.lineage import (
    ACKNOWLEDGED,
    ISSUED,
    LINKED,
    REPLACED,
    Link,
    NoticeState,
    notice_states,
)

if TYPE_CHECKING:
    from duologue_consent.ledger.ledger import Ledger

__all__ = ["all_were_told", "read_links", "read_notices", "release_folders"]


def read_links(ledger: "Ledger") -> dict[int, Link]:
    """Reads the links by their leaves, in the order in which they were added. Raises as :meth:`Ledger.records`."""
    links = {r.seq: Link.from_fields(r.fields) for r in ledger.records(LINKED) if r.fields is not None}
    by = {r.fields["export"]: r.fields["link_seq"] for r in ledger.records(REPLACED) if r.fields is not None}
    return {
        seq: replace(link, replaced=link.export is not None and seq < by.get(link.export, 0))
        for seq, link in links.items()
    }


def release_folders(ledger: "Ledger") -> list[str]:
    """Lists the folders of the releases on record, each once. Raises as :meth:`Ledger.records`."""
    return list(dict.fromkeys(link.folder for link in read_links(ledger).values() if link.folder is not None))


def read_notices(ledger: "Ledger", links: dict[int, Link]) -> list[NoticeState]:
    """Reads the notices that were issued, and how they stand. Raises as :meth:`Ledger.records`."""
    issued = [(r.seq, r.fields) for r in ledger.records(ISSUED) if r.fields is not None]
    answers = [r.fields for r in ledger.records(ACKNOWLEDGED) if r.fields is not None]
    return notice_states(links, issued, answers)


def all_were_told(ledger: "Ledger", *, dataset: str, speakers: Collection[str]) -> bool:
    """Tells whether every model and recipient on record has been issued its notice about these speakers.

    Args:
        ledger: with the lineage.
        dataset: the name of the dataset, of whatever version.
        speakers: the pseudonyms of those who are gone.

    Returns:
        False also where no model or recipient with one of the speakers is on record: then nobody was told.
    """
    links = read_links(ledger)
    concerned = {
        seq: link
        for seq, link in links.items()
        if not link.replaced
        and link.dataset.rpartition(" ")[0] == dataset
        and not set(speakers).isdisjoint(link.speakers)
    }
    if not concerned:
        return False
    told = {
        (state.notice.link_seq, gone.speaker) for state in read_notices(ledger, links) for gone in state.notice.gone
    }
    return all((seq, who) in told for seq, link in concerned.items() for who in set(speakers) & set(link.speakers))
