"""Writes cards/consent_statement.json: whose consent covers what, under which law, and how a speaker gets redress."""

from typing import Any, Final

from duologue_cards.documents.answers import json_text
from duologue_cards.sheet import PURPOSES, Sheet, with_few_hidden

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
        "regimes": {
            "speakers_by_jurisdiction": with_few_hidden(facts.speakers_by_jurisdiction),
            "rule": "the rules of the place of both speakers were applied to each conversation, the stricter where they differ; "
            "jurisdiction_a and jurisdiction_b of recordings.parquet say which places",
        },
        "per_segment": {
            "where": "consent of KEY.json",
            "what": "the purpose, and the events of the ledger by which each speaker allows it",
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
        "checked_at": {
            "unknown": "the release does not hold the moment; it was no earlier than the last record of the checkpoint below"
        },
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
