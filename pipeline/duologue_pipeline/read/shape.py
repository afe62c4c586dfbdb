"""Recognises a file that is no manifest, by its beginning: what somebody has instead is told with how it becomes one."""

import codecs
import json
from typing import Any, Final

__all__ = ["manifest_mistake"]

_FOLDER: Final = "`duologue manifest from-folder DIR` makes one of recordings in a folder"
_TABLE: Final = "`duologue manifest from-table TABLE` makes one of a table"
_MAGIC: Final = (
    (b"\x1f\x8b", "is packed with gzip; unpack it first (gunzip)"),
    (b"PK\x03\x04", f"is a ZIP file, as spreadsheets are; export the table as CSV: {_TABLE}"),
    (b"PAR1", f"is a Parquet table; {_TABLE}"),
    (
        b"SQLite format 3",
        "is a database, perhaps the consent ledger; name the manifest, and give the ledger with --ledger",
    ),
    (
        b"RIFF",
        f"is audio; name the manifest, JSON Lines: {_FOLDER}; `duologue annotate` labels one conversation without any",
    ),
    (
        b"fLaC",
        f"is audio; name the manifest, JSON Lines: {_FOLDER}; `duologue annotate` labels one conversation without any",
    ),
    (
        b"OggS",
        f"is audio; name the manifest, JSON Lines: {_FOLDER}; `duologue annotate` labels one conversation without any",
    ),
)
_UTF_16: Final = "is UTF-16 text; save it as UTF-8 (iconv -f UTF-16 -t UTF-8 FILE > manifest.jsonl)"
_SEPARATORS: Final = (",", ";", "\t")


def manifest_mistake(head: bytes, *, whole: bool) -> str | None:
    """Says what a file is that cannot be a manifest, and how it becomes one; None where it may be one.

    Args:
        head: the beginning of the file.
        whole: whether that is all of it.
    """
    if whole and not head:
        return f"is empty; write one recording a line: {_FOLDER}"
    for magic, mistake in _MAGIC:
        if head.startswith(magic):
            return mistake
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or _has_zeros(head):
        return _UTF_16
    text = head.removeprefix(codecs.BOM_UTF8).decode("utf-8", errors="replace").lstrip()
    if text.startswith("["):
        return _array(text, whole=whole)
    if text.startswith("{"):
        return _document(text)
    return _table(text)


def _has_zeros(head: bytes) -> bool:
    """Tells whether every second byte is zero, as in UTF-16 of plain letters."""
    start = head[:64]
    return len(start) >= 4 and any(start[1::2]) != any(start[::2])


def _array(text: str, *, whole: bool) -> str | None:
    """A first line that is a list by itself is one broken line of a manifest, if others follow."""
    line, _, rest = text.partition("\n")
    if _parsed(line) is not None and (rest.strip() or not whole):
        return None
    return "is one JSON list; write each of its recordings on a line of its own (jq -c '.[]' FILE > manifest.jsonl)"


def _document(text: str) -> str | None:
    line, _, rest = text.partition("\n")
    alone = _parsed(line)
    if alone is not None:
        names = _lists(alone)
        if not names or rest.strip():
            return None
        return _one_document("", names)
    document = _parsed(text)
    if document is None and line.strip() != "{":
        return None  # a broken line
    return _one_document(" over many lines", [] if document is None else _lists(document))


def _one_document(how: str, names: list[str]) -> str:
    chosen = f".{names[0]}[]" if names else "."
    return f"is one JSON document{how}; write each recording on one line (jq -c '{chosen}' FILE > manifest.jsonl)"


def _lists(document: Any) -> list[str]:
    """Names the fields of a document that list recordings, if it is none itself."""
    if not isinstance(document, dict) or "tracks" in document or "recording_id" in document:
        return []
    return [
        name for name, value in document.items() if isinstance(value, list) and value and isinstance(value[0], dict)
    ]


def _table(text: str) -> str | None:
    lines = [line for line in text.split("\n")[:8] if line.strip()]
    if len(lines) < 2 or any(line.lstrip().startswith("{") for line in lines):
        return None
    for separator in _SEPARATORS:
        columns = lines[0].count(separator)
        if columns and lines[1].count(separator) >= columns:
            return f"is a table (CSV) and no JSON Lines; {_TABLE}"
    return None


def _parsed(text: str) -> Any:
    """Parses the JSON with which a text begins; None where it begins with none."""
    try:
        return json.JSONDecoder().raw_decode(text)[0]
    except (ValueError, RecursionError):
        return None
