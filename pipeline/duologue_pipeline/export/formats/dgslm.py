"""Writes a release as dGSLM's tools of fairseq read it: the units of both speakers, a conversation a line.

    train.txt       {'audio': 'NAME', 'unitA': '12 12 7 ...', 'unitB': '4 4 4 ...'}, a Python dict with equally many units

Source: facebookresearch/fairseq examples/textless_nlp/dgslm: README.md and create_code_file.py. dGSLM was trained on HuBERT units of
50 Hz; here a unit is a code of one codebook, 12.5 a second of Mimi, so that a duration is a fourth of theirs. Both speakers are
modelled; with one model speaker theirs is unitA. There is no text.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from duologue_consent import Form
from duologue_pipeline.errors import UsageError
from duologue_pipeline.export.account import Account, PartResult
from duologue_pipeline.export.format import Context, Need, Option, Part
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.views.sides import other_speaker, side_codes

__all__ = ["Dgslm"]


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
        """Makes a line of each sample; it is written when all are known."""
        account, index, codebook = Account(), [], int(context.options["codebook"])
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
            units = [" ".join(map(str, row.tolist())) for row in rows]
            index.append(str({"audio": name, "unitA": units[0], "unitB": units[1]}))
        return account.result(index)

    def finish(self, out: Path, parts: Iterable[Part], context: Context) -> None:
        """Writes the lines of each split."""
        for split in context.splits:
            with (out / f"{split}.txt").open("w", encoding="utf-8", newline="\n") as file:
                for part in parts:
                    if part.split == split:
                        file.writelines(f"{line}\n" for line in part.index)
