"""Makes what a run of very many recordings leaves, without any audio: the manifest, decisions, tables and samples.

Rows and samples are those of the demo, made by a run, under other names: recordings have about five samples each. Of the shards
only what is asked for is written; the rest of their files is empty space.
"""

import hashlib
import io
import json
import pickle
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from duologue_consent import Ledger, Purpose, Snapshot, parse_time
from duologue_pipeline.demo import demo_files
from duologue_pipeline.demo.ledger import ledger_for
from duologue_pipeline.files.tables import read_table
from duologue_pipeline.files.text import canonical_json
from duologue_pipeline.reader import open_dataset
from duologue_pipeline.records import WrittenShard, WrittenTable
from duologue_pipeline.shards.summary import Summary, add_to, bucket, summarise
from duologue_pipeline.shards.tar import npy_bytes, write_members
from duologue_pipeline.shards.write import lay_ready, ready_folder, write_speakers
from duologue_schemas.tables import TABLES

__all__ = [
    "Corpus",
    "Pattern",
    "commitment",
    "durations_ms",
    "make_demo",
    "name_of",
    "read_rows",
    "sample_bytes",
    "snapshot_of",
    "write_manifest",
    "write_samples",
    "write_tables",
]

_GRANTED: Any = parse_time("2025-06-01T00:00:00Z")
_EVENTS_PER_HOUR = 4495
_EVENT_BYTES = 26


@dataclass(frozen=True)
class Corpus:
    """Describes a corpus: so many recordings of so many minutes, between so many speakers, in so many shards.

    The last twentieth of the recordings is of the last twentieth of the speakers, and is validation.
    """

    recordings: int
    speakers: int
    minutes: float
    shards: int

    @cached_property
    def pairs(self) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
        """Draws the speakers of each recording: int64 [recordings, 2], two different ones of one split."""
        chance = np.random.default_rng(7)
        edge, people = self.first_of_validation, self.speakers * 19 // 20
        sizes = np.where(np.arange(self.recordings) < edge, people, self.speakers - people)
        first = chance.integers(0, sizes)
        second = (first + chance.integers(1, sizes)) % sizes
        start = np.where(np.arange(self.recordings) < edge, 0, people)
        return np.stack([start + first, start + second], axis=1)

    @property
    def first_of_validation(self) -> int:
        return self.recordings * 19 // 20

    def shard_ranges(self) -> Iterator[tuple[str, range]]:
        """Names the shards, each with the numbers of its recordings."""
        edge = self.first_of_validation
        for split, start, stop in (("train", 0, edge), ("validation", edge, self.recordings)):
            count = max(1, self.shards * (stop - start) // self.recordings)
            edges = np.linspace(start, stop, count + 1).astype(int)
            for number in range(count):
                yield f"{split}-{number:05d}", range(edges[number], edges[number + 1])


def commitment(speaker: int) -> str:
    """Makes the commitment of a speaker: 64 hex digits."""
    return hashlib.sha256(f"speaker-{speaker}".encode()).hexdigest()


def write_manifest(corpus: Corpus, path: Path) -> None:
    """Writes the manifest: a line a recording."""
    with path.open("w") as file:
        for number, (a, b) in enumerate(corpus.pairs.tolist()):
            tracks = [
                {"speaker_id": f"person-{speaker:06d}", "uri": f"s3://calls/{number:07d}/{side}.flac"}
                for side, speaker in (("a", a), ("b", b))
            ]
            document = {"recording_id": name_of(number), "language": "en-US", "tracks": tracks}
            file.write(json.dumps({**document, "started_at": "2026-03-01T10:00:00Z"}) + "\n")


def snapshot_of(corpus: Corpus, folder: Path) -> Snapshot:
    """Makes the state of a ledger in which each speaker has agreed to recording and training."""
    ledger = Ledger.create(folder / "consent.db")
    events = ledger.grant("somebody", [Purpose.RECORDING, Purpose.TRAINING_INHOUSE], at=_GRANTED)
    ids = [f"person-{number:06d}" for number in range(corpus.speakers)]
    decisions = [replace(event, speaker_id=each) for each in ids for event in events]
    pseudonyms = {each: hashlib.sha256(each.encode()).hexdigest() for each in ids}
    return Snapshot.of(
        ledger_id="scale",
        events=len(decisions),
        salt=bytes(32),
        decisions=decisions,
        pseudonyms=pseudonyms,
        latest=max(event.at for event in events),
    )


def name_of(number: int) -> str:
    """Names a recording; all names are of one length."""
    return f"call-{number:07d}"


def make_demo(folder: Path) -> Path:
    """Runs the recordings of the demo, with samples so short that each has about five; gives the release."""
    out = folder / "demo"
    manifest, ledger = str(demo_files().manifest), str(ledger_for(str(out)))
    command = [sys.executable, "-m", "duologue_pipeline", "run", manifest, "--out", str(out), "--ledger", ledger]
    subprocess.run([*command, "--segment-s", "9"], check=True, capture_output=True)
    return out


class Pattern:
    """Holds the recordings of the demo with their samples, under names as long as those of a corpus."""

    def __init__(self, demo: Path) -> None:
        samples = [sample for split in ("train", "validation") for sample in open_dataset(str(demo), split)]
        held = {name: read_table(str(demo / f"{name}.parquet")).to_pylist() for name in ("index", "recordings")}
        self.recordings = sorted(held["recordings"], key=lambda row: row["recording_id"])
        rows = {each["key"]: each for each in held["index"]}
        self.samples = [
            [each for each in samples if each.metadata["recording_id"] == row["recording_id"]]
            for row in self.recordings
        ]
        self.index = {
            split: [
                [{**rows[each.key], "bytes": len(sample_bytes(each, 0, (0, 0), split))} for each in own]
                for own in self.samples
            ]
            for split in ("train", "validation")
        }

    def __len__(self) -> int:
        return len(self.recordings)


def sample_bytes(sample: Any, number: int, speakers: tuple[int, int], split: str) -> bytes:
    """Writes a sample of the demo as one of a recording of the corpus: its members in a tar."""
    about = sample.metadata
    key = f"{name_of(number)}-{about['segment']:05d}"
    people = {
        side: {**about["speakers"][side], "commitment": commitment(speaker)}
        for side, speaker in zip("ab", speakers, strict=True)
    }
    document = {**about, "key": key, "recording_id": name_of(number), "speakers": people, "split": split}
    out = io.BytesIO()
    write_members(out, key, {"json": canonical_json(document), "codes.npy": npy_bytes(sample.codes)})
    return out.getvalue()


def write_tables(corpus: Corpus, demo: Path, out: Path) -> None:
    """Writes the tables of all shards as the shard step does, that of speakers, and what the closing step is given.

    ``closing.pickle`` holds the shards, their summary, and the files of speakers.
    """
    pattern, ready = Pattern(demo), ready_folder(str(out), "")
    written, whole = [], Summary()
    for shard, numbers in corpus.shard_ranges():
        split = shard.partition("-")[0]
        path = f"shards/{shard}-{hashlib.sha256(shard.encode()).hexdigest()[:12]}.tar"
        index, recordings, offset = [], [], 0
        for number in numbers:
            a, b = (commitment(int(each)) for each in corpus.pairs[number])
            told = {"recording_id": name_of(number), "shard": path, "split": split, "speaker_a": a, "speaker_b": b}
            own = pattern.index[split][number % len(pattern)]
            recordings.append({**pattern.recordings[number % len(pattern)], **told})
            for row in own:
                index.append({**row, **told, "key": f"{name_of(number)}-{row['segment']:05d}", "offset": offset})
                offset += row["bytes"]
        made = {
            name: pa.Table.from_pylist(rows, schema=TABLES[name])
            for name, rows in (("index", index), ("recordings", recordings))
        }
        tables = [lay_ready(ready, f"{name}/{shard}.parquet", table) for name, table in made.items()]
        add_to(whole, summarise(made["index"], made["recordings"]))
        events = round(len(numbers) * corpus.minutes / 60 * _EVENTS_PER_HOUR)  # nobody reads them in the closing step
        tables.append(WrittenTable(f"events/{shard}.parquet", events, "0" * 64, events * _EVENT_BYTES))
        duration_ms = round(1000 * sum(row["end_s"] - row["start_s"] for row in index))
        name, digest = path.removeprefix("shards/"), hashlib.sha256(shard.encode()).hexdigest()
        written.append(WrittenShard(name, split, digest, offset + 10240, len(index), duration_ms, tables=tuple(tables)))
    by_file: dict[str, dict[str, Any]] = {}
    for name, totals in whole.speakers.items():
        by_file.setdefault(bucket(name), {})[name] = totals
    speakers = [write_speakers(name, own, out=str(out)) for name, own in by_file.items()]
    (out / "closing.pickle").write_bytes(pickle.dumps((written, whole.without_speakers(), speakers)))


def write_samples(corpus: Corpus, demo: Path, root: Path, keys: list[str]) -> None:
    """Writes some samples into the files of their shards, all else of which is a hole."""
    pattern = Pattern(demo)
    rows = {row["key"]: row for row in read_rows(root, keys)}
    for key in keys:
        row = rows[key]
        number = int(row["recording_id"].removeprefix("call-"))
        sample = next(
            each for each in pattern.samples[number % len(pattern)] if each.metadata["segment"] == row["segment"]
        )
        a, b = corpus.pairs[number].tolist()
        path = root / row["shard"]
        path.parent.mkdir(exist_ok=True)
        path.touch()
        with path.open("r+b") as file:
            file.truncate(row["shard_bytes"])
            file.seek(row["offset"])
            file.write(sample_bytes(sample, number, (a, b), row["split"]))


def read_rows(root: Path, keys: list[str]) -> list[dict[str, Any]]:
    """Reads the rows of samples from the index, with the sizes of their shards."""
    release = json.loads((root / "dataset.json").read_bytes())
    sizes = {shard["path"]: shard["bytes"] for shard in release["shards"]}
    wanted, found = set(keys), []
    names = {name_of(int(key.split("-")[1])) for key in keys}
    for path in sorted((root / "index").glob("*.parquet")) or [root / "index.parquet"]:
        table = read_table(str(path))
        columns = table["recording_id"].to_pylist()
        if names.isdisjoint(columns):
            continue
        found += [{**row, "shard_bytes": sizes[row["shard"]]} for row in table.to_pylist() if row["key"] in wanted]
    return found


def durations_ms(corpus: Corpus, *, seed: int = 0) -> list[int]:
    """Draws how long recordings are, in ms: half to one and a half times the usual length."""
    chance = random.Random(seed)
    usual_ms = corpus.minutes * 60_000
    return [round(usual_ms * chance.uniform(0.5, 1.5)) for _ in range(corpus.recordings)]
