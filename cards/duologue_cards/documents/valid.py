"""Checks each document by itself: JSON by its schema, and the two texts that crawlers read by the rules of their standards."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final
from xml.etree import ElementTree

from duologue_schemas import iter_faults

__all__ = ["SCHEMAS", "document_faults"]

SCHEMAS: Final[Mapping[str, str]] = {
    "cards/ab2013.json": "ab2013",
    "cards/changes.json": "changes",
    "cards/consent_statement.json": "consent_statement",
    "cards/datasheet.json": "datasheet",
    "cards/dps.json": "dps",
    "cards/eu_summary.json": "eu_summary",
    "cards/facts.json": "facts",
    "cards/leakage.json": "leakage",
    "cards/requirements.json": "requirements",
    "cards/usage.odrl.json": "usage_odrl",
}
"""Path of a document in a release -> the name of its schema."""

_RSL: Final = "{https://rslstandard.org/rsl}"
_USAGES: Final = frozenset({"all", "ai-all", "ai-train", "ai-input", "ai-index", "search"})
_USERS: Final = frozenset({"commercial", "non-commercial", "education", "government", "personal"})
_WARRANTIES: Final = frozenset({"ownership", "authority", "no-infringement", "privacy-consent", "no-malware"})
_DISCLAIMERS: Final = frozenset({"as-is", "no-warranty", "no-liability", "no-indemnity"})
_PAYMENTS: Final = frozenset(
    {"purchase", "subscription", "training", "crawl", "use", "contribution", "attribution", "free"}
)
_WORDS: Final[Mapping[tuple[str, str], frozenset[str]]] = {
    ("permits", "usage"): _USAGES,
    ("prohibits", "usage"): _USAGES,
    ("permits", "user"): _USERS,
    ("prohibits", "user"): _USERS,
    ("legal", "warranty"): _WARRANTIES,
    ("legal", "disclaimer"): _DISCLAIMERS,
}
_CONTENT_USAGE: Final = re.compile(
    r"Content-Usage: (train-ai=[yn])\n\nUser-Agent: \*\nContent-Usage: / (train-ai=[yn])\n"
)


def document_faults(path: str, data: bytes) -> list[str]:
    """Finds what is wrong with one document of a release.

    Args:
        path: of the document in the release.
        data: its content.

    Returns:
        A clause for each fault; none for a document that nothing is known of here.
    """
    if path in SCHEMAS:
        return list(_json_faults(SCHEMAS[path], data))
    check = _TEXTS.get(path)
    return [] if check is None else list(check(data))


def _json_faults(name: str, data: bytes) -> Iterator[str]:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        yield f"is no JSON ({error})"
        return
    yield from (f"does not follow its schema: {fault}" for fault in iter_faults(name, document))


def _rsl_faults(data: bytes) -> Iterator[str]:
    """Checks the words of RSL 1.0 (rslstandard.org/rsl); there is no schema of its own."""
    if b"<!" in data:
        yield "is no RSL: it declares a document type"
        return
    try:
        root = ElementTree.fromstring(data)
    except (
        ElementTree.ParseError,
        LookupError,
        ValueError,
    ) as error:  # an encoding that nobody knows is no parse error
        yield f"is no XML ({error})"
        return
    terms = root.findall(f"{_RSL}content/{_RSL}license/*")
    if root.tag != f"{_RSL}rsl" or not terms or not all(each.get("url") for each in root.findall(f"{_RSL}content")):
        yield "is no RSL: a content with a url, and in it a license with terms, is expected in rsl"
    for term in terms:
        kind = (term.tag.removeprefix(_RSL), term.get("type", ""))
        told = f"<{kind[0]} type={kind[1]!r}>{term.text or ''}"
        if kind in _WORDS:
            unknown = set((term.text or "").split(",")) - _WORDS[kind]
            if unknown:
                yield f"{told}: RSL has no {', '.join(sorted(map(repr, unknown)))}"
        elif kind[0] == "payment":
            if kind[1] not in _PAYMENTS:
                yield f"{told}: RSL knows no such payment"
        elif kind not in (("legal", "contact"), ("legal", "attestation"), ("legal", "proof")):
            yield f"{told}: RSL knows no such term"


def _content_usage_faults(data: bytes) -> Iterator[str]:
    found = _CONTENT_USAGE.fullmatch(data.decode("utf-8", "replace"))
    if found is None:
        yield "is not a header Content-Usage: train-ai=y or n and the same as a rule of robots.txt"
    elif found[1] != found[2]:
        yield "says one thing in its header and another in its rule"


_TEXTS: Final[Mapping[str, Callable[[bytes], Iterator[str]]]] = {
    "cards/rsl.xml": _rsl_faults,
    "cards/content-usage.txt": _content_usage_faults,
}
