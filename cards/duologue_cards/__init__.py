"""Writes the cards of a release from one set of facts, so that no two of them disagree."""

from duologue_cards.compute import facts_from_release, facts_from_tally
from duologue_cards.croissant import write_croissant
from duologue_cards.facts import Facts, Publication
from duologue_cards.readme import write_readme
from duologue_cards.tally import (
    Tally,
    add_tallies,
    tally_index,
    tally_people,
    tally_recordings,
    tally_speakers,
    tally_tables,
)

__all__ = [
    "Facts",
    "Publication",
    "Tally",
    "add_tallies",
    "facts_from_release",
    "facts_from_tally",
    "tally_index",
    "tally_people",
    "tally_recordings",
    "tally_speakers",
    "tally_tables",
    "write_croissant",
    "write_readme",
]
