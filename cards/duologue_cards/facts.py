"""Everything that a card may say about a release, computed once from its document and its tables.

A card takes every figure from :class:`Facts` and computes none of its own. What is not known is None or missing here
and is called unknown on the cards; nothing is guessed.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa

__all__ = [
    "CodecFacts",
    "Count",
    "Facts",
    "FileFacts",
    "LedgerFacts",
    "Publication",
    "SplitFacts",
    "TurnTaking",
    "facts_from_release",
]


@dataclass(frozen=True)
class Publication:
    """What only the publisher can say about a release. None is unknown, and stays unknown on every card."""

    creator: str | None = None
    url: str | None = None
    date_published: str | None = None


@dataclass(frozen=True)
class Count:
    """How often a value occurs; ``value`` is None where the manifest does not say."""

    value: str | None
    count: int


@dataclass(frozen=True)
class SplitFacts:
    """What a split holds. ``duration_s`` is that of its samples."""

    name: str
    shards: int
    samples: int
    recordings: int
    speakers: int
    duration_s: float


@dataclass(frozen=True)
class FileFacts:
    """A file of the release that is not a shard."""

    path: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class CodecFacts:
    """What made the tokens; ``quality`` is the codec's own sentence on what it is fit for."""

    name: str
    sample_rate_hz: int
    frame_rate_hz: float
    codebooks: int
    cardinalities: tuple[int, ...]
    weights_sha256: str
    quality: str


@dataclass(frozen=True)
class LedgerFacts:
    """The checkpoint of the consent ledger that the release pins."""

    ledger_id: str
    events: int
    head_sha256: str


@dataclass(frozen=True)
class TurnTaking:
    """Turn-taking over all conversations together; a share or a rate is None where there is nothing to divide by.

    ``overlap_share_of_speech`` is the time in which both speak over the time in which anybody speaks;
    ``overlap_share_p5`` and ``_p95`` are its percentiles over the conversations. ``overlapped_transfers_share`` is the
    share of floor transfers whose offset (FTO) is negative.
    """

    duration_s: float
    overlap_share_of_speech: float | None
    overlap_share_p5: float | None
    overlap_share_p95: float | None
    floor_transfers: int
    overlapped_transfers_share: float | None
    fto_median_s: float | None
    backchannels_per_minute: float | None
    interruptions_per_minute: float | None


@dataclass(frozen=True)
class Facts:
    """One release. Counts are of recordings unless the name says otherwise, most frequent first."""

    name: str
    version: str
    made_by: str
    publication: Publication
    purposes: tuple[str, ...]
    codec: CodecFacts
    segment_s: float
    include_audio: bool
    rules: tuple[tuple[str, str], ...]
    ledger: LedgerFacts
    fingerprint: str
    manifest_sha256: str
    splits: tuple[SplitFacts, ...]
    files: tuple[FileFacts, ...]
    read: int
    recordings: int
    rejected: int
    rejected_reasons: tuple[Count, ...]
    samples: int
    speakers: int
    duration_s: float
    shard_bytes: int
    languages: tuple[Count, ...]
    licenses: tuple[Count, ...]
    corpora: tuple[Count, ...]
    routes: tuple[Count, ...]
    settings: tuple[Count, ...]
    registers: tuple[Count, ...]
    speakers_by_jurisdiction: tuple[Count, ...]
    first_date: str | None
    last_date: str | None
    undated: int
    transcribed_tracks: int
    bandwidth_min_hz: int | None
    bandwidth_max_hz: int | None
    verdicts: tuple[Count, ...]
    turn_taking: TurnTaking


def facts_from_release(
    release: Mapping[str, Any],
    index: pa.Table,
    recordings: pa.Table,
    rejected: Mapping[str, int],
    *,
    publication: Publication = Publication(),
) -> Facts:
    """Computes the facts of a release.

    Args:
        release: the document of ``dataset.json``. Its ``files`` need not be complete: the cards come before their own
            entries.
        index: the table of ``index.parquet``.
        recordings: the table of ``recordings.parquet``.
        rejected: how many recordings were refused for each reason.
        publication: what only the publisher knows.

    Raises:
        ValueError: document and tables do not belong together: a count of one is not that of the other.
    """
    rows = recordings.to_pylist()
    _check_counts(release, index, rows, rejected)
    pairs = {(row[f"speaker_{side}"], row[f"jurisdiction_{side}"]) for row in rows for side in ("a", "b")}
    dates = sorted(
        datetime.fromisoformat(row["started_at"]).astimezone(UTC).date().isoformat()
        for row in rows
        if row["started_at"]
    )
    bandwidths_hz = [row[f"bandwidth_hz_{side}"] for row in rows for side in ("a", "b")]
    codec, totals = release["codec"], release["totals"]
    return Facts(
        name=release["name"],
        version=release["version"],
        made_by=release["made_by"],
        publication=publication,
        purposes=tuple(release["purposes"]),
        codec=CodecFacts(**{**codec, "cardinalities": tuple(codec["cardinalities"])}),
        segment_s=release["segment_s"],
        include_audio=release["include_audio"],
        rules=tuple(sorted(release["rules"].items())),
        ledger=LedgerFacts(**release["ledger"]),
        fingerprint=release["run"]["fingerprint"],
        manifest_sha256=release["run"]["manifest_sha256"],
        splits=tuple(SplitFacts(name, **release["splits"][name]) for name in ("train", "validation")),
        files=tuple(FileFacts(**entry) for entry in release["files"]),
        read=totals["read"],
        recordings=totals["written"],
        rejected=totals["rejected"],
        rejected_reasons=_ranked(Counter(rejected)),
        samples=totals["samples"],
        speakers=len({speaker for speaker, _ in pairs}),
        duration_s=totals["duration_s"],
        shard_bytes=totals["bytes"],
        languages=_counts(row["language"] for row in rows),
        licenses=_counts(row["license"] for row in rows),
        corpora=_counts(row["corpus"] for row in rows),
        routes=_counts(row["route"] for row in rows),
        settings=_counts(row["setting"] for row in rows),
        registers=_counts(row["register"] for row in rows),
        speakers_by_jurisdiction=_counts(jurisdiction for _, jurisdiction in pairs),
        first_date=dates[0] if dates else None,
        last_date=dates[-1] if dates else None,
        undated=len(rows) - len(dates),
        transcribed_tracks=sum(row["words_a"] + row["words_b"] for row in rows),
        bandwidth_min_hz=min(bandwidths_hz, default=None),
        bandwidth_max_hz=max(bandwidths_hz, default=None),
        verdicts=_counts(row["isolation"] for row in rows),
        turn_taking=_turn_taking(rows),
    )


def _check_counts(
    release: Mapping[str, Any], index: pa.Table, rows: list[dict[str, Any]], rejected: Mapping[str, int]
) -> None:
    samples_of = Counter(index["split"].to_pylist())
    recordings_of = Counter(row["split"] for row in rows)
    found = {
        "totals.samples": index.num_rows,
        "totals.written": len(rows),
        "totals.rejected": sum(rejected.values()),
        **{f"splits.{name}.samples": samples_of[name] for name in release["splits"]},
        **{f"splits.{name}.recordings": recordings_of[name] for name in release["splits"]},
    }
    for field, count in found.items():
        stated: Any = release
        for part in field.split("."):
            stated = stated[part]
        if stated != count:
            raise ValueError(f"{field} of the release is {stated}, but its tables hold {count}; pass those of one run")


def _turn_taking(rows: list[dict[str, Any]]) -> TurnTaking:
    duration_s = sum(row["duration_s"] for row in rows)
    overlap_s = sum(row["overlap_s"] for row in rows)
    anybody_s = sum(row["speech_a_s"] + row["speech_b_s"] for row in rows) - overlap_s
    shares = [row["overlap_share_of_speech"] for row in rows if row["overlap_share_of_speech"] is not None]
    ftos_s = [fto_s for row in rows for fto_s in row["ftos_s"]]
    return TurnTaking(
        duration_s=duration_s,
        overlap_share_of_speech=_ratio(overlap_s, anybody_s),
        overlap_share_p5=_percentile(shares, 5),
        overlap_share_p95=_percentile(shares, 95),
        floor_transfers=len(ftos_s),
        overlapped_transfers_share=_ratio(sum(fto_s < 0 for fto_s in ftos_s), len(ftos_s)),
        fto_median_s=_percentile(ftos_s, 50),
        backchannels_per_minute=_ratio(
            sum(row["backchannels_a"] + row["backchannels_b"] for row in rows), duration_s / 60
        ),
        interruptions_per_minute=_ratio(
            sum(row["interruptions_a"] + row["interruptions_b"] for row in rows), duration_s / 60
        ),
    )


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


def _percentile(values: list[float], percent: float) -> float | None:
    return float(np.percentile(values, percent)) if values else None


def _counts(values: Iterable[Hashable]) -> tuple[Count, ...]:
    return _ranked(Counter(values))


def _ranked(counter: Mapping[Any, int]) -> tuple[Count, ...]:
    """The most frequent first, equals in the order of the alphabet, unknown last."""
    order = sorted(counter.items(), key=lambda item: (item[0] is None, -item[1], item[0] or ""))
    return tuple(Count(value, count) for value, count in order)
