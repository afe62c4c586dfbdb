"""Makes figures of the counts: shares, rates, percentiles, a histogram, and people's figures to hold them against.

A share is formed only where it is shown, from the exact counts of :mod:`duologue_pipeline.events.totals`.
"""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from duologue_pipeline.events.totals import Totals
from duologue_pipeline.records import Statistics
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.human_reference import HumanReferenceRules

__all__ = [
    "FTO_BIN_MS",
    "FTO_PERCENTILES",
    "overlap_share_of_speech",
    "overlap_share_of_time",
    "percentile_ms",
    "statistics_document",
    "statistics_file",
]

FTO_BIN_MS: Final = 200
"""Width of the bins of the histogram of floor-transfer offsets; a bin holds its lower edge and not its upper one."""

FTO_PERCENTILES: Final = (5, 10, 25, 50, 75, 90, 95)
"""The percentiles of floor-transfer offsets that a statistics document gives."""


def overlap_share_of_time(statistics: Statistics) -> float | None:
    """Divides the time in which both speak by the duration; None for a conversation of no duration."""
    return _ratio(statistics.overlap_ms, statistics.duration_ms)


def overlap_share_of_speech(statistics: Statistics) -> float | None:
    """Divides the time in which both speak by the time in which anybody does; None where nobody does."""
    return _ratio(statistics.overlap_ms, statistics.speech_a_ms + statistics.speech_b_ms - statistics.overlap_ms)


def percentile_ms(ftos: Mapping[int, int], p: float) -> float | None:
    """Finds the ``p``-th percentile of floor-transfer offsets, interpolated linearly (Hyndman & Fan 1996, type 7).

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
    """Describes totals as people and programs read them: shares, rates a minute, percentiles, a histogram.

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
        "disfluencies_per_100_words": _ratio(100 * totals.worded_disfluencies, totals.words),
    }
    return document | {"human_reference": _references(document, language)}


def statistics_file(totals: Mapping[tuple[str, str], Totals], *, speakers: int | None = None) -> bytes:
    """Writes the content of ``statistics.json``: a document for the corpus and each language, and how many speakers there are.

    Human figures stand beside the corpus where it has one language, and beside each language.

    Args:
        totals: from :func:`duologue_pipeline.events.totals.corpus_totals`; those of speakers are left out.
        speakers: how many rows the table of speakers has; None where there is none, as in the releases of earlier versions: then
            a document for each speaker stands in the file itself.

    Returns:
        JSON in UTF-8 with sorted keys and a newline at its end.
    """
    scopes: dict[str, dict[str, Any]] = {"language": {}, "speaker": {}}
    languages = [name for scope, name in totals if scope == "language"]
    for (scope, name), total in sorted(totals.items()):
        if scope != "corpus" and (scope != "speaker" or speakers is None):
            scopes[scope][name] = statistics_document(total, language=name if scope == "language" else None)
    only = languages[0] if len(languages) == 1 else None
    corpus = totals.get(("corpus", ""), Totals())
    document = {"corpus": statistics_document(corpus, language=only), "languages": scopes["language"]}
    if speakers is None:
        document["speakers"] = scopes["speaker"]
    else:
        document["counts"] = {
            "conversations": corpus.conversations,
            "languages": len(languages),
            "speakers": speakers,
        }
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"


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


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _s(ms: int) -> float:
    return ms / 1000
