"""Writes the words of a release as CTM, for scoring recognisers: a word a line with its time.

    train.ctm      NAME channel onset duration word [confidence], by file, channel and onset, for each split

Channel A is speaker a, B is b. White space within a word becomes ``_``, as it parts the fields; a word that begins with ``;;`` would be a
comment and one in ``< >`` a command: they get a ``\\`` in front. The confidence is left out where the transcript has none.

Source: NIST SCTK, doc/infmts.htm, "ctm".
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from duologue_consent import Form
from duologue_pipeline.export.account import Account, PartResult
from duologue_pipeline.export.format import Context, Need, Option, Part
from duologue_pipeline.export.manifests import write_lines
from duologue_pipeline.export.said import words_said
from duologue_pipeline.reader.shard import Sample

__all__ = ["Ctm"]

_CHANNELS: Final = {"a": "A", "b": "B"}
_SPECIAL: Final = (";;", "<", "\\")


class Ctm:
    """Writes CTM."""

    name: Final = "ctm"
    description: Final = "Write the words with their times as CTM, for sclite and other scorers of recognisers."
    needs: Final[frozenset[Need]] = frozenset({"words"})
    tokenizer: Final = "none"
    options: Final[Mapping[str, Option]] = {}
    version: Final = 1

    def forms(self, context: Context) -> tuple[Form, ...]:
        """Lists the forms of a recording that the files hold."""
        return (Form.TRANSCRIPT,)

    def part(self, samples: Iterator[Sample], out: Path, context: Context) -> PartResult:
        """Keeps the lines of each sample; the files are of whole splits."""
        account, index = Account(), []
        for sample in samples:
            name = context.name(sample)
            words = words_said(sample, account.take(sample))
            words.sort(key=lambda row: (row["speaker"], row["start_s"]))
            index.append("".join(_line(name, row) for row in words))
        return account.result(index)

    def finish(self, out: Path, parts: Iterable[Part], context: Context) -> None:
        """Writes the file of each split."""
        write_lines(out, "ctm", parts, context)


def _line(name: str, row: Mapping[str, Any]) -> str:
    word = "_".join(row["word"].split())
    escaped = f"\\{word}" if word.startswith(_SPECIAL) else word
    confidence = "" if row["confidence"] < 0 else f" {row['confidence']:.3f}"
    duration_s = max(0.0, row["end_s"] - row["start_s"])
    return f"{name} {_CHANNELS[row['speaker']]} {row['start_s']:.3f} {duration_s:.3f} {escaped}{confidence}\n"
