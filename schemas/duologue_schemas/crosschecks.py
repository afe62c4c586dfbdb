"""Checks what JSON Schema cannot say: relations between fields, and values that JSON in UTF-8 cannot hold.

Every function takes a document of any shape and looks only at what is well-formed; the schema reports the rest.
"""

import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from typing import Any, Final, TypeGuard

from duologue_schemas.messages import Path, shown

__all__ = ["MEASURED_FAULTS", "cross_faults", "is_rfc3339", "is_rfc3339_or_date", "relation_faults"]

MEASURED_FAULTS: Final = ("duplicate", "mono_mix", "over_suppression", "swap", "offset", "drift")
"""The faults of the isolation of the tracks that every recording is measured for."""

_RFC3339 = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def is_rfc3339(value: object) -> bool:
    """Tells whether a text is a date and time with zone of RFC 3339; it accepts what is not a text."""
    if not isinstance(value, str):
        return True
    if not _RFC3339.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        return False
    return True


def is_rfc3339_or_date(value: object) -> bool:
    """Tells whether a text is a date and time with zone, or a date alone, of RFC 3339; it accepts what is not a text."""
    if not (isinstance(value, str) and _DATE.fullmatch(value)):
        return is_rfc3339(value)
    try:
        return date.fromisoformat(value) < date.max
    except ValueError:
        return False


def cross_faults(name: str, document: object) -> Iterator[tuple[Path, str]]:
    """Finds the faults between the fields of a document of the format ``name``: the place and the message of each."""
    yield from _value_faults(document)
    yield from relation_faults(name, document)


def relation_faults(name: str, document: object) -> Iterator[tuple[Path, str]]:
    """Finds those of :func:`cross_faults` that lie between the fields of this format; every value by itself is right."""
    if isinstance(document, Mapping):
        if name == "recording":
            yield from _track_faults(document.get("tracks"))
            yield from _synthetic_faults(document)
            yield from _started_faults(document)
        if name in ("sample", "release"):
            yield from _codec_faults(document.get("codec"))
        if name == "sample":
            yield from _measurement_faults(document.get("isolation"))
            yield from _isolation_faults(document.get("isolation"))
            yield from _order_faults("activity", document.get("activity"))
            yield from _order_faults("words", document.get("words"))
            yield from _transcript_faults(document.get("transcripts"), document.get("words"))
        if name == "release":
            yield from _account_faults(document)
            yield from _path_faults(document)


def _value_faults(document: object) -> Iterator[tuple[Path, str]]:
    """Checks every value of a document, without recursion: a field x_ may be nested to any depth."""
    stack: list[tuple[Path, object]] = [((), document)]
    while stack:
        path, value = stack.pop()
        match value:
            case dict():
                start, end = value.get("start_s"), value.get("end_s")
                if _is_number(start) and _is_number(end) and end < start:
                    message = f"found {shown(end)}, before start_s ({shown(start)}); correct one of them"
                    yield (*path, "end_s"), message
                if not all(_is_utf8(key) for key in value):
                    yield path, "has a field whose name is not valid Unicode (half of a surrogate pair); rename it"
                stack.extend(((*path, key), part) for key, part in value.items())
            case list():
                stack.extend(((*path, place), part) for place, part in enumerate(value))
            case float() if not math.isfinite(value):
                yield path, f"found {shown(value)}, expected a finite number; correct it"
            case str() if not _is_utf8(value):
                yield path, f"found {shown(value)}, not valid Unicode (half of a surrogate pair); correct the text"


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_utf8(text: object) -> bool:
    return not (isinstance(text, str) and re.search("[\ud800-\udfff]", text))


def _synthetic_faults(document: Mapping[Any, Any]) -> Iterator[tuple[Path, str]]:
    source, synthetic = document.get("source"), document.get("synthetic")
    if (
        isinstance(source, Mapping)
        and source.get("route") == "synthetic"
        and "synthetic" in document
        and synthetic is not True
    ):
        yield ("synthetic",), f"found {shown(synthetic)}, but source.route is synthetic; correct one of them"


def _started_faults(document: Mapping[Any, Any]) -> Iterator[tuple[Path, str]]:
    start, before = document.get("started_at"), document.get("started_before")
    if before is None:
        return
    if "started_at" not in document:
        yield ("started_before",), "is there without started_at; add when it began at the earliest"
        return
    texts = [value for value in (start, before) if isinstance(value, str) and is_rfc3339_or_date(value)]
    if len(texts) == 2 and _moment(texts[1]) <= _moment(texts[0]):
        message = f"found {shown(before)}, which is not after started_at ({shown(start)}); correct one of them"
        yield ("started_before",), message


def _moment(text: str) -> datetime:
    if _DATE.fullmatch(text):
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    return datetime.fromisoformat(text)


def _track_faults(tracks: object) -> Iterator[tuple[Path, str]]:
    if not (isinstance(tracks, list) and len(tracks) == 2 and all(isinstance(track, Mapping) for track in tracks)):
        return
    first, second = tracks
    uri, channel = first.get("uri"), first.get("channel", 0)
    if isinstance(uri, str) and (uri, channel) == (second.get("uri"), second.get("channel", 0)):
        yield (
            ("tracks", 1, "uri"),
            (
                f"is the same track as tracks[0]: channel {shown(channel)} of {shown(uri)}; "
                "give the second speaker's own file, or another channel of this one"
            ),
        )
    speaker_id = first.get("speaker_id")
    if isinstance(speaker_id, str) and speaker_id == second.get("speaker_id"):
        yield (
            ("tracks", 1, "speaker_id"),
            (f"is the same speaker as tracks[0]: {shown(speaker_id)}; a conversation needs two, correct one of them"),
        )


def _codec_faults(codec: object) -> Iterator[tuple[Path, str]]:
    if not isinstance(codec, Mapping):
        return
    codebooks = codec.get("codebooks")
    for field in ("cardinalities", "silence"):
        entries = codec.get(field)
        if _is_number(codebooks) and isinstance(entries, list) and len(entries) != codebooks:
            yield ("codec", field), f"found {shown(entries)}, expected one per codebook ({codebooks})"


def _measurement_faults(isolation: object) -> Iterator[tuple[Path, str]]:
    """Checks that no measurement is there twice, and that the evidence of both directions is there."""
    measurements = isolation.get("measurements") if isinstance(isolation, Mapping) else None
    if not isinstance(measurements, list):
        return
    seen: list[tuple[object, object]] = []
    for place, measurement in enumerate(measurements):
        if isinstance(measurement, Mapping):
            direction, name = measurement.get("direction"), measurement.get("name")
            if (direction, name) in seen:
                path = ("isolation", "measurements", place)
                yield path, f"is a second {shown(name)} of {shown(direction)}; keep one of them"
            seen.append((direction, name))
    for direction in ("a_from_b", "b_from_a"):
        if (direction, "solo_s") not in seen:
            yield ("isolation", "measurements"), f'has no "solo_s" of "{direction}"; add it'


def _isolation_faults(isolation: object) -> Iterator[tuple[Path, str]]:
    """Checks that no fault is listed twice, and that every fault of the measurement is listed."""
    faults = isolation.get("faults") if isinstance(isolation, Mapping) else None
    if not isinstance(faults, list):
        return
    seen: list[object] = []
    for place, fault in enumerate(faults):
        if isinstance(fault, Mapping):
            if fault.get("fault") in seen:
                yield ("isolation", "faults", place), f"is a second {shown(fault.get('fault'))}; keep one of them"
            seen.append(fault.get("fault"))
    for name in MEASURED_FAULTS:
        if name not in seen:
            yield ("isolation", "faults"), f'has no "{name}"; add it'


def _order_faults(field: str, entries: object) -> Iterator[tuple[Path, str]]:
    """Finds the first entry that is out of order; the rest can only be judged once it is in its place."""
    before: tuple[int | float, int | float, str] | None = None
    for place, entry in enumerate(entries if isinstance(entries, list) else ()):
        if not isinstance(entry, Mapping):
            return
        start, end, speaker = (entry.get(name) for name in ("start_s", "end_s", "speaker"))
        if not (_is_number(start) and _is_number(end) and isinstance(speaker, str)):
            return
        if before is not None and (start, end, speaker) < before:
            yield (field, place), f"belongs before {field}[{place - 1}]; sort by start_s, end_s and speaker"
            return
        before = start, end, speaker


def _transcript_faults(transcripts: object, words: object) -> Iterator[tuple[Path, str]]:
    if not (isinstance(transcripts, Mapping) and isinstance(words, list)):
        return
    without = [speaker for speaker in ("a", "b") if transcripts.get(speaker) is False]
    for place, word in enumerate(words):
        speaker = word.get("speaker") if isinstance(word, Mapping) else None
        if speaker in without:
            message = f"is a word of speaker {speaker}, but transcripts.{speaker} is false; correct one of them"
            yield ("words", place), message


def _path_faults(release: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Checks that no file is named twice, and that a shard is of the split in its name."""
    seen: set[str] = set()
    for name in ("shards", "files"):
        entries = release.get(name)
        for place, entry in enumerate(entries if isinstance(entries, list) else ()):
            path = entry.get("path") if isinstance(entry, Mapping) else None
            if not isinstance(path, str):
                continue
            if path in seen:
                yield (name, place, "path"), f"names {shown(path)} again; keep one of them"
            seen.add(path)
            split, found = entry.get("split"), re.match(r"shards/(train|validation|bridge)-", path)
            if name == "shards" and found and split in ("train", "validation", "bridge") and split != found[1]:
                yield (
                    (name, place, "split"),
                    f"found {shown(split)}, and the path is {shown(path)}; correct one of them",
                )
            if name == "files" and path.startswith("shards/"):
                yield (name, place, "path"), f"found {shown(path)}, which belongs into shards"


def _account_faults(release: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Checks that read = written + rejected + withdrawn, and that every total is the sum over the shards."""
    totals, splits, shards = release.get("totals"), release.get("splits"), release.get("shards")
    if not isinstance(totals, Mapping):
        return
    read, written, rejected = (totals.get(name) for name in ("read", "written", "rejected"))
    withdrawn = totals.get("withdrawn", 0)
    if _is_number(read) and _is_number(written) and _is_number(rejected) and _is_number(withdrawn):
        expected_read = written + rejected + withdrawn
        if read != expected_read:
            yield ("totals", "read"), f"found {read}, expected written + rejected + withdrawn = {expected_read}"
    if not (isinstance(shards, list) and all(isinstance(s, Mapping) and _is_number(s.get("samples")) for s in shards)):
        return
    samples = sum(shard["samples"] for shard in shards)
    if _is_number(totals.get("samples")) and totals["samples"] != samples:
        yield ("totals", "samples"), f"found {totals['samples']}, expected the sum over the shards, {samples}"
    for name, split in splits.items() if isinstance(splits, Mapping) else ():
        own = [shard for shard in shards if shard.get("split") == name]
        expected = {"shards": len(own), "samples": sum(shard["samples"] for shard in own)}
        for count, value in expected.items():
            if isinstance(split, Mapping) and _is_number(split.get(count)) and split[count] != value:
                yield ("splits", name, count), f"found {split[count]}, but the shards listed give {value}"
