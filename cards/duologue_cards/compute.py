"""Computes the facts of a release, once, from its document and its tables.

The sums do not depend on the order of the rows. A count of the document that is not that of the tables is an error.
"""

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from duologue_cards.facts import (
    BRIDGE,
    NOTHING_STATED,
    CodecFacts,
    Count,
    Facts,
    FaultFacts,
    FileFacts,
    IsolationFacts,
    LedgerFacts,
    Publication,
    SplitFacts,
    TurnTaking,
)
from duologue_schemas.crosschecks import MEASURED_FAULTS
from duologue_schemas.tables import FAULT_MEASURES, TABLES, WITHDRAWN

__all__ = ["facts_from_release"]

_SPLITS: Final = ("train", "validation", BRIDGE)


def facts_from_release(
    release: Mapping[str, Any],
    index: pa.Table,
    recordings: pa.Table,
    rejected: Mapping[str, int],
    *,
    publication: Publication = NOTHING_STATED,
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
        splits=tuple(SplitFacts(name, **release["splits"][name]) for name in _SPLITS if name in release["splits"]),
        shards=tuple(FileFacts(**_known(FileFacts, entry)) for entry in release["shards"]),
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
        delay_unknown=_delay_unknown(recordings),
        transcribed_tracks=sum(columns.both("words")),
        bandwidth_min_hz=min(bandwidths_hz, default=None),
        bandwidth_max_hz=max(bandwidths_hz, default=None),
        isolation=_isolation(release["isolation_policy"], two_voices),
        turn_taking=_turn_taking(two_voices),
        withdrawn=totals.get("withdrawn", 0),
        one_voice=speakers.count(WITHDRAWN),
        without=tuple(
            f"{name}/{column}"
            for name, table in (("index", index), ("recordings", recordings))
            for column in TABLES[name].names
            if column not in table.column_names
        ),
    )


def _known(facts: type, document: Mapping[str, Any]) -> dict[str, Any]:
    """Picks the fields of a document that the cards state."""
    return {field.name: document[field.name] for field in fields(facts)}


def _with_both_speakers(recordings: pa.Table) -> pa.Table:
    """Selects the recordings with both speakers: only they have turn-taking and isolation."""
    return recordings.filter(
        pc.and_(pc.not_equal(recordings["speaker_a"], WITHDRAWN), pc.not_equal(recordings["speaker_b"], WITHDRAWN))
    )


def _delay_unknown(recordings: pa.Table) -> int:
    """Counts the recordings in which a track may begin late; an earlier release does not say."""
    if not {"delay_known_a", "delay_known_b"} <= set(recordings.column_names):
        return 0
    known: int = pc.sum(pc.and_(recordings["delay_known_a"], recordings["delay_known_b"])).as_py() or 0
    return recordings.num_rows - known


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
    apart = [speaker for split, speaker in speakers if split != BRIDGE]
    if len(apart) > len(set(apart)):
        raise ValueError("a speaker is in train and in validation of the release; make it again with disjoint splits")


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
