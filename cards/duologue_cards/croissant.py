"""Writes croissant.json: a release in Croissant 1.1 JSON-LD (docs.mlcommons.org/croissant) with the RAI vocabulary.

Written here and only checked with mlcroissant, whose own writer loses what it does not know.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa

from duologue_cards import phrases
from duologue_cards.facts import Facts
from duologue_cards.licenses import license_reference
from duologue_schemas.tables import EVENTS, INDEX, LATER_TABLES, RECORDINGS, SPEAKERS, description

__all__ = ["write_croissant"]

# The context that the specification prescribes, word by word.
_CONTEXT: Final[dict[str, Any]] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
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
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}

_TABLES: Final = {
    "index": (INDEX, "A row a sample, with its place in the shards.", ["key"]),
    "recordings": (RECORDINGS, "A row a conversation: isolation of the tracks and turn taking.", ["recording_id"]),
    "events": (EVENTS, "A row an event between the speakers.", []),
    "speakers": (SPEAKERS, "A row a speaker: what the speaker does in all conversations.", ["speaker"]),
}


def write_croissant(facts: Facts) -> str:
    """Writes the text of croissant.json; the same facts give the same bytes.

    What is unknown is left out.

    Raises:
        ValueError: the release lists no file for one of its tables.
    """
    publication = facts.publication
    licenses = [license_reference(item.value) for item in facts.licenses if item.value]
    tables = [name for name in _TABLES if name not in LATER_TABLES or _is_listed(facts, name)]
    document = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"],
        "name": facts.name,
        "description": phrases.summary(facts),
        "version": facts.version,
        "citeAs": _citation(facts),
        "license": licenses,
        "creator": publication.creator and {"@type": "sc:Organization", "name": publication.creator},
        "url": publication.url,
        "datePublished": publication.date_published,
        "inLanguage": [item.value for item in facts.languages if item.value],
        "keywords": ["speech", "conversation", "full-duplex", "turn-taking"],
        "distribution": [*(_file(facts, name) for name in tables), _shards(facts)],
        "recordSet": [_record_set(facts, name) for name in tables],
        **_responsible_ai(facts),
    }
    known = {key: value for key, value in document.items() if value not in (None, [])}
    return json.dumps(known, indent=2, ensure_ascii=False) + "\n"


def _citation(facts: Facts) -> str:
    key = re.sub(r"[^A-Za-z0-9]+", "-", f"{facts.name}-{facts.version}")
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


def _shards(facts: Facts) -> dict[str, Any]:
    audio = ", KEY.flac the audio" if facts.include_audio else ""
    return {
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


def _responsible_ai(facts: Facts) -> dict[str, Any]:
    privacy = (
        "Voices and what people say. Speakers are named by commitments only; no speaker embeddings are included. "
        f"Consent is held in ledger {facts.ledger.ledger_id}, {phrases.count(facts.ledger.events, 'record')}, "
        f"Merkle root {facts.ledger.root}."
    )
    rules = ", ".join(f"{name} {version}" for name, version in facts.rules)
    return {
        "rai:dataCollectionTimeframe": [date for date in (facts.first_date, facts.last_date) if date],
        "rai:dataUseCases": [f"Both speakers of every conversation allow: {purpose}" for purpose in facts.purposes],
        "rai:personalSensitiveInformation": [privacy],
        "rai:dataLimitations": phrases.limitations(facts),
        "rai:dataAnnotationProtocol": [f"Found by program, with the rule sets {rules}"],
        "rai:machineAnnotationTools": [facts.made_by],
    }
