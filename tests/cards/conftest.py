"""A small made-up release: its document, its tables, and its files on disk."""

import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from duologue_cards import Sheet
from duologue_pipeline.release.card_files import release_tally
from duologue_pipeline.release.document import card_sheet
from duologue_pipeline.shards.members import group_members, read_members_of
from duologue_schemas.tables import EVENTS, INDEX, RECORDINGS

EXAMPLES = Path(__file__).resolve().parents[2] / "schemas" / "duologue_schemas" / "examples"


@dataclass
class Release:
    """What the pipeline hands to the cards."""

    document: dict[str, Any]
    index: pa.Table
    recordings: pa.Table
    rejected: dict[str, int]


def commitment(speaker: str) -> str:
    return hashlib.sha256(speaker.encode()).hexdigest()


def make_row(recording_id: str, split: str = "train", samples: int = 2, **fields: Any) -> dict[str, Any]:
    """A row of recordings.parquet: one minute of speech each, 6 s of it together, in a conversation of two minutes."""
    row: dict[str, Any] = {column.name: None if column.nullable else 0 for column in RECORDINGS}
    row |= {column.name: "" for column in RECORDINGS if not column.nullable and column.type == pa.string()}
    row |= {"recording_id": recording_id, "split": split, "shard": f"shards/{split}-00000-000000000000.tar"}
    row |= {"speaker_a": commitment(recording_id + "a"), "speaker_b": commitment(recording_id + "b")}
    row |= {
        "samples": samples,
        "duration_s": 120.0,
        "purposes": ["training_inhouse"],
        "isolation": "pass",
        "same_audio": [],
    }
    row |= {"speech_a_s": 60.0, "speech_b_s": 60.0, "overlap_s": 6.0}
    row |= {"overlap_share_of_time": 6 / 120, "overlap_share_of_speech": 6 / 114, "ftos_s": [-0.3, 0.1, 0.2, 0.6]}
    row |= {"ftos_a_s": [0.1, 0.2, 0.6], "ftos_b_s": [-0.3], "kinds": [], "word_tags": [], "same_audio": []}
    row |= {"backchannels_a": 3, "backchannels_b": 5, "interruptions_a": 1, "interruptions_b": 0}
    row |= {"delay_known_a": True, "delay_known_b": True, "to_a_s": 120.0, "to_b_s": 120.0}
    row |= {"bandwidth_hz_a": 3600, "bandwidth_hz_b": 3400, "words_a": True, "words_b": False}
    row |= {"language": "en-US", "license": "CC-BY-4.0", "corpus": "in-house", "setting": "telephone"}
    row |= {"started_at": "2026-03-01T10:00:00Z"}
    return row | fields


def make_release(*rows: dict[str, Any], rejected: dict[str, int] | None = None) -> Release:
    """A release of these conversations, each sample 30 s long, with a document that follows the schema."""
    rejected = {"audio_missing": 2, "consent_refused": 1} if rejected is None else rejected
    index = [
        {
            **{name: row[name] for name in ("recording_id", "split", "shard", "speaker_a", "speaker_b", "purposes")},
            **{name: row[name] for name in ("isolation", "language")},
            "key": f"{row['recording_id']}-{segment:05d}",
            "segment": segment,
            "offset": 0,
            "bytes": 512,
            "start_s": 30.0 * segment,
            "end_s": 30.0 * segment + 30.0,
            "frames": 375,
            "overlap_share_of_speech": None,
            "backchannels": 0,
            "interruptions": 0,
            "words": False,
        }
        for row in rows
        for segment in range(row["samples"])
    ]
    document = json.loads((EXAMPLES / "release" / "valid" / "full.json").read_text())
    document["shards"] = []
    for split in ("train", "validation", "bridge"):
        own = [row for row in rows if row["split"] == split]
        if split == "bridge" and not own:
            continue
        samples = sum(row["samples"] for row in own)
        document["splits"][split] = {
            "shards": min(1, len(own)),
            "samples": samples,
            "recordings": len(own),
            "speakers": len({row[side] for row in own for side in ("speaker_a", "speaker_b")}),
            "duration_s": 30.0 * samples,
        }
        if own:
            shard = {"path": f"shards/{split}-00000-000000000000.tar", "split": split, "sha256": "0" * 64}
            document["shards"].append({**shard, "bytes": 10240, "samples": samples, "duration_s": 30.0 * samples})
    document["totals"] = {
        "read": len(rows) + sum(rejected.values()),
        "written": len(rows),
        "rejected": sum(rejected.values()),
        "samples": len(index),
        "duration_s": 30.0 * len(index),
        "bytes": 10240 * len(document["shards"]),
    }
    document["files"] = [
        {"path": f"{table}.parquet", "sha256": "0" * 64, "bytes": 0} for table in ("index", "recordings", "events")
    ]
    return Release(
        document,
        pa.Table.from_pylist(index, schema=INDEX),
        pa.Table.from_pylist(list(rows), schema=RECORDINGS),
        rejected,
    )


def sheet_of(release: Release, **stated: Any) -> Sheet:
    """The facts of a release, of which somebody has stated this."""
    return card_sheet(release.document, release_tally([release.index], [release.recordings]), release.rejected, stated)


def write_files(release: Release, folder: Path) -> None:
    """Writes tables and shards, and puts the places of the samples into the index and the hashes of the tables into the document."""
    (folder / "shards").mkdir()
    rows = release.index.to_pylist()
    for shard in release.document["shards"]:
        keys = [row["key"] for row in rows if row["split"] == shard["split"]]
        # Only the last sample has words: who takes the types from the first samples cannot read them.
        write_shard(folder / shard["path"], {key: "full" if key == keys[-1] else "little-known" for key in keys})
        shard["bytes"] = (folder / shard["path"]).stat().st_size  # a reader takes no more than is told
        shard["sha256"] = hashlib.sha256((folder / shard["path"]).read_bytes()).hexdigest()
        for sample in group_members(
            read_members_of(io.BytesIO((folder / shard["path"]).read_bytes()), max_bytes=shard["bytes"])
        ):
            place = {"offset": sample.start, "bytes": sample.stop - sample.start}
            next(row for row in rows if row["key"] == sample.key).update(place)
    release.index = pa.Table.from_pylist(rows, schema=INDEX)
    tables = {"index": release.index, "recordings": release.recordings, "events": EVENTS.empty_table()}
    for entry, (name, table) in zip(release.document["files"], tables.items(), strict=True):
        pq.write_table(table, folder / f"{name}.parquet")
        data = (folder / f"{name}.parquet").read_bytes()
        entry |= {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def write_shard(path: Path, examples: dict[str, str]) -> None:
    """Writes samples of these keys, each with the document of an example of the schema."""
    with tarfile.open(path, "w") as tar:
        for number, (key, example) in enumerate(examples.items()):
            buffer = io.BytesIO()
            np.save(buffer, np.full((2, 8, 375), number, np.uint16))
            described = json.loads((EXAMPLES / "sample" / "valid" / f"{example}.json").read_text())
            document = json.dumps({**described, "key": key}).encode()
            for member, data in ((f"{key}.json", document), (f"{key}.codes.npy", buffer.getvalue())):
                info = tarfile.TarInfo(member)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))


@pytest.fixture
def row() -> Callable[..., dict[str, Any]]:
    return make_row


@pytest.fixture
def build() -> Callable[..., Release]:
    return make_release


@pytest.fixture
def write() -> Callable[[Release, Path], None]:
    return write_files


@pytest.fixture
def shard() -> Callable[[Path, dict[str, str]], None]:
    return write_shard
