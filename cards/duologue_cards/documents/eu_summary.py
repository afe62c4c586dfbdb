"""Writes the row that a provider of a general-purpose model can copy into the summary of AI Act Article 53 (1) (d).

The template is that of the Commission, C(2025) 8311 of 5 December 2025; its sections and bands are as providers have filed them
(public/archive of github.com/AIAccountabilityLab/gpai-training-transparency@fe450735). The provider of the model files it: what belongs to the
provider is null here. Sections 2.1 to 2.6 answer yes, no or unknown, and nothing is guessed.
"""

from typing import Any, Final

from duologue_cards.documents.answers import json_text, prose
from duologue_cards.documents.dates import date_modified
from duologue_cards.phrases import count
from duologue_cards.sheet import Sheet

__all__ = ["write_eu_summary", "write_eu_summary_page"]

_BANDS: Final = (
    (10_000, "less than 10 000 hours"),
    (1_000_000, "10 000 to 1 million hours"),
    (float("inf"), "more than 1 million hours"),
)
_SECTIONS: Final = {
    "2.1": ("Publicly available datasets", ("public dataset",)),
    "2.2.1": (
        "Datasets commercially licensed by rightsholders or their representatives",
        ("licensed from rightsholders",),
    ),
    "2.2.2": ("Private datasets obtained from other third parties", ("bought from a vendor",)),
    "2.3": ("Data crawled and scraped from online sources", ()),
    "2.4": ("User data", ("user data",)),
    "2.5": ("Synthetic data", ()),
    "2.6": ("Other sources of data", ("recorded by the publisher", "other")),
}
_PROCESSING: Final = {
    "3.1": "Respect of reservation of rights from text and data mining exception or limitation",
    "3.2": "Removal of illegal content",
    "3.3": "Other information",
}


def write_eu_summary(sheet: Sheet) -> str:
    """Writes the text of cards/eu_summary.json."""
    return json_text(_document(sheet))


def write_eu_summary_page(sheet: Sheet) -> str:
    """Writes the text of cards/eu_summary.md."""
    titles = {name: title for name, (title, _) in _SECTIONS.items()}
    return prose("eu_summary.md.j2", name=sheet.title, document=_document(sheet), titles=titles, processing=_PROCESSING)


def _document(sheet: Sheet) -> dict[str, Any]:
    facts, stated = sheet.facts, sheet.stated
    hours = facts.duration_s / 3600
    belongs = "belongs to the provider of the model"
    languages = [each.value for each in facts.languages if each.value]
    types = "synthetic speech" if sheet.only_synthetic else "private audio communication: conversations of two people"
    processing: dict[str, Any] = {
        "3.1": {
            "answer": None,
            "why": f"{belongs}; the licence signals of this dataset are content-usage.txt and rsl.xml",
        },
        "3.2": {"answer": None, "why": "nobody has looked at the content"},
        "3.3": {
            "answer": f"recordings without consent were refused; {facts.rejected:,} recordings refused in all, "
            f"{count(facts.one_voice, 'track')} silenced after a withdrawal"
        },
    }
    return {
        "schema": "eu_summary/1.0",
        "template": "C(2025) 8311",
        "summary_version": facts.version,
        "last_update": date_modified(sheet) or (None if sheet.changes else stated.get("date_published")),
        "general": {
            "provider": {"value": None, "why": belongs},
            "model": {"value": None, "why": belongs},
            "modalities": {
                "audio": {
                    "size": next(band for limit, band in _BANDS if hours < limit),
                    "types": types,
                }
            },
            "latest_acquisition_date": facts.last_date,
            "linguistic_characteristics": ", ".join(languages) or None,
        },
        "sources": {name: _source(sheet, name) for name in _SECTIONS},
        "processing": processing,
    }


def _source(sheet: Sheet, name: str) -> dict[str, str]:
    acquisition = sheet.stated.get("acquisition")
    if name == "2.5":
        if sheet.facts.synthetic:
            return {"answer": "yes"}
        made = sheet.stated.get("synthetic_generation")
        if made is None and sheet.synthetic_unknown:
            return {"answer": "unknown", "why": sheet.why("synthetic_recordings")}
        return {"answer": "yes" if made else "no"}
    if sheet.only_synthetic and acquisition is None:
        return {"answer": "no"}
    if acquisition is None:
        return {"answer": "unknown", "why": "nobody has stated how the recordings were obtained"}
    return {"answer": "yes" if acquisition in _SECTIONS[name][1] else "no"}
