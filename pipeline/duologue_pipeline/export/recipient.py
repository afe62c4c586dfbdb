"""Puts exports on record: an export is a recipient of its release, and a withdrawal names it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from duologue_consent.decisions.events import format_time
from duologue_consent.errors import ConsentError
from duologue_consent.lineage.lineage import LINKED, REPLACED, Link, affected_links
from duologue_consent.lineage.release_facts import read_release_facts
from duologue_consent.lineage.store import read_links, read_notices
from duologue_pipeline.errors import UsageError
from duologue_pipeline.export.registry import find_format
from duologue_pipeline.export.request import ExportRequest
from duologue_pipeline.files.storage import absolute_uri

if TYPE_CHECKING:
    from duologue_consent import Ledger

__all__ = ["Recipient", "StaleExport", "stale_exports"]


@dataclass(frozen=True)
class StaleExport:
    """Names an export that holds speakers who no longer allow it: its folder, the format, and how many they are."""

    folder: str
    name: str
    gone: int


class Recipient:
    """Records an export in the ledger of its release.

    Args:
        ledger: the ledger.
        uri: the folder of the release.
        out: the folder of the export, absolute.
        request: what is exported.
    """

    def __init__(self, ledger: "Ledger", uri: str, out: str, request: ExportRequest) -> None:
        self._ledger, self._uri, self._out, self._request = ledger, absolute_uri(uri), out, request
        self._seq: int | None = None

    def before_writing(self, release: dict[str, Any], sha256: str) -> None:
        """Records the export before its first byte is there.

        Raises:
            UsageError: the ledger is another one than that of the release, or a speaker no longer allows it.
        """
        try:
            self._record(release, sha256)
        except ConsentError as error:
            raise UsageError(str(error)) from None

    def done(self) -> None:
        """Records that the folder holds the newest version now, and nothing of those before."""
        earlier = [
            seq for seq, link in read_links(self._ledger).items() if link.export == self._out and not link.replaced
        ]
        if self._seq is not None and any(seq < self._seq for seq in earlier):
            self._ledger.append(REPLACED, {"export": self._out, "link_seq": self._seq}, once=True)

    def _record(self, release: dict[str, Any], sha256: str) -> None:
        snapshot = self._ledger.snapshot()
        of_release = release["ledger"].get("ledger_id")
        if of_release != snapshot.ledger_id:
            raise UsageError(
                f"{self._uri}: was made with ledger {of_release}, and --ledger is {snapshot.ledger_id}; give that one"
            )
        facts = read_release_facts(self._uri)
        made = find_format(self._request.format)
        link = Link(
            role="recipient",
            name=f"{made.name} export",
            contact=None,
            release=sha256,
            dataset=f"{release['name']} {release['version']}",
            purposes=(self._request.purpose,),
            speakers=tuple(facts.recorded_ms),
            at=format_time(datetime.now(UTC)),
            folder=self._uri,
            forms=tuple(form.value for form in made.forms(self._request.context(release, None))),
            export=self._out,
        )
        if affected_links({0: link}, snapshot, as_of=datetime.now(UTC)):
            raise UsageError(
                f"{self._uri}: holds speakers who no longer allow it for {self._request.purpose}; take them out first: `duologue consent "
                f"propagate {self._uri}`"
            )
        for seq, known in read_links(self._ledger).items():
            if known.export == self._out and not known.replaced and known.release == sha256:
                self._seq = seq
        if self._seq is None:
            self._seq = self._ledger.append(LINKED, link.to_fields()).seq


def stale_exports(ledger: "Ledger", datasets: Sequence[str]) -> list[StaleExport]:
    """Lists the exports on record, of releases of these names, that hold speakers who no longer allow it; each folder once.

    One of which the notice was acknowledged is not listed: somebody has said what became of it.
    """
    found: dict[str, StaleExport] = {}
    links = read_links(ledger)
    answered = {
        (state.notice.link_seq, gone.speaker)
        for state in read_notices(ledger, links)
        if state.acknowledged_at is not None
        for gone in state.notice.gone
    }
    of_exports = {seq: link for seq, link in links.items() if link.export is not None}
    for affected in affected_links(of_exports, ledger.snapshot(), as_of=datetime.now(UTC)):
        folder, name = affected.link.export, affected.link.dataset.rpartition(" ")[0]
        gone = [each for each in affected.gone if (affected.seq, each.speaker) not in answered]
        if folder is not None and gone and name in datasets:
            found[folder] = StaleExport(folder, affected.link.name, len(gone))
    return list(found.values())
