"""Joins the consecutive segments of a conversation to one sample again, and cuts a crop out of it.

What the cuts have doubled stands once: a word or an event is taken from the segment in which it begins, the activity that a cut
has parted is joined. Times count from the start of the crop, as in any sample.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from duologue_pipeline.reader.shard import AudioPiece, Sample

__all__ = ["crop_key", "crop_sample", "parse_crop_key"]

_Entry = dict[str, Any]


def crop_key(key: str, start: int) -> str:
    """Names a crop by the sample in which it begins, and the frame: ``call-0001-00003-f00025``."""
    return f"{key}-f{start:05d}"


def parse_crop_key(key: str) -> tuple[str, int]:
    """Takes the name of a crop apart: the sample and the frame; -1 where it is none of a crop."""
    name, _, start = key.rpartition("-f")
    well = start.isascii() and start.isdigit() and len(start) < 19 and crop_key(name, int(start)) == key
    return (name, int(start)) if well else (key, -1)


def crop_sample(segments: Sequence[Sample], start: int, stop: int) -> Sample:
    """Cuts a crop out of consecutive segments of a recording.

    Args:
        segments: in their order, all that the crop touches.
        start, stop: its first frame and the one after its last, counted from the first frame of the first segment.

    Returns:
        A sample like any other. Its ``segment`` is that of the first segment; ``flac`` is None, its audio is cut from that of
        the segments when it is asked for.
    """
    first, last = segments[0], segments[-1]
    rate_hz = first.metadata["codec"]["frame_rate_hz"]
    codes = np.concatenate([segment.codes for segment in segments], axis=2) if len(segments) > 1 else first.codes
    zero = round(first.metadata["start_s"] * rate_hz)
    start_ms = _ms(first.metadata["start_s"]) if start == 0 else round((zero + start) * 1000 / rate_hz)
    whole = stop == codes.shape[2]
    end_ms = _ms(last.metadata["end_s"]) if whole else round((zero + stop) * 1000 / rate_hz)
    key = crop_key(first.key, start)
    opens = first.metadata["segment"] == 0 and start == 0

    def listed(name: str) -> list[_Entry]:
        entries = [
            _moved(entry, _ms(segment.metadata["start_s"]) - start_ms)
            for segment in segments
            for entry in segment.metadata[name]
            if segment is first or entry["start_s"] >= 0
        ]
        return [_owned(entry, opens) for entry in entries if _touches(entry, end_ms - start_ms)]

    metadata = {
        **first.metadata,
        "key": key,
        "start_s": start_ms / 1000,
        "end_s": end_ms / 1000,
        "codec": {**first.metadata["codec"], "frames": stop - start},
        "activity": _activity(segments, start_ms, end_ms),
        "events": listed("events"),
        "words": sorted(listed("words"), key=_place),
    }
    return Sample(
        key=key,
        metadata=metadata,
        codes=np.ascontiguousarray(codes[:, :, start:stop]),
        flac=None,
        shard=first.shard,
        pieces=tuple(_pieces(segments, start_ms, end_ms)),
    )


def _activity(segments: Iterable[Sample], start_ms: int, end_ms: int) -> list[_Entry]:
    joined: dict[tuple[str, int], _Entry] = {}  # by speaker and end
    for segment in segments:
        shift = _ms(segment.metadata["start_s"]) - start_ms
        for entry in segment.metadata["activity"]:
            moved = _moved(entry, shift)
            before = joined.pop((entry["speaker"], _ms(moved["start_s"])), None) if entry["start_s"] <= 0 else None
            if before is not None:
                moved = {**moved, "start_s": before["start_s"]}
            joined[entry["speaker"], _ms(moved["end_s"])] = moved
    length_ms = end_ms - start_ms
    clipped = (
        {
            **entry,
            "start_s": max(_ms(entry["start_s"]), 0) / 1000,
            "end_s": min(_ms(entry["end_s"]), length_ms) / 1000,
        }
        for entry in joined.values()
        if _touches(entry, length_ms)
    )
    return sorted(clipped, key=_place)


def _moved(entry: _Entry, by_ms: int) -> _Entry:
    """Moves an entry and the stretches in it on the clock."""
    moved = {name: _moved(value, by_ms) if isinstance(value, dict) else value for name, value in entry.items()}
    for edge in ("start_s", "end_s"):
        if edge in entry:
            moved[edge] = (_ms(entry[edge]) + by_ms) / 1000
    return moved


def _owned(entry: _Entry, opens: bool) -> _Entry:
    """Says anew whether the sample owns an entry, where that is said: it begins here, or before the conversation."""
    return entry | {"owned": opens or entry["start_s"] >= 0} if "owned" in entry else entry


def _touches(entry: _Entry, length_ms: int) -> bool:
    start_ms, end_ms = _ms(entry["start_s"]), _ms(entry["end_s"])
    return start_ms < length_ms and (end_ms > 0 or start_ms == end_ms == 0)


def _pieces(segments: Iterable[Sample], start_ms: int, end_ms: int) -> Iterable[AudioPiece]:
    for segment in segments:
        if segment.flac is not None:
            zero_ms, last_ms = _ms(segment.metadata["start_s"]), _ms(segment.metadata["end_s"])
            whole = end_ms >= last_ms
            yield AudioPiece(segment, max(start_ms - zero_ms, 0), None if whole else end_ms - zero_ms)


def _place(entry: _Entry) -> tuple[float, float, str]:
    return entry["start_s"], entry["end_s"], entry["speaker"]


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
