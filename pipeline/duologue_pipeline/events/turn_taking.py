"""The turn-taking of conversations in exact counts, and the shares, rates and percentiles that are made of them.

Counts are integers of milliseconds, events and words. :class:`Totals` are the counts of any number of conversations;
adding two of them loses nothing and any order gives the same, so that they can be combined by as many workers as one
likes. A share is formed only where it is shown, by :func:`statistics_document`.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

from duologue_pipeline.records import (
    SPEAKERS,
    Activity,
    Event,
    KindTotal,
    Span,
    Speaker,
    Statistics,
    TaggedWord,
    TagTotal,
)
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.human_reference import HumanReferenceRules
from duologue_schemas.tables import WITHDRAWN

__all__ = [
    "FTO_BIN_MS",
    "FTO_PERCENTILES",
    "Totals",
    "conversation_statistics",
    "corpus_totals",
    "overlap_share_of_speech",
    "overlap_share_of_time",
    "percentile_ms",
    "scoped_totals",
    "statistics_document",
    "statistics_file",
    "statistics_of_row",
    "totals_of_rows",
]

FTO_BIN_MS: Final = 200
"""Width of the bins of the histogram of floor-transfer offsets; a bin holds its lower edge and not its upper one."""

FTO_PERCENTILES: Final = (5, 10, 25, 50, 75, 90, 95)

_DISFLUENCIES: Final = ("filler", "hesitation", "repetition", "false_start", "self_correction")


def conversation_statistics(
    activity: Activity,
    events: Sequence[Event],
    *,
    duration_ms: int,
    words_a: Sequence[TaggedWord] | None = None,
    words_b: Sequence[TaggedWord] | None = None,
) -> Statistics:
    """Counts what :func:`duologue_pipeline.events.find.find_events` found.

    Speech and overlap are those of the activity itself: an inter-pausal unit also holds silences under 200 ms, which
    are not counted as speech here.

    Args:
        activity: when each speaker is heard: spans sorted and disjoint.
        events: of the same conversation, in any order.
        duration_ms: of the conversation.
        words_a: of speaker ``a``, None where there is no transcript.
        words_b: of speaker ``b``.
    """
    count: Counter[tuple[str, str]] = Counter()
    length_ms: Counter[tuple[str, str]] = Counter()
    for event in events:
        if event.kind == "filler" and event.source == "activity":
            continue  # a candidate that stands for a fifth of the fillers at best: to be looked at, not to be counted
        count[event.kind, event.speaker] += 1
        length_ms[event.kind, event.speaker] += event.end_ms - event.start_ms
    tags = Counter(
        (tag, speaker)
        for speaker, words in zip(SPEAKERS, (words_a, words_b), strict=True)
        for word in words or ()
        for tag in word.tags
    )
    ftos_a_ms, ftos_b_ms = (
        tuple(sorted(e.fto_ms for e in events if (e.kind, e.speaker) == ("floor_transfer", s) and e.fto_ms is not None))
        for s in SPEAKERS
    )
    return Statistics(
        duration_ms=duration_ms,
        speech_a_ms=sum(span.duration_ms for span in activity.a),
        speech_b_ms=sum(span.duration_ms for span in activity.b),
        overlap_ms=_overlap_ms(activity.a, activity.b),
        ftos_a_ms=ftos_a_ms,
        ftos_b_ms=ftos_b_ms,
        kinds=tuple(KindTotal(*key, count[key], length_ms[key]) for key in sorted(count)),
        words_a=None if words_a is None else len(words_a),
        words_b=None if words_b is None else len(words_b),
        tags=tuple(TagTotal(*key, tags[key]) for key in sorted(tags)),
    )


@dataclass(frozen=True)
class Totals:
    """What conversations have together: exact, and added with ``+``.

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
    tags: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, statistics: Statistics, speaker: Speaker | None = None) -> Self:
        """Those of one conversation, of one speaker in it or of both."""
        whose = SPEAKERS if speaker is None else (speaker,)
        kinds = [total for total in statistics.kinds if total.speaker in whose]
        said = [getattr(statistics, f"words_{s}") for s in whose]
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
    """The totals of a corpus, of each language and of each speaker.

    Args:
        conversations: statistics, the names of speakers ``a`` and ``b``, and the language (BCP 47) of each.

    Returns:
        ``("corpus", "")``, ``("language", tag)`` and ``("speaker", name)`` -> totals, sorted. The language is the primary
        subtag, ``und`` where it is unknown.
    """
    found: dict[tuple[str, str], Totals] = {}
    for statistics, speakers, language in conversations:
        for scope, totals in scoped_totals(statistics, speakers, language):
            found[scope] = found[scope] + totals if scope in found else totals
    return dict(sorted(found.items()))


def scoped_totals(
    statistics: Statistics, speakers: tuple[str, str], language: str | None
) -> list[tuple[tuple[str, str], Totals]]:
    """What one conversation adds to :func:`corpus_totals`."""
    both = Totals.of(statistics)
    primary = "und" if language is None else language.partition("-")[0].lower()
    return [
        (("corpus", ""), both),
        (("language", primary), both),
        *((("speaker", name), Totals.of(statistics, s)) for name, s in zip(speakers, SPEAKERS, strict=True)),
    ]


# --- shares ---------------------------------------------------------------------------------------------------------


def overlap_share_of_time(statistics: Statistics) -> float | None:
    """Time in which both speak, over the duration; None for a conversation of no duration."""
    return _ratio(statistics.overlap_ms, statistics.duration_ms)


def overlap_share_of_speech(statistics: Statistics) -> float | None:
    """Time in which both speak, over the time in which anybody speaks; None where nobody does."""
    return _ratio(statistics.overlap_ms, statistics.speech_a_ms + statistics.speech_b_ms - statistics.overlap_ms)


def percentile_ms(ftos: Mapping[int, int], p: float) -> float | None:
    """The ``p``-th percentile of floor-transfer offsets, interpolated linearly (Hyndman & Fan 1996, type 7).

    Args:
        ftos: offset in ms -> how many.
        p: in [0, 100]; 50 is the median.

    Returns:
        Milliseconds, negative in overlap; None where the floor never changed.

    Raises:
        ValueError: ``p`` is not in [0, 100].
    """
    if not 0 <= p <= 100:
        raise ValueError(f"p is {p}; a percentile lies in [0, 100]")
    count = sum(ftos.values())
    if not count:
        return None
    position = (count - 1) * p / 100
    below = int(position)
    low = high = None
    passed = 0
    for fto_ms in sorted(ftos):
        passed += ftos[fto_ms]
        if low is None and passed > below:
            low = fto_ms
        if passed > min(below + 1, count - 1):
            high = fto_ms
            break
    assert low is not None
    assert high is not None
    return low + (high - low) * (position - below)


def statistics_document(totals: Totals, *, language: str | None = None) -> dict[str, Any]:
    """Totals as people and programs read them: shares, rates a minute of conversation, percentiles, histogram.

    Args:
        totals: of any number of conversations.
        language: a BCP 47 tag; human figures for it stand under ``human_reference``, none where there are none.

    Returns:
        A JSON object; what cannot be formed (a share of nothing) is None. ``speech_share`` is that of the speaker in
        all speech, ``quieter_share`` that of whoever speaks less (.5: both speak alike). ``fto_histogram`` has the bins
        from the lowest to the highest that holds an offset.
    """
    ftos = totals.ftos
    transfers = sum(ftos.values())
    anybody_ms = totals.speech_ms - totals.overlap_ms
    backchannels = totals.kinds.get("backchannel", 0)
    document: dict[str, Any] = {
        "conversations": totals.conversations,
        "duration_s": _s(totals.time_ms),
        "speech_s": _s(totals.own_ms),
        "speech_share": _ratio(totals.own_ms, totals.speech_ms),
        "quieter_share": _ratio(totals.quieter_ms, totals.speech_ms),
        "overlap_s": _s(totals.overlap_ms),
        "overlap_share_of_time": _ratio(totals.overlap_ms, totals.time_ms),
        "overlap_share_of_speech": _ratio(totals.overlap_ms, anybody_ms),
        "floor_transfers": transfers,
        "overlapped_transfers_share": _ratio(sum(n for ms, n in ftos.items() if ms < 0), transfers),
        "fto_percentiles_s": {f"p{p}": _percentile_s(ftos, p) for p in FTO_PERCENTILES},
        "fto_median_s": _percentile_s(ftos, 50),
        "fto_histogram": _histogram(ftos),
        "backchannels_per_minute": _ratio(60_000 * backchannels, totals.time_ms),
        "kinds": {
            kind: {
                "count": totals.kinds[kind],
                "seconds": _s(totals.kinds_ms[kind]),
                "count_per_minute": _ratio(60_000 * totals.kinds[kind], totals.time_ms),
                "seconds_per_minute": _ratio(60 * totals.kinds_ms[kind], totals.time_ms),
            }
            for kind in sorted(totals.kinds)
        },
        "words": totals.words,
        "tags_per_100_words": {tag: _ratio(100 * n, totals.words) for tag, n in sorted(totals.tags.items())},
        "disfluencies_per_100_words": _ratio(100 * sum(totals.kinds.get(k, 0) for k in _DISFLUENCIES), totals.words),
    }
    return document | {"human_reference": _references(document, language)}


def statistics_file(totals: Mapping[tuple[str, str], Totals]) -> bytes:
    """The content of ``statistics.json``: a document for the corpus, each language and each speaker.

    Human figures stand beside the corpus where it has one language, and beside each language.

    Args:
        totals: from :func:`corpus_totals`.
    """
    scopes: dict[str, dict[str, Any]] = {"language": {}, "speaker": {}}
    languages = [name for scope, name in totals if scope == "language"]
    for (scope, name), total in sorted(totals.items()):
        if scope != "corpus":
            scopes[scope][name] = statistics_document(total, language=name if scope == "language" else None)
    only = languages[0] if len(languages) == 1 else None
    document = {
        "corpus": statistics_document(totals.get(("corpus", ""), Totals()), language=only),
        "languages": scopes["language"],
        "speakers": scopes["speaker"],
    }
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"


def statistics_of_row(row: Mapping[str, Any]) -> Statistics:
    """The statistics in a row of ``recordings.parquet``: what was counted, back from seconds."""

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
    """:func:`corpus_totals` of rows of ``recordings.parquet``; a conversation of which a speaker was silenced is none."""
    return corpus_totals(
        (statistics_of_row(row), (row["speaker_a"], row["speaker_b"]), row["language"])
        for row in rows
        if WITHDRAWN not in (row["speaker_a"], row["speaker_b"])
    )


def _references(document: Mapping[str, Any], language: str | None) -> dict[str, Any]:
    primary = None if language is None else language.partition("-")[0].lower()
    return {
        figure.name: figure.document()
        for figure in load_rules(HumanReferenceRules).figures
        if figure.language == primary and figure.name in document
    }


def _percentile_s(ftos: Mapping[int, int], p: float) -> float | None:
    found_ms = percentile_ms(ftos, p)
    return None if found_ms is None else round(found_ms / 1000, 6)


def _histogram(ftos: Mapping[int, int]) -> list[dict[str, Any]]:
    bins: Counter[int] = Counter()
    for fto_ms, count in ftos.items():
        bins[fto_ms // FTO_BIN_MS] += count
    if not bins:
        return []
    return [
        {"from_s": i * FTO_BIN_MS / 1000, "to_s": (i + 1) * FTO_BIN_MS / 1000, "count": bins[i]}
        for i in range(min(bins), max(bins) + 1)
    ]


def _overlap_ms(a: Sequence[Span], b: Sequence[Span]) -> int:
    total_ms = i = j = 0
    while i < len(a) and j < len(b):
        total_ms += max(0, min(a[i].end_ms, b[j].end_ms) - max(a[i].start_ms, b[j].start_ms))
        if a[i].end_ms <= b[j].end_ms:
            i += 1
        else:
            j += 1
    return total_ms


def _sum(items: Iterable[tuple[Any, int]]) -> dict[Any, int]:
    total: Counter[Any] = Counter()
    for key, count in items:
        total[key] += count
    return dict(sorted(total.items()))


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _s(ms: int) -> float:
    return ms / 1000
