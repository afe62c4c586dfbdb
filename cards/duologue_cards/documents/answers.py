"""Answers the questions of a document: computed, stated by a person, or unknown with the reason."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import BaseLoader, Environment, StrictUndefined

from duologue_cards.phrases import escaped
from duologue_cards.sheet import Sheet

__all__ = ["computed", "json_text", "listed", "prose", "stated", "unknown"]


def computed(answer: str, *facts: str) -> dict[str, Any]:
    """Answers from facts, by their ids."""
    return {"answer": answer, "basis": "computed", "facts": list(facts)}


def stated(sheet: Sheet, name: str, *, why: str = "") -> dict[str, Any]:
    """Answers with what a person stated, or says that nobody has."""
    if name in sheet.stated:
        value = sheet.stated[name]
        answer = ("yes" if value else "no") if isinstance(value, bool) else listed(value)
        return {"answer": answer, "basis": "stated", "facts": [f"stated.{name}"]}
    return unknown(why or sheet.why(f"stated.{name}"), f"stated.{name}")


def unknown(why: str, *facts: str) -> dict[str, Any]:
    """Answers that it is not known, and why."""
    return {"answer": None, "basis": "unknown", "why": why, "facts": list(facts)}


def listed(value: Any) -> str:
    """Writes a text, or a list as text."""
    return value if isinstance(value, str) else ", ".join(map(str, value))


def json_text(document: Mapping[str, Any]) -> str:
    """Writes a document as JSON with sorted keys; the same document gives the same bytes."""
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def prose(template: str, **parts: Any) -> str:
    """Fills the template of a page of Markdown; ``|md`` escapes text from outside."""
    return _environment().from_string(_template(template)).render(**parts)


@cache
def _template(name: str) -> str:
    return files("duologue_cards").joinpath("templates").joinpath(name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=BaseLoader(), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters["md"] = _markdown
    return environment


def _markdown(text: str | Sequence[str] | None) -> str:
    return "unknown" if text is None else escaped(listed(text))
