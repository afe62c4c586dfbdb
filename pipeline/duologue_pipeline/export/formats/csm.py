"""Writes a release as CSM takes it: frames of text and codes, turn after turn, as its own generator builds a context.

    train.jsonl                            {"path": ..., "rows": L, "speakers": ["a", "b"]} a line, for each split
    train-00000/NAME-000.safetensors       tokens int64 [L, K + 1], mask bool [L, K + 1]; L is at most 2048

Source: SesameAILabs/csm@2d72078 generator.py ``_tokenize_segment`` and models.py ``Model.generate_frame``, which takes the two arrays with
a batch dimension in front. A sample that is longer than the model takes is parted between turns.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from duologue_consent import Form
from duologue_pipeline.errors import UsageError
from duologue_pipeline.export.account import Account, PartResult
from duologue_pipeline.export.format import Context, Need, Option, Part
from duologue_pipeline.export.manifests import write_lines
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.records import Speaker
from duologue_pipeline.views.sides import other_speaker
from duologue_pipeline.views.turn_frames import turn_frames
from duologue_pipeline.views.words import SpokenWord, Turn, has_transcript, turns

__all__ = ["Csm"]


class Csm:
    """Writes frames of turns for SesameAILabs/csm."""

    name: Final = "csm"
    description: Final = "Write frames of text and codes, turn after turn, for Sesame's CSM."
    needs: Final[frozenset[Need]] = frozenset({"codes", "words"})
    tokenizer: Final = "json"
    options: Final[Mapping[str, Option]] = {
        "codebooks": Option(32, "Write so many codebooks, the coarsest first; CSM 1B takes 32."),
        "rows": Option(2048, "Write at most so many rows into one file; CSM 1B takes 2048."),
        "bos": Option("<|begin_of_text|>", "Put this token before the text of a turn."),
        "eos": Option("<|end_of_text|>", "Put this token behind the text of a turn."),
    }
    version: Final = 1

    def forms(self, context: Context) -> tuple[Form, ...]:
        """Lists the forms of a recording that the files hold."""
        return (Form.TRANSCRIPT, Form.TOKENS, Form.ANNOTATIONS)

    def part(self, samples: Iterator[Sample], out: Path, context: Context) -> PartResult:
        """Writes the files of each sample; ``[0]`` is the model's side, where one speaker alone is the model."""
        account, index = Account(), []
        tokenizer = _with_marks(context)
        for sample in samples:
            name, sides = context.name(sample), context.model_sides(sample)
            reason = _why_not(sample, sides)
            if reason:
                account.leave(sample, reason)
                continue
            speakers = (sides[0], other_speaker(sides[0]))
            tokens, mask = turn_frames(sample, tokenizer, speakers=speakers, codebooks=context.options["codebooks"])
            kept = _blocks(sample, mask, context.options["rows"])
            if not kept:
                account.leave(sample, "too_long")
                continue
            _count_words(sample, account.take(sample), kept, account)
            blocks = _joined(kept, context.options["rows"])
            for number, (start, stop) in enumerate(blocks):
                path = f"{context.part}/{name}-{number:03d}.safetensors"
                (out / path).parent.mkdir(exist_ok=True)
                (out / path).write_bytes(_packed(tokens[start:stop], mask[start:stop]))
                index.append({"path": path, "rows": stop - start, "speakers": list(speakers)})
        return account.result(index)

    def finish(self, out: Path, parts: Iterable[Part], context: Context) -> None:
        """Writes the list of the files of each split."""
        write_lines(out, "jsonl", parts, context)


def _why_not(sample: Sample, sides: tuple[Speaker, ...]) -> str:
    if not sides:
        return "no_model_side"
    if not all(has_transcript(sample, side) for side in ("a", "b")):
        return "no_transcript"
    return "" if turns(sample) else "no_turns"


def _blocks(sample: Sample, mask: npt.NDArray[np.bool_], most: int) -> list[tuple[Turn, int, int]]:
    """Lists the turns that are short enough, each with the start and the end of its rows."""
    text = mask[:, -1]
    starts = np.flatnonzero(text & ~np.append(False, text[:-1])).tolist()
    ends = [*starts[1:], len(text)]
    found = zip(turns(sample), starts, ends, strict=True)
    return [(turn, start, stop) for turn, start, stop in found if stop - start <= most]


def _joined(kept: list[tuple[Turn, int, int]], most: int) -> list[tuple[int, int]]:
    """Puts turns that follow one another together as long as they are short enough: start and end of the rows of each file."""
    blocks: list[tuple[int, int]] = []
    for _, start, stop in kept:
        if blocks and blocks[-1][1] == start and stop - blocks[-1][0] <= most:
            blocks[-1] = (blocks[-1][0], stop)
        else:
            blocks.append((start, stop))
    return blocks


def _count_words(
    sample: Sample, words: Mapping[Speaker, list[SpokenWord]], kept: list[tuple[Turn, int, int]], account: Account
) -> None:
    """Counts the words that lie in no turn, and those of turns that are too long."""
    written, of_turns = (
        {
            (turn.speaker, place)
            for turn in some
            for place, word in enumerate(words[turn.speaker])
            if turn.start_ms <= word.start_ms < turn.end_ms
        }
        for some in ([turn for turn, *_ in kept], turns(sample))
    )
    account.leave_words("too_long", len(of_turns - written))
    account.leave_words("no_turn", sum(map(len, words.values())) - len(of_turns))


def _with_marks(context: Context) -> Callable[[str], list[int]]:
    tokenizer = context.tokenizer
    marks = {name: tokenizer.token_to_id(context.options[name]) for name in ("bos", "eos")}
    for name, found in marks.items():
        if found is None:
            raise UsageError(
                f"--set {name}={context.options[name]}: the tokenizer has no such token; name the one that it has"
            )

    def encode(text: str) -> list[int]:
        ids: list[int] = tokenizer.encode(text, add_special_tokens=False).ids
        return [marks["bos"], *ids, marks["eos"]]

    return encode


def _packed(tokens: npt.NDArray[np.int32], mask: npt.NDArray[np.bool_]) -> bytes:
    try:
        from safetensors.numpy import save
    except ModuleNotFoundError:
        raise UsageError('csm: needs safetensors; `pip install "duologue[export]"`') from None
    arrays: dict[str, Any] = {"tokens": np.ascontiguousarray(tokens, np.int64), "mask": np.ascontiguousarray(mask)}
    data: bytes = save(arrays)
    return data
