"""Computes the facts of a release, once, from its document and what was counted of its tables.

The sums do not depend on the order of the rows. A count of the document that is not that of the tables is an error.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

import numpy as np
import pyarrow as pa

from duologue_cards.facts import (
    BRIDGE,
    NOTHING_STATED,
    CodecFacts,
    ConsentCell,
    ConsentFacts,
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
from duologue_cards.few import FEW, NOT_COUNTED
from duologue_cards.tally import Tally, add_tallies, tally_speakers, tally_tables
from duologue_schemas.crosschecks import MEASURED_FAULTS
from duologue_schemas.tables import FAULT_MEASURES, SAID_OF_SPEAKERS, TABLES

__all__ = ["facts_from_release", "facts_from_tally"]

_SPLITS: Final = ("train", "validation", BRIDGE)


def facts_from_release(
    release: Mapping[str, Any],
    index: pa.Table,
    recordings: pa.Table,
    rejected: Mapping[str, int],
    *,
    publication: Publication = NOTHING_STATED,
) -> Facts:
    """Computes the facts of a release from its document and its tables (:func:`facts_from_tally`).

    Args:
        release, rejected, publication: as there.
        index: the table of ``index.parquet``.
        recordings: the table of ``recordings.parquet``.

    Raises:
        ValueError: document and tables do not belong together: a count of one is not that of the other.
    """
    tally = add_tallies((tally_tables(index, recordings), tally_speakers([recordings])))
    return facts_from_tally(release, tally, rejected, publication=publication)


def facts_from_tally(
    release: Mapping[str, Any],
    tally: Tally,
    rejected: Mapping[str, int],
    *,
    publication: Publication = NOTHING_STATED,
) -> Facts:
    """Computes the facts of a release from its document and what was counted of its tables.

    Args:
        release: the document of ``dataset.json``. Its ``files`` need not be complete: the cards come before their own
            entries.
        tally: of all its tables and its people (:mod:`duologue_cards.tally`).
        rejected: how many recordings were refused for each reason.
        publication: what only the publisher knows.

    Raises:
        ValueError: document and tables do not belong together: a count of one is not that of the other.
    """
    values = _Values(tally)
    _check_counts(release, values, rejected)
    dates = sorted(values["date"])
    bandwidths_hz = values["bandwidth_hz"]
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
        rejected_reasons=_ranked(rejected),
        samples=totals["samples"],
        speakers=tally["speakers",],
        duration_s=totals["duration_s"],
        shard_bytes=totals["bytes"],
        languages=_ranked(values["language"]),
        licenses=_ranked(values["license"]),
        corpora=_ranked(values["corpus"]),
        routes=_ranked(values["route"]),
        settings=_ranked(values["setting"]),
        registers=_ranked(values["register"]),
        synthetic=tally["synthetic", True],
        not_synthetic=tally["synthetic", False],
        speakers_by_jurisdiction=_ranked(values["jurisdiction"]),
        speakers_by={name: _ranked(values[f"speaker_{name}"]) for name in SAID_OF_SPEAKERS},
        first_date=dates[0] if dates else None,
        last_date=dates[-1] if dates else None,
        undated=tally["undated",],
        delay_unknown=tally["delay_unknown",],
        partly_there=tally["partly_there",],
        one_track_s=tally["one_track_ms",] / 1000,
        transcribed_tracks=tally["transcribed_tracks",],
        bandwidth_min_hz=min(bandwidths_hz, default=None),
        bandwidth_max_hz=max(bandwidths_hz, default=None),
        isolation=_isolation(release["isolation_policy"], values),
        turn_taking=_turn_taking(values),
        withdrawn=totals.get("withdrawn", 0),
        one_voice=tally["one_voice",],
        without=tuple(
            f"{table}/{column}"
            for table in ("index", "recordings")
            for column in TABLES[table].names
            if ("without", f"{table}/{column}") in tally
        ),
        consent=_consent(release["consent"]) if "consent" in release else None,
    )


def _consent(document: Mapping[str, Any]) -> ConsentFacts:
    def cell(entry: Mapping[str, Any]) -> ConsentCell:
        if "recordings" in entry:
            return ConsentCell(entry["recordings"], entry["duration_s"])
        return ConsentCell(None, None, f"fewer than {FEW}" if "fewer_than" in entry else NOT_COUNTED)

    def cells(part: str) -> dict[str, dict[str, ConsentCell]]:
        return {
            purpose: {name: cell(each) for name, each in entry[part].items()}
            for purpose, entry in document["coverage"].items()
        }

    return ConsentFacts(
        checked_at=document["checked_at"],
        events=document["events"],
        notices=document["notices"],
        purposes={purpose: cell(entry) for purpose, entry in document["coverage"].items()},
        forms=cells("forms"),
        jurisdictions=cells("jurisdictions"),
    )


def _known(facts: type, document: Mapping[str, Any]) -> dict[str, Any]:
    """Picks the fields of a document that the cards state."""
    return {field.name: document[field.name] for field in fields(facts)}


class _Values:
    """Reads a tally by the names of its values."""

    def __init__(self, tally: Tally) -> None:
        self._total = tally
        self._named: dict[str, dict[Any, int]] = {}
        for name, count in tally.items():
            if len(name) == 2 and count:
                self._named.setdefault(name[0], {})[name[1]] = count

    def __getitem__(self, name: str) -> dict[Any, int]:
        """Maps each value of a name -> how often it is there."""
        return self._named.get(name, {})

    def total(self, *name: Any) -> int:
        """Reads one number; 0 where there is none."""
        return self._total[name]


def _check_counts(release: Mapping[str, Any], values: _Values, rejected: Mapping[str, int]) -> None:
    found: dict[tuple[str, ...], int] = {
        ("totals", "samples"): sum(values["samples"].values()),
        ("totals", "written"): sum(values["recordings"].values()),
        ("totals", "rejected"): sum(rejected.values()),
    }
    for split in release["splits"]:
        for what in ("samples", "recordings", "speakers"):
            found["splits", split, what] = values[what].get(split, 0)
    for path, count in found.items():
        stated: Any = release
        for part in path:
            stated = stated[part]
        if stated != count:
            field = ".".join(path)
            raise ValueError(f"{field} of the release is {stated}, but its tables hold {count}; pass those of one run")
    if values.total("speakers_on_both_sides"):
        raise ValueError("a speaker is in train and in validation of the release; make it again with disjoint splits")


def _isolation(policy: str, values: _Values) -> IsolationFacts:
    bleeding, clean = sum(values["bleed_db"].values()), sum(values["floor_db"].values())
    faults = []
    for name in FAULT_MEASURES:
        found, absent, unknown = (values.total("fault", name, judged) for judged in (True, False, None))
        if name in MEASURED_FAULTS or found or absent:
            faults.append(FaultFacts(name, found, absent, unknown))
    return IsolationFacts(
        policy=policy,
        verdicts=_ranked(values["isolation"]),
        directions_bleeding=bleeding,
        directions_clean=clean,
        directions_unjudged=values.total("directions") - bleeding - clean,
        bleed_db=_spread(values["bleed_db"]),
        floor_db=_spread(values["floor_db"]),
        faults=tuple(faults),
    )


def _spread(values: Mapping[float, int]) -> tuple[float, float, float] | None:
    low, middle, high = (_percentile(values, percent) for percent in (5, 50, 95))
    return None if low is None or middle is None or high is None else (low, middle, high)


def _turn_taking(values: _Values) -> TurnTaking:
    duration_s, overlap_s, speech_s = (values.total(f"{name}_ms") / 1000 for name in ("duration", "overlap", "speech"))
    both_s = duration_s - values.total("one_track_ms") / 1000  # who is not there yet neither answers nor interrupts
    ftos_s = {fto_ms / 1000: count for fto_ms, count in values["fto_ms"].items()}
    transfers = sum(ftos_s.values())
    return TurnTaking(
        duration_s=duration_s,
        overlap_share_of_speech=_ratio(overlap_s, speech_s - overlap_s),
        overlap_share_p5=_percentile(values["overlap_share"], 5),
        overlap_share_p95=_percentile(values["overlap_share"], 95),
        floor_transfers=transfers,
        overlapped_transfers_share=_ratio(sum(count for fto_s, count in ftos_s.items() if fto_s < 0), transfers),
        fto_median_s=_percentile(ftos_s, 50),
        backchannels_per_minute=_ratio(values.total("backchannels"), both_s / 60),
        interruptions_per_minute=_ratio(values.total("interruptions"), both_s / 60),
    )


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


def _percentile(values: Mapping[float, int], percent: float) -> float | None:
    """Finds a percentile, interpolated linearly (Hyndman & Fan 1996, type 7), of values of which each is there so often."""
    count = sum(values.values())
    if not count:
        return None
    below, part = divmod((count - 1) * percent / 100, 1)
    passed = 0
    low = high = 0.0
    for value in sorted(values):
        if passed <= below:
            low = value
        high = value
        passed += values[value]
        if passed > below + 1 or passed == count:
            break
    return float(np.percentile([low, high], 100 * part))


def _ranked(counter: Mapping[Any, int]) -> tuple[Count, ...]:
    """Sorts counts: the most frequent first, equals by alphabet, unknown last."""
    order = sorted(counter.items(), key=lambda item: (item[0] is None, -item[1], item[0] or ""))
    return tuple(Count(value, count) for value, count in order)
