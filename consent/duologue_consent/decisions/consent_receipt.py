"""Writes the receipt that a speaker gets of what is on record: as JSON (`consent_receipt.schema.json`) and as text to read.

ISO/IEC TS 27560:2023 tells a record, which the controller keeps, from a receipt, its copy for the person. States carry their
W3C DPV 2 term. The text is in the language of the notice that the speaker was shown last, where there is a text file for
it in ``receipt_texts/``; else in English, and it says so. Pure but for these files. It names the speaker: it is for nobody else.

Not to be mixed up with the receipt of a withdrawal (:mod:`duologue_consent.proofs.receipt`), which is public.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any, Final

import rfc8785

from duologue_consent.decisions.events import ConsentEvent, Purpose, entered_later, format_time, parse_time
from duologue_consent.decisions.snapshot import Snapshot
from duologue_consent.decisions.standing import DPV, State, standing
from duologue_consent.decisions.vocabulary import Form

__all__ = ["LANGUAGES", "consent_receipt", "receipt_text"]

LANGUAGES: Final = ("de", "en", "es", "fr", "ja", "ko", "zh")
_ACTION_STATES: Final = {
    "grant": State.GIVEN,
    "refuse": State.REFUSED,
    "withdraw": State.WITHDRAWN,
    "revoke": State.REVOKED,
    "invalidate": State.INVALIDATED,
}


def consent_receipt(snapshot: Snapshot, speaker_id: str, *, as_of: datetime) -> dict[str, Any]:
    """Builds the receipt of one speaker as a JSON document.

    Args:
        snapshot: of the ledger.
        speaker_id: whose.
        as_of: the moment at which it says how things stand; decisions that take effect later are listed all the same.

    Returns:
        A document of `consent_receipt.schema.json`. ``receipt_id`` is a hash of all else but the time of issue, so that an
        unchanged record has an unchanged receipt.

    Raises:
        ValueError: the ledger has no event of the speaker.
    """
    history = snapshot.history(speaker_id)
    if not history:
        raise ValueError(f"the ledger has no event of speaker {speaker_id!r}; see all with `duologue consent status`")
    body: dict[str, Any] = {
        "schema": "consent_receipt/1.0",
        "context": {"dpv": DPV},
        "language": _language(history),
        "subject": {"speaker_id": speaker_id, "commitment": snapshot.commitment(speaker_id)},
        "ledger_id": snapshot.ledger_id,
        "purposes": [_purpose(history, purpose, as_of) for purpose in Purpose],
        "decisions": [_decision(event) for event in history],
    }
    receipt_id = hashlib.sha256(rfc8785.dumps(body)).hexdigest()
    return {**body, "receipt_id": receipt_id, "issued_at": format_time(as_of)}


def receipt_text(receipt: Mapping[str, Any]) -> str:
    """Writes a receipt as Markdown in its own language, for the speaker to read.

    Args:
        receipt: what :func:`consent_receipt` gives.
    """
    asked = str(receipt["language"])
    texts = _texts(asked)
    as_of = format_time(parse_time(receipt["issued_at"]).replace(microsecond=0))
    lines = [f"# {texts['title']}", "", texts["intro"].format(as_of=as_of), ""]
    if _base(asked) not in LANGUAGES:
        lines[1:1] = ["", f"(There is no text in the language of the notice, {asked}; this one is in English.)"]
    subject = receipt["subject"]
    lines += [
        f"- {texts['subject']}: {subject['speaker_id']}",
        f"- {texts['commitment']}: `{subject['commitment']}`",
        f"- {texts['ledger']}: {receipt['ledger_id']}",
        "",
        f"## {texts['now']}",
        "",
        *_table(
            [texts[name] for name in ("purpose", "state", "since", "until", "forms")],
            [_purpose_row(row, texts) for row in receipt["purposes"]],
        ),
        "",
        f"## {texts['history']}",
        "",
    ]
    for decision in receipt["decisions"]:
        lines += [*_decision_lines(decision, texts), ""]
    lines.append(texts["rights"].format(receipt_id=receipt["receipt_id"]))
    return "\n".join(lines) + "\n"


def _language(history: Sequence[ConsentEvent]) -> str:
    notices = [event.terms.notice for event in history if event.terms.notice is not None]
    named = [notice.language for notice in notices if notice.language is not None]
    return named[-1] if named else "en"


def _base(language: str) -> str:
    return language.partition("-")[0].lower()


@cache
def _texts(language: str) -> Mapping[str, Any]:
    base = _base(language) if _base(language) in LANGUAGES else "en"
    file = files("duologue_consent.decisions") / "receipt_texts" / f"{base}.json"
    texts: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return texts


def _purpose(history: Sequence[ConsentEvent], purpose: Purpose, as_of: datetime) -> dict[str, Any]:
    found = standing(history, purpose, as_of)
    event, given = found.event, found.state is State.GIVEN
    since = None if event is None else event.expires_at if found.state is State.EXPIRED else event.at
    expires_at = None if event is None else event.expires_at
    covered = [form for form in Form if standing(history, purpose, as_of, form=form).state is State.GIVEN]
    return {
        "purpose": purpose.value,
        "state": found.state.value,
        "state_term": found.state.iri.replace(DPV, "dpv:"),
        "since": None if since is None else format_time(since),
        "expires_at": None if expires_at is None else format_time(expires_at),
        "forms": [form.value for form in covered] if given else [],
    }


def _decision(event: ConsentEvent) -> dict[str, Any]:
    fields = event.to_fields()
    del fields["speaker_id"], fields["new_person"]  # the latter tells about somebody else
    state_term = _ACTION_STATES[event.action].iri.replace(DPV, "dpv:")
    return {"seq": event.seq, "leaf_sha256": event.sha256, "state_term": state_term, **fields}


def _purpose_row(row: Mapping[str, Any], texts: Mapping[str, Any]) -> list[str]:
    none = texts["none"]
    return [
        texts["purposes"][row["purpose"]],
        texts["states"][row["state"]],
        row["since"] or none,
        row["expires_at"] or none,
        ", ".join(texts["form_names"][form] for form in row["forms"]) or none,
    ]


def _decision_lines(decision: Mapping[str, Any], texts: Mapping[str, Any]) -> list[str]:
    lines = [f"### {texts['purposes'][decision['purpose']]}: {texts['actions'][decision['action']]}", ""]
    notice, guardian = decision["notice"], decision["guardian"]
    by = texts["deciders"][decision["decided_by"]]
    days = decision["retention_days"]
    facts = {
        "when": decision["at"],
        "entered": decision["entered_at"] if entered_later(decision["at"], decision["entered_at"]) else None,
        "until": decision["expires_at"],
        "forms": ", ".join(texts["form_names"][form] for form in decision["forms"]),
        "method": texts["methods"][decision["method"]],
        "by": f"{by} ({guardian['reference']})" if guardian else by,
        "place": decision["jurisdiction"],
        "notice": _notice(notice, texts) if notice else None,
        "controller": decision["controller"],
        "recipients": ", ".join(decision["recipients"]),
        "retention": texts["days"].format(n=days) if days else None,
    }
    return lines + [f"- {texts[name]}: {value}" for name, value in facts.items() if value]


def _notice(notice: Mapping[str, Any], texts: Mapping[str, Any]) -> str:
    version = f"{texts['version']} {notice['version']}" if notice["version"] else None
    return ", ".join(part for part in (version, notice["url"], f"SHA-256 `{notice['sha256']}`") if part)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]
