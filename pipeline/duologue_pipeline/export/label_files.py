"""Writes a label file of each sample, with the audio beside it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from duologue_consent import Form
from duologue_pipeline.events.annotation import Annotation
from duologue_pipeline.export.account import Account, PartResult
from duologue_pipeline.export.annotated import sample_annotation
from duologue_pipeline.export.format import Context, Option
from duologue_pipeline.export.sound import writes_audio
from duologue_pipeline.export.wav import write_wav
from duologue_pipeline.labels.formats import clean_label
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.records import SPEAKERS

__all__ = ["AUDIO", "label_forms", "write_label_files"]

AUDIO: Final = Option(True, "Write a WAV of both tracks beside each file, where the release has audio.")
"""The option ``audio`` of label files."""


def label_forms(context: Context) -> tuple[Form, ...]:
    """Lists the forms of a recording that label files and their audio hold."""
    labels = (Form.TRANSCRIPT, Form.ANNOTATIONS)
    return (Form.AUDIO, *labels) if writes_audio(context) else labels


def write_label_files(
    samples: Iterator[Sample], out: Path, context: Context, *, ending: str, write: Callable[[Annotation, str, str], str]
) -> PartResult:
    """Writes ``PART/NAME.ending`` and ``PART/NAME.wav`` of each sample.

    Args:
        samples: of the part.
        out: an empty folder.
        context: what is exported.
        ending: of the label files.
        write: makes the text of an annotation, its name and the file name of its audio, "" without.
    """
    account, index = Account(), []
    for sample in samples:
        words = account.take(sample)
        for side in SPEAKERS:
            readable = [word for word in words[side] if clean_label(word.text)]
            account.leave_words("empty", len(words[side]) - len(readable))
            words[side] = readable
        folder, name, media = out / context.part, context.name(sample), ""
        folder.mkdir(exist_ok=True)
        if sample.flac is not None and writes_audio(context):
            media = f"{name}.wav"
            write_wav(folder / media, sample, SPEAKERS)
        text = write(sample_annotation(sample, words), name, media)
        (folder / f"{name}.{ending}").write_text(text, encoding="utf-8", newline="\n")
        index.append(
            {
                "path": f"{context.part}/{name}.{ending}",
                "conversation": context.conversation(sample),
                "start_s": sample.metadata["start_s"],
                "end_s": sample.metadata["end_s"],
                "language": sample.metadata["language"],
            }
        )
    return account.result(index)
