"""Follows where releases went: which models were trained on them, who has them, and whom a withdrawal concerns. No I/O.

Rules
1. A link says that a release (the SHA-256 of its dataset.json) trained a model or was handed to a recipient. It keeps the
   pseudonyms of the release's speakers, so that it can be asked when the files are gone.
2. A link is affected when a speaker of its release no longer allows ``recording`` or a purpose of the release for a form
   that the release holds, or was forgotten: unknown is no. Every release holds tokens and annotations.
3. Each affected link is owed a notice (GDPR Art. 19: erasure is communicated to each recipient). A notice names the
   speakers that no earlier notice to the same link has named. It is issued once and stands until it is acknowledged.
4. A link may be of an export: files in a folder that this program made of the release, and can bring up to date. Once that was
   done the link is replaced by that of the new release, and is affected no more: its folder holds what the new one says.
5. Nothing here says anything about what a model's weights still hold. A notice tells what was withdrawn; what is done about
   a trained model is recorded as the acknowledgement's remark.
"""

import hashlib
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, Literal, Self, get_args

import rfc8785

from duologue_consent.decisions.events import Purpose
from duologue_consent.decisions.snapshot import Snapshot
from duologue_consent.decisions.standing import State, standing
from duologue_consent.decisions.vocabulary import Form

__all__ = [
    "ACKNOWLEDGED",
    "ISSUED",
    "LINKED",
    "REPLACED",
    "Affected",
    "Gone",
    "Link",
    "Notice",
    "NoticeState",
    "Role",
    "affected_links",
    "new_notices",
    "notice_document",
    "notice_states",
    "notice_text",
]

LINKED: Final = "lineage.added"
REPLACED: Final = "lineage.replaced"
ISSUED: Final = "notice.issued"
ACKNOWLEDGED: Final = "notice.acknowledged"

Role = Literal["model", "recipient"]

_FORGOTTEN: Final = "forgotten"
_FORMS: Final = (Form.TOKENS.value, Form.ANNOTATIONS.value)


@dataclass(frozen=True)
class Link:
    """Says where one release went.

    Attributes:
        role: ``model``: trained on it; ``recipient``: was given it.
        name: of the model, or of whoever received it.
        contact: where notices go, None if not known.
        release: SHA-256 of its dataset.json.
        dataset: its name and version, for people.
        purposes: that the release carries.
        speakers: the pseudonyms in it, sorted.
        at: RFC 3339, when it was trained or handed over.
        folder: where the release lay, an absolute path or address; None in links of before it was recorded.
        forms: of the recordings that the release holds; tokens and annotations in links of before it was recorded.
        export: of an export the folder in which it lies, absolute; None of what others have.
        replaced: whether the folder of the export holds something newer by now; the ledger says so by a leaf of its own.
    """

    role: Role
    name: str
    contact: str | None
    release: str
    dataset: str
    purposes: tuple[str, ...]
    speakers: tuple[str, ...]
    at: str
    folder: str | None = None
    forms: tuple[str, ...] = _FORMS
    export: str | None = None
    replaced: bool = False

    def to_fields(self) -> dict[str, Any]:
        """Gives what the ledger keeps of the link, as JSON values."""
        lists = {"purposes": list(self.purposes), "speakers": list(self.speakers), "forms": list(map(str, self.forms))}
        unsaid = (
            {"replaced"} if self.export is not None else {"replaced", "export"}
        )  # as it was before there were exports
        return {name: value for name, value in (asdict(self) | lists).items() if name not in unsaid}

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> Self:
        """Reads what :meth:`to_fields` gives.

        Raises:
            ValueError: the fields are those of no link.
        """
        try:
            lists = {name: tuple(fields[name]) for name in ("purposes", "speakers", "forms") if name in fields}
            link = cls(**{**fields, **lists})
        except (TypeError, KeyError) as error:
            raise ValueError(f"not a link of lineage: {error}") from None
        if link.role not in get_args(Role):
            raise ValueError(f"not a link of lineage: role {link.role!r}")
        return link


@dataclass(frozen=True, order=True)
class Gone:
    """Names a speaker of a release who no longer allows it: pseudonym, the purpose that fails first, and how it stands."""

    speaker: str
    purpose: str
    state: str


@dataclass(frozen=True)
class Affected:
    """Joins a link with the speakers who are gone from its release; ``seq`` is the leaf of the link."""

    seq: int
    link: Link
    gone: tuple[Gone, ...]


@dataclass(frozen=True)
class Notice:
    """Holds what is to be told to one recipient or to those who answer for one model."""

    notice_id: str
    link_seq: int
    link: Link
    gone: tuple[Gone, ...]

    def to_fields(self) -> dict[str, Any]:
        """Gives what the ledger keeps of the notice, as JSON values: enough to write it again."""
        return {"notice_id": self.notice_id, "link_seq": self.link_seq, "gone": [asdict(gone) for gone in self.gone]}


@dataclass(frozen=True)
class NoticeState:
    """Holds an issued notice and, once it was acknowledged, when, by whom and with which remark."""

    notice: Notice
    issued_seq: int
    acknowledged_at: str | None = None
    acknowledged_by: str | None = None
    remark: str | None = None


def affected_links(links: Mapping[int, Link], snapshot: Snapshot, *, as_of: datetime) -> list[Affected]:
    """Finds the links that hold a speaker who no longer allows it, in the order in which they were added.

    Args:
        links: leaf of the ledger -> link.
        snapshot: how consent stands.
        as_of: the moment that is asked for.
    """
    known = {snapshot.commitment(speaker): speaker for speaker in snapshot.speakers}
    found = []
    for seq, link in sorted(links.items()):
        if link.replaced:
            continue
        purposes = (Purpose.RECORDING, *(Purpose(p) for p in link.purposes if p != Purpose.RECORDING))
        gone = [
            why
            for speaker in link.speakers
            if (why := _why_gone(speaker, known.get(speaker), snapshot, purposes, link.forms, as_of)) is not None
        ]
        if gone:
            found.append(Affected(seq, link, tuple(sorted(gone))))
    return found


def _why_gone(
    pseudonym: str,
    speaker_id: str | None,
    snapshot: Snapshot,
    purposes: Sequence[Purpose],
    forms: Sequence[str],
    as_of: datetime,
) -> Gone | None:
    if speaker_id is None:
        return Gone(pseudonym, purposes[-1], _FORGOTTEN)
    history = snapshot.history(speaker_id)
    for purpose in purposes:
        for form in forms:
            state = standing(history, purpose, as_of, form=Form(form)).state
            if state is not State.GIVEN:
                return Gone(pseudonym, purpose, state)
    return None


def notice_states(
    links: Mapping[int, Link],
    issued: Iterable[tuple[int, Mapping[str, Any]]],
    acknowledged: Iterable[Mapping[str, Any]],
) -> list[NoticeState]:
    """Lists the notices that were issued, and how they stand.

    Args:
        links: leaf of the ledger -> link.
        issued: leaf and fields of each issued notice, in order.
        acknowledged: the fields of each acknowledgement; the first of a notice counts.

    Raises:
        ValueError: a notice is about a link that is not there.
    """
    answers: dict[str, Mapping[str, Any]] = {}
    for fields in acknowledged:
        answers.setdefault(fields["notice_id"], fields)
    states = []
    for seq, fields in issued:
        link = links.get(fields["link_seq"])
        if link is None:
            raise ValueError(f"notice {fields['notice_id']} is about leaf {fields['link_seq']}, which is no link")
        notice = Notice(fields["notice_id"], fields["link_seq"], link, tuple(Gone(**gone) for gone in fields["gone"]))
        answer = answers.get(notice.notice_id, {})
        states.append(NoticeState(notice, seq, answer.get("at"), answer.get("by"), answer.get("remark")))
    return states


def new_notices(affected: Iterable[Affected], states: Iterable[NoticeState]) -> list[Notice]:
    """Lists the notices that are owed and were not issued yet.

    A notice's id is a hash of its content, so that issuing it twice is seen.
    """
    told: dict[int, set[str]] = {}
    for state in states:
        told.setdefault(state.notice.link_seq, set()).update(gone.speaker for gone in state.notice.gone)
    owed = []
    for each in affected:
        fresh = tuple(gone for gone in each.gone if gone.speaker not in told.get(each.seq, set()))
        if fresh:
            content = rfc8785.dumps([each.seq, each.link.release, [gone.speaker for gone in fresh]])
            owed.append(Notice(hashlib.sha256(content).hexdigest()[:16], each.seq, each.link, fresh))
    return owed


def notice_document(notice: Notice, *, ledger_id: str) -> dict[str, Any]:
    """Writes a notice as a JSON document, for programs."""
    return {
        "schema": "notice/1.0",
        "notice_id": notice.notice_id,
        "ledger_id": ledger_id,
        "role": notice.link.role,
        "name": notice.link.name,
        "contact": notice.link.contact,
        "dataset": notice.link.dataset,
        "release": notice.link.release,
        "withdrawn": [asdict(gone) for gone in notice.gone],
    }


def _ask_export(link: Link) -> str:
    return (
        f"The export in `{link.export}` ({link.name}) was made of this release on {link.at}. Bring it up to date with `duologue export "
        f"refresh {shlex.quote(str(link.export))}` once the release was rewritten, and do the same with every copy of the folder."
    )


def notice_text(notice: Notice, *, ledger_id: str) -> str:
    """Writes a notice as Markdown, for people."""
    link, count = notice.link, len(notice.gone)
    who = "1 speaker" if count == 1 else f"{count} speakers"
    ask = (
        _ask_export(link)
        if link.export is not None
        else (
            f"The model **{link.name}** was trained on this release on {link.at}. Stop training on these samples. Whether and how "
            "the weights are to be changed is for those who answer for the model to decide; this notice promises nothing about them."
            if link.role == "model"
            else f"**{link.name}** received this release on {link.at}. Delete these samples wherever you keep them, backups "
            "included as far as you can, and pass this notice on to whoever received them from you."
        )
    )
    lines = [
        f"# Notice {notice.notice_id}: consent of {who} has ended",
        "",
        f"- To: {link.name}{f' ({link.contact})' if link.contact else ''}",
        f"- Dataset: {link.dataset}",
        f"- Release (SHA-256 of dataset.json): `{link.release}`",
        f"- Ledger: {ledger_id}",
        "",
        ask,
        "",
        "Concerned is every sample whose `speaker_a` or `speaker_b` in `index.parquet` is one of:",
        "",
        *(f"- `{gone.speaker}` ({gone.purpose}: {gone.state})" for gone in notice.gone),
        "",
        "The dataset's folder has the signed list `revocations.jsonl` and, once it was rewritten, a version without these",
        "samples. This notice is given under Article 19 GDPR, where that applies. Please acknowledge it by its number and say",
        "what you have done.",
        "",
    ]
    return "\n".join(lines)
