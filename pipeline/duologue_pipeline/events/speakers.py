"""Adds up what each speaker does over all conversations, and makes the rows of the table of speakers of it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from duologue_pipeline.events.figures import FTO_PERCENTILES, statistics_document
from duologue_pipeline.events.totals import Totals, statistics_of_row
from duologue_pipeline.records import SPEAKERS
from duologue_schemas.tables import SAID_OF_SPEAKERS, WITHDRAWN

__all__ = ["ADDED_UP", "SpeakerTotals", "speaker_row", "speakers_of_rows"]


ADDED_UP: Final = (
    *("split", "duration_s", "overlap_s", "kinds", "word_tags"),
    *(f"{name}_{side}" for name in ("speaker", "jurisdiction", *SAID_OF_SPEAKERS, "said_words") for side in SPEAKERS),
    *(f"{name}_{side}_s" for name in ("speech", "ftos") for side in SPEAKERS),
)
"""The columns of ``recordings.parquet`` that say what speakers do."""


@dataclass(frozen=True)
class SpeakerTotals:
    """Holds what is known of one speaker over any number of conversations; those of two sets of them are added with ``+``.

    Attributes:
        splits: the splits that they are in.
        said: where the speaker was (``jurisdiction``) and what else is said of them (``SAID_OF_SPEAKERS``), as (field, value); None where
            a conversation does not say it.
        totals: what the speaker does; conversations from which the other speaker was taken out are not in it.
        recorded_ms: how long the speaker was recorded, in all conversations.
    """

    splits: frozenset[str] = frozenset()
    said: frozenset[tuple[str, str | None]] = frozenset()
    totals: Totals = field(default_factory=Totals)
    recorded_ms: int = 0

    def __add__(self, other: "SpeakerTotals") -> "SpeakerTotals":
        return SpeakerTotals(
            self.splits | other.splits,
            self.said | other.said,
            self.totals + other.totals,
            self.recorded_ms + other.recorded_ms,
        )


def speakers_of_rows(
    rows: Iterable[Mapping[str, Any]], *, wanted: Callable[[str], bool] = lambda _: True
) -> dict[str, SpeakerTotals]:
    """Adds up rows of ``recordings.parquet`` for each speaker: commitment -> what it does.

    Args:
        rows: any number of them; of their columns :data:`ADDED_UP`.
        wanted: tells which speakers are added up.
    """
    found: dict[str, SpeakerTotals] = {}
    for row in rows:
        both = WITHDRAWN not in (row["speaker_a"], row["speaker_b"])
        statistics = statistics_of_row(row) if both else None
        for side in SPEAKERS:
            name = row[f"speaker_{side}"]
            if name != WITHDRAWN and wanted(name):
                totals = Totals() if statistics is None else Totals.of(statistics, side)
                own = SpeakerTotals(
                    frozenset({row["split"]}),
                    frozenset((name, row.get(f"{name}_{side}")) for name in ("jurisdiction", *SAID_OF_SPEAKERS)),
                    totals,
                    round(1000 * row["duration_s"]),
                )
                found[name] = found[name] + own if name in found else own
    return found


def speaker_row(name: str, totals: Totals) -> dict[str, Any]:
    """Makes the row of a speaker in the table of speakers.

    Args:
        name: the commitment.
        totals: of the speaker, of at least one conversation.
    """
    figures = statistics_document(totals)
    return {
        "speaker": name,
        **{
            column: figures[column]
            for column in (
                "conversations",
                "duration_s",
                "speech_s",
                "speech_share",
                "quieter_share",
                "overlap_s",
                "overlap_share_of_time",
                "overlap_share_of_speech",
                "floor_transfers",
                "overlapped_transfers_share",
                "backchannels_per_minute",
                "words",
                "disfluencies_per_100_words",
            )
        },
        **{f"fto_p{p}_s": figures["fto_percentiles_s"][f"p{p}"] for p in FTO_PERCENTILES},
        "kinds": [
            {"kind": kind, "events": count, "seconds": totals.kinds_ms[kind] / 1000}
            for kind, count in sorted(totals.kinds.items())
        ],
        "word_tags": [{"tag": tag, "words": count} for tag, count in sorted(totals.tags.items())],
    }
