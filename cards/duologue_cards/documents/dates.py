"""Says when a release was made, by what is in it or stated: a clock would make other bytes each time."""

from duologue_cards.sheet import Sheet

__all__ = ["date_modified"]


def date_modified(sheet: Sheet) -> str | None:
    """Gives the day on which this version was made; None where that is unknown.

    Of a first version that is stated. A withdrawal asks the ledger anew, and the moment of that is in the release.
    """
    if "previous" not in sheet.changes:
        created: str | None = sheet.stated.get("date_created")
        return created
    consent = sheet.facts.consent
    return consent.checked_at[:10] if consent else None
