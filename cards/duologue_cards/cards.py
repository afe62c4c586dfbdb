"""Writes all documents of a release from one sheet of facts."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from duologue_cards.croissant.document import write_croissant
from duologue_cards.documents.ab2013 import write_ab2013, write_ab2013_page
from duologue_cards.documents.changes import CHANGES, write_changes
from duologue_cards.documents.checksums import CHECKSUMS, write_checksums
from duologue_cards.documents.consent_statement import write_consent_statement
from duologue_cards.documents.datasheet import write_datasheet, write_datasheet_page
from duologue_cards.documents.dps import write_dps
from duologue_cards.documents.eu_summary import write_eu_summary, write_eu_summary_page
from duologue_cards.documents.odrl import ODRL_FILE, write_odrl
from duologue_cards.documents.usage import write_content_usage, write_rsl
from duologue_cards.leakage import LEAKAGE, leakage_bytes
from duologue_cards.picture import PICTURE, write_picture
from duologue_cards.readme import write_readme
from duologue_cards.report.of_release import REPORT
from duologue_cards.requirements import write_requirements
from duologue_cards.sheet import Sheet, write_facts
from duologue_cards.statement import STATEMENT, statement_bytes

__all__ = ["CARDS", "CARD_FILES", "write_cards"]

CARDS: Final[Mapping[str, Callable[[Sheet], str]]] = {
    "README.md": write_readme,
    "croissant.json": write_croissant,
    "cards/ab2013.json": write_ab2013,
    "cards/ab2013.md": write_ab2013_page,
    "cards/consent_statement.json": write_consent_statement,
    "cards/content-usage.txt": write_content_usage,
    "cards/datasheet.json": write_datasheet,
    "cards/datasheet.md": write_datasheet_page,
    "cards/dps.json": write_dps,
    "cards/eu_summary.json": write_eu_summary,
    "cards/eu_summary.md": write_eu_summary_page,
    "cards/facts.json": write_facts,
    CHECKSUMS: write_checksums,
    PICTURE: write_picture,
    "cards/requirements.json": write_requirements,
    "cards/rsl.xml": write_rsl,
    ODRL_FILE: write_odrl,
}
"""Path of a card in the release -> what writes it."""

CARD_FILES: Final = (*CARDS, CHANGES, LEAKAGE, REPORT, STATEMENT)
"""Every path that cards take in a release."""


def write_cards(sheet: Sheet) -> Iterator[tuple[str, bytes]]:
    """Writes every card; the same facts give the same bytes.

    Yields:
        (path in the release, content); the statement too, where something was stated, what was measured of leakage, where it was, and
        the changes after a withdrawal.
    """
    if sheet.stated:
        yield STATEMENT, statement_bytes(sheet.stated)
    if sheet.leakage:
        yield LEAKAGE, leakage_bytes(sheet.leakage)
    if sheet.changes:
        yield CHANGES, write_changes(sheet).encode()
    for path, write in CARDS.items():
        yield path, write(sheet).encode()
