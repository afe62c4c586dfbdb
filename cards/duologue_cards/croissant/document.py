"""Writes croissant.json: a release in Croissant 1.1 JSON-LD with the RAI 1.0 vocabulary.

Sources: the specifications docs/croissant-spec-1.1.md (2026-01-29) and docs/croissant-rai-spec.md of
github.com/mlcommons/croissant@401f6fff. Written here and only checked with mlcroissant, whose own writer loses what it does not
know. No date is taken from a clock (:mod:`duologue_cards.documents.dates`).
"""

import hashlib
import json
from typing import Any, Final

from duologue_cards import phrases
from duologue_cards.croissant.files import distribution
from duologue_cards.croissant.records import record_sets
from duologue_cards.croissant.responsible import responsible_ai
from duologue_cards.documents.citation import citation
from duologue_cards.documents.dates import date_modified
from duologue_cards.documents.odrl import odrl_offer
from duologue_cards.licenses import is_known, license_reference
from duologue_cards.sheet import Sheet
from duologue_cards.statement import statement_bytes

__all__ = ["CONTEXT", "write_croissant"]

CONTEXT: Final[dict[str, Any]] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "annotation": "cr:annotation",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "equivalentProperty": "cr:equivalentProperty",
    "excludes": "cr:excludes",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "name": {"@container": "@language"},
    "odrl": "http://www.w3.org/ns/odrl/2/",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "prov": "http://www.w3.org/ns/prov#",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "readLines": "cr:readLines",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "sdVersion": "cr:sdVersion",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
    "unArchive": "cr:unArchive",
    "value": "cr:value",
}
"""The context of Appendix 1 of the specification, with PROV-O, which its section on provenance adds."""


def write_croissant(sheet: Sheet) -> str:
    """Writes the text of croissant.json; the same facts give the same bytes.

    What is unknown is left out.

    Raises:
        ValueError: the release lists no file for one of its tables.
    """
    facts, stated = sheet.facts, sheet.stated
    publication = facts.publication
    licenses = [_license(item.value) for item in facts.licenses if item.value]
    if len(licenses) < len(facts.licenses):  # of some conversations; what is not said of them is no other licence
        licenses.append({"@type": "sc:CreativeWork", "name": "not stated"})
    document = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"],
        "name": facts.name,
        "description": phrases.summary(facts),
        "version": facts.version,
        "sdVersion": _metadata_version(sheet),
        "citeAs": citation(sheet),
        "license": licenses or [{"@type": "sc:CreativeWork", "name": "not stated"}],
        "usageInfo": odrl_offer(sheet),
        "isLiveDataset": False,
        "publisher": {"@type": "sc:Organization", "name": stated["publisher"]} if "publisher" in stated else None,
        "creator": publication.creator and {"@type": "sc:Organization", "name": publication.creator},
        "url": publication.url,
        "dateCreated": stated.get("date_created"),
        "dateModified": date_modified(sheet),
        "datePublished": publication.date_published,
        "inLanguage": [item.value for item in facts.languages if item.value],
        "keywords": ["speech", "conversation", "full-duplex", "turn-taking"],
        **_provenance(sheet),
        "distribution": distribution(sheet),
        "recordSet": record_sets(facts),
        **responsible_ai(sheet),
    }
    known = {key: value for key, value in document.items() if value not in (None, [])}
    return json.dumps(known, indent=2, ensure_ascii=False) + "\n"


def _metadata_version(sheet: Sheet) -> str:
    """Gives the version of the description: that of the content, and a build tag (semver.org) that what is stated decides."""
    if not sheet.stated:
        return sheet.facts.version
    return f"{sheet.facts.version}+{hashlib.sha256(statement_bytes(sheet.stated)).hexdigest()[:12]}"


def _license(name: str) -> str | dict[str, str]:
    """Gives the address of a licence; one that has none is a work of that name."""
    return license_reference(name) if is_known(name) else {"@type": "sc:CreativeWork", "name": name}


def _provenance(sheet: Sheet) -> dict[str, Any]:
    """Says in PROV-O what the release was made of, by which run, and whose it is."""
    facts = sheet.facts
    sources = [facts.manifest_sha256, *([sheet.changes["previous"]["sha256"]] if "previous" in sheet.changes else [])]
    maker = facts.publication.creator
    return {
        "prov:wasDerivedFrom": [{"@id": f"urn:sha256:{sha256}"} for sha256 in sources],
        "prov:wasGeneratedBy": {
            "@type": "prov:Activity",
            "@id": f"urn:duologue:run:{facts.fingerprint}",
            "prov:label": f"run of {facts.made_by}",
        },
        "prov:wasAttributedTo": maker and {"@type": "prov:Agent", "prov:label": maker},
    }
