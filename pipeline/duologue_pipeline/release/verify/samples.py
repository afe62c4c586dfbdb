"""Checks what is in a shard, sample by sample, against ``index.parquet`` and ``dataset.json``."""

import io
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

import numpy as np
import soundfile

from duologue_pipeline.files.arrays import parse_npy
from duologue_pipeline.files.storage import join, open_input
from duologue_pipeline.files.text import parse_json
from duologue_pipeline.release.verify.owners import CutCheck, owner_faults
from duologue_pipeline.shards.members import MemberError, SampleMembers, group_members, read_members_of
from duologue_pipeline.tokens.sample_figures import FIGURES, sample_figures
from duologue_schemas import iter_faults

__all__ = ["shard_faults"]

_SHOWN: Final = 3
_AUDIO_SLACK_S: Final = 0.5
_CUT_SLACK_S: Final = 0.0016
"""Both ends of a sample are told in whole milliseconds, and lie on frames that need not."""


def shard_faults(
    root: str, release: Mapping[str, Any], shard: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    """Checks a shard whose hash is right.

    Args:
        root: the folder of the release.
        release: the document of ``dataset.json``.
        shard: its entry there.
        rows: of ``index.parquet``, those that name it.
    """
    path = shard["path"]
    if len(rows) != shard["samples"]:
        yield f"{path}: index.parquet has {len(rows)} of its samples, dataset.json says {shard['samples']}"
    expected = {row["key"]: row for row in rows}
    extensions = ["json", "codes.npy", *(["flac"] if release["include_audio"] else [])]
    places: dict[str, tuple[int, int]] = {}
    cuts = CutCheck()  # all samples of a recording lie in one shard
    try:
        with open_input(join(root, path)) as stream:
            for sample in group_members(read_members_of(stream, max_bytes=shard["bytes"])):
                where, members = f"{path}: {sample.key}", list(sample.members)
                row = expected.pop(sample.key, None)
                if row is None:
                    again = "is there twice" if sample.key in places else "is not in index.parquet"
                    yield f"{where}: {again}"
                elif members != extensions:
                    yield f"{where}: has the members {', '.join(members)}, expected {', '.join(extensions)}"
                else:
                    yield from (f"{where}: {fault}" for fault in _sample_faults(sample, row, release, shard, cuts))
                places[sample.key] = (sample.start, sample.stop)
    except MemberError as error:
        yield f"{path}: the archive is damaged ({error})"
    yield from (f"{path}: {key}: is in index.parquet and not in the shard" for key in list(expected)[:_SHOWN])
    yield from _place_faults(path, rows, places)


def _place_faults(path: str, rows: Sequence[Mapping[str, Any]], places: Mapping[str, tuple[int, int]]) -> Iterator[str]:
    """Checks that the samples lie where the index says, one after the other."""
    position = 0
    for row in sorted(rows, key=lambda row: row["offset"]):
        key, offset = row["key"], row["offset"]
        if offset != position:
            yield f"{path}: {key}: begins at byte {position}, index.parquet says {offset}"
            return
        start, stop = places.get(key, (None, None))
        if start is not None and start != offset:
            yield f"{path}: {key}: its members do not begin at byte {offset}"
        elif start is not None and stop != offset + row["bytes"]:
            yield f"{path}: {key}: its members end at byte {stop}, index.parquet says {offset + row['bytes']}"
        position += row["bytes"]


def _sample_faults(
    sample: SampleMembers,
    row: Mapping[str, Any],
    release: Mapping[str, Any],
    shard: Mapping[str, Any],
    cuts: CutCheck,
) -> Iterator[str]:
    codec, members = release["codec"], sample.members
    try:
        document = parse_json(members["json"])
        codes = parse_npy(members["codes.npy"])
    except ValueError as error:
        yield f"json or codes.npy cannot be read ({error})"
        return
    faults = [f"json: {fault}" for fault in islice(iter_faults("sample", document), _SHOWN)]
    yield from faults
    if faults:
        return
    shape = (2, codec["codebooks"], document["codec"]["frames"])
    if codes.dtype != np.uint16 or codes.shape != shape:
        yield f"codes.npy: is {codes.dtype} {list(codes.shape)}, expected uint16 {list(shape)}"
    elif codes.size and (codes.max(axis=(0, 2)) >= codec["cardinalities"]).any():
        yield "codes.npy: a code lies outside its codebook"
    if document["split"] != shard["split"]:
        yield f"json: split is {document['split']!r}, and the shard is of {shard['split']}"
    found = {
        **{
            name: document[name] for name in ("key", "recording_id", "segment", "split", "start_s", "end_s", "purposes")
        },
        "speaker_a": document["speakers"]["a"]["commitment"],
        "speaker_b": document["speakers"]["b"]["commitment"],
        "isolation": document["isolation"]["verdict"],
    }
    for field, value in found.items():
        if value != row[field]:
            yield f"json: {field} is {value!r}, index.parquet says {row[field]!r}"
    if document["codec"]["frames"] != row["frames"]:
        yield f"json: codec.frames is {document['codec']['frames']}, index.parquet says {row['frames']}"
    duration_s = document["end_s"] - document["start_s"]
    slack = _CUT_SLACK_S * codec["frame_rate_hz"]
    if not -slack < row["frames"] - duration_s * codec["frame_rate_hz"] < 1 + slack:
        yield f"{row['frames']} frames do not fit its {duration_s:.3f} s at {codec['frame_rate_hz']} frames a second"
    if not set(release["purposes"]) <= set(document["purposes"]):
        yield f"json: purposes {document['purposes']} do not hold those of the release, {release['purposes']}"
    try:
        yield from _figure_faults(document, row)
        yield from cuts.faults(document)
    except OverflowError:
        yield "json: holds a time of more than any clock shows"
    if "flac" in members:
        yield from _audio_faults(members["flac"], row["frames"] / codec["frame_rate_hz"])


def _figure_faults(document: Mapping[str, Any], row: Mapping[str, Any]) -> Iterator[str]:
    """Counts a sample anew, as far as the index has columns for it: the release of an earlier version has none."""
    columns = [name for name in FIGURES if name in row]
    if not columns:
        return
    yield from owner_faults(document)
    counted = sample_figures(document)
    for name in columns:
        if counted[name] != row[name]:
            yield f"json: its {name} is {counted[name]!r}, index.parquet says {row[name]!r}"


def _audio_faults(flac: bytes, duration_s: float) -> Iterator[str]:
    """Checks what the audio says of itself; it is not decoded, which would take longer than all else."""
    try:
        with soundfile.SoundFile(io.BytesIO(flac)) as file:
            kind, tracks, audio_s = file.format, file.channels, file.frames / file.samplerate
    except (soundfile.LibsndfileError, ValueError, ZeroDivisionError) as error:
        yield f"flac cannot be read ({error})"
        return
    if (kind, tracks) != ("FLAC", 2) or abs(audio_s - duration_s) > _AUDIO_SLACK_S:
        yield f"flac: is {kind} of {tracks} tracks and {audio_s:.3f} s, expected FLAC of 2 and {duration_s:.3f} s"
