"""Describes a sample as lhotse does: a recording of its own, a cut of all of it, supervisions with the times of each word.

Clocks: lhotse counts supervisions from the cut's start and the words in their ``alignment`` from the recording's, and
``SupervisionSegment.with_offset`` moves the one and not the other (lhotse 1.33 supervision.py). Both are the same where a cut begins
at 0 of its recording, so each sample is a recording.

Source: lhotse 1.33 ``to_dict`` of ``MultiCut``, ``Recording``, ``SupervisionSegment``; shar/utils.py, shar/writers.
"""

import gzip
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any, Final, Self

from duologue_pipeline.export.sound import Sound
from duologue_pipeline.export.units import Unit
from duologue_pipeline.shards.tar import write_members
from duologue_pipeline.views.sides import milliseconds
from duologue_pipeline.views.words import SpokenWord

__all__ = ["ShardFiles", "cut_document", "json_line", "recording_document", "supervision_document", "write_gzip"]

_TAR_END: Final = bytes(1024)


def recording_document(name: str, sound: Sound, channels: Sequence[int], source: str = "") -> dict[str, Any]:
    """Describes a recording: a file that is named, or with "" one that lies in a tar of Shar."""
    return {
        "id": name,
        "sources": [{"type": "file" if source else "shar", "channels": list(channels), "source": source}],
        "sampling_rate": sound.rate_hz,
        "num_samples": sound.samples,
        "duration": sound.duration_s,
        "channel_ids": list(channels),
    }


def supervision_document(
    unit: Unit, *, name: str, recording: str, channel: int, speaker: str, language: str, end_ms: int
) -> dict[str, Any]:
    """Describes a unit; words are cut at the end of the sample."""
    document: dict[str, Any] = {
        "id": name,
        "recording_id": recording,
        "start": unit.start_ms / 1000,
        "duration": (unit.end_ms - unit.start_ms) / 1000,
        "channel": channel,
        "language": language,
        "speaker": speaker,
        "custom": {"kind": unit.kind},
    }
    if unit.words:
        document["text"] = unit.text
        document["alignment"] = {"word": [_aligned(word, end_ms) for word in unit.words]}
    return document


def cut_document(
    name: str,
    sound: Sound,
    channels: Sequence[int],
    recording: dict[str, Any],
    supervisions: list[dict[str, Any]],
    custom: dict[str, Any],
) -> dict[str, Any]:
    """Describes a cut of a whole recording: of several channels, or of one."""
    return {
        "id": name,
        "start": 0,
        "duration": sound.duration_s,
        "channel": list(channels) if len(channels) > 1 else channels[0],
        "supervisions": supervisions,
        "recording": recording,
        "custom": custom,
        "type": "MultiCut" if len(channels) > 1 else "MonoCut",
    }


class ShardFiles:
    """Writes one shard of Shar, as a context: the cuts, and a tar for each field that holds data.

    ::

        cuts.PART.jsonl.gz      a cut a line
        recording.PART.tar      NAME.flac, NAME.json in the order of the cuts

    Shar takes the text before the first dot as the field and reads the shards of all fields in the order of their names, so
    there must be nothing else in the folder.
    """

    def __init__(self, folder: Path, part: str, fields: Sequence[str]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = (folder / f"cuts.{part}.jsonl.gz").open("wb")
        self._cuts = gzip.GzipFile("", "wb", fileobj=self._file, mtime=0)  # no clock and no name
        self._tars = {field: (folder / f"{field}.{part}.tar").open("wb") for field in fields}

    def add(self, cut: dict[str, Any], **fields: tuple[bytes, dict[str, Any]]) -> None:
        """Writes a cut and, of each field, the file and what describes it."""
        self._cuts.write(json_line(cut))
        for field, (data, about) in fields.items():
            write_members(self._tars[field], cut["id"], {"flac": data, "json": json_line(about)})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._cuts.close()
        self._file.close()
        for tar in self._tars.values():
            tar.write(_TAR_END)
            tar.close()


def json_line(document: Any) -> bytes:
    """Writes a document as one line."""
    return json.dumps(document, ensure_ascii=False).encode() + b"\n"


def write_gzip(file: IO[bytes], lines: Iterable[bytes]) -> None:
    """Compresses lines; the same lines give the same bytes, as no clock and no name goes in."""
    with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as out:
        out.writelines(lines)


def _aligned(word: SpokenWord, end_ms: int) -> list[Any]:
    start_ms = min(word.start_ms, end_ms)
    duration_ms = max(0, min(milliseconds(word.end_s), end_ms) - start_ms)
    return [word.text, start_ms / 1000, duration_ms / 1000, None]
