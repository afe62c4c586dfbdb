"""Writes a release as TextGrids of Praat: a tier for activity, words and each kind of event of each speaker.

    train-00000/NAME.TextGrid     as ``duologue annotate --format textgrid`` writes it, of one sample
    train-00000/NAME.wav          both tracks, where the release has audio
    train.jsonl                   where in which conversation each lies, for each split

Events that cross the edge of a sample are cut there, and are in both samples. Words without a duration are on point tiers.

Source: Boersma & Weenink, Praat manual, "TextGrid file formats" (:mod:`duologue_pipeline.labels.formats`).
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from duologue_consent import Form
from duologue_pipeline.events.annotation import Annotation
from duologue_pipeline.export.account import PartResult
from duologue_pipeline.export.format import Context, Need, Option, Part
from duologue_pipeline.export.label_files import AUDIO, label_forms, write_label_files
from duologue_pipeline.export.manifests import write_lines
from duologue_pipeline.labels.formats import write_textgrid
from duologue_pipeline.reader.shard import Sample

__all__ = ["TextGrid"]


class TextGrid:
    """Writes a TextGrid a sample, for Praat."""

    name: Final = "textgrid"
    description: Final = "Write a Praat TextGrid of each sample (activity, words, events), with the audio."
    needs: Final[frozenset[Need]] = frozenset()
    tokenizer: Final = "none"
    options: Final[Mapping[str, Option]] = {"audio": AUDIO}
    version: Final = 1

    def forms(self, context: Context) -> tuple[Form, ...]:
        """Lists the forms of a recording that the files hold."""
        return label_forms(context)

    def part(self, samples: Iterator[Sample], out: Path, context: Context) -> PartResult:
        """Writes a TextGrid for each sample."""

        def write(annotation: Annotation, name: str, media: str) -> str:
            return write_textgrid(annotation, name=name)

        return write_label_files(samples, out, context, ending="TextGrid", write=write)

    def finish(self, out: Path, parts: Iterable[Part], context: Context) -> None:
        """Writes the list of each split."""
        write_lines(out, "jsonl", parts, context)
