"""Sums up the rows of a shard: all that the release as a whole says of them, without any row.

The summaries of shards are added up, in any order, and give that of the release. What is said of single people is kept apart
(``speakers``): it is added up by their commitments, in as many files as there are beginnings of commitments.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import pyarrow as pa

from duologue_cards import Tally, add_tallies, tally_people, tally_tables
from duologue_pipeline.consent.coverage import samples_ms, tally_uses
from duologue_pipeline.events.speakers import SpeakerTotals, speaker_row, speakers_of_rows
from duologue_pipeline.events.totals import Totals, totals_of_rows

__all__ = ["Summary", "add_summaries", "add_to", "bucket", "people_and_rows", "summarise"]

_BUCKET_DIGITS: Final = 2


@dataclass(frozen=True)
class Summary:
    """Holds what is known of the rows of some shards.

    Attributes:
        tally: what the cards count.
        totals: the statistics of the corpus and of each language, as
            :func:`duologue_pipeline.events.totals.corpus_totals` names them.
        speakers: commitment -> what is known of the speaker.
    """

    tally: Tally = field(default_factory=Tally)
    totals: Mapping[tuple[str, str], Totals] = field(default_factory=dict)
    speakers: Mapping[str, SpeakerTotals] = field(default_factory=dict)

    def without_speakers(self) -> "Summary":
        """Gives the same, but for the speakers."""
        return replace(self, speakers={})


def summarise(index: pa.Table, recordings: pa.Table, *, uses: Mapping[str, Collection[str]] | None = None) -> Summary:
    """Sums up rows of shards.

    Args:
        index: their rows of ``index.parquet``.
        recordings: their rows of ``recordings.parquet``.
        uses: recording_id -> what both speakers allow (:attr:`duologue_pipeline.records.ConsentBasis.uses`); what
            is not in it is not covered.
    """
    rows = recordings.to_pylist()
    totals = {scope: each for scope, each in totals_of_rows(rows).items() if scope[0] != "speaker"}
    allowed = tally_uses(rows, samples_ms(index), uses or {})
    return Summary(add_tallies((tally_tables(index, recordings), allowed)), totals, speakers_of_rows(rows))


def add_summaries(summaries: Iterable[Summary]) -> Summary:
    """Adds up summaries; none give an empty one. None of them is changed."""
    tally: Tally = Tally()
    totals: dict[tuple[str, str], Totals] = {}
    speakers: dict[str, SpeakerTotals] = {}
    for summary in summaries:
        add_to(Summary(tally, totals, speakers), summary)
    return Summary(tally, dict(sorted(totals.items())), dict(sorted(speakers.items())))


def add_to(total: Summary, summary: Summary) -> None:
    """Adds a summary to another one, which is changed and must not be anybody else's."""
    total.tally.update(summary.tally)
    _add(total.totals, summary.totals)
    _add(total.speakers, summary.speakers)


def _add(total: Mapping[Any, Any], more: Mapping[Any, Any]) -> None:
    assert isinstance(total, dict)
    for name, own in more.items():
        total[name] = total[name] + own if name in total else own


def bucket(speaker: str) -> str:
    """Names the file of the table of speakers that a speaker stands in: the first two digits of the commitment."""
    return speaker[:_BUCKET_DIGITS]


def people_and_rows(speakers: Mapping[str, SpeakerTotals]) -> tuple[Tally, Sequence[dict[str, Any]]]:
    """Counts speakers, and makes their rows of the table of speakers; who is in no conversation of two has none."""
    people = tally_people((speaker.splits, speaker.said, speaker.recorded_ms) for speaker in speakers.values())
    rows = [speaker_row(name, each.totals) for name, each in sorted(speakers.items()) if each.totals.conversations]
    return people, rows
