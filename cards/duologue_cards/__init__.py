"""Writes the cards of a release from one set of facts, so that no two of them disagree."""

from duologue_cards.compute import facts_from_release
from duologue_cards.croissant import write_croissant
from duologue_cards.facts import Facts, Publication
from duologue_cards.readme import write_readme

__all__ = ["Facts", "Publication", "facts_from_release", "write_croissant", "write_readme"]
