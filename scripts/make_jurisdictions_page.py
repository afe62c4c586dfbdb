"""Writes docs/jurisdictions.md from the data files of duologue_consent, or checks with ``--check`` that it is current."""

import json
import sys
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import typer

from duologue_consent.decisions.jurisdictions.rules import Rule, load_rules

TARGET = Path(__file__).resolve().parents[1] / "docs" / "jurisdictions.md"

HEAD = """# Rules of jurisdictions

What the law of a jurisdiction asks of a consent record beside [the rule of consent](consent.md), as `duologue` applies it. Made by
`python scripts/make_jurisdictions_page.py` from the data files in `consent/duologue_consent/decisions/jurisdictions/`.

**This is no legal advice.** The rules are a help for a data steward; they are not complete, and laws change. They only add requirements and
warnings. *Read* is the day on which a stored copy of the text at the link was read; where it was not, the line says how the rule is
known. Check a rule with somebody who knows the law of the jurisdiction before you rely on it.
"""


def page() -> str:
    """Writes the text of docs/jurisdictions.md."""
    rules = {rule.rule_id: rule for rule in load_rules()}
    parts = [HEAD]
    folder = files("duologue_consent.decisions.jurisdictions")
    for file in sorted((file for file in folder.iterdir() if file.name.endswith(".json")), key=lambda file: file.name):
        document = json.loads(file.read_text(encoding="utf-8"))
        codes = ", ".join(document["jurisdictions"])
        parts.append(f"## {document['title']}\n\nJurisdictions: {codes}.\n")
        parts += [_section(rules[rule["id"]]) for rule in document["rules"]]
    return "\n".join(parts)


def _section(rule: Rule) -> str:
    source = f"[{rule.citation}]({rule.url})"
    known = f"read {rule.read}" if rule.read else "not read"
    lines = [
        f"### {rule.rule_id}\n",
        f"{rule.title}. {rule.text}\n",
        f"- for: {', '.join(rule.purposes)}",
        f"- {'warns' if rule.is_warning else f'asks for: {_asked(rule.requires)}'}",
        f"- source: {source}, {known}{f'; {rule.known_by}' if rule.known_by else ''}",
    ]
    return "\n".join(lines) + "\n"


def _asked(requires: Mapping[str, Any]) -> str:
    return "; ".join(_one(name, value) for name, value in requires.items())


def _one(name: str, value: Any) -> str:
    match name:
        case "method" | "expression":
            return f"{name} {' or '.join(value)}"
        case "retention_days_at_most":
            return f"an end or a retention of at most {value} days"
        case "end":
            return "an end or a retention"
        case "recording_of_all_parties":
            return "consent of every speaker to the recording (the base rule)"
        case "verified_guardian_below_years":
            if not isinstance(value, Mapping):
                return f"a verified guardian below {value} years"
            ages = ", ".join(f"{code} {years}" for code, years in value.items() if code != "*")
            return f"a verified guardian below {value['*']} years, or below that of the country: {ages}"
        case _:
            return f"the {name}"


def main(check: bool = False) -> None:
    """Writes the page, or exits with 1 where it differs from the file."""
    text = page()
    if not check:
        TARGET.write_text(text, encoding="utf-8")
    elif not TARGET.exists() or TARGET.read_text(encoding="utf-8") != text:
        sys.exit(f"{TARGET.name} is not up to date: run python scripts/make_jurisdictions_page.py")


if __name__ == "__main__":
    typer.run(main)
