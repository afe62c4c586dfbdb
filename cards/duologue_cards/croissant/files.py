"""Describes the files of a release in the words of Croissant: ``FileObject`` with its hash, and ``FileSet``.

Of more files than :data:`MOST_FILES` a card lists none one by one: their hashes are in ``cards/files.sha256``, which it names by its
own hash (croissant-spec-1.1.md, "Resources", asks for the hash of what is named).
"""

import hashlib
from typing import Any, Final

from duologue_cards.documents.checksums import CHECKSUMS, write_checksums
from duologue_cards.facts import Facts, FileFacts
from duologue_cards.sheet import Sheet
from duologue_schemas.tables import LATER_TABLES

__all__ = ["MOST_FILES", "TABLE_TEXTS", "distribution", "listed_shards", "listed_tables", "table_is_folder"]

MOST_FILES: Final = 1000
"""Of more shards than this none is listed one by one."""

_PARQUET: Final = (
    "application/x-parquet"  # mlcroissant 1.1.1 does not know the registered application/vnd.apache.parquet
)

TABLE_TEXTS: Final = {
    "index": "A row a sample, with its place in the shards.",
    "recordings": "A row a conversation: isolation of the tracks and turn taking.",
    "events": "A row an event between the speakers.",
    "speakers": "A row a speaker: what the speaker does in all conversations.",
}
"""Table -> what a row is."""


def distribution(sheet: Sheet) -> list[dict[str, Any]]:
    """Describes tables, shards, the tokens in them, and the list of hashes.

    Raises:
        ValueError: the release lists no file for one of its tables.
    """
    facts = sheet.facts
    return [
        *(part for name in listed_tables(facts) for part in _table(facts, name)),
        *_shards(facts),
        _checksums(sheet),
    ]


def listed_tables(facts: Facts) -> list[str]:
    """Names the tables that the release has."""
    return [name for name in TABLE_TEXTS if name not in LATER_TABLES or _is_listed(facts, name)]


def listed_shards(facts: Facts) -> tuple[FileFacts, ...]:
    """Gives the shards that are listed one by one: all, or none where they are too many."""
    return facts.shards if len(facts.shards) <= MOST_FILES else ()


def table_is_folder(facts: Facts, table: str) -> bool:
    """Tells whether a table is a folder of files."""
    return any(entry.path.startswith(f"{table}/") for entry in facts.files)


def _is_listed(facts: Facts, table: str) -> bool:
    return table_is_folder(facts, table) or any(entry.path == f"{table}.parquet" for entry in facts.files)


def _table(facts: Facts, table: str) -> list[dict[str, Any]]:
    path = f"{table}.parquet"
    if table_is_folder(facts, table):
        return [
            {
                "@type": "cr:FileSet",
                "@id": f"{table}-files",
                "name": f"{table}-files",
                "description": f"{TABLE_TEXTS[table]} The hashes of its files are in {CHECKSUMS}.",
                "encodingFormat": _PARQUET,
                "includes": f"{table}/*.parquet",
            }
        ]
    entry = next((entry for entry in facts.files if entry.path == path), None)
    if entry is None:
        raise ValueError(f"the release lists no file {path}; add its hash to files before the cards are written")
    return [_file_object(entry, _PARQUET, TABLE_TEXTS[table])]


def _checksums(sheet: Sheet) -> dict[str, Any]:
    data = write_checksums(sheet).encode()
    entry = FileFacts(CHECKSUMS, hashlib.sha256(data).hexdigest(), len(data))
    return _file_object(entry, "text/plain", "The hash of every shard and every file of a table, a line each.")


def _file_object(entry: FileFacts, format_: str, text: str = "") -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": entry.path,
        "name": entry.path,
        **({"description": text} if text else {}),
        "contentUrl": entry.path,
        "contentSize": f"{entry.bytes} B",
        "encodingFormat": format_,
        "sha256": entry.sha256,
    }


def _shards(facts: Facts) -> list[dict[str, Any]]:
    """Describes every shard by its hash, and the tokens in them as a set of files that a program can read."""
    audio = ", KEY.flac the audio" if facts.include_audio else ""
    listed = listed_shards(facts)
    elsewhere = "" if listed else f" The hashes of the shards are in {CHECKSUMS}."
    shards = {
        "@type": "cr:FileSet",
        "@id": "shards",
        "name": "shards",
        "description": (
            f"WebDataset shards: KEY.json says everything about a sample, KEY.codes.npy holds its tokens (uint16 "
            f"[2, {facts.codec.codebooks}, frames], codec {facts.codec.name}){audio}. {facts.codec.quality}{elsewhere}"
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
    return [*(_file_object(shard, "application/x-tar") for shard in listed), shards, tokens]
