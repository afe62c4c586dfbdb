"""Writes the activity of a release as RTTM, for diarisation: who is heard when.

    train.rttm     SPEAKER NAME 1 onset duration <NA> <NA> speaker <NA> <NA>, by file and onset, for each split
    train.uem      NAME 1 0.000 end: what of each file was looked at
    train.lst      the names, which are the uris of a protocol of pyannote.database

A name is a sample. A speaker has one label in all recordings, the commitment; in a public export one a recording and side.

Source: NIST RT-09 evaluation plan, appendix A; pyannote.database util.py ``load_rttm``, ``load_uem``, ``load_lst``.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from duologue_consent import Form
from duologue_pipeline.export.account import Account, PartResult
from duologue_pipeline.export.format import Context, Need, Option, Part
from duologue_pipeline.export.manifests import rows_of
from duologue_pipeline.export.said import speaker_name
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.records import SPEAKERS
from duologue_pipeline.views.spans import activity_spans, sample_end_ms

__all__ = ["Rttm"]


class Rttm:
    """Writes RTTM, UEM and a list of the files."""

    name: Final = "rttm"
    description: Final = "Write who is heard when as RTTM, with UEM and a list of the files, for diarisation."
    needs: Final[frozenset[Need]] = frozenset()
    tokenizer: Final = "none"
    options: Final[Mapping[str, Option]] = {}
    version: Final = 1

    def forms(self, context: Context) -> tuple[Form, ...]:
        """Lists the forms of a recording that the files hold."""
        return (Form.ANNOTATIONS,)

    def part(self, samples: Iterator[Sample], out: Path, context: Context) -> PartResult:
        """Keeps the records of each sample; the files are of whole splits."""
        account, index = Account(), []
        for sample in samples:
            account.leave_words("no_text", sum(map(len, account.take(sample).values())))
            name = context.name(sample)
            spans = sorted((*span, side) for side in SPEAKERS for span in activity_spans(sample, side))
            rttm = "".join(
                f"SPEAKER {name} 1 {start / 1000:.3f} {(end - start) / 1000:.3f} <NA> <NA> "
                f"{speaker_name(sample, side, context)} <NA> <NA>\n"
                for start, end, side in spans
                if start < end
            )
            index.append([name, sample_end_ms(sample), rttm])
        return account.result(index)

    def finish(self, out: Path, parts: Iterable[Part], context: Context) -> None:
        """Writes the three files of each split."""
        for split in context.splits:
            with (
                (out / f"{split}.rttm").open("w", encoding="utf-8", newline="\n") as rttm,
                (out / f"{split}.uem").open("w", encoding="utf-8", newline="\n") as uem,
                (out / f"{split}.lst").open("w", encoding="utf-8", newline="\n") as names,
            ):
                for name, end_ms, records in rows_of(parts, split):
                    rttm.write(records)
                    uem.write(f"{name} 1 0.000 {end_ms / 1000:.3f}\n")
                    names.write(f"{name}\n")
