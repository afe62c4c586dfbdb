"""Writes a release as inputs of MultiTalk: the two tracks that drive the two persons of a video, in parallel.

    train-00000/NAME.json         {"prompt", "cond_image", "audio_type": "para", "cond_audio": {"person1", "person2"}}
    train-00000/NAME-a.flac       person1, who is on the left of the image: speaker a
    train-00000/NAME-b.flac       person2: speaker b
    train.jsonl                   the documents of each split, a line each

MultiTalk makes videos of conversations from their audio (arXiv 2505.22647). No data format of a speech language model of this
name was found. ``para`` says that both tracks run on one clock, as ours do; ``add`` would put the second behind the
first. A side that was silenced is ``None``, as their code asks. Paths are read from where their script is started: ``--set root=DIR`` puts a
folder in front. The image is the user's: ``--set image=PATH``.

Source: MeiGen-AI/MultiTalk@34446ab generate_multitalk.py ``audio_prepare_multi``; examples/multitalk_example_2.json.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from duologue_consent import Form
from duologue_pipeline.export.account import Account, PartResult
from duologue_pipeline.export.format import Context, Need, Option, Part
from duologue_pipeline.export.manifests import ROOT, rooted, write_lines
from duologue_pipeline.export.sound import pcm_16, track_of
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.records import SPEAKERS
from duologue_pipeline.views.words import is_withdrawn

__all__ = ["MultiTalk"]

_PERSONS: Final = {"a": "person1", "b": "person2"}


class MultiTalk:
    """Writes a track a person and the JSON that drives MultiTalk."""

    name: Final = "multitalk"
    description: Final = (
        "Write the two tracks and the input JSON of MeiGen's MultiTalk (videos of two persons from their audio)."
    )
    needs: Final[frozenset[Need]] = frozenset({"audio"})
    tokenizer: Final = "none"
    options: Final[Mapping[str, Option]] = {
        "root": ROOT,
        "image": Option("image.png", "Name the picture of both persons, speaker a on the left."),
        "prompt": Option("Two people are talking with each other.", "Say what is to be seen."),
    }
    version: Final = 1

    def forms(self, context: Context) -> tuple[Form, ...]:
        """Lists the forms of a recording that the files hold."""
        return (Form.AUDIO,)

    def part(self, samples: Iterator[Sample], out: Path, context: Context) -> PartResult:
        """Writes two tracks and a document for each sample."""
        account, index = Account(), []
        for sample in samples:
            sides = [side for side in SPEAKERS if not is_withdrawn(sample, side)]
            if not sides:
                account.leave(sample, "silenced")
                continue
            account.leave_words("no_text", sum(map(len, account.take(sample).values())))
            (out / context.part).mkdir(exist_ok=True)
            name, driven = context.name(sample), dict.fromkeys(_PERSONS.values(), "None")
            for side in sides:
                path = f"{context.part}/{name}-{side}.flac"
                signal, rate_hz = track_of(sample, side)
                (out / path).write_bytes(pcm_16(signal, rate_hz, kind="FLAC"))
                driven[_PERSONS[side]] = rooted(path, context)
            document = {
                "prompt": context.options["prompt"],
                "cond_image": context.options["image"],
                "audio_type": "para",
                "cond_audio": driven,
            }
            text = json.dumps(document, ensure_ascii=False, indent=1) + "\n"
            (out / context.part / f"{name}.json").write_text(text, encoding="utf-8")
            index.append(document)
        return account.result(index)

    def finish(self, out: Path, parts: Iterable[Part], context: Context) -> None:
        """Writes the list of each split."""
        write_lines(out, "jsonl", parts, context)
