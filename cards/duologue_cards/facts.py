"""Computes the facts that the cards state about a release, once, from its document and its tables.

A card takes every figure from :class:`Facts` and computes none of its own. What is not known is None or missing here
and is called unknown on the cards; nothing is guessed.
"""

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from duologue_schemas.crosschecks import MEASURED_FAULTS
from duologue_schemas.tables import FAULT_MEASURES, WITHDRAWN

__all__ = [
    "CodecFacts",
    "Count",
    "Facts",
    "FaultFacts",
    "FileFacts",
    "IsolationFacts",
    "LedgerFacts",
    "Publication",
    "SplitFacts",
    "TurnTaking",
    "facts_from_release",
]


@dataclass(frozen=True)
class Publication:
    """Holds what only the publisher can say about a release; None is unknown, and stays unknown on every card."""

    creator: str | None = None
    url: str | None = None
    date_published: str | None = None


@dataclass(frozen=True)
class Count:
    """Counts how often a value occurs; ``value`` is None where the manifest does not say."""

    value: str | None
    count: int


@dataclass(frozen=True)
class SplitFacts:
    """Describes a split; ``duration_s`` is the duration of its samples together, in seconds."""

    name: str
    shards: int
    samples: int
    recordings: int
    speakers: int
    duration_s: float


@dataclass(frozen=True)
class FileFacts:
    """Describes a file of the release that is not a shard."""

    path: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class CodecFacts:
    """Describes the codec that made the tokens; ``quality`` is its own sentence on what it is fit for."""

    name: str
    sample_rate_hz: int
    frame_rate_hz: float
    codebooks: int
    cardinalities: tuple[int, ...]
    weights_sha256: str
    quality: str


@dataclass(frozen=True)
class LedgerFacts:
    """Identifies the checkpoint of the consent ledger that the release pins."""

    ledger_id: str
    events: int
    checkpoint: str

    @property
    def root(self) -> str:
        """Reads the root of the log's Merkle tree, in base64, from the third line of the checkpoint."""
        return self.checkpoint.split("\n")[2]


@dataclass(frozen=True)
class FaultFacts:
    """Counts the conversations in which a fault of the isolation was found, was absent, or could not be judged."""

    name: str
    found: int
    absent: int
    unknown: int


@dataclass(frozen=True)
class IsolationFacts:
    """Sums up the isolation of all conversations, each in two directions: b's voice in a's track, and a's in b's.

    ``bleed_db`` are the 5th, 50th and 95th percentile of the level over the directions in which the other voice was
    seen; ``floor_db`` the same of the lowest level that would have been seen, over those in which it was not. Each is
    None where there are none. ``faults`` has those that were looked for.
    """

    policy: str
    verdicts: tuple[Count, ...]
    directions_bleeding: int
    directions_clean: int
    directions_unjudged: int
    bleed_db: tuple[float, float, float] | None
    floor_db: tuple[float, float, float] | None
    faults: tuple[FaultFacts, ...]


@dataclass(frozen=True)
class TurnTaking:
    """Sums up the turn-taking of all conversations; a share or a rate is None where its divisor is zero.

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
    """Holds the facts of one release; its counts are of recordings unless the name says otherwise.

    Lists of counts begin with the most frequent value.

    ``withdrawn`` recordings were in an earlier version; of ``one_voice`` only one speaker is left, and neither
    ``isolation`` nor ``turn_taking`` is about those.
    """

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
    isolation: IsolationFacts
    turn_taking: TurnTaking
    withdrawn: int = 0
    one_voice: int = 0


def facts_from_release(
    release: Mapping[str, Any],
    index: pa.Table,
    recordings: pa.Table,
    rejected: Mapping[str, int],
    *,
    publication: Publication = Publication(),
) -> Facts:
    """Computes the facts of a release from its document and its tables.

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
    columns = _Columns(recordings)
    _check_counts(release, index, columns, rejected)
    speakers = columns.both("speaker")
    pairs = {pair for pair in zip(speakers, columns.both("jurisdiction"), strict=True) if pair[0] != WITHDRAWN}
    starts = [start for start in columns["started_at"] if start]
    dates = sorted(datetime.fromisoformat(start).astimezone(UTC).date().isoformat() for start in starts)
    heard = zip(speakers, columns.both("bandwidth_hz"), strict=True)
    bandwidths_hz = [bandwidth_hz for speaker, bandwidth_hz in heard if speaker != WITHDRAWN]
    two_voices = _Columns(_with_both_speakers(recordings))
    codec, totals = release["codec"], release["totals"]
    return Facts(
        name=release["name"],
        version=release["version"],
        made_by=release["made_by"],
        publication=publication,
        purposes=tuple(release["purposes"]),
        codec=CodecFacts(**{**_known(CodecFacts, codec), "cardinalities": tuple(codec["cardinalities"])}),
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
        languages=_counts(columns["language"]),
        licenses=_counts(columns["license"]),
        corpora=_counts(columns["corpus"]),
        routes=_counts(columns["route"]),
        settings=_counts(columns["setting"]),
        registers=_counts(columns["register"]),
        speakers_by_jurisdiction=_counts(jurisdiction for _, jurisdiction in pairs),
        first_date=dates[0] if dates else None,
        last_date=dates[-1] if dates else None,
        undated=recordings.num_rows - len(dates),
        transcribed_tracks=sum(columns.both("words")),
        bandwidth_min_hz=min(bandwidths_hz, default=None),
        bandwidth_max_hz=max(bandwidths_hz, default=None),
        isolation=_isolation(release["isolation_policy"], two_voices),
        turn_taking=_turn_taking(two_voices),
        withdrawn=totals.get("withdrawn", 0),
        one_voice=speakers.count(WITHDRAWN),
    )


def _known(facts: type, document: Mapping[str, Any]) -> dict[str, Any]:
    """Picks the fields of a document that the cards state."""
    return {field.name: document[field.name] for field in fields(facts)}


def _with_both_speakers(recordings: pa.Table) -> pa.Table:
    """Selects the recordings with both speakers: only they have turn-taking and isolation."""
    return recordings.filter(
        pc.and_(pc.not_equal(recordings["speaker_a"], WITHDRAWN), pc.not_equal(recordings["speaker_b"], WITHDRAWN))
    )


class _Columns:
    """Reads the columns of recordings.parquet as lists, one at a time: all of a large corpus would not fit."""

    def __init__(self, recordings: pa.Table) -> None:
        self._recordings = recordings

    def __getitem__(self, name: str) -> list[Any]:
        values: list[Any] = self._recordings[name].to_pylist()
        return values

    def both(self, name: str) -> list[Any]:
        """Reads the values of both tracks: those of a, then those of b."""
        return self[f"{name}_a"] + self[f"{name}_b"]


def _check_counts(release: Mapping[str, Any], index: pa.Table, columns: _Columns, rejected: Mapping[str, int]) -> None:
    splits = columns["split"]
    samples_of, recordings_of = Counter(index["split"].to_pylist()), Counter(splits)
    found: dict[tuple[str, ...], int] = {
        ("totals", "samples"): index.num_rows,
        ("totals", "written"): len(splits),
        ("totals", "rejected"): sum(rejected.values()),
    }
    pairs = zip(splits * 2, columns.both("speaker"), strict=True)
    speakers = {(split, speaker) for split, speaker in pairs if speaker != WITHDRAWN}
    speakers_of = Counter(split for split, _ in speakers)
    for name in release["splits"]:
        found["splits", name, "samples"] = samples_of[name]
        found["splits", name, "recordings"] = recordings_of[name]
        found["splits", name, "speakers"] = speakers_of[name]
    for path, count in found.items():
        stated: Any = release
        for part in path:
            stated = stated[part]
        if stated != count:
            field = ".".join(path)
            raise ValueError(f"{field} of the release is {stated}, but its tables hold {count}; pass those of one run")
    if len(speakers) > len({speaker for _, speaker in speakers}):
        raise ValueError("a speaker is in more than one split of the release; make it again with disjoint splits")


def _isolation(policy: str, columns: _Columns) -> IsolationFacts:
    levels_db = columns["bleed_db_a_from_b"] + columns["bleed_db_b_from_a"]
    floors_db = columns["floor_db_a_from_b"] + columns["floor_db_b_from_a"]
    seen_db = [level for level in levels_db if level is not None]
    clean_db = [floor for level, floor in zip(levels_db, floors_db, strict=True) if level is None and floor is not None]
    faults = []
    for name in FAULT_MEASURES:
        judged = columns[f"{name}_found"]
        found, absent = judged.count(True), judged.count(False)
        if name in MEASURED_FAULTS or found or absent:
            faults.append(FaultFacts(name, found, absent, len(judged) - found - absent))
    return IsolationFacts(
        policy=policy,
        verdicts=_counts(columns["isolation"]),
        directions_bleeding=len(seen_db),
        directions_clean=len(clean_db),
        directions_unjudged=len(levels_db) - len(seen_db) - len(clean_db),
        bleed_db=_spread(seen_db),
        floor_db=_spread(clean_db),
        faults=tuple(faults),
    )


def _spread(values: list[float]) -> tuple[float, float, float] | None:
    if not values:
        return None
    low, middle, high = (float(value) for value in np.percentile(values, (5, 50, 95)))
    return low, middle, high


def _turn_taking(columns: _Columns) -> TurnTaking:
    # fsum: the same figures whatever the order of the rows.
    duration_s, overlap_s = math.fsum(columns["duration_s"]), math.fsum(columns["overlap_s"])
    speech_s = math.fsum(columns["speech_a_s"] + columns["speech_b_s"])
    shares = [share for share in columns["overlap_share_of_speech"] if share is not None]
    ftos_s = [fto_s for conversation in columns["ftos_s"] for fto_s in conversation]
    return TurnTaking(
        duration_s=duration_s,
        overlap_share_of_speech=_ratio(overlap_s, speech_s - overlap_s),
        overlap_share_p5=_percentile(shares, 5),
        overlap_share_p95=_percentile(shares, 95),
        floor_transfers=len(ftos_s),
        overlapped_transfers_share=_ratio(sum(fto_s < 0 for fto_s in ftos_s), len(ftos_s)),
        fto_median_s=_percentile(ftos_s, 50),
        backchannels_per_minute=_ratio(sum(columns.both("backchannels")), duration_s / 60),
        interruptions_per_minute=_ratio(sum(columns.both("interruptions")), duration_s / 60),
    )


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


def _percentile(values: list[float], percent: float) -> float | None:
    return float(np.percentile(values, percent)) if values else None


def _counts(values: Iterable[Hashable]) -> tuple[Count, ...]:
    return _ranked(Counter(values))


def _ranked(counter: Mapping[Any, int]) -> tuple[Count, ...]:
    """Sorts counts: the most frequent first, equals by alphabet, unknown last."""
    order = sorted(counter.items(), key=lambda item: (item[0] is None, -item[1], item[0] or ""))
    return tuple(Count(value, count) for value, count in order)
