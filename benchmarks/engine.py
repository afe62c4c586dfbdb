"""Measures what a run costs: against a plain loop, with ten times the recordings, and in memory by the length of one.

    OMP_NUM_THREADS=1 python -m benchmarks.engine [A.flac B.flac] [--only loop memory growth]

A and B are the two tracks of one conversation; without them it is one of the embedded sample. Each run is a `duologue run`
with the embedded codec in a process of its own, of one thread; what it takes counts with all processes that it starts.

``loop``: the conversation is there ``--copies`` times, each from another place of it. The plain loop is the same functions called
one after the other with no Beam; both take turns, ``--repeats`` times.
``memory``: the tracks are repeated until they last each of ``--minutes``. The peak is the largest sum, looked up five times
a second, of what the processes of the tree hold, each page shared between them counted once (PSS; Linux), and beside it
the largest resident set that the kernel saw of one of them.
``growth``: conversations of ``--seconds`` cut from the tracks, ``--recordings`` of them and ten times as many. What a run takes
before its first recording is that of a run on one of a second.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from benchmarks.plain_loop import ONCE
from duologue_pipeline.demo import demo_files

STARTED_AT = "2026-03-01T10:00:00Z"
GRANTED_AT = "2026-01-01T00:00:00Z"
PARTS = "loop", "memory", "growth"


def cut_track(source: Path, target: Path, seconds: float, begin: float) -> None:
    """Writes ``seconds`` seconds of a track that begin at a share ``begin`` of it; where it ends it begins again."""
    pcm, rate_hz = soundfile.read(source, dtype="int16")
    pcm = np.roll(pcm, -round(begin * len(pcm)))
    left = round(seconds * rate_hz)
    with soundfile.SoundFile(target, "w", rate_hz, 1, "PCM_16") as file:
        while left:
            file.write(pcm[:left])
            left -= min(left, len(pcm))


def make_corpus(folder: Path, tracks: tuple[Path, Path], seconds: float, count: int) -> tuple[Path, Path]:
    """Makes conversations of ``seconds`` seconds from one, each from another place of it; gives manifest and ledger."""
    from duologue_consent import Ledger, Purpose, parse_time

    folder.mkdir()
    manifest, ledger_path = folder / "manifest.jsonl", folder / "consent.db"
    ledger = Ledger.create(ledger_path)
    with manifest.open("w") as lines:
        for number in range(count):
            entry: dict[str, Any] = {
                "recording_id": f"call-{number:04d}",
                "language": "en-US",
                "started_at": STARTED_AT,
            }
            entry["tracks"] = []
            for name, source in zip("ab", tracks, strict=True):
                target, speaker = folder / f"{number}-{name}.flac", f"spk-{number}-{name}"
                cut_track(source, target, seconds, number / count)
                entry["tracks"].append({"speaker_id": speaker, "uri": str(target)})
                ledger.grant(speaker, (Purpose.RECORDING, Purpose.TRAINING_INHOUSE), at=parse_time(GRANTED_AT))
            lines.write(json.dumps(entry) + "\n")
    return manifest, ledger_path


@dataclass(frozen=True)
class Spent:
    """What a command took, with all that it started.

    Attributes:
        cpu_s: CPU seconds.
        wall_s: seconds.
        peak_mib: the largest resident set of one process, in MiB.
        tree_mib: the largest sum over the processes at one time, in MiB.
        output: what it wrote.
    """

    cpu_s: float
    wall_s: float
    peak_mib: float
    tree_mib: float
    output: str


def tree(process: int) -> Iterator[int]:
    """Gives the ids of a process and of those below it; nothing of one that has ended."""
    yield process
    try:
        for task in Path(f"/proc/{process}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from tree(int(child))
    except OSError:
        return


def held_mib(process: int) -> float:
    """Gives what a process holds in memory, in MiB, its share of what it shares with others (PSS); 0 where it has ended."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def measured(arguments: list[str]) -> Spent:
    """Runs a command to its end and measures it; ends the program where the command fails."""
    began = time.monotonic()
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as said:
        process = subprocess.Popen(arguments, stdout=output, stderr=said)
        ended, largest = threading.Event(), [0.0]

        def look() -> None:
            while not ended.wait(0.2):
                largest[0] = max(largest[0], sum(map(held_mib, tree(process.pid))))

        looking = threading.Thread(target=look)
        looking.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.monotonic() - began
        ended.set()
        looking.join()
        output.seek(0)
        said.seek(0)
        if status:
            raise SystemExit(f"{' '.join(arguments)}\n{said.read().decode(errors='replace')}")
        cpu_s = usage.ru_utime + usage.ru_stime
        return Spent(cpu_s, wall_s, usage.ru_maxrss / 1024, largest[0], output.read().decode())


def measured_run(manifest: Path, ledger: Path, out: Path, count: int) -> Spent:
    """Measures a run of which every one of ``count`` recordings comes into the release."""
    command = [
        sys.executable,
        "-m",
        "duologue_pipeline",
        "run",
        str(manifest),
        "--out",
        str(out),
        "--ledger",
        str(ledger),
    ]
    spent = measured([*command, "--isolation-policy", "keep"])
    release = json.loads((out / "dataset.json").read_text())
    assert release["totals"]["written"] == count, release["totals"]
    return spent


def run_on(folder: Path, tracks: tuple[Path, Path], seconds: float, count: int = 1) -> Spent:
    """Measures a run on ``count`` conversations of ``seconds`` seconds made from the tracks."""
    manifest, ledger = make_corpus(folder, tracks, seconds, count)
    return measured_run(manifest, ledger, folder / "out", count)


def against_loop(folder: Path, tracks: tuple[Path, Path], copies: int, repeats: int) -> None:
    """Measures runs and plain loops in turn, so that a drift of the machine meets both, and prints them."""
    seconds = soundfile.info(tracks[0]).duration
    hours = copies * seconds / 3600
    corpora = {"start": (1, make_corpus(folder / "start", tracks, 1, 1))}
    corpora["whole"] = copies, make_corpus(folder / "whole", tracks, seconds, copies)
    spent: dict[str, list[float]] = {}
    stages = []
    for repeat in range(repeats):
        for what, (count, (manifest, ledger)) in corpora.items():
            out = folder / f"{what}-{repeat}"
            command = [sys.executable, "-m", "benchmarks.plain_loop", str(manifest), str(ledger), f"{out}-loop"]
            loop = measured(command)
            spent.setdefault(f"loop {what}", []).append(loop.cpu_s)
            spent.setdefault(f"run {what}", []).append(measured_run(manifest, ledger, out, count).cpu_s)
        stages.append(json.loads(loop.output))
    print(f"{hours:.2f} conversation-hours, {repeats} repeats, medians, one thread")
    print("CPU seconds per conversation-hour, stage by stage in the plain loop:")
    for stage in stages[0]:
        median = statistics.median(times[stage] for times in stages)
        print(f"  {stage:12s} {median:8.2f} s once" if stage == ONCE else f"  {stage:12s} {median / hours:8.2f}")
    whole, start = (
        {kind: statistics.median(spent[f"{kind} {what}"]) for kind in ("loop", "run")} for what in ("whole", "start")
    )
    for kind in whole:
        further = (whole[kind] - start[kind]) / hours
        print(f"  {kind:12s} {further:8.2f} and {start[kind]:.1f} s once; the process {whole[kind]:.1f} s")
    further = (whole["run"] - start["run"]) / (whole["loop"] - start["loop"])
    print(
        f"run / loop, CPU: {further:.2f} without what is done once, whole processes {whole['run'] / whole['loop']:.2f}"
    )
    release = json.loads((folder / "whole-0" / "dataset.json").read_text())
    print(f"bytes of shards per conversation-hour: {release['totals']['bytes'] / hours:,.0f}")
    size = sum(path.stat().st_size for path in (folder / "whole-0").rglob("*") if path.is_file())
    print(f"bytes of the whole release per conversation-hour: {size / hours:,.0f}", flush=True)


def memory(folder: Path, tracks: tuple[Path, Path], lengths_min: list[float]) -> None:
    """Measures runs on one conversation of each length, and prints their peaks."""
    for minutes in lengths_min:
        spent = run_on(folder / f"memory-{minutes}", tracks, minutes * 60)
        print(
            f"{minutes:g} minutes: peak of all processes {spent.tree_mib:.0f} MiB, of the largest {spent.peak_mib:.0f} MiB; "
            f"{spent.cpu_s:.1f} CPU s, {spent.wall_s:.0f} s",
            flush=True,
        )


def growth(folder: Path, tracks: tuple[Path, Path], recordings: int, seconds: float) -> None:
    """Measures runs on so many conversations and on ten times as many, and prints how the time grows."""
    start = run_on(folder / "start", tracks, 1)
    few = run_on(folder / "few", tracks, seconds, recordings)
    many = run_on(folder / "many", tracks, seconds, 10 * recordings)
    for what, spent in (
        ("1 of a second", start),
        (f"{recordings} of {seconds:g} s", few),
        (f"{10 * recordings} of {seconds:g} s", many),
    ):
        print(f"{what}: {spent.cpu_s:.1f} CPU s, {spent.wall_s:.1f} s, {spent.tree_mib:.0f} MiB")
    for what, s, f, m in (
        ("CPU", start.cpu_s, few.cpu_s, many.cpu_s),
        ("wall", start.wall_s, few.wall_s, many.wall_s),
    ):
        print(
            f"10 x recordings, {what}: {m / f:.2f} x with the start, {(m - s) / (f - s):.2f} x without it", flush=True
        )


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tracks", nargs="*", type=Path, metavar="TRACK")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--copies", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--minutes", nargs="+", type=float, default=[3, 60, 240])
    parser.add_argument("--recordings", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=60)
    arguments = parser.parse_args()
    audio = demo_files().manifest.parent / "audio"
    a, b = arguments.tracks or [audio / f"demo-car-repair.{track}.flac" for track in "ab"]
    with tempfile.TemporaryDirectory() as name:
        if "loop" in arguments.only:
            against_loop(Path(name), (a, b), arguments.copies, arguments.repeats)
        if "memory" in arguments.only:
            memory(Path(name), (a, b), arguments.minutes)
        if "growth" in arguments.only:
            growth(Path(name), (a, b), arguments.recordings, arguments.seconds)


if __name__ == "__main__":
    main()
