"""Writes cards/usage.odrl.json: what may be done with a release, as an ODRL offer; Croissant has the same as ``usageInfo``.

Sources: ODRL Information Model and Vocabulary 2.2 (www.w3.org/TR/odrl-model, www.w3.org/TR/odrl-vocab; an offer has an assigner, a rule
a target and an action; ``@id`` is its uid, and mlcroissant 1.1.1 reads no node that names itself), croissant-spec-1.1.md, "Fine-Grained Control with ODRL". Commercial use, derivative works, attribution and share
alike are the terms of Creative Commons, which take the place of ODRL's own. Consent allows what its purposes say and nothing else:
every other purpose is prohibited, and without ``redistribution``, or where a licence is not stated or cannot be read, the release goes to nobody.
"""

from collections.abc import Iterable
from typing import Any, Final

from duologue_cards.documents.answers import json_text
from duologue_cards.entry import PURPOSES
from duologue_cards.licenses import forbids
from duologue_cards.sheet import Sheet

__all__ = ["ODRL_FILE", "odrl_offer", "write_odrl"]

ODRL_FILE: Final = "cards/usage.odrl.json"
"""Where it lies in a release."""

_ODRL: Final = "http://www.w3.org/ns/odrl/2/"
_CC: Final = "http://creativecommons.org/ns#"
_NAME: Final = "http://www.w3.org/2006/vcard/ns#fn"  # so ODRL names a party


def odrl_offer(sheet: Sheet) -> dict[str, Any]:
    """Builds the offer, without its context."""
    facts, stated = sheet.facts, sheet.stated
    target = f"urn:duologue:release:{facts.fingerprint}:{facts.version}"
    licenses = [each.value for each in facts.licenses if each.value]
    duties = [
        {"@type": "odrl:Duty", "odrl:action": {"@id": f"{_CC}{term}"}}
        for part, term in (("BY", "Attribution"), ("SA", "ShareAlike"))
        if any(forbids(each, part) for each in licenses)
    ]
    others = [each for each in PURPOSES if each not in sheet.in_force]
    permitted = [_for_purposes("odrl:Permission", target, sheet.in_force)] if sheet.in_force else []
    prohibited = [_for_purposes("odrl:Prohibition", target, others)] if others else []
    if sheet.permits:
        permitted.append(_rule("odrl:Permission", target, f"{_ODRL}distribute"))
    else:
        prohibited += [_rule("odrl:Prohibition", target, f"{_ODRL}{action}") for action in ("distribute", "sell")]
    prohibited += [
        _rule("odrl:Prohibition", target, f"{_CC}{term}")
        for part, term in (("NC", "CommercialUse"), ("ND", "DerivativeWorks"))
        if any(forbids(each, part) for each in licenses)
    ]
    # Who offers it where nobody has stated a publisher: whoever holds the ledger.
    assigner: dict[str, Any] = {"@type": "odrl:Party", "@id": f"urn:duologue:ledger:{facts.ledger.ledger_id}"}
    if "publisher" in stated:
        assigner[_NAME] = stated["publisher"]
    return {
        "@type": ["CreativeWork", "odrl:Offer"],
        "@id": f"{target}:usage",
        "name": "Terms of use by consent and licence",
        "odrl:assigner": assigner,
        "odrl:permission": [{**rule, "odrl:duty": duties} if duties else rule for rule in permitted],
        "odrl:prohibition": prohibited,
    }


def write_odrl(sheet: Sheet) -> str:
    """Writes the text of cards/usage.odrl.json."""
    return json_text({"@context": {"@vocab": "https://schema.org/", "odrl": _ODRL}, **odrl_offer(sheet)})


def _rule(kind: str, target: str, action: str) -> dict[str, Any]:
    return {"@type": kind, "odrl:target": {"@id": target}, "odrl:action": {"@id": action}}


def _for_purposes(kind: str, target: str, purposes: Iterable[str]) -> dict[str, Any]:
    """Makes a rule on every use for these purposes of consent."""
    constraint = {
        "@type": "odrl:Constraint",
        "odrl:leftOperand": {"@id": f"{_ODRL}purpose"},
        "odrl:operator": {"@id": f"{_ODRL}isAnyOf"},
        "odrl:rightOperand": [{"@id": f"urn:duologue:purpose:{purpose}"} for purpose in purposes],
    }
    return {**_rule(kind, target, f"{_ODRL}use"), "odrl:constraint": [constraint]}
