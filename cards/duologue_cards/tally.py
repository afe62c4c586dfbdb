"""Counts the tables of a release into what all figures of the cards are made of: one number for each of a few thousand names.

Tallies of parts are added up, in any order and by as many workers as one likes, and give that of the whole; so no process has to
hold the tables. A value of which percentiles are taken is a name of its own (``("fto_ms", 120)``), times are whole milliseconds,
levels thousandths of a dB and shares millionths, so that there are no more names in very many hours than in many.
People are counted apart (:func:`tally_speakers`), because one person may be in many parts.
"""

import math
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from duologue_cards.draws import tally_draws
from duologue_schemas.tables import DISFLUENCIES, FAULT_MEASURES, SAID_OF_SPEAKERS, TABLES, WITHDRAWN

__all__ = [
    "OF_PEOPLE",
    "Said",
    "Tally",
    "add_tallies",
    "one_track_ms",
    "tally_index",
    "tally_people",
    "tally_recordings",
    "tally_speakers",
    "tally_tables",
]

_HELD_SHARE = 0.10
"""A speaker who holds less of the speech than this hardly takes part."""

OF_PEOPLE: Final = ("jurisdiction", *SAID_OF_SPEAKERS)
"""What is counted of people, by columns of ``recordings.parquet``."""

Said = tuple[str, str | None]
"""One of :data:`OF_PEOPLE`, and its value for a person in a conversation."""

_TOGETHER_S = 1.0
"""Tracks that begin or end together do so within this time, as in rules/ingest.json of the pipeline (``length_tolerance_s``)."""

Tally = Counter[tuple[Any, ...]]
"""Name, a text and whatever tells it from others of its kind -> how many, or how many milliseconds."""


def add_tallies(tallies: Iterable[Tally]) -> Tally:
    """Adds up tallies; none give an empty one."""
    total: Tally = Counter()
    for tally in tallies:
        total.update(tally)
    return total


def tally_tables(index: pa.Table, recordings: pa.Table) -> Tally:
    """Counts all of a release, or the rows of some of its shards, but for its people.

    Args:
        index: of ``index.parquet``.
        recordings: of ``recordings.parquet``, those of the same shards.
    """
    return add_tallies((tally_index(index), tally_recordings(recordings)))


def tally_index(index: pa.Table) -> Tally:
    """Counts rows of ``index.parquet``."""
    tally = _missing("index", index)
    _count(tally, "samples", index["split"].to_pylist())
    return tally


def tally_recordings(recordings: pa.Table) -> Tally:
    """Counts rows of ``recordings.parquet``."""
    tally = _missing("recordings", recordings)
    columns = _Columns(recordings)
    _count(tally, "recordings", columns["split"])
    for name in ("language", "license", "corpus", "route", "setting", "register"):
        _count(tally, name, map(_named, columns[name]))
    _count(tally, "synthetic", _synthetic(columns, "synthetic" in recordings.column_names))
    befores = columns["started_before"] if "started_before" in recordings.column_names else [None] * recordings.num_rows
    dated = [(start, before) for start, before in zip(columns["started_at"], befores, strict=True) if start]
    _count(tally, "date", [day for start, before in dated for day in _days(start, before)])
    tally["undated",] += recordings.num_rows - len(dated)
    tally["delay_unknown",] += _delay_unknown(recordings)
    alone_ms = one_track_ms(recordings)
    tally["partly_there",] += len(alone_ms)
    tally["one_track_ms",] += sum(alone_ms)
    tally["transcribed_tracks",] += sum(columns.both("words"))
    heard = zip(columns.both("speaker"), columns.both("bandwidth_hz"), strict=True)
    _count(tally, "bandwidth_hz", [bandwidth_hz for speaker, bandwidth_hz in heard if speaker != WITHDRAWN])
    tally["one_voice",] += columns.both("speaker").count(WITHDRAWN)
    said = [count for count in columns.both("said_words") if count is not None]
    tally["said_words",] += sum(said)
    tally["said_tracks",] += len(said)
    for register, setting, topic, duration_s in zip(
        columns["register"], columns["setting"], columns["topic"], columns["duration_s"], strict=True
    ):
        tally["register_ms", _named(register) or _named(setting) or _named(topic)] += round(1000 * duration_s)
    _count_conversations(tally, _Columns(_with_both_speakers(recordings)))
    return tally


def tally_speakers(recordings: Iterable[pa.Table]) -> Tally:
    """Counts the people of a whole release (:func:`tally_people`).

    Args:
        recordings: all of ``recordings.parquet``, in any number of parts; one of them is held at a time.
    """
    found: dict[str, tuple[set[str], set[Said]]] = {}
    recorded_ms: Counter[str] = Counter()
    for part in recordings:
        columns = _Columns(part)
        known = [name for name in OF_PEOPLE if f"{name}_a" in part.column_names]
        rows = zip(
            columns["split"] * 2,
            columns.both("speaker"),
            columns["duration_s"] * 2,
            zip(*(columns.both(name) for name in known), strict=True),
            strict=True,
        )
        for split, speaker, duration_s, values in rows:
            if speaker != WITHDRAWN:
                splits, said = found.setdefault(speaker, (set(), set()))
                splits.add(split)
                said.update(zip(known, values, strict=True))
                recorded_ms[speaker] += round(1000 * duration_s)
    return tally_people((*found[speaker], recorded_ms[speaker]) for speaker in found)


def tally_people(people: Iterable[tuple[Iterable[str], Iterable[Said], int]]) -> Tally:
    """Counts people, each of whom is given once: their splits, what is said of them, their recorded milliseconds.

    Of :data:`OF_PEOPLE` they are counted for each value that is said of them, and as unknown where none is; but an unknown
    jurisdiction is one beside others.
    """
    tally: Tally = Counter()
    top_ms = 0
    for splits, said, recorded_ms in people:
        tally["speaker_ms",] += recorded_ms
        tally["speaker_ms_squared",] += recorded_ms * recorded_ms
        top_ms = max(top_ms, recorded_ms)
        tally["speakers",] += 1
        tally["speakers_on_both_sides",] += set(splits) >= {"train", "validation"}
        _count(tally, "speakers", sorted(splits))
        values: dict[str, set[str | None]] = {name: set() for name in OF_PEOPLE}
        for name, value in said:
            values[name].add(None if value is not None and value.casefold() == "unknown" else value)
        _count(tally, "jurisdiction", sorted(values.pop("jurisdiction") or {None}, key=str))
        for name, own in values.items():
            _count(tally, f"speaker_{name}", sorted(own - {None}, key=str) or [None])
    tally["top_speaker_ms", top_ms] += 1  # of this part; the highest of all parts counts
    return tally


def _missing(name: str, table: pa.Table) -> Tally:
    """Begins a tally with the columns that a table of an earlier version does not have."""
    missing = [column for column in TABLES[name].names if column not in table.column_names]
    return Counter({("without", f"{name}/{column}"): 1 for column in missing})


class _Columns:
    """Reads the columns of recordings.parquet as lists, one at a time: all of a large corpus would not fit."""

    def __init__(self, recordings: pa.Table) -> None:
        self._recordings = recordings

    def __getitem__(self, name: str) -> list[Any]:
        values: list[Any] = self._recordings[name].to_pylist()
        return values

    def told(self, name: str) -> list[Any]:
        """Reads the values of a column that tables of earlier versions lack: then nothing is told."""
        return self[name] if name in self._recordings.column_names else [None] * len(self._recordings)

    def both(self, name: str) -> list[Any]:
        """Reads the values of both tracks: those of a, then those of b."""
        return self[f"{name}_a"] + self[f"{name}_b"]


def _named(value: str | None) -> str | None:
    """Reads what the manifest names; ``unknown`` names nothing, and would be counted beside what is not named as if it did."""
    return None if value is None or value.strip().lower() in ("", "unknown") else value


def _synthetic(columns: _Columns, told: bool) -> list[bool | None]:
    """Reads whether each conversation is synthetic; in a table of an earlier version the route alone tells."""
    routes = columns["route"]
    known: list[bool | None] = columns["synthetic"] if told else [None] * len(routes)
    return [True if route == "synthetic" else value for route, value in zip(routes, known, strict=True)]


def _days(start: str, before: str | None) -> tuple[str, ...]:
    """Gives the day on which a conversation was, or the first and the last on which it may have been."""
    first = _moment(start).date().isoformat()
    if before is None:
        return (first,)
    return first, max(first, (_moment(before) - timedelta(microseconds=1)).date().isoformat())


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)  # a date alone is that day


def _count(tally: Tally, name: str, values: Iterable[Any]) -> None:
    for value, count in Counter(values).items():
        tally[name, value] += count


def _count_conversations(tally: Tally, columns: _Columns) -> None:
    """Counts what only recordings with both speakers have: isolation and turn-taking."""
    levels_db = columns["bleed_db_a_from_b"] + columns["bleed_db_b_from_a"]
    floors_db = columns["floor_db_a_from_b"] + columns["floor_db_b_from_a"]
    tally["directions",] += len(levels_db)
    _count(tally, "bleed_db", [round(level, 3) for level in levels_db if level is not None])
    pairs = zip(levels_db, floors_db, strict=True)
    _count(tally, "floor_db", [round(floor, 3) for level, floor in pairs if level is None and floor is not None])
    _count(tally, "isolation", columns["isolation"])
    for fault in FAULT_MEASURES:
        for found, count in Counter(columns[f"{fault}_found"]).items():
            tally["fault", fault, found] += count
    tally["duration_ms",] += _ms(columns["duration_s"])
    tally["overlap_ms",] += _ms(columns["overlap_s"])
    tally["speech_ms",] += _ms(columns["speech_a_s"] + columns["speech_b_s"])
    _count(
        tally, "overlap_share", [round(share, 6) for share in columns["overlap_share_of_speech"] if share is not None]
    )
    _count(tally, "fto_ms", [round(1000 * fto_s) for ftos_s in columns["ftos_s"] for fto_s in ftos_s])
    tally["backchannels",] += sum(columns.both("backchannels"))
    tally["interruptions",] += sum(columns.both("interruptions"))
    _count_evidence(tally, columns)


def _count_evidence(tally: Tally, columns: _Columns) -> None:
    """Counts what the requirements are judged by (:mod:`duologue_cards.evidence`), and the draws for its intervals."""
    ids, durations_ms = columns["recording_id"], [round(1000 * each) for each in columns["duration_s"]]
    tally["conversations",] += len(ids)
    _count(tally, "primary_language", [each and each.partition("-")[0].lower() for each in columns["language"]])
    for verdict, duration_ms in zip(columns["isolation"], durations_ms, strict=True):
        tally["isolation_ms", verdict] += duration_ms
    levels_db = zip(columns["bleed_db_a_from_b"], columns["bleed_db_b_from_a"], strict=True)
    for pair, duration_ms in zip(levels_db, durations_ms, strict=True):
        heard = [level for level in pair if level is not None]
        if heard:  # above a whole number of dB exactly if its own, rounded up, is
            tally["bleeding_ms", math.ceil(max(heard))] += duration_ms
    for a_s, b_s in zip(columns["speech_a_s"], columns["speech_b_s"], strict=True):
        if a_s + b_s > 0:
            share = min(a_s, b_s) / (a_s + b_s)
            tally["judged_balance",] += 1
            tally["quieter_ppm",] += round(1e6 * share)
            tally["balanced",] += share >= _HELD_SHARE
    # Recognisers leave out fillers and repetitions: a rate of disfluencies is that of written transcripts alone.
    sides = (
        columns["said_words_a"],
        columns["said_words_b"],
        columns.told("words_heard_a"),
        columns.told("words_heard_b"),
    )
    for kinds, *said, heard_a, heard_b in zip(columns["kinds"], *sides, strict=True):
        by_machine = {"a": heard_a, "b": heard_b}
        words = {side: n for side, n in zip("ab", said, strict=True) if n is not None and by_machine[side] is None}
        tally["transcribed_words",] += sum(words.values())
        tally["recognised_words",] += sum(n or 0 for n in said) - sum(words.values())
        for each in kinds or ():
            if each["kind"] in DISFLUENCIES:
                tally["disfluencies",] += each["events"]
                tally["worded_disfluencies",] += each["events"] if each["speaker"] in words else 0
    overlap_ms = [round(1000 * each) for each in columns["overlap_s"]]
    own_ms = [
        round(1000 * a_s) + round(1000 * b_s)
        for a_s, b_s in zip(columns["speech_a_s"], columns["speech_b_s"], strict=True)
    ]
    anybody_ms = [own - both for own, both in zip(own_ms, overlap_ms, strict=True)]
    ftos_ms = [[round(1000 * fto_s) for fto_s in ftos_s] for ftos_s in columns["ftos_s"]]
    tally.update(tally_draws(ids, overlap_ms, anybody_ms, ftos_ms))


def _ms(seconds: Iterable[float]) -> int:
    return sum(round(1000 * each) for each in seconds)


def _with_both_speakers(recordings: pa.Table) -> pa.Table:
    return recordings.filter(
        pc.and_(pc.not_equal(recordings["speaker_a"], WITHDRAWN), pc.not_equal(recordings["speaker_b"], WITHDRAWN))
    )


def one_track_ms(recordings: pa.Table) -> list[int]:
    """Gives how long one track is alone, in ms, of each recording in which a speaker joins later or leaves earlier.

    Args:
        recordings: rows of ``recordings.parquet``; of its columns at least the speakers, ``duration_s``, and where the release says them
            ``from_a_s``, ``to_a_s`` and those of b.
    """
    if not {"from_a_s", "from_b_s", "to_a_s", "to_b_s"} <= set(recordings.column_names):
        return []
    rows = _Columns(_with_both_speakers(recordings))
    shared_s = (
        min(ends_s) - max(starts_s)
        for *starts_s, ends_s in zip(
            rows["from_a_s"], rows["from_b_s"], zip(rows["to_a_s"], rows["to_b_s"], strict=True), strict=True
        )
    )
    alone_s = [whole_s - each_s for whole_s, each_s in zip(rows["duration_s"], shared_s, strict=True)]
    return [round(1000 * each) for each in alone_s if each > _TOGETHER_S]


def _delay_unknown(recordings: pa.Table) -> int:
    """Counts the recordings in which a track may begin late; an earlier release does not say."""
    if not {"delay_known_a", "delay_known_b"} <= set(recordings.column_names):
        return 0
    known: int = pc.sum(pc.and_(recordings["delay_known_a"], recordings["delay_known_b"])).as_py() or 0
    return recordings.num_rows - known
