"""Writes docs/formats.md from the schemas: ``python -m duologue_schemas.docs > docs/formats.md``."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import pyarrow as pa

from duologue_schemas.faults import load_schema
from duologue_schemas.tables import EVENTS, INDEX, RECORDINGS, SPEAKERS, description

__all__ = ["formats_page"]

_HEAD: Final = """# Formats

Every file that duologue reads and writes, field by field. This page is made from the schemas in
`schemas/duologue_schemas` (`python -m duologue_schemas.docs > docs/formats.md`); a test compares the two.

Times are seconds and names say their unit (`_s`, `_ms`, `_hz`, `_db`). Speaker `a` is the first track, `b` the second.
Speakers appear in the output as commitments: a hash that only the consent vault can lead back to a person.
"""

_SHARDS: Final = """### shards/SPLIT-NNNNN-HASH.tar

A WebDataset tar. HASH is the first 12 digits of the file's SHA-256, so a shard that is rewritten has a new name. Every
sample has the same members, one after the other:

| member | what |
|---|---|
| `KEY.json` | see below |
| `KEY.codes.npy` | the tokens: uint16 `[2, codebooks, frames]`, speaker a first |
| `KEY.flac` | the audio, stereo, a left: only in releases with `include_audio` |
"""

_NO_NULLS: Final = """A word or an event that crosses a cut is listed in both samples: in the second with a negative `start_s`. The sample in which it
begins owns it (`owned`), the first one also what begins before the conversation, so over all samples of a recording each is
owned once. Releases of earlier versions lack the fields marked as optional; there `start_s >= 0 or segment == 0` says the same.

Every other field is there and none is null, the lists hold both speakers, and what is of type number has a decimal point:
`load_dataset("webdataset", data_files=...)` takes the types from the first five samples, so what is null or empty in all
five could hold nothing in a later one. So samples with words, events and activity come first in a shard, and recordings that
have them in the first shard of `train`. Who begins with another shard or with `validation`, or after a withdrawal, may meet
words first in a later sample, which fails; `load_dataset(FOLDER)`, which takes the types from the release's card, works always.
"""

_TABLES: Final = """### Tables

Each table is one file, or a folder of files with the same columns whose rows follow one another in the order of the names. A
release of up to 16 shards has one file a table (`index.parquet`). One of more has a folder a table, in it one file a shard
(`index/train-00000.parquet`, ...), so that no worker ever holds all of it; those of speakers are named after the first two digits
of the commitments in them (`speakers/3f.parquet`). `tables` of `dataset.json` says which. DuckDB, Polars, `pyarrow.dataset` and
pandas read a folder as one table: `SELECT * FROM 'index/*.parquet'`, `pandas.read_parquet("index")`. Columns and tables that later
versions have added are missing in older releases.
"""

_CARDS: Final = """### README.md, croissant.json, report.html and cards/

The release's cards, all made from the same facts: `README.md` is the Hugging Face dataset card, `croissant.json` the
Croissant 1.1 description (JSON-LD) of the tables and the shards. In `cards/`:

| file | what |
|---|---|
| `facts.json` | the facts themselves, see below |
| `requirements.json` | eight requirements of full-duplex training, fit for three phases, what the release is usable for |
| `datasheet.json`, `.md` | Datasheets for Datasets |
| `ab2013.json`, `.md` | the twelve items of California Civil Code 3111 |
| `eu_summary.json`, `.md` | the row for the summary of AI Act Article 53 (1) (d) |
| `dps.json` | Data Provenance Standards 1.0.0 |
| `rsl.xml`, `content-usage.txt`, `usage.odrl.json` | allowed use: RSL 1.0, AIPREF, ODRL |
| `consent_statement.json` | whose consent covers what, and redress |
| `files.sha256` | the hash of every shard and every file of a table, for `sha256sum --check` from the folder of the release |
| `picture.svg` | when people take the floor, drawn beside people on the telephone |
| `changes.json` | what the last withdrawal took out; not in a first version |
| `dataset.yaml` | what a person stated, where somebody did |
| `leakage.json` | how well speakers are linked across conversations, where somebody has measured it |

`report.html` shows the same to people: one file that fetches nothing, with verdicts, plots, and up to eight conversations to look at and, where the
release has audio, to listen to. They are chosen by rule out of those in the first 16 files of the tables and called by their place.
"""

_DOCUMENTS: Final = {
    "requirements.json": "requirements",
    "consent_statement.json": "consent_statement",
    "ab2013.json": "ab2013",
    "eu_summary.json": "eu_summary",
    "datasheet.json": "datasheet",
    "dps.json": "dps",
    "usage.odrl.json": "usage_odrl",
    "changes.json": "changes",
    "leakage.json": "leakage",
}

_CRAWLERS: Final = """### rsl.xml and content-usage.txt in cards/

`rsl.xml` is RSL 1.0 (`application/rsl+xml`): one `content` with a `url`, in it a `license` whose terms use the words of RSL only.
`content-usage.txt` is a header of AIPREF, `Content-Usage: train-ai=y` or `n`, and the same as a rule of robots.txt.
`duologue card check` holds both against these rules, and each document above against its schema.
"""

_DPV: Final = "`dpv:` stands for the W3C Data Privacy Vocabulary 2, `https://w3id.org/dpv#`.\n"

_OWN: Final = "Fields whose name begins with `x_` are yours: they are allowed in {places} and ignored.\n"


def formats_page() -> str:
    """Writes the whole page as Markdown."""
    own_in_manifest = _OWN.format(places="the recording, in `source` and in a track")
    parts = [
        _HEAD,
        "## What goes in\n",
        _json_section("The manifest: a JSON object a line", "recording", own_in_manifest),
        _json_section("Words: one JSON file a track", "words", _OWN.format(places="a word")),
        _json_section("A consent record", "consent_record", _DPV),
        _json_section("dataset.yaml: what a person states", "dataset", _OWN.format(places="it")),
        "## What comes out\n",
        _json_section("dataset.json", "release", ""),
        _SHARDS,
        _json_section("KEY.json", "sample", _NO_NULLS),
        _TABLES,
        _table_section("index.parquet", "A row a sample, sorted by shard and offset.", INDEX),
        _table_section("recordings.parquet", "A row a recording, sorted by shard and recording_id.", RECORDINGS),
        _table_section(
            "events.parquet",
            "A row an event, sorted by its recording's shard, recording_id, start_s, end_s, kind and speaker.",
            EVENTS,
        ),
        _table_section("speakers.parquet", "A row a speaker, sorted by commitment.", SPEAKERS),
        _json_section("statistics.json", "statistics", ""),
        _json_section("rejected.jsonl: a JSON object a line", "rejected", ""),
        _json_section("revocations.jsonl: a signed envelope a line", "revocations", ""),
        _CARDS,
        _json_section("facts.json", "facts", ""),
        *(_json_section(f"{file} in cards/", name, "") for file, name in _DOCUMENTS.items()),
        _CRAWLERS,
        _json_section("What `duologue annotate` prints", "annotation", ""),
        _json_section("What `duologue audit tokens --json` prints", "tokens_audit", ""),
        "## What a speaker gets\n",
        _json_section("The consent receipt", "consent_receipt", ""),
    ]
    return "\n".join(parts)


def _json_section(title: str, name: str, note: str) -> str:
    schema = load_schema(name)
    rows = _markdown_table(("field", "type", "", "what"), _fields(schema, schema, ""))
    return f"### {title}\n\n{schema['description']} Schema: `{name}.schema.json`.\n\n{rows}" + (
        f"\n{note}" if note else ""
    )


def _table_section(title: str, text: str, schema: pa.Schema) -> str:
    rows = ((f"`{c.name}`", str(c.type), "or null" if c.nullable else "", description(c)) for c in schema)
    return f"### {title}\n\n{text}\n\n{_markdown_table(('column', 'type', '', 'what'), rows)}"


def _fields(root: Mapping[str, Any], schema: Mapping[str, Any], path: str) -> Iterator[tuple[str, str, str, str]]:
    """Lists every field of a schema under ``path``: its name, its type, whether it is optional, and what it holds."""
    if "items" in schema:
        yield from _fields(root, _resolved(root, schema["items"]), f"{path}[]")
    required = schema.get("required", ())
    for name, part in schema.get("properties", {}).items():
        field = _resolved(root, part)
        place = f"{path}.{name}" if path else name
        yield f"`{place}`", _type(field), "" if name in required else "optional", _text(field)
        yield from _fields(root, field, place)


def _resolved(root: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in schema:
        return schema
    return {**root["$defs"][schema["$ref"].removeprefix("#/$defs/")], **schema}


def _type(schema: Mapping[str, Any]) -> str:
    if "const" in schema:
        return f'"{schema["const"]}"'
    if "enum" in schema:
        return ", ".join(json.dumps(choice, ensure_ascii=False) for choice in schema["enum"])
    types = schema["type"]
    return types if isinstance(types, str) else " or ".join(types)


def _text(schema: Mapping[str, Any]) -> str:
    text: str = schema.get("description", "")
    if "x-expected" in schema:
        text += f" Must be {schema['x-expected']}."
    return f"{text} `{schema['x-dpv']}`" if "x-dpv" in schema else text


def _markdown_table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


if __name__ == "__main__":
    print(formats_page(), end="")
