"""Writes a release as nu-dialogue's trainer of J-Moshi reads it: Parquet files with text and codes of both speakers.

    data/train-00000.parquet        dialogue_id  string
                                    A, B         list of 9 lists of T int32: text, then the codes, the coarsest codebook first

Source: nu-dialogue/moshi-finetune@3879d29 tools/prepare_dataset.py, tools/tokenize_text.py and utils/data.py. Their loader delays
the rows itself. Theirs are int64; their ``np.array(main_example)`` takes int32 as well. Where it is unknown what a speaker says
the text row holds -1, which has neither embedding nor loss.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from duologue_consent import Form
from duologue_pipeline.export.account import Account, PartResult
from duologue_pipeline.export.format import Context, Need, Option, Part
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.records import SPEAKERS
from duologue_pipeline.views.dual import speaker_rows
from duologue_pipeline.views.sides import frame_count
from duologue_pipeline.views.spread import spread_tokens
from duologue_pipeline.views.text_row import stands_apart
from duologue_pipeline.views.words import has_transcript

__all__ = ["NuDialogue"]

_ROWS: Final = pa.list_(pa.list_(pa.int32()))
_SCHEMA: Final = pa.schema([("dialogue_id", pa.string()), ("A", _ROWS), ("B", _ROWS)])
_GROUP_FRAMES: Final = 1 << 16
"""So many frames are held before they are written: a row group of some megabytes."""


class NuDialogue:
    """Writes Parquet files of text and codes for nu-dialogue/moshi-finetune."""

    name: Final = "nu-dialogue"
    description: Final = "Write Parquet files of text and codes for nu-dialogue's moshi-finetune, which trains J-Moshi."
    needs: Final[frozenset[Need]] = frozenset({"codes", "words"})
    tokenizer: Final = "sentencepiece"
    options: Final[Mapping[str, Option]] = {
        "codebooks": Option(8, "Write so many codebooks of each side, the coarsest first."),
        "text_padding": Option(3, "Write this id where nothing is said."),
        "end_of_text_padding": Option(0, "Write this id one frame before a token that follows padding."),
    }
    version: Final = 1

    def forms(self, context: Context) -> tuple[Form, ...]:
        """Lists the forms of a recording that the files hold."""
        return (Form.TRANSCRIPT, Form.TOKENS)

    def part(self, samples: Iterator[Sample], out: Path, context: Context) -> PartResult:
        """Writes one file; side A is the model's, where one speaker alone is the model."""
        account, entries = Account(), 0
        path = out / "data" / f"{context.part}.parquet"
        path.parent.mkdir()
        with pq.ParquetWriter(path, _SCHEMA, compression="zstd") as writer:
            held: list[tuple[str, npt.NDArray[np.int32], npt.NDArray[np.int32]]] = []
            for sample in samples:
                name, sides = context.name(sample), context.model_sides(sample)
                if not sides:
                    account.leave(sample, "no_model_side")
                    continue
                rows = _rows(sample, context, account)
                a, b = ("B", "A") if sides == ("b",) else ("A", "B")
                held.append((name, rows[a], rows[b]))
                entries += 1
                if sum(each[1].shape[1] for each in held) >= _GROUP_FRAMES:
                    writer.write_table(_table(held))
                    held = []
            if held:
                writer.write_table(_table(held))
        if not entries:
            path.unlink()
        return account.result([])

    def finish(self, out: Path, parts: Iterable[Part], context: Context) -> None:
        """Writes nothing: the trainer takes the files by a pattern."""


def _rows(sample: Sample, context: Context, account: Account) -> dict[str, npt.NDArray[np.int32]]:
    """Makes the rows of both speakers, and counts the words that found no room in them."""
    padding, end_of_padding = context.options["text_padding"], context.options["end_of_text_padding"]
    for side, words in account.take(sample).items():
        if words and has_transcript(sample, side):
            lost = spread_tokens(
                np.full(frame_count(sample), padding, np.int32),
                words,
                context.tokenizer,
                padding=padding,
                end_of_padding=end_of_padding,
                spaces=stands_apart(sample),
            )
            account.leave_words("no_room", lost)
    return speaker_rows(
        sample,
        context.tokenizer,
        codebooks=context.options["codebooks"],
        text_padding=padding,
        end_of_text_padding=end_of_padding,
    )


def _table(held: list[tuple[str, npt.NDArray[np.int32], npt.NDArray[np.int32]]]) -> pa.Table:
    columns: list[Any] = [pa.array([name for name, *_ in held], pa.string())]
    for index in range(1, 1 + len(SPEAKERS)):
        blocks: list[npt.NDArray[np.int32]] = [each[index] for each in held]  # type: ignore[misc]
        rows = np.cumsum([0, *(block.shape[0] for block in blocks)], dtype=np.int32)
        ends = np.cumsum([0, *(block.shape[1] for block in blocks for _ in range(block.shape[0]))], dtype=np.int32)
        values = pa.array(np.concatenate([block.ravel() for block in blocks]), pa.int32())
        columns.append(pa.ListArray.from_arrays(rows, pa.ListArray.from_arrays(ends, values)))
    return pa.table(columns, schema=_SCHEMA)
