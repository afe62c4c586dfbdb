"""Says how a release is cited."""

import re

from duologue_cards.sheet import Sheet

__all__ = ["citation", "citation_key"]


def citation(sheet: Sheet) -> str:
    """Gives the BibTeX of a release: as a person stated it, else made of what is known."""
    facts = sheet.facts
    if "citation" in sheet.stated:
        return str(sheet.stated["citation"])
    key = citation_key(facts.name, facts.version)
    parts = {
        "title": f"{facts.name} {facts.version}",
        "author": facts.publication.creator,
        "year": (facts.publication.date_published or "")[:4],
        "url": facts.publication.url,
        "note": f"run {facts.fingerprint}",
    }
    parts = {name: re.sub(r"[{}]", "", value) for name, value in parts.items() if value}  # a brace ends the field
    return f"@misc{{{key}, " + ", ".join(f"{name} = {{{value}}}" for name, value in parts.items() if value) + "}"


def citation_key(name: str, version: str) -> str:
    """Makes the key by which BibTeX knows a release, such as ``calls:2.0.0``.

    Name and version do not run into one another: joined by ``-`` the name ``calls`` and version 2.0.0 would hold the name of a
    recording ``calls-2``, and of one that was withdrawn the name must be found nowhere.

    Args:
        name, version: of the release.
    """
    return re.sub(r"[^A-Za-z0-9_-]+", ".", name) + f":{version}"
