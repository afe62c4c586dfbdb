"""Writes cards/dps.json: the Data Provenance Standards 1.0.0 of the Data & Trust Alliance.

Sources: specification.md of github.com/Data-and-Trust-Alliance/DPS@648e07c8 (2024-07-11) for elements and codes (section 7), and the JSON
encoding of github.com/Data-and-Trust-Alliance/json-metadata (2024-09-10) for types: ``origin`` and ``result`` are lists. That JSON Schema
itself is not used: a brace is missing in it, and it asks for ``tool`` where the specification says ``tool-category``; both are
written. An element whose content is not known is left out, and ``unknown`` beside the three groups says why.
"""

import uuid
from typing import Any, Final

from duologue_cards import phrases
from duologue_cards.documents.answers import json_text
from duologue_cards.documents.dates import date_modified
from duologue_cards.licenses import spdx_id
from duologue_cards.phases import phases
from duologue_cards.requirements import judge
from duologue_cards.sheet import Sheet

__all__ = ["write_dps"]

_SYSTEM: Final = "https://dataandtrustalliance.org/DPS/CodeSystem"
_REGULATIONS: Final = "https://dataandtrustalliance.org/DSP/CodeSystem/Regulations"  # DSP: so it stands in section 7.4
_NAMESPACE: Final = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")  # of URLs, RFC 9562
_METHODS: Final = {
    "recorded by the publisher": "primary-user-source-event",
    "licensed from rightsholders": "feeds-file-feed-info",
    "bought from a vendor": "feeds-file-feed-info",
    "public dataset": "feeds-file-feed-info",
    "user data": "user-generated-content-multimedia",
}
_SYNTHETIC: Final = "machine-generated-mlops-synthetic"
_PRIVACY: Final = (
    ("pseudonymization", "speakers are named by commitments"),
    ("data-redaction", "tracks of who withdrew are silence"),
    ("data-minimization", "names, keys and signatures of speakers stay in the ledger"),
)


def write_dps(sheet: Sheet) -> str:
    """Writes the text of cards/dps.json."""
    unknown: dict[str, str] = {}
    document = {
        "source": _source(sheet, unknown),
        "provenance": _provenance(sheet, unknown),
        "use": _use(sheet, unknown),
        "unknown": unknown,
    }
    return json_text(document)


def _source(sheet: Sheet, unknown: dict[str, str]) -> dict[str, Any]:
    facts, stated = sheet.facts, sheet.stated
    found: dict[str, Any] = {
        "version": "1.0.0",
        "title": sheet.title,
        "id": f"urn:uuid:{uuid.uuid5(_NAMESPACE, f'urn:duologue:{facts.name}:{facts.version}:{facts.fingerprint}')}",
        "description": phrases.summary(facts),
    }
    if "url" in stated:
        found["location"] = stated["url"]
    if "publisher" in stated:
        address = {"address": [stated["publisher_address"]]} if "publisher_address" in stated else {}
        found["issuer"] = [{"name": stated["publisher"], **address}]
    else:
        unknown["source.issuer"] = "nobody has stated a publisher"
    return found


def _provenance(sheet: Sheet, unknown: dict[str, str]) -> dict[str, Any]:
    facts, stated = sheet.facts, sheet.stated
    found: dict[str, Any] = {
        "format": ["application/x-tar", "application/vnd.apache.parquet"] + ["audio/flac"] * facts.include_audio
    }
    if "origin_countries" in stated:
        found["origin-geography"] = [{"country": country} for country in stated["origin_countries"]]
    else:
        unknown["provenance.origin-geography"] = "nobody has stated in which countries it was recorded"
    date = date_modified(sheet) or (None if sheet.changes else stated.get("date_published"))
    if date:
        found["date"] = date
    else:
        unknown["provenance.date"] = "nobody has stated when this version was made"
    if "owner" in stated:
        found["origin"] = [{"name": stated["owner"]}]
    if facts.first_date:
        found["generation-period"] = {"start": facts.first_date, "end": facts.last_date}
    else:
        unknown["provenance.generation-period"] = "no conversation has a date"
    methods = [_METHODS[stated["acquisition"]]] if stated.get("acquisition") in _METHODS else []
    methods += [_SYNTHETIC] * bool(sheet.facts.synthetic)
    if methods:
        found["generation-method"] = [{"code": code, "system": f"{_SYSTEM}/Method"} for code in methods]
    else:
        unknown["provenance.generation-method"] = "nobody has stated how the recordings were obtained"
    return found


def _use(sheet: Sheet, unknown: dict[str, str]) -> dict[str, Any]:
    facts = sheet.facts
    classified: list[dict[str, Any]] = [
        {"regulation": {"code": code, "system": _REGULATIONS}, "evaluated": code == "pi"}
        for code in ("pi", "pci", "pfi", "pii", "phi", "spi")
    ]
    classified[0]["tool"] = facts.made_by
    fits = {phase["id"]: phase for phase in phases(sheet, {each.id: each.status for each in judge(sheet)})}
    purposes = [
        {"code": code, "system": f"{_SYSTEM}/Use", "description": f"{fits[phase]['fit']}: {fits[phase]['why']}"}
        for code, phase in (("ai-pre-training", "pre_training"), ("ai-alignment", "post_training"))
        if fits[phase]["fit"] in ("fit", "partial")
    ] or [
        {
            "code": "ai-other",
            "system": f"{_SYSTEM}/Use",
            "description": "fit for no phase of training as far as is known; see requirements.json",
        }
    ]
    found: dict[str, Any] = {
        "classification": classified,
        "consents": ["cards/consent_statement.json"],
        "privacy-enhancing": [
            {
                "tool-category": {"code": code, "system": f"{_SYSTEM}/PET"},
                "tool": {"code": code, "system": f"{_SYSTEM}/PET"},
                "tool-used": facts.made_by,
                "result": [result],
            }
            for code, result in _PRIVACY
        ],
        "intended-purpose": purposes,
    }
    licenses = [spdx_id(each.value) or each.value for each in facts.licenses if each.value]  # codes before addresses
    if licenses:
        found["license"] = licenses
    else:
        unknown["use.license"] = "no licence is stated"
    if facts.licenses and all(each.value and spdx_id(each.value) == "CC0-1.0" for each in facts.licenses):
        found["copyright"] = "no"
    else:
        unknown["use.copyright"] = "whose it is, is not stated one by one"
    if sheet.stated.get("trademark_or_patent") is False:
        found |= {"patent": "no", "trademark": "no"}
    else:
        unknown |= dict.fromkeys(("use.patent", "use.trademark"), "which, is not stated one by one")
    for name in ("processing-included", "processing-excluded", "storage-allowed", "storage-forbidden"):
        unknown[f"use.{name}"] = "nobody has stated it"
    return found
