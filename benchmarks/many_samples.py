"""Makes releases for benchmarks of readers: few simulated conversations, and many samples of them under new keys."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from duologue_pipeline.files.storage import open_output, write_bytes
from duologue_pipeline.files.tables import read_table
from duologue_pipeline.files.text import canonical_json
from duologue_pipeline.reader import open_dataset, read_release
from duologue_pipeline.records import Statistics, Tokenized
from duologue_pipeline.release.write import ReleaseOptions, write_release
from duologue_pipeline.shards.tar import npy_bytes, write_members
from duologue_pipeline.shards.write import STAGING, write_shard

__all__ = ["repeat_release", "simulate_release"]


def simulate_release(folder: Path, *, conversations: int, minutes: float, audio: bool = False) -> Path:
    """Simulates conversations and makes a release of them with the embedded codec, all of it in train; gives its folder."""
    out = folder / "release"
    duologue = [sys.executable, "-m", "duologue_pipeline"]
    simulate = [
        "simulate",
        f"{folder}/sim",
        "--conversations",
        str(conversations),
        "--minutes",
        str(minutes),
        "--mix",
        "none",
    ]
    run = ["run", f"{folder}/sim/manifest.jsonl", "--ledger", f"{folder}/sim/consent.db", "--out", str(out)]
    more = ["--validation-share", "0", *(["--include-audio"] if audio else [])]
    for command in (simulate, [*run, *more]):
        subprocess.run([*duologue, *command], check=True, capture_output=True)
    return out


def repeat_release(base: Path, out: Path, *, samples: int, shards: int) -> Path:
    """Writes the samples of a release again and again, under new names, until there are so many; gives the folder.

    Everything goes through duologue's own writers, but for the encoder: members, shards, tables and ``dataset.json``.

    Args:
        base: a release whose samples are in train.
        out: where the new one goes.
        samples: how many it has at least.
        shards: over how many shards.
    """
    found = list(open_dataset(str(base)))
    held = {name: read_table(str(base / f"{name}.parquet")).to_pylist() for name in ("index", "recordings", "events")}
    recordings = held["recordings"]
    parts: dict[str, list[Tokenized]] = {}
    made = number = 0
    while made < samples:
        row = recordings[number % len(recordings)]
        own = [sample for sample in found if sample.metadata["recording_id"] == row["recording_id"]]
        shard = f"train-{number % shards:05d}"
        parts.setdefault(shard, []).append(_part(held, own, row, f"copy-{number:06d}", shard, f"{out}/{STAGING}"))
        made, number = made + len(own), number + 1
    release = read_release(str(base))
    told: dict[str, Any] = {name: release[name] for name in ("codec", "segment_s", "include_audio", "words")}
    options = ReleaseOptions(
        **told,
        name="repeated",
        purpose="training_inhouse",
        isolation_policy=release["isolation_policy"],
        second_opinion=None,
        asr=None,
        laughter=None,
        rules=release["rules"],
        ledger=release["ledger"],
        fingerprint=release["run"]["fingerprint"],
        manifest_sha256=release["run"]["manifest_sha256"],
    )
    written = [write_shard(name, own, out=str(out)) for name, own in parts.items()]
    write_release(written, [], out=str(out), options=options)
    return out


def _part(
    held: Mapping[str, list[dict[str, Any]]], own: list[Any], row: dict[str, Any], name: str, shard: str, staging: str
) -> Tokenized:
    """Writes the samples of a recording under another name, and their rows."""
    old = row["recording_id"]
    renamed: dict[str, list[dict[str, Any]]] = {
        table: [
            {**line, "recording_id": name, **({"key": line["key"].replace(old, name)} if "key" in line else {})}
            for line in lines
            if line["recording_id"] == old
        ]
        for table, lines in held.items()
    }
    offset, index = 0, []
    with open_output(f"{staging}/parts/{name}.part") as out:
        for sample in own:
            key = sample.key.replace(old, name)
            document = {**sample.metadata, "key": key, "recording_id": name}
            members = {"json": canonical_json(document), "codes.npy": npy_bytes(sample.codes)}
            size = write_members(out, key, members | ({"flac": sample.flac} if sample.flac else {}))
            (line,) = (line for line in renamed["index"] if line["key"] == key)
            index.append({**line, "offset": offset, "bytes": size})
            offset += size
    rows = {**renamed, "index": index, "filled": [["words", "events", "activity"]] * len(index), "part_bytes": offset}
    write_bytes(f"{staging}/parts/{name}.rows.json", json.dumps(rows, default=str).encode())
    return Tokenized(
        name,
        part_uri=f"{staging}/parts/{name}.part",
        rows_uri=f"{staging}/parts/{name}.rows.json",
        speakers=("", ""),
        language=None,
        statistics=Statistics(0, 0, 0, 0),
    )
