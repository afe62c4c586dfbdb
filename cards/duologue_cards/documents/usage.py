"""Writes what machines read of the use that is allowed: RSL, AIPREF's Content-Usage, and an ODRL offer.

RSL 1.0 (rslstandard.org/rsl, 2025-11-06); AIPREF vocabulary and attachment drafts (IETF, August 2026: no consensus yet); ODRL 2.2
(W3C, www.w3.org/TR/odrl-model). Consent allows what its purposes say and nothing else: without ``redistribution`` nothing is
offered to anybody.
"""

from typing import Any, Final
from xml.sax.saxutils import escape, quoteattr

from duologue_cards.documents.answers import json_text
from duologue_cards.licenses import forbids, license_reference
from duologue_cards.sheet import Sheet

__all__ = ["odrl_offer", "write_content_usage", "write_odrl", "write_rsl"]

_ODRL: Final = "http://www.w3.org/ns/odrl/2/"


def write_rsl(sheet: Sheet) -> str:
    """Writes the text of cards/rsl.xml (application/rsl+xml)."""
    stated = sheet.stated
    url = stated.get("url", "/")
    if sheet.passes_on:
        terms = ['<permits type="usage">ai-train</permits>']
        if _non_commercial(sheet):
            terms.append('<permits type="user">non-commercial</permits>')
        if "payment" in stated:
            terms.append(f"<payment type={quoteattr(stated['payment'])}/>")
        terms.append('<legal type="warranty">privacy-consent</legal>')
    else:
        terms = ['<prohibits type="usage">ai-all</prohibits>']
    if "contact" in stated:
        terms.append(f'<legal type="contact">{escape(stated["contact"])}</legal>')
    lines = "\n".join(f"      {term}" for term in terms)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<rsl xmlns="https://rslstandard.org/rsl">
  <content url={quoteattr(url)}>
    <license>
{lines}
    </license>
  </content>
</rsl>
"""


def write_content_usage(sheet: Sheet) -> str:
    """Writes the text of cards/content-usage.txt: a header, and the same as a rule of robots.txt."""
    value = f"train-ai={'y' if sheet.passes_on else 'n'}"
    return f"Content-Usage: {value}\n\nUser-Agent: *\nContent-Usage: / {value}\n"


def odrl_offer(sheet: Sheet) -> dict[str, Any]:
    """Builds the ODRL offer; it is also ``usageInfo`` of the Croissant card."""
    target = f"urn:duologue:run:{sheet.facts.fingerprint}"
    train = {"odrl:target": target, "odrl:action": {"@id": f"{_ODRL}aggregate"}, "odrl:constraint": _constraints(sheet)}
    forbidden = [
        {"odrl:target": target, "odrl:action": {"@id": f"{_ODRL}{action}"}}
        for action in (() if sheet.passes_on else ("distribute", "sell"))
    ]
    forbidden.append(
        {
            "odrl:target": target,
            "odrl:action": {"@id": "https://w3id.org/dpv#Identify"},
        }
    )
    offer: dict[str, Any] = {
        "@type": ["CreativeWork", "odrl:Offer"],
        "@id": f"{target}#usage",
        "name": "Terms of use by consent and licence",
        "odrl:permission": [train],
        "odrl:prohibition": forbidden,
    }
    if "publisher" in sheet.stated:
        offer["odrl:assigner"] = sheet.stated["publisher"]
    return offer


def write_odrl(sheet: Sheet) -> str:
    """Writes the text of cards/usage.odrl.json."""
    return json_text({"@context": {"@vocab": "https://schema.org/", "odrl": _ODRL}, **odrl_offer(sheet)})


def _constraints(sheet: Sheet) -> list[dict[str, Any]]:
    found = [
        {
            "odrl:leftOperand": {"@id": f"{_ODRL}purpose"},
            "odrl:operator": {"@id": f"{_ODRL}isAnyOf"},
            "odrl:rightOperand": list(sheet.facts.purposes),
        }
    ]
    licenses = [license_reference(each.value) for each in sheet.facts.licenses if each.value]
    if licenses:
        found.append(
            {
                "odrl:leftOperand": {"@id": "https://schema.org/license"},
                "odrl:operator": {"@id": f"{_ODRL}isAllOf"},
                "odrl:rightOperand": licenses,
            }
        )
    return found


def _non_commercial(sheet: Sheet) -> bool:
    return any(each.value is not None and forbids(each.value, "NC") for each in sheet.facts.licenses)
