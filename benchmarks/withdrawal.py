"""Measures what it costs to take one speaker out of a large release, against writing the release again.

    OMP_NUM_THREADS=1 python benchmarks/withdrawal.py [--samples 10000] [--run-s-per-hour S]

The release is made here without audio: codes are random, words and events are made up in the number that a telephone
conversation has, and all else (samples, shards, tables, cards, ledger) is written by the code that a run uses, in the
sizes that a run gives. One speaker has withdrawn; on ``--bleed`` the isolation report of the speaker's calls does not
allow silencing, so the samples are dropped and the other side goes with them.

A rebuild of a release means `duologue run` over the audio again. What is measured here is its cheapest part, reading
every shard and writing it again; the rest is extrapolated from ``--run-s-per-hour``, the CPU seconds of `duologue run`
for an hour of conversation (benchmarks/engine.py). Prints one JSON document.
"""

import argparse
import json
import random
import shutil
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from duologue_consent import ALL_FORMS, Ledger, Purpose, parse_time
from duologue_consent.ledger.publication import publish_log
from duologue_consent.proofs.notes import open_checkpoint
from duologue_consent.verify import verify_receipt
from duologue_pipeline.codec.document import release_codec_document
from duologue_pipeline.codec.registry import open_codec
from duologue_pipeline.files.text import canonical_json
from duologue_pipeline.reader import open_dataset
from duologue_pipeline.records import (
    FAULTS,
    Activity,
    Annotated,
    AudioReport,
    BleedReport,
    ConsentBasis,
    Consented,
    Event,
    FaultReport,
    GrantRef,
    IsolationReport,
    Span,
    SpeakerConsent,
    Statistics,
    TaggedWord,
    Tokenized,
    Track,
    TrackReport,
)
from duologue_pipeline.release.write import ReleaseOptions, write_release
from duologue_pipeline.rules.versions import rule_versions
from duologue_pipeline.shards.tar import npy_bytes, write_members
from duologue_pipeline.shards.write import STAGING, write_shard
from duologue_pipeline.tokens.rows import event_rows, index_row, recording_row
from duologue_pipeline.tokens.samples import MAY_BE_EMPTY, sample_document
from duologue_pipeline.tokens.segments import Segment
from duologue_pipeline.withdrawal.protocol import propagate_release

SEGMENT_S = 120
SAMPLES_A_CALL = 5
SAMPLES_A_SHARD = 300  # ten hours, as `duologue run` plans them
WORDS_A_MINUTE, EVENTS_A_MINUTE = 90, 25  # of each speaker; of both


def conversation(number: int, speakers: tuple[str, str], consent: ConsentBasis, floor_db: float) -> Annotated:
    """Makes up a telephone call of ten minutes."""
    draw = random.Random(number)
    end_ms = SAMPLES_A_CALL * SEGMENT_S * 1000
    track = TrackReport(8000, end_ms * 8, f"{number:064x}", -3.0, -26.0, 0.0, 0.0, 0.0, 3400)
    bleed = BleedReport(None, floor_db, None, 0.01, 120.0)
    spans = [Span(start, start + 2600) for start in range(0, end_ms - 6000, 6000)]
    kinds = ("ipu", "turn", "pause", "gap", "backchannel", "floor_transfer")
    starts = sorted(draw.sample(range(0, end_ms - 3000, 10), EVENTS_A_MINUTE * end_ms // 60_000))

    def words(side: str) -> tuple[TaggedWord, ...]:
        count = WORDS_A_MINUTE * end_ms // 60_000
        places = sorted(draw.sample(range(0, end_ms - 400, 10), count))
        return tuple(TaggedWord(f"{side}{draw.randrange(9999)}", place, place + 300, 0.9) for place in places)

    return Annotated(
        recording=Consented(
            recording_id=f"call-{number:05d}",
            a=Track(speakers[0], "a.wav"),
            b=Track(speakers[1], "b.wav"),
            language="en-US",
            started_at="2026-03-01T10:00:00Z",
            setting="telephone",
            consent=consent,
        ),
        audio=AudioReport(end_ms, track, replace(track, samples_sha256=f"{number + 10**9:064x}")),
        isolation=IsolationReport("pass", bleed, bleed, {name: FaultReport(found=False) for name in FAULTS}, "1.0"),
        activity=Activity(tuple(spans), tuple(Span(s.start_ms + 3000, s.end_ms + 3000) for s in spans), "1.0"),
        events=tuple(Event(draw.choice(kinds), draw.choice("ab"), place, place + 800) for place in starts),
        statistics=Statistics(end_ms, end_ms // 2, end_ms // 2, end_ms // 50, ftos_b_ms=(100,)),
        events_rules="1.0",
        words_a=words("a"),
        words_b=words("b"),
        words_check_a=None,
        words_check_b=None,
    )


def write_part(call: Annotated, shard: str, staging: Path) -> Tokenized:
    """Writes what the tokenizer leaves of a conversation, with random codes."""
    codec = open_codec("embedded")
    frames = round(SEGMENT_S * codec.frame_rate_hz)
    draw = np.random.default_rng(int(call.recording.recording_id[-5:]))
    name = staging / "parts" / call.recording.recording_id
    name.parent.mkdir(parents=True, exist_ok=True)
    index: list[dict[str, Any]] = []
    filled, offset = [], 0
    with name.with_suffix(".part").open("wb") as out:
        for number in range(SAMPLES_A_CALL):
            segment = Segment(number, number * frames, (number + 1) * frames)
            document = sample_document(call, segment, split="train", codec=codec)
            codes = draw.integers(0, codec.cardinalities[0], (2, codec.codebooks, frames), dtype=np.uint16)
            size = write_members(
                out, document["key"], {"json": canonical_json(document), "codes.npy": npy_bytes(codes)}
            )
            index.append(index_row(document, offset=offset, size=size))
            filled.append([field for field in MAY_BE_EMPTY if document[field]])
            offset += size
    rows = {
        "index": index,
        "recordings": [recording_row(call, samples=len(index))],
        "events": event_rows(call),
        "filled": filled,
        "part_bytes": offset,
    }
    name.with_suffix(".rows.json").write_bytes(canonical_json(rows))
    return Tokenized(
        call.recording.recording_id,
        str(name.with_suffix(".part")),
        f"{name}.rows.json",
        speakers=(call.consent.a.commitment, call.consent.b.commitment),
        language=call.recording.language,
        statistics=call.statistics,
    )


def make_release(folder: Path, samples: int, *, floor_db: float = -60.0) -> tuple[Path, Ledger, str]:
    """Makes a release of about ``samples`` samples and its ledger; gives the speaker who will withdraw, too.

    Every speaker is in five calls, of which each is likely to be in another shard.
    """
    calls = max(SAMPLES_A_CALL, samples // SAMPLES_A_CALL)
    people = [f"spk-{number:05d}" for number in range(max(2, calls * 2 // 5))]
    ledger = Ledger.create(folder / "consent.db")
    fields: list[dict[str, Any]] = []
    for speaker in people:
        for purpose in (Purpose.RECORDING, Purpose.TRAINING_INHOUSE):
            fields.append(
                {
                    "speaker_id": speaker,
                    "purpose": purpose.value,
                    "action": "grant",
                    "at": "2026-01-01T00:00:00Z",
                    "forms": ["audio", "transcript", "tokens", "annotations"],
                }
            )
    ledger.append_decisions(fields)
    snapshot, note = ledger.snapshot(), ledger.checkpoint()
    codec, out = open_codec("embedded"), folder / "out"

    def consent(speaker: str) -> SpeakerConsent:
        grants = (GrantRef("training_inhouse", "0" * 64, "2026-01-01T00:00:00Z"),)
        return SpeakerConsent(snapshot.commitment(speaker), grants)

    parts: dict[str, list[Tokenized]] = {}
    for number in range(calls):
        pair = people[number * 2 % len(people)], people[(number * 2 + 1 + 2 * (number // len(people))) % len(people)]
        basis = ConsentBasis("training_inhouse", snapshot.ledger_id, ALL_FORMS, consent(pair[0]), consent(pair[1]))
        shard = f"train-{number * SAMPLES_A_CALL // SAMPLES_A_SHARD:05d}"
        call = conversation(number, pair, basis, floor_db)
        parts.setdefault(shard, []).append(write_part(call, shard, out / STAGING))
    shards = [write_shard(shard, own, out=str(out)) for shard, own in parts.items()]
    pinned = {
        "ledger_id": snapshot.ledger_id,
        "events": open_checkpoint(note, ledger.verifiers).size,
        "checkpoint": note.decode(),
    }
    options = ReleaseOptions(
        name="benchmark",
        purpose="training_inhouse",
        codec=release_codec_document(codec),
        segment_s=SEGMENT_S,
        include_audio=False,
        words="optional",
        isolation_policy="refuse-fail",
        second_opinion=None,
        asr=None,
        laughter=None,
        rules=rule_versions(),
        ledger=pinned,
        fingerprint="f" * 64,
        manifest_sha256="e" * 64,
    )
    write_release(shards, [], out=str(out), options=options)
    publish_log(ledger, lambda name, data: _write(out / name, data), checkpoint=note)
    return out, ledger, people[0]


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def copy_shards(out: Path, folder: Path) -> float:
    """Reads and rewrites every shard sample by sample, the cheapest part of a rebuild; gives the seconds."""
    from duologue_pipeline.reader.shard import read_members

    folder.mkdir()
    began = time.monotonic()
    for shard in sorted((out / "shards").iterdir()):
        with (folder / shard.name).open("wb") as stream:
            for key, members in read_members(str(shard)):
                document = json.loads(members["json"])
                write_members(stream, key, {**members, "json": canonical_json(document)})
    return time.monotonic() - began


class Watcher(threading.Thread):
    """Reads the release again and again, as a training loop does, and notes when the speaker was last seen."""

    def __init__(self, out: Path, commitment: str) -> None:
        super().__init__(daemon=True)
        self._out, self._commitment, self.last_seen, self.ended = out, commitment, 0.0, threading.Event()

    def run(self) -> None:
        while not self.ended.is_set():
            for sample in open_dataset(str(self._out)):
                if self._commitment in {each["commitment"] for each in sample.metadata["speakers"].values()}:
                    self.last_seen = time.monotonic()
                if self.ended.is_set():
                    return


def measure(samples: int, *, floor_db: float, run_s_per_hour: float | None, watch: bool) -> dict[str, Any]:
    """Measures all figures of one withdrawal."""
    with tempfile.TemporaryDirectory(prefix="duologue-withdrawal-") as temporary:
        folder = Path(temporary)
        began = time.monotonic()
        out, ledger, speaker = make_release(folder, samples, floor_db=floor_db)
        made_s = time.monotonic() - began
        release = json.loads((out / "dataset.json").read_bytes())
        rebuilt_s = copy_shards(out, folder / "again")
        shutil.rmtree(folder / "again")
        commitment = ledger.snapshot().commitment(speaker)
        index = _index(out)
        gone = {row["key"] for row in index if commitment in (row["speaker_a"], row["speaker_b"])}
        ledger.withdraw(speaker, at=parse_time("2026-05-01T00:00:00Z"))
        watcher = Watcher(out, commitment)
        if watch:
            watcher.start()
            time.sleep(2)
        began, began_cpu = time.monotonic(), time.process_time()
        said = [("reading the release and the ledger", began)]
        (outcome,) = propagate_release(
            str(out), ledger, tell=lambda text: said.append((text.split(" of ")[0], time.monotonic()))
        )
        seconds, cpu_s = time.monotonic() - began, time.process_time() - began_cpu
        ends = [at for _, at in said[1:]] + [began + seconds]
        steps = {text: round(end - at, 3) for (text, at), end in zip(said, ends, strict=True)}
        published = next(at for text, at in said if text == "deciding")
        time.sleep(1.0 if watch else 0.0)
        watcher.ended.set()
        began = time.monotonic()
        findings = verify_receipt(
            (out / str(outcome.receipt)).read_bytes(),
            keys=ledger.public_key_text(),
            checkpoint=ledger.checkpoint(),
            dataset=out,
            log=b"".join(ledger.log_lines()),
        )
        verified_s = time.monotonic() - began
        hours = release["totals"]["duration_s"] / 3600
        counts = outcome.counts
        document = {
            "samples": release["totals"]["samples"],
            "hours": round(hours, 1),
            "bytes": release["totals"]["bytes"],
            "shards": len(release["shards"]),
            "made_s": round(made_s, 1),
            "samples_of_the_speaker": len(gone),
            "counts": counts,
            "propagation_s": round(seconds, 2),
            "propagation_cpu_s": round(
                cpu_s, 2
            ),  # on a busy machine the time that counts; with --watch the reader's too
            "readers_skip_after_s": round(outcome.revoked_after_s or 0.0, 3),
            "copying_every_shard_s": round(rebuilt_s, 2),
            "propagation_over_copying": round(seconds / rebuilt_s, 4),
            "bytes_written": outcome.written_bytes,
            "bytes_touched": outcome.touched_bytes,
            "written_over_touched": round(outcome.written_bytes / outcome.touched_bytes, 4),
            "over_deletion": round(counts["removed_s"] / counts["withdrawn_s"], 4),
            "verifying_the_receipt_s": round(verified_s, 2),
            "faults": [finding.text for finding in findings if finding.kind == "fault"],
            "steps_s": steps,
        }
        if watch:
            document["last_seen_by_a_running_reader_after_publication_s"] = round(
                max(0.0, watcher.last_seen - published), 3
            )
        if run_s_per_hour is not None:
            document["rebuild_by_duologue_run_s"] = round(run_s_per_hour * hours, 1)
            document["propagation_over_rebuild"] = round(seconds / (run_s_per_hour * hours), 6)
            document["propagation_cpu_over_rebuild"] = round(cpu_s / (run_s_per_hour * hours), 6)
        return document


def _index(out: Path) -> list[dict[str, Any]]:
    from duologue_pipeline.files.tables import read_table

    rows: list[dict[str, Any]] = read_table(str(out / "index.parquet")).to_pylist()
    return rows


def main() -> None:
    """Measures and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument(
        "--run-s-per-hour", type=float, help="takes so many CPU seconds of `duologue run` for an hour of conversation"
    )
    parser.add_argument("--bleed", action="store_true", help="allows no silencing, so that the samples are dropped")
    parser.add_argument(
        "--watch", action="store_true", help="reads the release meanwhile, in a thread, which makes times longer"
    )
    options = parser.parse_args()
    floor_db = -10.0 if options.bleed else -60.0
    document = measure(options.samples, floor_db=floor_db, run_s_per_hour=options.run_s_per_hour, watch=options.watch)
    print(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
