"""Writes a release as Kyutai's trainer of Moshi reads it: stereo files with the model on the left, and times of words.

    train.jsonl                     {"path": "train-00000/KEY-a.wav", "duration": 30.0} a line, for each split
    train-00000/KEY-a.wav           speaker a on the left, where a is the model
    train-00000/KEY-a.json          {"alignments": [[word, [start, end], "SPEAKER_MAIN"], ...]}, by start, of both speakers

Source: kyutai-labs/moshi-finetune@2acc879 finetune/data/dataset.py and interleaver.py. Their loader looks words up by a binary search
(so both speakers are sorted by start together), and takes words in which the end is after the start. It resamples what is not of
24 kHz, and that makes the audio late against the text, by 64 ms from 8 kHz and 32 ms from 16 kHz (sphn 0.2.1); so it is written
at 24 kHz here. It cannot be told that it is unknown what the model says: no alignments read as silence. So a side without a transcript is
left out as the model.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from duologue_consent import Form
from duologue_pipeline.export.account import Account, PartResult
from duologue_pipeline.export.format import Context, Need, Option, Part
from duologue_pipeline.export.manifests import write_lines
from duologue_pipeline.export.told import told_sides, why_untold
from duologue_pipeline.export.wav import pcm_of
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.records import SPEAKERS, Speaker
from duologue_pipeline.views.words import SpokenWord

__all__ = ["MoshiFinetune"]

_MAIN: Final = "SPEAKER_MAIN"
_OTHER: Final = "SPEAKER_OTHER"


class MoshiFinetune:
    """Writes stereo WAV files, times of words and a list of them for kyutai-labs/moshi-finetune."""

    name: Final = "moshi-finetune"
    description: Final = "Write stereo WAV files and times of words for Kyutai's moshi-finetune."
    needs: Final[frozenset[Need]] = frozenset({"audio", "words"})
    tokenizer: Final = "none"
    options: Final[Mapping[str, Option]] = {
        "rate": Option(24000, "Write the audio at this rate in Hz, Mimi's, so that their loader does not resample it."),
    }
    version: Final = 1

    def forms(self, context: Context) -> tuple[Form, ...]:
        """Lists the forms of a recording that the files hold."""
        return (Form.AUDIO, Form.TRANSCRIPT)

    def part(self, samples: Iterator[Sample], out: Path, context: Context) -> PartResult:
        """Writes two files for each sample and each side that the model speaks."""
        account, index = Account(), []
        folder = out / context.part
        for sample in samples:
            name = context.name(sample)
            told = told_sides(sample, context)
            if not told:
                account.leave(sample, why_untold(sample, context))
                continue
            folder.mkdir(exist_ok=True)
            words = account.take(sample, durationless=False)
            pcm = pcm_of(sample, SPEAKERS, rate_hz=context.options["rate"])
            for side in told:
                path = f"{context.part}/{name}-{side}.wav"
                (pcm if side == SPEAKERS[0] else pcm.swapped()).write(out / path)
                (out / path).with_suffix(".json").write_text(_alignments(words, side), encoding="utf-8")
                index.append({"path": path, "duration": pcm.seconds})
        return account.result(index)

    def finish(self, out: Path, parts: Iterable[Part], context: Context) -> None:
        """Writes the list of the files of each split."""
        write_lines(out, "jsonl", parts, context)


def _alignments(words: Mapping[Speaker, list[SpokenWord]], model: Speaker) -> str:
    listed: list[Any] = [
        [word.text, [word.start_s, word.end_s], _MAIN if side == model else _OTHER]
        for side in SPEAKERS
        for word in words[side]
    ]
    listed.sort(key=lambda entry: entry[1][0])
    return json.dumps({"alignments": listed}, ensure_ascii=False) + "\n"
