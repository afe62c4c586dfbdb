"""Makes report.html of a release: chooses conversations, reads their samples out of the shards, and has the page written.

Only the first :data:`LOOKED_AT` files of a table are looked at, so that the page of a release of any size takes the same time. Shards are
filled by a hash of the ids, so these are conversations like all others.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import islice
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from duologue_cards import Sheet, Tally
from duologue_cards.report.choose import COLUMNS, choose, shown_s
from duologue_cards.report.conversation import Conversation
from duologue_cards.report.of_release import REPORT, write_report
from duologue_cards.report.sound import SoundFormat
from duologue_pipeline.files.file_fault import StoreFaultError
from duologue_pipeline.files.storage import join
from duologue_pipeline.reader.fetch import Place, Shards
from duologue_pipeline.reader.shard import Sample, read_sample
from duologue_pipeline.records import SPEAKERS
from duologue_pipeline.tokens.sample_figures import owns

__all__ = ["LOOKED_AT", "REPORT_AUDIO", "Tables", "release_report"]

REPORT_AUDIO: Final[Mapping[str, SoundFormat | None]] = {"opus": "opus", "mp3": "mp3", "none": None}
"""``report_audio`` of ``dataset.json``, opus where it says nothing -> how the sound is encoded, None where there is none."""

LOOKED_AT: Final = 16
"""So many files of a table are looked at, in the order of the shards."""

Tables = Callable[[str], Iterable[pa.Table]]
"""Reads the files of a table by its name, one after the other in the order of the shards."""

_LENGTHS: Final = ("response_latency_s", "stop_latency_s", "success_latency_s", "penalty_latency_s")
_WITH_OFFSET: Final = ("floor_transfer", "gap", "overlap_between")


def release_report(
    root: str,
    document: Mapping[str, Any],
    tables: Tables,
    sheet: Sheet,
    tally: Tally,
    cards: Mapping[str, bytes],
    *,
    leave_out: Callable[[str], None] | None = None,
) -> tuple[str, bytes]:
    """Makes the page.

    Args:
        root: where the shards lie, under the paths that the document gives them.
        document: of ``dataset.json``; of its ``files`` nothing is taken.
        tables: reads ``index`` and ``recordings``.
        sheet, tally: the facts, and what they were counted from.
        cards: path of every other card -> its content.
        leave_out: is told, as a line of text, of a conversation that cannot be read, which is left out then; None raises.

    Returns:
        (path in the release, content).

    Raises:
        DamagedReleaseError: a sample cannot be read.
        OSError: a shard cannot be read; of a store that does not answer in any case.
    """
    sound = REPORT_AUDIO[document.get("report_audio", "opus")]
    rows = [row for part in _first(tables("recordings")) for row in _columns(part).to_pylist()]
    chosen = choose(rows)
    longest_s = {row["recording_id"]: shown_s(place) for place, (row, _) in enumerate(chosen)}
    places = _places(document, tables, longest_s)
    conversations = []
    with closing(Shards(root)) as shards:
        for row, why in chosen:
            try:
                samples = [
                    read_sample(shards.read(place), key, join(root, place.path))
                    for key, place in places[row["recording_id"]]
                ]
                conversations.append(_conversation(row, why, samples, longest_s[row["recording_id"]]))
            except StoreFaultError:
                raise
            except (OSError, ValueError) as error:
                if leave_out is None:
                    raise
                leave_out(f"{REPORT} goes without a conversation that cannot be read ({error})")
    hashes = {path: hashlib.sha256(content).hexdigest() for path, content in cards.items()}
    return REPORT, write_report(sheet, tally, conversations, hashes, among=len(rows), sound=sound).encode()


def _first(parts: Iterable[pa.Table]) -> Iterator[pa.Table]:
    return islice(parts, LOOKED_AT)


def _columns(table: pa.Table) -> pa.Table:
    return table.select(list(COLUMNS))


def _places(
    document: Mapping[str, Any], tables: Tables, longest_s: Mapping[str, float]
) -> dict[str, list[tuple[str, Place]]]:
    """Finds the samples of recordings, of which so many seconds are shown: recording -> (key, place) of those, in order."""
    sizes = {entry["path"]: entry["bytes"] for entry in document["shards"]}
    found: dict[str, list[tuple[float, str, Place]]] = {name: [] for name in longest_s}
    wanted = pa.array(list(longest_s), pa.string())
    for part in _first(tables("index")):
        mine = part.filter(pc.is_in(part["recording_id"], value_set=wanted))
        for row in mine.select(["recording_id", "key", "shard", "offset", "bytes", "start_s"]).to_pylist():
            if row["start_s"] < longest_s[row["recording_id"]]:
                place = Place(row["shard"], sizes[row["shard"]], row["offset"], row["bytes"])
                found[row["recording_id"]].append((row["start_s"], row["key"], place))
    return {name: [(key, place) for _, key, place in sorted(rows)] for name, rows in found.items()}


def _conversation(row: Mapping[str, Any], why: str, samples: Sequence[Sample], longest_s: float) -> Conversation:
    """Joins the samples of a conversation, up to where it is shown."""
    end_s = min(max((sample.metadata["end_s"] for sample in samples), default=0.0), longest_s)
    activity: dict[str, list[tuple[float, float]]] = {side: [] for side in SPEAKERS}
    words, events = list[dict[str, Any]](), list[dict[str, Any]]()
    for sample in samples:
        start_s, segment = sample.metadata["start_s"], sample.metadata["segment"]
        for span in sample.metadata["activity"]:
            _add_span(activity[span["speaker"]], start_s + span["start_s"], min(start_s + span["end_s"], end_s))
        for word in sample.metadata["words"]:
            if owns(segment, word["start_s"]) and start_s + word["start_s"] < end_s:
                words.append(
                    {**word, "start_s": start_s + word["start_s"], "end_s": min(start_s + word["end_s"], end_s)}
                )
        for event in sample.metadata["events"]:
            if owns(segment, event["start_s"]) and start_s + event["start_s"] < end_s:
                events.append(_event(event, start_s, end_s))
    pieces = [sample.audio for sample in samples]
    audio = None
    if pieces and all(pieces):
        rate_hz = pieces[0][1] if pieces[0] else 0
        joined = np.concatenate([piece[0] for piece in pieces if piece], axis=1)
        audio = joined[:, : round(end_s * rate_hz)], rate_hz
    return Conversation(
        why=why,
        about=_about(row),
        duration_s=end_s,
        whole_s=row["duration_s"],
        activity=activity,
        words=words,
        events=events,
        audio=audio,
    )


def _add_span(spans: list[tuple[float, float]], start_s: float, end_s: float) -> None:
    """Adds a stretch; one that goes on from the sample before is joined to it."""
    if start_s >= end_s:
        return
    if spans and start_s - spans[-1][1] < 0.001:
        spans[-1] = spans[-1][0], end_s
    else:
        spans.append((start_s, end_s))


def _event(event: Mapping[str, Any], zero_s: float, end_s: float) -> dict[str, Any]:
    """Takes out of an event of ``KEY.json`` what does not apply, and moves it to the clock of the conversation."""
    moved = {**event, "start_s": zero_s + event["start_s"], "end_s": min(zero_s + event["end_s"], end_s)}
    for name in _LENGTHS:
        if event[name] < 0:
            del moved[name]
    if event["kind"] not in _WITH_OFFSET:
        del moved["fto_s"]
    if event["kind"] != "interruption":
        del moved["floor_taking"]
    return moved


def _about(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Says in some words each what is known of a conversation."""
    told = [row[name] or "" for name in ("setting", "topic", "language", "license")]
    told.append(f"overlap {100 * row['overlap_share_of_speech']:.1f} % of speech")
    for own, other in (("a", "b"), ("b", "a")):
        bleed_db, floor_db = (row[f"{what}_db_{own}_from_{other}"] for what in ("bleed", "floor"))
        if bleed_db is not None:
            told.append(f"{other} in {own}: {bleed_db:.0f} dB")
        elif floor_db is not None:
            told.append(f"{other} in {own}: none above {floor_db:.0f} dB")
    told.append(f"isolation {row['isolation']}")
    return tuple(told)
