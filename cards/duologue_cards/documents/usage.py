"""Writes what crawlers read of the use that is allowed: RSL and AIPREF's Content-Usage.

Sources: RSL 1.0 (rslstandard.org/rsl, 2025-11-06, errata to 2026-05-27): elements, types and tokens. AIPREF: draft-ietf-aipref-vocab
and -attach (github.com/ietf-wg-aipref/drafts@7ca0afce, August 2026; no consensus yet): a dictionary of RFC 9651 with the categories
``train-ai`` and ``search`` and the tokens ``y`` and ``n``; ``search`` is left out, since nobody consented either way. Consent allows
what its purposes say and nothing else: without ``redistribution`` nothing is offered to anybody, nor where a licence is not stated or
has terms that no program can read (:attr:`duologue_cards.sheet.Sheet.permits`); nor training, where a licence forbids changed copies.
"""

from xml.sax.saxutils import escape, quoteattr

from duologue_cards.licenses import forbids
from duologue_cards.sheet import Sheet

__all__ = ["write_content_usage", "write_rsl"]


def write_rsl(sheet: Sheet) -> str:
    """Writes the text of cards/rsl.xml (application/rsl+xml)."""
    stated = sheet.stated
    url = stated.get("url", "/")
    if sheet.trains_anybody:
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
    value = f"train-ai={'y' if sheet.trains_anybody else 'n'}"
    return f"Content-Usage: {value}\n\nUser-Agent: *\nContent-Usage: / {value}\n"


def _non_commercial(sheet: Sheet) -> bool:
    return any(each.value is not None and forbids(each.value, "NC") for each in sheet.facts.licenses)
