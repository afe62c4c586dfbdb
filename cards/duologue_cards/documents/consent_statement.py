"""Writes cards/consent_statement.json: whose consent covers what, under which law, and how a speaker gets redress."""

from collections.abc import Mapping
from typing import Any, Final

from duologue_cards.documents.answers import json_text
from duologue_cards.entry import PURPOSES
from duologue_cards.facts import ConsentCell
from duologue_cards.sheet import Sheet

__all__ = ["write_consent_statement"]

_OUT_OF_SCOPE: Final = (
    "models that were trained on an earlier version",
    "copies that were not registered in the ledger",
    "what people remember or wrote down",
)


def write_consent_statement(sheet: Sheet) -> str:
    """Writes the text of cards/consent_statement.json."""
    facts = sheet.facts
    statement = {
        "schema": "consent_statement/1.0",
        "dataset": {"name": facts.name, "version": facts.version},
        "coverage": {purpose: _coverage(sheet, purpose) for purpose in PURPOSES},
        "coverage_by_form": _by(sheet, None if facts.consent is None else facts.consent.forms),
        "coverage_by_jurisdiction": _by(sheet, None if facts.consent is None else facts.consent.jurisdictions),
        "regimes": {
            "speakers_by_jurisdiction": sheet.value("speakers_by_jurisdiction"),
            "rules_by_jurisdiction": {
                each.value: list(sheet.rules.regimes(each.value))
                for each in facts.speakers_by_jurisdiction
                if each.value
            },
            "rule": "to each conversation, and so to each of its samples, the rules of the places of both speakers were applied, each "
            "to the speaker who was there; where the ledger names another place than the manifest, those of both. A place without "
            "rules of its own has those that hold everywhere",
        },
        "per_segment": {
            "where": "consent and speakers of KEY.json; jurisdiction_a and jurisdiction_b of recordings.parquet",
            "what": "the purpose, the events of the ledger by which each speaker allows it, and where the speaker was, whose rules are "
            "in regimes",
        },
        "redress": {
            "contact": sheet.stated.get("contact")
            or {"unknown": "nobody has stated a contact; ask whoever gave you this dataset"},
            "how": "consent can be withdrawn at any time; who withdraws is taken out of the next version of every copy that is "
            "registered, and gets a receipt",
        },
        "withdrawal": {
            "revocations": "revocations.jsonl",
            "receipts": "receipts/",
            "conversations_withdrawn": facts.withdrawn,
            "conversations_with_one_voice": facts.one_voice,
            "out_of_scope": list(_OUT_OF_SCOPE),
            "retention": sheet.stated.get("retention") or {"unknown": "nobody has stated how long recordings are kept"},
        },
        "checked_at": facts.consent.checked_at if facts.consent else {"unknown": sheet.why("consent_checked_at")},
        "checked": "the moment for which the ledger was asked: that which the run was told, else the last one that anything in the "
        "ledger is dated",
        "ledger": {
            "id": facts.ledger.ledger_id,
            "records": facts.ledger.events,
            "root": facts.ledger.root,
            "checkpoint": "ledger.checkpoint of dataset.json",
            "verify": "duologue shards verify DIR, and python verify.py DIR/receipts/0001.json for a receipt",
        },
    }
    return json_text(statement)


def _coverage(sheet: Sheet, purpose: str) -> dict[str, Any]:
    name = f"consent_{purpose}"
    if sheet.value(f"{name}_recordings") is None:
        return {"unknown": sheet.why(f"{name}_recordings")}
    return {"recordings": sheet.value(f"{name}_recordings"), "duration_s": sheet.value(f"{name}_duration_s")}


def _by(sheet: Sheet, cells: Mapping[str, Mapping[str, ConsentCell]] | None) -> dict[str, Any]:
    """Gives coverage by purpose and something else; without a ledger it is unknown."""
    if cells is None:
        return {"unknown": sheet.why("consent_checked_at")}
    return {purpose: {name: _cell(cell) for name, cell in cells[purpose].items()} for purpose in PURPOSES}


def _cell(cell: ConsentCell) -> dict[str, Any]:
    if cell.recordings is None:
        return {"unknown": cell.kept_back}
    return {"recordings": cell.recordings, "duration_s": cell.duration_s}
