"""Measures the closing step of a release of very many shards and speakers: time, memory, and what it grows with.

    python -m benchmarks.closing_scale --shards 10000 --recordings 60 --speakers 100000 --made-up 500

Rows are made up, a shard at a time, as the shard step would write them, and summed up as it does; audio and shards do not exist.
Each line is one step: seconds of CPU and the peak of memory, each in a process of its own as a worker is. ``--folder`` keeps what is written.
"""

import argparse
import multiprocessing
import pickle
import random
import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from duologue_pipeline.events.speakers import SpeakerTotals
from duologue_pipeline.records import WrittenShard, WrittenTable
from duologue_pipeline.release.write import ReleaseOptions, stage_release
from duologue_pipeline.shards.summary import Summary, add_summaries, add_to, bucket, summarise
from duologue_pipeline.shards.write import WrittenSpeakers, write_speakers
from duologue_schemas.tables import INDEX, RECORDINGS, SHARD_TABLES

__all__ = ["closing_step", "made_up_summaries", "release_options", "speaker_files"]

_SAMPLES = 5


def made_up_summaries(*, shards: int, recordings: int, speakers: int, seed: int = 0) -> Iterator[Summary]:
    """Makes up the rows of shards and sums each up, one after the other.

    Args:
        shards: how many.
        recordings: of each, ten minutes long.
        speakers: of all; each recording has two that are drawn.
        seed: of what is drawn.
    """
    for number in range(shards):
        chance = random.Random(f"{seed}/{number}")
        rows = [_recording(f"call-{number}-{each}", chance, speakers) for each in range(recordings)]
        index = [
            {
                **_empty(INDEX),
                "key": f"{row['recording_id']}-{each:05d}",
                "recording_id": row["recording_id"],
                "split": "train",
            }
            for row in rows
            for each in range(_SAMPLES)
        ]
        yield summarise(pa.Table.from_pylist(index, schema=INDEX), pa.Table.from_pylist(rows, schema=RECORDINGS))


def speaker_files(summaries: Iterable[Summary]) -> dict[str, dict[str, SpeakerTotals]]:
    """Groups the speakers of summaries by the files of the table of speakers."""
    files: dict[str, dict[str, SpeakerTotals]] = {}
    for summary in summaries:
        for name, own in summary.speakers.items():
            speakers = files.setdefault(bucket(name), {})
            speakers[name] = speakers[name] + own if name in speakers else own
    return files


def closing_step(out: str, summary: Summary, speakers: list[WrittenSpeakers], *, shards: int, recordings: int) -> None:
    """Takes the closing step of so many shards, each with a file of each table; ``summary`` is that of all of them."""
    written = [_shard(number, recordings) for number in range(shards)]
    stage_release(written, [], summary, speakers, out=out, options=release_options())


def release_options() -> ReleaseOptions:
    """Says of the made-up release what a run says of one."""
    codec = {
        "name": "embedded",
        "sample_rate_hz": 16000,
        "frame_rate_hz": 12.5,
        "codebooks": 8,
        "cardinalities": [1024] * 8,
        "weights_sha256": "0" * 64,
        "quality": "Made up.",
    }
    return ReleaseOptions(
        name="made-up",
        purpose="training_inhouse",
        codec=codec,
        segment_s=120.0,
        include_audio=False,
        words="optional",
        isolation_policy="keep",
        second_opinion=None,
        asr=None,
        laughter=None,
        rules={"events": "1.0"},
        ledger={"ledger_id": "ledger-1", "events": 1, "checkpoint": f"o\n1\n{'A' * 43}=\n\n\u2014 o {'A' * 91}=\n"},
        fingerprint="f" * 64,
        manifest_sha256="e" * 64,
    )


def _recording(name: str, chance: random.Random, speakers: int) -> dict[str, Any]:
    pair = [f"{random.Random(chance.randrange(speakers)).getrandbits(256):064x}" for _ in "ab"]
    ftos_s = [round(chance.gauss(0.2, 0.5), 3) for _ in range(80)]
    row = _empty(RECORDINGS)
    row |= {"recording_id": name, "split": "train", "speaker_a": pair[0], "speaker_b": pair[1], "duration_s": 600.0}
    row |= {"speech_a_s": 250.0, "speech_b_s": 240.0, "overlap_s": 20.0, "isolation": "pass", "language": "en"}
    row |= {"started_at": f"2026-0{chance.randrange(1, 10)}-01T10:00:00Z", "ftos_s": ftos_s, "ftos_a_s": ftos_s[:40]}
    row |= {"ftos_b_s": ftos_s[40:], "overlap_share_of_speech": chance.random() / 5, "said_words_a": 700}
    row |= {"bleed_db_a_from_b": -chance.random() * 60, "floor_db_b_from_a": -60 * chance.random(), "said_words_b": 650}
    row["kinds"] = [
        {"kind": kind, "speaker": side, "events": chance.randrange(90), "seconds": 12.0}
        for kind in ("turn", "pause", "gap", "overlap", "backchannel", "ipu", "interruption")
        for side in "ab"
    ]
    return row


def _empty(schema: pa.Schema) -> dict[str, Any]:
    return {column.name: None if column.nullable else _nothing(column.type) for column in schema}


def _nothing(type_: pa.DataType) -> Any:
    if pa.types.is_list(type_):
        return []
    if pa.types.is_string(type_):
        return ""
    return False if pa.types.is_boolean(type_) else 0


def _shard(number: int, recordings: int) -> WrittenShard:
    sha256 = f"{number:064x}"
    rows = {"index": recordings * _SAMPLES, "recordings": recordings, "events": recordings * 750}
    tables = tuple(
        WrittenTable(f"{name}/train-{number:05d}.parquet", rows[name], sha256, 10**6) for name in SHARD_TABLES
    )
    name = f"train-{number:05d}-{sha256[:12]}.tar"
    return WrittenShard(name, "train", sha256, 4 * 10**7, rows["index"], recordings * 600_000, tables)


def _measured(work: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Does work in a process of its own, and prints its seconds of CPU and its peak of memory."""
    ours, theirs = multiprocessing.Pipe()

    def begin() -> None:
        before = time.process_time()
        result = work(*arguments, **options)
        seconds = time.process_time() - before
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        theirs.send_bytes(pickle.dumps((result, seconds, peak)))

    process = multiprocessing.get_context("fork").Process(target=begin)
    process.start()
    result, seconds, peak = pickle.loads(ours.recv_bytes())
    process.join()
    print(f"{work.__name__.strip('_'):<24} {seconds:8.1f} s CPU  {peak:8.0f} MB at most", flush=True)
    return result


def _one_shard(recordings: int, speakers: int) -> None:
    list(made_up_summaries(shards=1, recordings=recordings, speakers=speakers))


def _add_up(folder: Path, shards: int) -> Summary:
    """Adds up the summaries of shards as a combiner does, one after the other."""
    total = Summary()
    for path in islice(cycle(sorted(folder.iterdir())), shards):
        add_to(total, pickle.loads(path.read_bytes()).without_speakers())
    return add_summaries([total])


def _write_summaries(folder: Path, shards: int, recordings: int, speakers: int) -> None:
    summaries = made_up_summaries(shards=shards, recordings=recordings, speakers=speakers)
    for number, summary in enumerate(summaries):
        (folder / f"{number:05d}").write_bytes(pickle.dumps(summary))


def _all_speakers(folder: Path, out: str) -> list[WrittenSpeakers]:
    """Writes every file of the table of speakers; workers do a file each."""
    files = speaker_files(pickle.loads(path.read_bytes()) for path in sorted(folder.iterdir()))
    return [write_speakers(name, own, out=out) for name, own in sorted(files.items())]


def main() -> None:
    """Measures each step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=int, default=10_000)
    parser.add_argument(
        "--made-up", type=int, default=500, help="of so many shards rows are made up; the others have the same"
    )
    parser.add_argument("--recordings", type=int, default=60, help="of each shard")
    parser.add_argument("--speakers", type=int, default=100_000)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    top = options.folder or Path(tempfile.mkdtemp(prefix="closing-"))
    parts = top / "summaries"
    parts.mkdir(parents=True)
    _measured(_one_shard, options.recordings, options.speakers)
    _measured(_write_summaries, parts, options.made_up, options.recordings, options.speakers)
    size = sum(path.stat().st_size for path in parts.iterdir())
    print(f"{size / options.made_up / 1000:.0f} kB of summary a shard", flush=True)
    summary = _measured(_add_up, parts, options.shards)
    people = _measured(_all_speakers, parts, str(top))
    print(f"{len(people)} files of speakers, {sum(each.file.rows for each in people)} rows", flush=True)
    _measured(closing_step, str(top), summary, people, shards=options.shards, recordings=options.recordings)
    if not options.folder:
        shutil.rmtree(top)


if __name__ == "__main__":
    main()
