"""Adds up the counts of conversations: of a corpus, of each language and of each speaker.

:class:`Totals` are the counts of any number of conversations; adding two of them loses nothing and any order gives the
same, so that they can be combined by as many workers as one likes. What a row of ``recordings.parquet`` says is read
back into the same counts.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from duologue_pipeline.records import SPEAKERS, KindTotal, Speaker, Statistics, TagTotal
from duologue_schemas.tables import DISFLUENCIES, WITHDRAWN

__all__ = ["Totals", "corpus_totals", "scoped_totals", "statistics_of_row", "totals_of_rows"]


@dataclass(frozen=True)
class Totals:
    """Holds the counts of any number of conversations together; two of them are added with ``+``.

    Those of one speaker hold what this speaker does, in all conversations with them; ``time_ms``, ``speech_ms``,
    ``quieter_ms`` and ``overlap_ms`` are the conversations'.

    Attributes:
        conversations: how many.
        time_ms: their length.
        speech_ms: the speech of both speakers, overlap counted twice.
        own_ms: the speech of the speaker; where the totals are of both, that of both.
        quieter_ms: the speech of whoever of the two speaks less.
        overlap_ms: the time in which both speak.
        ftos: floor-transfer offset in ms -> how many.
        kinds: kind of event -> how many.
        kinds_ms: kind of event -> how long together.
        words: of the transcripts.
        worded_disfluencies: of the speakers who have a transcript; a filled pause is found without one too.
        tags: tag -> words that carry it.
    """

    conversations: int = 0
    time_ms: int = 0
    speech_ms: int = 0
    own_ms: int = 0
    quieter_ms: int = 0
    overlap_ms: int = 0
    ftos: Mapping[int, int] = field(default_factory=dict)
    kinds: Mapping[str, int] = field(default_factory=dict)
    kinds_ms: Mapping[str, int] = field(default_factory=dict)
    words: int = 0
    worded_disfluencies: int = 0
    tags: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, statistics: Statistics, speaker: Speaker | None = None) -> Self:
        """Makes the totals of one conversation: those of one speaker in it, or of both (None)."""
        whose = SPEAKERS if speaker is None else (speaker,)
        kinds = [total for total in statistics.kinds if total.speaker in whose]
        said = [getattr(statistics, f"words_{s}") for s in whose]
        worded = [s for s, words in zip(whose, said, strict=True) if words is not None]
        return cls(
            conversations=1,
            time_ms=statistics.duration_ms,
            speech_ms=statistics.speech_a_ms + statistics.speech_b_ms,
            own_ms=sum(getattr(statistics, f"speech_{s}_ms") for s in whose),
            quieter_ms=min(statistics.speech_a_ms, statistics.speech_b_ms),
            overlap_ms=statistics.overlap_ms,
            ftos=_sum((fto_ms, 1) for s in whose for fto_ms in getattr(statistics, f"ftos_{s}_ms")),
            kinds=_sum((x.kind, x.events) for x in kinds),
            kinds_ms=_sum((x.kind, x.duration_ms) for x in kinds),
            words=sum(words or 0 for words in said),
            worded_disfluencies=sum(x.events for x in kinds if x.kind in DISFLUENCIES and x.speaker in worded),
            tags=_sum((x.tag, x.words) for x in statistics.tags if x.speaker in whose),
        )

    def __add__(self, other: "Totals") -> "Totals":
        added: dict[str, Any] = {}
        for name, mine in vars(self).items():
            theirs = getattr(other, name)
            added[name] = mine + theirs if isinstance(mine, int) else _sum([*mine.items(), *theirs.items()])
        return Totals(**added)


def corpus_totals(
    conversations: Iterable[tuple[Statistics, tuple[str, str], str | None]],
) -> dict[tuple[str, str], Totals]:
    """Adds up the counts of conversations for the corpus, for each language and for each speaker.

    Args:
        conversations: counts, the names of speakers ``a`` and ``b``, and the language (BCP 47) of each.

    Returns:
        ``("corpus", "")``, ``("language", tag)`` and ``("speaker", name)`` -> totals, sorted. The language is the
        primary subtag, ``und`` where it is unknown.
    """
    found: dict[tuple[str, str], Totals] = {}
    for statistics, speakers, language in conversations:
        for scope, totals in scoped_totals(statistics, speakers, language):
            found[scope] = found[scope] + totals if scope in found else totals
    return dict(sorted(found.items()))


def scoped_totals(
    statistics: Statistics, speakers: tuple[str, str], language: str | None
) -> list[tuple[tuple[str, str], Totals]]:
    """Lists what one conversation adds to :func:`corpus_totals`: to the corpus, its language and each speaker."""
    both = Totals.of(statistics)
    primary = "und" if language is None else language.partition("-")[0].lower()
    return [
        (("corpus", ""), both),
        (("language", primary), both),
        *((("speaker", name), Totals.of(statistics, s)) for name, s in zip(speakers, SPEAKERS, strict=True)),
    ]


def statistics_of_row(row: Mapping[str, Any]) -> Statistics:
    """Reads the counts of a conversation back from its row of ``recordings.parquet``, where times are seconds."""

    def ms(name: str) -> int:
        return round(1000 * row[name])

    return Statistics(
        duration_ms=ms("duration_s"),
        speech_a_ms=ms("speech_a_s"),
        speech_b_ms=ms("speech_b_s"),
        overlap_ms=ms("overlap_s"),
        ftos_a_ms=tuple(round(1000 * fto_s) for fto_s in row["ftos_a_s"]),
        ftos_b_ms=tuple(round(1000 * fto_s) for fto_s in row["ftos_b_s"]),
        kinds=tuple(KindTotal(x["kind"], x["speaker"], x["events"], round(1000 * x["seconds"])) for x in row["kinds"]),
        words_a=row["said_words_a"],
        words_b=row["said_words_b"],
        tags=tuple(TagTotal(**x) for x in row["word_tags"]),
    )


def totals_of_rows(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], Totals]:
    """Adds up rows of ``recordings.parquet`` as :func:`corpus_totals` does.

    A recording from which a speaker was taken out is no conversation any more, and is left out.
    """
    return corpus_totals(
        (statistics_of_row(row), (row["speaker_a"], row["speaker_b"]), row["language"])
        for row in rows
        if WITHDRAWN not in (row["speaker_a"], row["speaker_b"])
    )


def _sum(items: Iterable[tuple[Any, int]]) -> dict[Any, int]:
    total: Counter[Any] = Counter()
    for key, count in items:
        total[key] += count
    return dict(sorted(total.items()))
