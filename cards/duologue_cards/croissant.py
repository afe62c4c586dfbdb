"""Writes croissant.json: a release in Croissant 1.1 JSON-LD (docs.mlcommons.org/croissant) with the RAI vocabulary.

Written here and only checked with mlcroissant, whose own writer loses what it does not know.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa

from duologue_cards import phrases
from duologue_cards.documents.usage import odrl_offer
from duologue_cards.facts import Facts
from duologue_cards.licenses import is_known, license_reference
from duologue_cards.requirements import judge, usable_for
from duologue_cards.sheet import Sheet
from duologue_schemas.tables import EVENTS, INDEX, LATER_TABLES, RECORDINGS, SPEAKERS, description

__all__ = ["citation_key", "write_croissant"]

# The context that the specification prescribes, word by word.
_CONTEXT: Final[dict[str, Any]] = {
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

_TABLES: Final = {
    "index": (INDEX, "A row a sample, with its place in the shards.", ["key"]),
    "recordings": (RECORDINGS, "A row a conversation: isolation of the tracks and turn taking.", ["recording_id"]),
    "events": (EVENTS, "A row an event between the speakers.", []),
    "speakers": (SPEAKERS, "A row a speaker: what the speaker does in all conversations.", ["speaker"]),
}


_MAINTENANCE: Final = (
    "Who withdraws is taken out, and a new version takes the place of this one; revocations.jsonl names what may no longer be "
    "used. Use the newest version only."
)
_MOST_SHARDS: Final = 1000
_SPLITS: Final = {
    "train": "http://mlcommons.org/croissant/TrainingSplit",
    "validation": "http://mlcommons.org/croissant/ValidationSplit",
}


def write_croissant(sheet: Sheet) -> str:
    """Writes the text of croissant.json; the same facts give the same bytes.

    What is unknown is left out.

    Raises:
        ValueError: the release lists no file for one of its tables.
    """
    facts, stated = sheet.facts, sheet.stated
    publication = facts.publication
    licenses = [_license(item.value) for item in facts.licenses if item.value]
    tables = [name for name in _TABLES if name not in LATER_TABLES or _is_listed(facts, name)]
    document = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"],
        "name": facts.name,
        "description": phrases.summary(facts),
        "version": facts.version,
        "citeAs": _citation(facts),
        "license": licenses or [{"@type": "sc:CreativeWork", "name": "not stated"}],
        "usageInfo": odrl_offer(sheet),
        "isLiveDataset": False,
        "publisher": {"@type": "sc:Organization", "name": stated["publisher"]} if "publisher" in stated else None,
        "creator": publication.creator and {"@type": "sc:Organization", "name": publication.creator},
        "url": publication.url,
        "datePublished": publication.date_published,
        "inLanguage": [item.value for item in facts.languages if item.value],
        "keywords": ["speech", "conversation", "full-duplex", "turn-taking"],
        "distribution": [*(_file(facts, name) for name in tables), *_shards(facts)],
        "recordSet": [_splits(facts), *(_record_set(facts, name) for name in tables), *_tokens(facts)],
        **_responsible_ai(sheet),
    }
    known = {key: value for key, value in document.items() if value not in (None, [])}
    return json.dumps(known, indent=2, ensure_ascii=False) + "\n"


def citation_key(name: str, version: str) -> str:
    """Makes the key by which BibTeX knows a release, such as ``calls:2.0.0``.

    No part of it runs on into another: joined by ``-`` the name ``calls`` and version 2.0.0 would hold the name of a recording
    ``calls-2``, and whoever withdraws that one must find its name nowhere.

    Args:
        name, version: of the release.
    """
    return re.sub(r"[^A-Za-z0-9_-]+", ".", name) + f":{version}"


def _license(name: str) -> str | dict[str, str]:
    """Gives the address of a licence; one that has none is a work of that name."""
    return license_reference(name) if is_known(name) else {"@type": "sc:CreativeWork", "name": name}


def _citation(facts: Facts) -> str:
    key = citation_key(facts.name, facts.version)
    parts = {
        "title": f"{facts.name} {facts.version}",
        "author": facts.publication.creator,
        "url": facts.publication.url,
        "note": f"run {facts.fingerprint}",
    }
    return f"@misc{{{key}, " + ", ".join(f"{name} = {{{value}}}" for name, value in parts.items() if value) + "}"


def _file(facts: Facts, table: str) -> dict[str, Any]:
    path = f"{table}.parquet"
    if _is_folder(facts, table):
        return {
            "@type": "cr:FileSet",
            "@id": f"{table}-files",
            "name": f"{table}-files",
            "description": _TABLES[table][1],
            "encodingFormat": "application/x-parquet",
            "includes": f"{table}/*.parquet",
        }
    entry = next((entry for entry in facts.files if entry.path == path), None)
    if entry is None:
        raise ValueError(f"the release lists no file {path}; add its hash to files before the cards are written")
    return {
        "@type": "cr:FileObject",
        "@id": path,
        "name": path,
        "description": _TABLES[table][1],
        "contentUrl": path,
        "contentSize": f"{entry.bytes} B",
        "encodingFormat": "application/x-parquet",
        "sha256": entry.sha256,
    }


def _is_listed(facts: Facts, table: str) -> bool:
    return _is_folder(facts, table) or any(entry.path == f"{table}.parquet" for entry in facts.files)


def _is_folder(facts: Facts, table: str) -> bool:
    """Tells whether a table is a folder of files."""
    return any(entry.path.startswith(f"{table}/") for entry in facts.files)


def _shards(facts: Facts) -> list[dict[str, Any]]:
    """Describes every shard by its hash, and the tokens in them as a set of files that a program can read.

    Of more than :data:`_MOST_SHARDS` the list is left to ``dataset.json``, which the tables' hashes are beside.
    """
    audio = ", KEY.flac the audio" if facts.include_audio else ""
    listed = facts.shards if len(facts.shards) <= _MOST_SHARDS else ()
    objects = [
        {
            "@type": "cr:FileObject",
            "@id": shard.path,
            "name": shard.path,
            "contentUrl": shard.path,
            "contentSize": f"{shard.bytes} B",
            "encodingFormat": "application/x-tar",
            "sha256": shard.sha256,
        }
        for shard in listed
    ]
    shards = {
        "@type": "cr:FileSet",
        "@id": "shards",
        "name": "shards",
        "description": (
            f"WebDataset shards: KEY.json says everything about a sample, KEY.codes.npy holds its tokens (uint16 "
            f"[2, {facts.codec.codebooks}, frames], codec {facts.codec.name}){audio}. {facts.codec.quality}"
        ),
        "encodingFormat": "application/x-tar",
        "includes": "shards/*.tar",
    }
    if not listed:
        return [shards]
    tokens = {
        "@type": "cr:FileSet",
        "@id": "token-files",
        "name": "token-files",
        "description": "The tokens of every sample, out of the shards.",
        "containedIn": [{"@id": shard.path} for shard in listed],
        "encodingFormat": "application/octet-stream",
        "includes": "*.codes.npy",
    }
    return [*objects, shards, tokens]


def _tokens(facts: Facts) -> list[dict[str, Any]]:
    if not 0 < len(facts.shards) <= _MOST_SHARDS:
        return []
    source = {"fileSet": {"@id": "token-files"}}
    fields = [
        (
            "key",
            "The sample.",
            "sc:Text",
            {"extract": {"fileProperty": "filename"}, "transform": {"regex": r"^(.+)\.codes\.npy$"}},
        ),
        ("content", "The bytes of KEY.codes.npy.", "sc:Text", {"extract": {"fileProperty": "content"}}),
    ]
    return [
        {
            "@type": "cr:RecordSet",
            "@id": "tokens",
            "name": "tokens",
            "description": "The tokens of every sample, as the bytes of a NumPy file.",
            "field": [
                {
                    "@type": "cr:Field",
                    "@id": f"tokens/{name}",
                    "name": name,
                    "description": text,
                    "dataType": type_,
                    "source": {**source, **how},
                }
                for name, text, type_, how in fields
            ],
        }
    ]


def _splits(facts: Facts) -> dict[str, Any]:
    """Describes the splits; ``bridge`` is for neither training nor validation, and has no address in Croissant."""
    rows = [
        {
            "splits/name": split.name,
            **({"splits/url": _SPLITS[split.name]} if split.name in _SPLITS else {"splits/url": ""}),
        }
        for split in facts.splits
    ]
    return {
        "@type": "cr:RecordSet",
        "@id": "splits",
        "name": "splits",
        "description": "The splits of the release; no speaker is in train and in validation.",
        "dataType": "cr:Split",
        "key": {"@id": "splits/name"},
        "field": [
            {
                "@type": "cr:Field",
                "@id": "splits/name",
                "name": "name",
                "description": "Name of the split.",
                "dataType": "sc:Text",
            },
            {
                "@type": "cr:Field",
                "@id": "splits/url",
                "name": "url",
                "description": "What it is for, in the words of Croissant; empty where it is for neither.",
                "dataType": ["cr:Split", "sc:URL"],
            },
        ],
        "data": rows,
    }


def _record_set(facts: Facts, table: str) -> dict[str, Any]:
    schema, text, key = _TABLES[table]
    place = (
        {"fileSet": {"@id": f"{table}-files"}}
        if _is_folder(facts, table)
        else {"fileObject": {"@id": f"{table}.parquet"}}
    )
    record_set = {
        "@type": "cr:RecordSet",
        "@id": table,
        "name": table,
        "description": text,
        "key": [{"@id": f"{table}/{column}"} for column in key],
        "field": [_field(table, column, place) for column in schema if f"{table}/{column.name}" not in facts.without],
    }
    return {name: value for name, value in record_set.items() if value}


def _field(table: str, column: pa.Field, place: Mapping[str, Any]) -> dict[str, Any]:
    is_list = pa.types.is_list(column.type)
    type_ = column.type.value_type if is_list else column.type
    field: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"{table}/{column.name}",
        "name": column.name,
        "description": description(column),
    }
    source = {**place, "extract": {"column": column.name}}
    if pa.types.is_struct(type_):
        # A list of structs is described by its parts, each taken out of every struct; as one value no reader can give it.
        field["subField"] = [
            {
                "@type": "cr:Field",
                "@id": f"{table}/{column.name}/{part.name}",
                "name": part.name,
                "dataType": _data_type(part.type),
                "source": {**source, "transform": {"jsonPath": part.name}},
            }
            for part in type_
        ]
    else:
        field |= {"dataType": _data_type(type_), "source": source}
    if is_list:
        field |= {"isArray": True, "arrayShape": "-1"}
    return field


def _data_type(type_: pa.DataType) -> str:
    if pa.types.is_integer(type_):
        return "sc:Integer"
    if pa.types.is_floating(type_):
        return "sc:Float"
    return "sc:Boolean" if pa.types.is_boolean(type_) else "sc:Text"


def _responsible_ai(sheet: Sheet) -> dict[str, Any]:
    facts, stated = sheet.facts, sheet.stated
    privacy = (
        "Voices and what people say. Speakers are named by commitments only; no speaker embeddings are included. "
        f"Consent is held in ledger {facts.ledger.ledger_id}, {phrases.count(facts.ledger.events, 'record')}, "
        f"Merkle root {facts.ledger.root}."
    )
    rules = ", ".join(f"{name} {version}" for name, version in facts.rules)
    dates = [date for date in (facts.first_date, facts.last_date) if date]
    changed = f"Tracks silenced after a withdrawal: {facts.one_voice}; conversations taken out: {facts.withdrawn}."
    uses = [f"{use['use']}: {use['status']} ({use['because']})" for use in usable_for(sheet, judge(sheet))]
    return {
        # mlcroissant 1.1.1 reads the second spelling of these two, the specification has the first.
        "rai:dataCollectionTimeframe": dates,
        "rai:dataCollectionTimeFrame": dates,
        "rai:dataManipulationProtocol": changed,
        "rai:dataDataManipulationProtocol": changed,
        "rai:dataCollection": stated.get("collection"),
        "rai:dataCollectionType": ["Software Collection" if sheet.only_synthetic else "Physical data collection"]
        if sheet.only_synthetic or "acquisition" in stated
        else None,
        "rai:dataSocialImpact": stated.get("social_impact"),
        "rai:dataUseCases": uses,
        "rai:dataBiases": [
            f"languages: {phrases.named(facts.languages)}",
            f"registers: {phrases.named(facts.registers)}",
            f"effective speakers: {phrases.number(sheet.evidence.effective_speakers)}",
        ],
        "rai:personalSensitiveInformation": [privacy],
        "rai:dataLimitations": phrases.limitations(facts),
        "rai:dataAnnotationProtocol": f"Found by program, with the rule sets {rules}",
        "rai:dataImputationProtocol": "none",
        "rai:dataReleaseMaintenancePlan": [_MAINTENANCE],
        "rai:machineAnnotationTools": [facts.made_by],
    }
