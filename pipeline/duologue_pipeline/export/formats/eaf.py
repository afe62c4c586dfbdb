"""Writes a release as documents of ELAN: a tier for activity, words and each kind of event of each speaker.

    train-00000/NAME.eaf      as ``duologue annotate --format elan`` writes it, of one sample
    train-00000/NAME.wav      both tracks, where the release has audio; the document names it
    train.jsonl               where in which conversation each lies, for each split

Events that cross the edge of a sample are cut there, and are in both samples. What has no length lasts a millisecond.

Source: ELAN Annotation Format 3.0 (Max Planck Institute for Psycholinguistics; :mod:`duologue_pipeline.labels.formats`).
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
from duologue_pipeline.labels.formats import write_elan
from duologue_pipeline.reader.shard import Sample

__all__ = ["Eaf"]


class Eaf:
    """Writes an EAF document a sample, for ELAN."""

    name: Final = "eaf"
    description: Final = "Write an ELAN document of each sample (activity, words, events), with the audio."
    needs: Final[frozenset[Need]] = frozenset()
    tokenizer: Final = "none"
    options: Final[Mapping[str, Option]] = {"audio": AUDIO}
    version: Final = 1

    def forms(self, context: Context) -> tuple[Form, ...]:
        """Lists the forms of a recording that the files hold."""
        return label_forms(context)

    def part(self, samples: Iterator[Sample], out: Path, context: Context) -> PartResult:
        """Writes a document for each sample."""

        def write(annotation: Annotation, name: str, media: str) -> str:
            return write_elan(annotation, name=name, media=media)

        return write_label_files(samples, out, context, ending="eaf", write=write)

    def finish(self, out: Path, parts: Iterable[Part], context: Context) -> None:
        """Writes the list of each split."""
        write_lines(out, "jsonl", parts, context)
