"""Writes a release as a folder that ``datasets.load_dataset`` and the Hub take: Parquet with every feature declared.

    README.md                      the splits, for load_dataset and the Hub
    data/train-00000.parquet       a row a sample, a file a shard

The features stand in the schema of each file, so a column has its type where the first samples have nothing in it. ``words``,
``events`` and ``activity`` are lists of structs, ``codes`` is uint16 [2][codebooks][frames], ``audio`` an Audio feature of two
channels, where the release has audio.

Source: datasets 5.2 features/features.py (``Features.arrow_schema``: the key ``huggingface`` of a schema's metadata); read by datasets 4
and later, which have the type List.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from duologue_consent import Form
from duologue_pipeline.events.fields import EVENT_FIELDS
from duologue_pipeline.export.account import Account, PartResult
from duologue_pipeline.export.format import Context, Need, Option, Part
from duologue_pipeline.export.said import sample_document
from duologue_pipeline.export.sound import AUDIO, every_form, writes_audio
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.records import SPEAKERS

__all__ = ["HuggingFace"]

_ROW_GROUP_BYTES: Final = 16 << 20
_ROW_GROUP_ROWS: Final = 64
_TEXT: Final = ("key", "conversation", "split", "language", "setting", "topic", "register", "isolation")
_OF_SPEAKERS: Final = {"speakers": "speaker", "roles": "role", "role_prompts": "role_prompt"}
_LONG: Final = ("codes", "words", "events", "activity")
_STRUCT_OF_AUDIO: Final = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
_STRETCH: Final = pa.struct([("start_s", pa.float64()), ("end_s", pa.float64())])
_EVENT_TYPES: Final = {
    **dict.fromkeys(("kind", "speaker", "subtype", "addressee", "source", "rules"), pa.string()),
    **dict.fromkeys(("floor_taking", "take_over"), pa.bool_()),
    **dict.fromkeys(("reparandum", "interregnum", "repair"), _STRETCH),
}
_EVENT: Final = pa.struct(
    [(each.name, _EVENT_TYPES.get(each.name, pa.float64())) for each in EVENT_FIELDS] + [("owned", pa.bool_())]
)
_WORD: Final = pa.struct(
    [
        ("speaker", pa.string()),
        ("word", pa.string()),
        ("start_s", pa.float64()),
        ("end_s", pa.float64()),
        ("confidence", pa.float64()),
        ("tags", pa.string()),
    ]
)
_SPAN: Final = pa.struct([("speaker", pa.string()), ("start_s", pa.float64()), ("end_s", pa.float64())])


class HuggingFace:
    """Writes Parquet files with declared features and a README that names the splits."""

    name: Final = "hf"
    description: Final = (
        "Write Parquet with declared features, a folder that load_dataset and the Hugging Face Hub take."
    )
    needs: Final[frozenset[Need]] = frozenset()
    tokenizer: Final = "none"
    options: Final[Mapping[str, Option]] = {"audio": AUDIO}
    version: Final = 1

    def forms(self, context: Context) -> tuple[Form, ...]:
        """Lists the forms of a recording that the files hold."""
        return every_form(context)

    def part(self, samples: Iterator[Sample], out: Path, context: Context) -> PartResult:
        """Writes a Parquet file."""
        account = Account()
        languages: set[str] = set()
        first = next(samples, None)
        if first is None:
            return account.result([])
        with_audio = writes_audio(context)
        schema = _schema(with_audio)
        (out / "data").mkdir()
        rows: list[dict[str, Any]] = []
        codes: list[npt.NDArray[np.uint16]] = []
        held = 0
        with pq.ParquetWriter(
            out / "data" / f"{context.part}.parquet", schema, compression=_compression(schema)
        ) as writer:
            for sample in chain([first], samples):
                rows.append(_row(sample, account, context, with_audio=with_audio))
                codes.append(sample.codes)
                languages.add(sample.metadata["language"])
                held += len(sample.flac or b"") + sample.codes.nbytes
                if held >= _ROW_GROUP_BYTES or len(rows) >= _ROW_GROUP_ROWS:
                    writer.write_table(_table(rows, codes, schema))
                    rows, codes, held = [], [], 0
            if rows:
                writer.write_table(_table(rows, codes, schema))
        return account.result(sorted(languages))

    def finish(self, out: Path, parts: Iterable[Part], context: Context) -> None:
        """Writes the README."""
        languages: set[str] = set()
        splits: list[str] = []
        for part in parts:
            if part.index:
                languages.update(language.partition("-")[0].lower() for language in part.index)
                if part.split not in splits:
                    splits.append(part.split)
        head = {
            "pretty_name": context.release["name"],
            "language": sorted(languages - {"und"}) or ["und"],
            "tags": ["audio", "speech", "full-duplex", "conversation"],
            "configs": [
                {
                    "config_name": "default",
                    "data_files": [
                        {"split": split, "path": f"data/{split}-*.parquet"}
                        for split in context.splits
                        if split in splits
                    ],
                }
            ],
        }
        text = yaml.safe_dump(head, sort_keys=False, allow_unicode=True)
        (out / "README.md").write_text(f"---\n{text}---\n\n{_CARD}", encoding="utf-8")


_CARD: Final = """# Two-track conversations

A row is a piece of a conversation: `codes` are the tokens of both speakers (uint16, [2][codebooks][frames], speaker a first), `words`,
`events` and `activity` what is said, what happens and who is heard; times count in seconds from the start of the row. `audio`, where it
is there, has speaker a on the first channel and b on the second. `export.json` says what it was made from and what was left out.
"""


def _schema(with_audio: bool) -> pa.Schema:
    """Declares the columns, for Arrow and for datasets."""
    fields = [
        *((name, pa.string()) for name in _TEXT),
        ("segment", pa.int64()),
        ("start_s", pa.float64()),
        ("end_s", pa.float64()),
        *((f"{column}_{side}", pa.string()) for column in _OF_SPEAKERS.values() for side in SPEAKERS),
        *((f"transcript_{side}", pa.bool_()) for side in SPEAKERS),
        ("codec", pa.string()),
        ("frame_rate_hz", pa.float64()),
        ("codebooks", pa.int64()),
        ("codes", pa.list_(pa.list_(pa.list_(pa.uint16())))),
        ("activity", pa.list_(_SPAN)),
        ("words", pa.list_(_WORD)),
        ("events", pa.list_(_EVENT)),
        *([("audio", _STRUCT_OF_AUDIO)] if with_audio else []),
    ]
    features = {name: {"_type": "Audio"} if name == "audio" else _feature(kind) for name, kind in fields}
    return pa.schema(fields, metadata={"huggingface": json.dumps({"info": {"features": features}})})


def _table(rows: list[dict[str, Any]], codes: list[npt.NDArray[np.uint16]], schema: pa.Schema) -> pa.Table:
    """Joins rows and their codes; codes go from array to array, as lists of Python take fifty times their room."""
    nested: Any = np.concatenate([each.reshape(-1) for each in codes])
    for lengths in (
        [each.shape[2] for each in codes for _ in range(each.shape[0] * each.shape[1])],
        [each.shape[1] for each in codes for _ in range(each.shape[0])],
        [each.shape[0] for each in codes],
    ):
        nested = pa.ListArray.from_arrays(np.cumsum([0, *lengths], dtype=np.int32), nested)
    place = schema.get_field_index("codes")
    return pa.Table.from_pylist(rows, schema).set_column(place, schema.field("codes"), nested)


def _compression(schema: pa.Schema) -> dict[str, str]:
    """Compresses what is long; names stay readable, so that a search after a withdrawal sees them."""
    return {
        leaf: "zstd" if field.name in _LONG else "none" for field in schema for leaf in _leaves(field.name, field.type)
    }


def _leaves(path: str, kind: pa.DataType) -> list[str]:
    """Lists the paths of the columns that Parquet makes of a field."""
    if pa.types.is_list(kind):
        return _leaves(f"{path}.list.element", kind.value_type)
    if pa.types.is_struct(kind):
        return [leaf for field in kind for leaf in _leaves(f"{path}.{field.name}", field.type)]
    return [path]


def _feature(kind: pa.DataType) -> Any:
    if pa.types.is_list(kind):
        return {"feature": _feature(kind.value_type), "_type": "List"}
    if pa.types.is_struct(kind):
        return {field.name: _feature(field.type) for field in kind}
    names = {pa.float64(): "float64", pa.bool_(): "bool"}
    return {"dtype": names.get(kind, str(kind)), "_type": "Value"}


def _row(sample: Sample, account: Account, context: Context, *, with_audio: bool) -> dict[str, Any]:
    about = sample_document(sample, account.take(sample), context)
    row = {
        **{name: about[name] for name in (*_TEXT, "segment", "start_s", "end_s", "activity", "words", "events")},
        **{f"{column}_{side}": about[name][side] for name, column in _OF_SPEAKERS.items() for side in SPEAKERS},
        **{f"transcript_{side}": about["transcripts"][side] for side in SPEAKERS},
        "codec": about["codec"]["name"],
        "frame_rate_hz": about["codec"]["frame_rate_hz"],
        "codebooks": about["codec"]["codebooks"],
    }
    if with_audio:
        row["audio"] = sample.flac and {"bytes": sample.flac, "path": f"{about['key']}.flac"}
    return row
