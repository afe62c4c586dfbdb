"""Reads the rules of jurisdictions, and says what of them a grant does not meet.

A rule says what the law of a jurisdiction adds to the rule of consent. Each data file beside this module holds rules. A rule names
the jurisdictions that it covers (its own, or those of its file), the purposes that it concerns, its source (citation, url, and the day on which
that text was read, null where only others' account of it was), and either what a record must have (``requires``) or a warning. Rules
only add: nothing in them can allow what the base rule of :mod:`duologue_consent.decisions.policy` refuses. They are no legal advice.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Final

from duologue_consent.decisions.events import ConsentEvent, Purpose

__all__ = ["Rule", "load_rules", "rules_for", "unmet"]

_REQUIREMENTS: Final = (
    "method",
    "expression",
    "notice",
    "controller",
    "recipients",
    "evidence",
    "end",
    "retention_days_at_most",
    "verified_guardian_below_years",
    "recording_of_all_parties",
)


@dataclass(frozen=True)
class Rule:
    """Says what one law asks of a consent record, or warns of.

    Attributes:
        rule_id: e.g. ``us-il.bipa.release``.
        title: in a few words.
        jurisdictions: ISO 3166 codes that it covers; a country covers its subdivisions.
        purposes: which it concerns.
        citation, url: of its source.
        read: the day on which the text at ``url`` was read, None where it was not.
        known_by: how it is known where the text itself was not read.
        requires: what a record must have, by the keys above; empty in a warning.
        text: what it says, in a sentence.
        cure: what to do where a record does not meet it.
    """

    rule_id: str
    title: str
    jurisdictions: tuple[str, ...]
    purposes: tuple[Purpose, ...]
    citation: str
    url: str
    read: str | None
    known_by: str | None
    requires: Mapping[str, Any]
    text: str
    cure: str

    @property
    def is_warning(self) -> bool:
        """Tells whether it says something and requires nothing."""
        return not self.requires


@cache
def load_rules() -> tuple[Rule, ...]:
    """Loads all rules of the package, sorted by id.

    Raises:
        ValueError: a file requires what this version does not know; it must not be passed over in silence.
    """
    rules = []
    for file in files("duologue_consent.decisions.jurisdictions").iterdir():
        if file.name.endswith(".json"):
            document = json.loads(file.read_text(encoding="utf-8"))
            rules += [_rule(document, each) for each in document["rules"]]
    return tuple(sorted(rules, key=lambda rule: rule.rule_id))


@cache
def rules_for(jurisdiction: str) -> tuple[Rule, ...]:
    """Gives the rules that cover a jurisdiction (ISO 3166): those of the code itself and of its country."""
    names = {jurisdiction, jurisdiction.partition("-")[0]}
    return tuple(rule for rule in load_rules() if not names.isdisjoint(rule.jurisdictions))


def unmet(rule: Rule, grant: ConsentEvent, *, minor: bool, jurisdiction: str) -> str | None:
    """Says as a clause what of a rule a grant does not meet; None where it meets all.

    Args:
        rule: of the jurisdiction.
        grant: the decision that is relied on.
        minor: whether the speaker was a minor at the decision.
        jurisdiction: where the speaker was, for thresholds that differ by country.
    """
    faults = [
        fault
        for name, needed in rule.requires.items()
        if (fault := _fault(name, needed, grant, minor=minor, jurisdiction=jurisdiction))
    ]
    return " and ".join(faults) or None


def _fault(name: str, needed: Any, grant: ConsentEvent, *, minor: bool, jurisdiction: str) -> str | None:
    terms = grant.terms
    match name:
        case "method" | "expression":
            found = getattr(terms, name)
            return None if found in needed else f"its {name} is {found}, where {' or '.join(needed)} is needed"
        case "notice" | "controller" | "evidence":
            return None if getattr(terms, name) is not None else f"it names no {name}"
        case "recipients":
            return None if terms.recipients else "it names no recipients"
        case "end":
            ends = grant.expires_at is not None or terms.retention_days is not None
            return None if ends else "it neither ends nor limits retention"
        case "retention_days_at_most":
            ends = grant.expires_at is not None and grant.expires_at <= grant.at + timedelta(days=needed)
            kept = terms.retention_days is not None and terms.retention_days <= needed
            return None if ends or kept else f"it neither ends nor limits retention within {needed} days"
        case "verified_guardian_below_years":
            years = needed.get(jurisdiction.partition("-")[0], needed["*"]) if isinstance(needed, Mapping) else needed
            # a minor of unknown age is taken to be below every threshold
            young = minor and (terms.age_years is None or terms.age_years < years)
            verified = terms.guardian is not None and terms.guardian.verified_by is not None
            return None if verified or not young else f"no verified guardian decided for a speaker below {years} years"
        case _:  # recording_of_all_parties: the base rule asks every speaker for it
            return None


def _rule(document: Mapping[str, Any], rule: Mapping[str, Any]) -> Rule:
    requires = rule.get("requires", {})
    strange = set(requires) - set(_REQUIREMENTS)
    if strange:
        raise ValueError(f"rule {rule['id']} requires {', '.join(sorted(strange))}, which this version does not know")
    return Rule(
        rule_id=rule["id"],
        title=rule["title"],
        jurisdictions=tuple(rule.get("jurisdictions", document["jurisdictions"])),
        purposes=tuple(map(Purpose, rule.get("purposes", list(Purpose)))),
        citation=rule["citation"],
        url=rule["url"],
        read=rule["read"],
        known_by=rule.get("known_by"),
        requires=requires,
        text=rule["text"],
        cure=rule.get("cure", ""),
    )
