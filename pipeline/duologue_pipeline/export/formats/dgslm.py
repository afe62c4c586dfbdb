"""Writes a release as fairseq's dGSLM reads it: the units of both speakers, a conversation a line.

    train.unitA, train.unitB     12 12 7 ...: the lines of both files belong together, and have equally many units
    train.txt                    {'audio': 'NAME', 'unitA': '12 12 7 ...', 'unitB': '4 4 4 ...'}, a Python dict, to sample from

The split ``validation`` is called ``valid`` in files, as theirs is.

Source: facebookresearch/fairseq examples/textless_nlp/dgslm: README.md and create_code_file.py. dGSLM was trained on HuBERT units of
50 Hz; here a unit is a code of one codebook, 12.5 a second of Mimi, so that a duration is a fourth of theirs. Both speakers are
modelled; with one model speaker theirs is unitA. There is no text.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from duologue_consent import Form
from duologue_pipeline.errors import UsageError
from duologue_pipeline.export.account import Account, PartResult
from duologue_pipeline.export.format import Context, Need, Option, Part
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.views.sides import other_speaker, side_codes

__all__ = ["Dgslm"]

_CHANNELS: Final = ("unitA", "unitB")


class Dgslm:
    """Writes lines of units for dGSLM."""

    name: Final = "dgslm"
    description: Final = "Write the units of both speakers for fairseq's dGSLM, a conversation a line."
    needs: Final[frozenset[Need]] = frozenset({"codes"})
    tokenizer: Final = "none"
    options: Final[Mapping[str, Option]] = {
        "codebook": Option(0, "Take the units from this codebook, 0 is the coarsest."),
    }
    version: Final = 1

    def forms(self, context: Context) -> tuple[Form, ...]:
        """Lists the forms of a recording that the files hold."""
        return (Form.TOKENS,)

    def part(self, samples: Iterator[Sample], out: Path, context: Context) -> PartResult:
        """Makes the units of each sample; they are written when all are known."""
        account, codebook = Account(), int(context.options["codebook"])
        index: list[Any] = []
        if codebook < 0:
            raise UsageError(f"--set codebook={codebook}: expected 0 or more")
        for sample in samples:
            name, sides = context.name(sample), context.model_sides(sample)
            if not sides:
                account.leave(sample, "no_model_side")
                continue
            words = account.take(sample)
            account.leave_words("no_text", sum(map(len, words.values())))
            rows = (side_codes(sample, side, codebook + 1)[codebook] for side in (sides[0], other_speaker(sides[0])))
            index.append([name, *(" ".join(map(str, row.tolist())) for row in rows)])
        return account.result(index)

    def finish(self, out: Path, parts: Iterable[Part], context: Context) -> None:
        """Writes the lines of each split."""
        for split in context.splits:
            stem = "valid" if split == "validation" else split
            with ExitStack() as held:
                text, *channels = (
                    held.enter_context((out / f"{stem}.{ending}").open("w", encoding="utf-8", newline="\n"))
                    for ending in ("txt", *_CHANNELS)
                )
                for part in parts:
                    for name, *units in part.index if part.split == split else ():
                        text.write(f"{dict(zip(('audio', *_CHANNELS), (name, *units), strict=True))}\n")
                        for file, row in zip(channels, units, strict=True):
                            file.write(f"{row}\n")
