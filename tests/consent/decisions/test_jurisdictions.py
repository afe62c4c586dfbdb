"""The data files of jurisdictions: every rule has its source, and none is passed over."""

import json
import re
from importlib.resources import files
from typing import Any

import pytest

from duologue_consent import Purpose
from duologue_consent.decisions.jurisdictions.rules import Rule, load_rules, rules_for

DOCUMENTS: dict[str, Any] = {
    file.name: json.loads(file.read_text(encoding="utf-8"))
    for file in (files("duologue_consent.decisions") / "jurisdictions").iterdir()
    if file.name.endswith(".json")
}
ALL_PARTY_STATES = ["CA", "CT", "DE", "FL", "IL", "MA", "MD", "MI", "MT", "NH", "NV", "OR", "PA", "WA"]


@pytest.mark.parametrize("rule", load_rules(), ids=lambda rule: rule.rule_id)
def test_a_rule_says_its_source_and_when_it_was_read_or_how_it_is_known(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z]{2}(-[a-z]{2})?\.[a-z0-9.-]+", rule.rule_id)
    assert rule.citation
    assert rule.title
    assert rule.text.endswith(".")
    assert rule.url.startswith(("https://", "http://"))
    assert rule.read is None or re.fullmatch(r"20[0-9]{2}-[01][0-9]-[0-3][0-9]", rule.read)
    assert rule.read is not None or rule.known_by
    assert bool(rule.cure) is not rule.is_warning
    assert all(re.fullmatch(r"[A-Z]{2}(-[A-Z]{2})?", code) for code in rule.jurisdictions)


def test_the_ids_are_different() -> None:
    ids = [rule.rule_id for rule in load_rules()]
    assert len(ids) == len(set(ids))
    assert len(ids) == sum(len(document["rules"]) for document in DOCUMENTS.values())


@pytest.mark.parametrize("state", ALL_PARTY_STATES)
def test_the_all_party_states_ask_everyone_for_the_recording(state: str) -> None:
    (rule,) = (rule for rule in rules_for(f"US-{state}") if "all-parties" in rule.rule_id)
    assert rule.requires == {"recording_of_all_parties": True}
    assert rule.purposes == (Purpose.RECORDING,)


@pytest.mark.parametrize(
    ("jurisdiction", "statute"),
    [
        ("US-IL", "us-il.bipa.retention"),
        ("US-TX", "us-tx.cubi.destruction"),
        ("US-NY", "us.coppa.parent"),
        ("SE", "eu.gdpr.7.demonstrable"),
        ("NO", "eu.gdpr.8.child"),
        ("DE-BY", "eu.gdpr.9.explicit"),
        ("FR", "eu.gdpr.17.erasure"),
        ("IT", "eu.gdpr.19.recipients"),
        ("GB-SCT", "gb.gdpr.8.child"),
        ("JP-13", "jp.appi.third-party"),
    ],
)
def test_a_jurisdiction_has_its_statutes(jurisdiction: str, statute: str) -> None:
    assert statute in {rule.rule_id for rule in rules_for(jurisdiction)}


def test_a_state_does_not_cover_another_and_a_country_not_its_neighbour() -> None:
    assert {rule.rule_id.partition(".")[0] for rule in rules_for("US-NY")} == {"us"}
    assert rules_for("CH") == rules_for("DEX") == ()


def test_all_members_of_the_union_and_of_the_area_are_there() -> None:
    assert len(DOCUMENTS["eu-gdpr.json"]["jurisdictions"]) == 27 + 3
