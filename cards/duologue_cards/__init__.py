"""Writes the cards of a release from one set of facts, so that no two of them disagree."""

from duologue_cards.cards import CARD_FILES, write_cards
from duologue_cards.compute import facts_from_release, facts_from_tally
from duologue_cards.croissant.document import write_croissant
from duologue_cards.documents.ab2013 import write_ab2013, write_ab2013_page
from duologue_cards.documents.changes import write_changes
from duologue_cards.documents.checksums import write_checksums
from duologue_cards.documents.consent_statement import write_consent_statement
from duologue_cards.documents.datasheet import write_datasheet, write_datasheet_page
from duologue_cards.documents.dps import write_dps
from duologue_cards.documents.eu_summary import write_eu_summary, write_eu_summary_page
from duologue_cards.documents.odrl import write_odrl
from duologue_cards.documents.usage import write_content_usage, write_rsl
from duologue_cards.documents.valid import document_faults
from duologue_cards.facts import Facts, Publication
from duologue_cards.few import FEW, apart, counts_by_place
from duologue_cards.leakage import LEAKAGE, leakage_bytes, parse_leakage, shards_sha256
from duologue_cards.picture import write_picture
from duologue_cards.readme import write_readme
from duologue_cards.reference import CardRules, HumanTurnTaking
from duologue_cards.report.of_conversation import write_conversation_report
from duologue_cards.report.of_release import write_report
from duologue_cards.requirements import judge, usable_for, write_requirements
from duologue_cards.sheet import Sheet, make_sheet, write_facts
from duologue_cards.statement import STATEMENT, commented_statement, parse_statement, statement_bytes
from duologue_cards.tally import (
    OF_PEOPLE,
    Said,
    Tally,
    add_tallies,
    one_track_ms,
    tally_index,
    tally_people,
    tally_recordings,
    tally_speakers,
    tally_tables,
)

__all__ = [
    "CARD_FILES",
    "FEW",
    "LEAKAGE",
    "OF_PEOPLE",
    "STATEMENT",
    "CardRules",
    "Facts",
    "HumanTurnTaking",
    "Publication",
    "Said",
    "Sheet",
    "Tally",
    "add_tallies",
    "apart",
    "commented_statement",
    "counts_by_place",
    "document_faults",
    "facts_from_release",
    "facts_from_tally",
    "judge",
    "leakage_bytes",
    "make_sheet",
    "one_track_ms",
    "parse_leakage",
    "parse_statement",
    "shards_sha256",
    "statement_bytes",
    "tally_index",
    "tally_people",
    "tally_recordings",
    "tally_speakers",
    "tally_tables",
    "usable_for",
    "write_ab2013",
    "write_ab2013_page",
    "write_cards",
    "write_changes",
    "write_checksums",
    "write_consent_statement",
    "write_content_usage",
    "write_conversation_report",
    "write_croissant",
    "write_datasheet",
    "write_datasheet_page",
    "write_dps",
    "write_eu_summary",
    "write_eu_summary_page",
    "write_facts",
    "write_odrl",
    "write_picture",
    "write_readme",
    "write_report",
    "write_requirements",
    "write_rsl",
]
