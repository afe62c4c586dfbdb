"""Models a run of 600,000 recordings of 100,000 speakers without any audio: time and memory of all that no worker shares.

    OMP_NUM_THREADS=1 python -m benchmarks.scale_model [--recordings 600000] [--speakers 100000] [--minutes 10]

Measured are the launcher (manifest, consent, graph), the plan, the closing step, publishing, and a reader (opening, a condition,
the order of an epoch, the first samples), each in a process of its own. The rows are those of the demo under other names, made by
a run; the ledger is a state in memory. Then what 1,000 and 100,000 hours cost, from the CPU seconds of a small run measured here
and from prices. These are of Dataflow batch in us-central1 as recalled in November 2026, not looked up: pass your own.
"""

import json
import os
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any

import typer

from benchmarks.engine import measured
from benchmarks.scale_corpus import (
    Corpus,
    commitment,
    durations_ms,
    make_demo,
    name_of,
    snapshot_of,
    write_manifest,
    write_samples,
    write_tables,
)

__all__ = ["STEPS", "cost_lines", "main", "small_run_rates", "step_lines"]

PURPOSE = "training_inhouse"
_FIRST = 64


@contextmanager
def phase(name: str) -> Any:
    """Prints what a part of a step took."""
    wall, cpu = time.monotonic(), time.process_time()
    yield
    print(f"  {name}: {time.monotonic() - wall:.1f} s, CPU {time.process_time() - cpu:.1f} s", flush=True)


def launcher(corpus: Corpus, folder: Path) -> None:
    """Does what the launcher does before a runner is asked: reads, validates, decides, writes decisions, builds the graph."""
    import apache_beam as beam

    from duologue_pipeline.pipeline import RunOptions, build_pipeline
    from duologue_pipeline.read.whole import load_manifest
    from duologue_pipeline.run.decided import decide_manifest
    from duologue_pipeline.run.fingerprint import release_options
    from duologue_pipeline.run.forked import shared_map
    from duologue_pipeline.run.request import RunRequest
    from duologue_pipeline.tokens.encode import TokenizeOptions

    request = RunRequest(manifest=str(folder / "manifest.jsonl"), out=str(folder / "launched"), ledger="scale")
    with phase("the ledger's state, made in memory"):
        ledger: Any = SimpleNamespace(snapshot=snapshot_of(corpus, folder), ledger=SimpleNamespace(name="scale"))
    with phase("read and validate the manifest"):
        manifest = load_manifest(request.manifest, each=shared_map)
    with phase("decide, write the decisions"):
        decided = decide_manifest(manifest, request, ledger, out=request.out, as_of=datetime.now(UTC))
    with phase("build the graph"):
        pipeline = beam.Pipeline()
        options = RunOptions(
            decided=decided.paths,
            out=request.out,
            launch="scale",
            codec=request.codec,
            second_opinion=None,
            asr=None,
            laughter=None,
            same_audio=request.same_audio,
            compare_refused_audio=False,
            tokenize=TokenizeOptions(),
            validation_share=request.validation_share,
            bridge_share=request.bridge_share,
            shard_s=None,
            release=release_options(request, manifest.sha256, None, None, None, None),
        )
        build_pipeline(pipeline, options)
        size = pipeline.to_runner_api().ByteSize()
    print(
        f"  {manifest.recordings} recordings, {len(decided.paths)} files of decisions, a graph of {size / 1000:.0f} kB"
    )


def plan(corpus: Corpus, folder: Path) -> None:
    """Plans splits and shards of all recordings."""
    from duologue_pipeline.shards.plan import plan_release
    from duologue_pipeline.shards.splits import PlanEntry

    lists = frozenset({"activity", "events"})
    entries = [
        PlanEntry(name_of(number), commitment(a), commitment(b), duration_ms, lists)
        for number, ((a, b), duration_ms) in enumerate(zip(corpus.pairs.tolist(), durations_ms(corpus), strict=True))
    ]
    for bridge_share in (0.0, 0.15):
        with phase(f"plan with --bridge-share {bridge_share:g}"):
            planned = plan_release(entries, validation_share=0.05, bridge_share=bridge_share, shard_s=None)
        size = len(pickle.dumps(planned))
        shards = len({shard for _, shard in planned.values()})
        print(f"  {shards} shards; every worker that joins shards reads {size / 1e6:.0f} MB of plan")


def closing(corpus: Corpus, folder: Path) -> None:
    """Closes the release: statistics, cards, ``dataset.json``."""
    from duologue_pipeline.reader.release import read_release
    from duologue_pipeline.release.write import ReleaseOptions, stage_release

    demo = read_release(str(folder / "demo"))
    told = {
        name: demo[name] for name in ("purposes", "codec", "segment_s", "include_audio", "words", "rules", "ledger")
    }
    options = ReleaseOptions(
        name="scale",
        purpose=told.pop("purposes")[0],
        **told,
        isolation_policy=demo["isolation_policy"],
        second_opinion=None,
        asr=None,
        laughter=None,
        fingerprint="0" * 64,
        manifest_sha256="0" * 64,
    )
    with phase("stage the release"):
        shards, summary, speakers = pickle.loads((folder / "closing.pickle").read_bytes())
        release = stage_release(shards, [], summary, speakers, out=str(folder), options=options)
    assert release is not None
    with phase("move the files to their names, in one process"):
        ready = folder / ".staging" / "next"
        for path in sorted(ready.iterdir()):
            path.rename(folder / path.name)
    kept = ("dataset.json", "statistics.json", "README.md", "croissant.json")
    sizes = ", ".join(f"{name} {(folder / name).stat().st_size / 1e6:.1f} MB" for name in kept)
    print(f"  {release['totals']['samples']} samples in {len(release['shards'])} shards; {sizes}")


def reading(corpus: Corpus, folder: Path) -> None:
    """Opens the release, and prints the keys of the first samples."""
    from duologue_pipeline.reader import open_dataset

    with phase("open, shuffled"):
        dataset = open_dataset(str(folder), "train", PURPOSE, shuffle=7)
    with phase("order of an epoch, share of rank 0 of 64"):
        keys = open_dataset(str(folder), "train", PURPOSE, shuffle=7, rank=0, world=64).keys()
    with phase("open with a condition on samples and one on recordings"):
        some = open_dataset(str(folder), "train", PURPOSE, where=[("backchannels", ">", 0), ("duration_s", ">", 40)])
    print(f"  {len(dataset)} samples, {len(some)} meet the conditions, {len(keys)} keys listed")


def first(corpus: Corpus, folder: Path) -> None:
    """Reads the first samples of an epoch; before, they are written where the index says."""
    from itertools import islice

    from duologue_pipeline.reader import open_dataset

    with phase(f"open and read {_FIRST} samples"):
        dataset = open_dataset(str(folder), "train", PURPOSE, shuffle=7)
        read = [sample.codes.shape for sample in islice(iter(dataset), _FIRST)]
    print(f"  {len(read)} samples read")


def prepare_first(corpus: Corpus, folder: Path) -> None:
    """Writes the first samples of an epoch where the index says."""
    from duologue_pipeline.reader import open_dataset

    planned = open_dataset(str(folder), "train", PURPOSE, shuffle=7)._reading.plan
    places = planned.sample[planned.order(seed=7, epoch=0)[: 2 * _FIRST]]
    write_samples(corpus, folder / "demo", folder, planned.keys.take(places).to_pylist())


STEPS: dict[str, Callable[[Corpus, Path], None]] = {
    "launcher": launcher,
    "plan": plan,
    "closing": closing,
    "reading": reading,
    "first": first,
}
"""What is measured, in this order."""


def step_lines(name: str, corpus: Corpus, folder: Path) -> str:
    """Runs a step in a process of its own; gives what it prints, with its time and peak memory."""
    command = [sys.executable, "-m", "benchmarks.scale_model", "--step", name, "--folder", str(folder)]
    for option, value in vars(corpus).items():
        if option in ("recordings", "speakers", "minutes", "shards"):
            command += [f"--{option}", str(value)]
    began = time.monotonic()
    with (folder / f"{name}.log").open("w+") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        assert process.stdout is not None
        printed = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            log.seek(0)
            raise SystemExit(f"{name}:\n{printed}{log.read()}")
    cpu_s, peak_mb = usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6
    return f"{name}: {time.monotonic() - began:.1f} s, CPU {cpu_s:.1f} s, peak {peak_mb:.0f} MB\n{printed.rstrip()}"


def small_run_rates(folder: Path) -> dict[str, float]:
    """Runs the recordings of the demo once and five times over; gives what one more hour costs, in CPU seconds and MB."""
    from duologue_pipeline.demo import demo_files
    from duologue_pipeline.demo.ledger import ledger_for

    files, found = demo_files(), {}
    for copies in (1, 5):
        manifest, out = folder / f"copies-{copies}.jsonl", folder / f"copies-{copies}"
        lines = []
        for number in range(copies):
            for line in files.manifest.read_text().splitlines():
                document = json.loads(line)
                document["recording_id"] += f"-{number}"
                for track in document["tracks"]:
                    for name in ("uri", "words_uri"):
                        track[name] = str(files.manifest.parent / track[name])
                lines.append(json.dumps(document))
        manifest.write_text("\n".join(lines) + "\n")
        command = [sys.executable, "-m", "duologue_pipeline", "run", str(manifest), "--out", str(out)]
        spent = measured([*command, "--ledger", str(ledger_for(str(out))), "--same-audio", "mark"])
        totals = json.loads((out / "dataset.json").read_bytes())["totals"]
        found[copies] = (spent.cpu_s, totals["bytes"] / 1e6, totals["duration_s"] / 3600, spent.peak_mib * 1.048576)
    (one_s, one_mb, one_h, _), (five_s, five_mb, five_h, peak_mb) = found[1], found[5]
    return {
        "cpu_s_per_hour": (five_s - one_s) / (five_h - one_h),
        "mb_per_hour": (five_mb - one_mb) / (five_h - one_h),
        "peak_mb": peak_mb,
    }


def cost_lines(
    rates: dict[str, float], *, vcpu_hour: float, gb_hour: float, mimi_s: float, idle: float, gb_month: float
) -> list[str]:
    """Writes what 1,000 and 100,000 hours of conversation cost, as a table.

    Args:
        rates: from :func:`small_run_rates`.
        vcpu_hour, gb_hour: dollars; a vCPU comes with 3.75 GB.
        mimi_s: CPU seconds that Mimi takes for an hour of one track.
        idle: factor for workers that wait, at the beginning and at the end.
        gb_month: dollars for a GB of storage in a month.
    """
    worker = vcpu_hour + 3.75 * gb_hour
    lines = ["| hours | codec | vCPU-hours | dollars | on 1,000 vCPUs | shards | dollars a month |", "| --- " * 7 + "|"]
    for hours in (1_000, 100_000):
        gb = hours * rates["mb_per_hour"] / 1000
        for codec, seconds in (("embedded", rates["cpu_s_per_hour"]), ("Mimi", rates["cpu_s_per_hour"] + 2 * mimi_s)):
            vcpu_h = hours * seconds / 3600 * idle
            lines.append(
                f"| {hours:,} | {codec} | {vcpu_h:,.0f} | {vcpu_h * worker:,.0f} | {vcpu_h / 1000:.2f} h | {gb:,.0f} GB | "
                f"{gb * gb_month:,.2f} |"
            )
    return lines


def main(
    recordings: int = 600_000,
    speakers: int = 100_000,
    minutes: float = 10.0,
    shards: int = 10_000,
    folder: Annotated[
        Path | None, typer.Option(help="Work here, and leave it; a temporary folder if left out.")
    ] = None,
    step: Annotated[str | None, typer.Option(hidden=True)] = None,
    only: Annotated[str | None, typer.Option(help="Measure these steps only, with commas between them.")] = None,
    vcpu_hour: Annotated[float, typer.Option(help="Dollars for a vCPU-hour (recalled, November 2026).")] = 0.056,
    gb_hour: Annotated[float, typer.Option(help="Dollars for a GB-hour of memory (recalled).")] = 0.0036,
    gb_month: Annotated[float, typer.Option(help="Dollars for a GB of storage in a month (recalled).")] = 0.02,
    mimi_s: Annotated[float, typer.Option(help="CPU seconds of Mimi for an hour of one track.")] = 530.0,
    idle: Annotated[float, typer.Option(help="Factor for workers that wait.")] = 1.3,
) -> None:
    """Measures and prints."""
    corpus = Corpus(recordings, speakers, minutes, shards)
    if step is not None:
        assert folder is not None
        STEPS[step](corpus, folder)
        return
    wanted = set((only or ",".join((*STEPS, "cost"))).split(","))
    with tempfile.TemporaryDirectory() as temporary:
        work = folder or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        make_demo(work)
        print(f"{recordings:,} recordings of {minutes:g} minutes, {speakers:,} speakers, {shards:,} shards", flush=True)
        for name in STEPS:
            if name not in wanted:
                continue
            if name == "launcher":
                write_manifest(corpus, work / "manifest.jsonl")
            if name == "closing":
                write_tables(corpus, work / "demo", work)
            if name == "first":
                prepare_first(corpus, work)
            print(step_lines(name, corpus, work), flush=True)
        if "cost" in wanted:
            rates = small_run_rates(work)
            print(
                f"a further hour: {rates['cpu_s_per_hour']:.1f} CPU s, {rates['mb_per_hour']:.1f} MB of shards; "
                f"peak of the run {rates['peak_mb']:.0f} MB"
            )
            prices = {"vcpu_hour": vcpu_hour, "gb_hour": gb_hour, "gb_month": gb_month}
            print("\n".join(cost_lines(rates, mimi_s=mimi_s, idle=idle, **prices)))


if __name__ == "__main__":
    typer.run(main)
