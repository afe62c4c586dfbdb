"""Measures what a run costs: CPU seconds of each stage, against a plain loop, peak memory, bytes.

    OMP_NUM_THREADS=1 python benchmarks/run_cost.py A.flac B.flac [--copies 8] [--repeats 3]

A and B are the two tracks of one conversation; it is listed ``--copies`` times under different names. Everything runs
in processes of one thread. The loop is the same functions called one after the other in plain Python, with no Beam.
The memory figures are the peak resident set of a whole `duologue run` on one conversation, made by repeating the
tracks until they last 3 and 60 minutes.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

STARTED_AT = "2026-03-01T10:00:00Z"
GRANTED_AT = "2026-01-01T00:00:00Z"


def make_corpus(folder: Path, tracks: tuple[Path, Path], copies: int) -> tuple[Path, Path]:
    """Writes a manifest that lists the tracks ``copies`` times and a ledger that allows it; gives both paths."""
    from duologue_consent import Ledger, Purpose, parse_time

    manifest, ledger_path = folder / "manifest.jsonl", folder / "consent.db"
    lines = [
        json.dumps(
            {
                "recording_id": f"copy-{number:04d}",
                "language": "en-US",
                "started_at": STARTED_AT,
                "tracks": [
                    {"speaker_id": f"spk-{number}-{name}", "uri": str(track.absolute())}
                    for name, track in zip("ab", tracks, strict=True)
                ],
            }
        )
        for number in range(copies)
    ]
    manifest.write_text("\n".join(lines) + "\n")
    ledger = Ledger.create(ledger_path)
    for number in range(copies):
        for name in "ab":
            purposes = Purpose.RECORDING, Purpose.TRAINING_INHOUSE
            ledger.grant(f"spk-{number}-{name}", purposes, at=parse_time(GRANTED_AT))
    return manifest, ledger_path


def loop(manifest: Path, ledger: Path, out: Path) -> dict[str, float]:
    """Runs the functions of the pipeline in a plain loop; gives the CPU seconds of each stage."""
    from duologue_consent import Ledger
    from duologue_pipeline.activity.network import load_vad
    from duologue_pipeline.codec.document import codec_document
    from duologue_pipeline.codec.registry import open_codec
    from duologue_pipeline.consent.decide import decide
    from duologue_pipeline.consent.gate import check_consent
    from duologue_pipeline.conversation import activity_stage, events_stage, ingest_stage, isolation_stage, words_stage
    from duologue_pipeline.events.totals import corpus_totals
    from duologue_pipeline.read.manifest import parse_line, read_lines
    from duologue_pipeline.records import Annotated, Recording
    from duologue_pipeline.release.write import ReleaseOptions, write_release
    from duologue_pipeline.rules.versions import rule_versions
    from duologue_pipeline.shards.plan import plan_shards
    from duologue_pipeline.shards.splits import PlanEntry, plan_splits
    from duologue_pipeline.shards.write import write_shard
    from duologue_pipeline.tokens.encode import TokenizeOptions, tokenize_conversation

    spent: dict[str, float] = {}

    def timed(stage: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        began = time.process_time()
        result = function(*args, **kwargs)
        spent[stage] = spent.get(stage, 0.0) + time.process_time() - began
        return result

    opened = Ledger.open(ledger)
    snapshot = opened.snapshot()
    vad = timed("load models", load_vad)
    codec = timed("load models", open_codec, "embedded")
    conversations: list[Annotated] = []
    check = partial(
        check_consent,
        snapshot=snapshot,
        purpose="training_inhouse",
        as_of=datetime.now(UTC),
        ledger_name=str(ledger),
        include_audio=False,
        words="optional",
        asr=False,
    )
    for line in read_lines(str(manifest)):
        recording = timed("read", parse_line, line, manifest_uri=str(manifest))
        assert isinstance(recording, Recording)
        consented = timed("consent", decide, recording, check)
        ingested = timed("ingest", ingest_stage, consented)
        measured = timed("isolation", isolation_stage, ingested)
        active = timed("activity", activity_stage, measured, vad)
        worded = timed("words", words_stage, active, policy="optional")
        conversations.append(timed("events", events_stage, worded))
    entries = [
        PlanEntry(c.recording.recording_id, c.consent.a.commitment, c.consent.b.commitment, c.audio.duration_ms)
        for c in conversations
    ]
    splits = plan_splits(entries, validation_share=0.05, bridge_share=0)
    shards = plan_shards(entries, splits, shard_s=36000)
    parts: dict[str, list[Any]] = {}
    for conversation in conversations:
        recording_id = conversation.recording.recording_id
        part = timed(
            "tokens",
            tokenize_conversation,
            conversation,
            codec=codec,
            options=TokenizeOptions(),
            staging=f"{out}/.staging",
        )
        parts.setdefault(shards[recording_id], []).append(part)
    written = [timed("shards", write_shard, shard, found, out=str(out)) for shard, found in sorted(parts.items())]
    options = ReleaseOptions(
        name="loop",
        purpose="training_inhouse",
        codec={**codec_document(codec), "quality": codec.quality},
        segment_s=120.0,
        include_audio=False,
        words="optional",
        isolation_policy="refuse-fail",
        second_opinion=None,
        asr=None,
        rules=rule_versions(),
        ledger=opened.release_pin(),
        fingerprint="0" * 64,
        manifest_sha256="0" * 64,
    )
    totals = corpus_totals((x.statistics, x.speakers, x.language) for own in parts.values() for x in own)
    timed("release", write_release, written, [], totals, out=str(out), options=options)
    return spent


def measured_process(arguments: list[str]) -> tuple[float, float, float]:
    """Runs a command; gives its CPU seconds, wall seconds and peak resident MiB."""
    began = time.monotonic()
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(arguments)}\n{output.decode(errors='replace')}")
    return usage.ru_utime + usage.ru_stime, time.monotonic() - began, usage.ru_maxrss / 1024


def run_command(manifest: Path, ledger: Path, out: Path) -> list[str]:
    """Gives the command line of the run that is measured."""
    return [
        *(sys.executable, "-m", "duologue_pipeline"),
        *("run", str(manifest), "--out", str(out), "--ledger", str(ledger)),
    ]


def repeat_track(source: Path, target: Path, seconds: float) -> None:
    """Writes a track of ``seconds`` seconds by repeating the source."""
    pcm, rate_hz = soundfile.read(source, dtype="int16")
    soundfile.write(target, np.resize(pcm, round(seconds * rate_hz)), rate_hz)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tracks", nargs=2, type=Path, metavar="TRACK")
    parser.add_argument("--copies", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--loop", nargs=3, type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.loop:
        print(json.dumps(loop(*arguments.loop)))
        return
    tracks: tuple[Path, Path] = tuple(arguments.tracks)
    hours = arguments.copies * soundfile.info(tracks[0]).duration / 3600
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        manifest, ledger = make_corpus(folder, tracks, arguments.copies)
        loops, runs, stages = [], [], []
        for repeat in range(arguments.repeats):  # in turn, so that a drift of the machine meets both
            command = [sys.executable, __file__, *map(str, tracks), "--loop", str(manifest), str(ledger)]
            began = resource.getrusage(resource.RUSAGE_CHILDREN)
            output = subprocess.run([*command, f"{folder}/loop-{repeat}"], check=True, capture_output=True).stdout
            ended = resource.getrusage(resource.RUSAGE_CHILDREN)
            loops.append(ended.ru_utime + ended.ru_stime - began.ru_utime - began.ru_stime)
            stages.append(json.loads(output))
            runs.append(measured_process(run_command(manifest, ledger, folder / f"run-{repeat}"))[0])
        print(f"{hours:.2f} conversation-hours, {arguments.repeats} repeats, medians, one thread")
        print("CPU seconds per conversation-hour, stage by stage in the plain loop:")
        for stage in stages[0]:
            median = statistics.median(times[stage] for times in stages)
            if stage == "load models":
                print(f"  {stage:12s} {median:8.2f} s once")
            else:
                print(f"  {stage:12s} {median / hours:8.2f}")
        loop_s, run_s = statistics.median(loops), statistics.median(runs)
        ratio = statistics.median(r / p for r, p in zip(runs, loops, strict=True))
        print(f"  whole loop   {loop_s / hours:8.2f} (process {loop_s:.1f} s)")
        print(f"  whole run    {run_s / hours:8.2f} (process {run_s:.1f} s)")
        print(f"run / loop, CPU of the whole processes: {ratio:.2f}")
        release = json.loads((folder / "run-0" / "dataset.json").read_text())
        print(f"bytes of shards per conversation-hour: {release['totals']['bytes'] / hours:,.0f}")
        size = sum(path.stat().st_size for path in (folder / "run-0").rglob("*") if path.is_file())
        print(f"bytes of the whole release per conversation-hour: {size / hours:,.0f}")
        for minutes in (3, 60):
            place = folder / f"memory-{minutes}"
            place.mkdir()
            longer = place / "a.flac", place / "b.flac"
            for source, target in zip(tracks, longer, strict=True):
                repeat_track(source, target, minutes * 60)
            own_manifest, own_ledger = make_corpus(place, longer, 1)
            _, wall_s, peak_mib = measured_process(run_command(own_manifest, own_ledger, place / "out"))
            print(f"peak memory of a run on {minutes:2d} minutes: {peak_mib:.0f} MiB ({wall_s:.0f} s)")


if __name__ == "__main__":
    main()
