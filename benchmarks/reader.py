"""Measures what reading a release costs a trainer, against a bare webdataset loop over the same shards.

    OMP_NUM_THREADS=1 python -m benchmarks.reader [--samples 2000] [--repeats 5] [--epochs 3] [--workers 8]

The samples are those of simulated conversations, two minutes each without audio, written again under new keys by duologue's own
writers. Each measurement is made in a process of its own, and the ways of reading take turns, so that a drift of the machine
meets all of them; figures are medians of the repeats. All of them decode the same: the JSON document and the codes of every
sample. A token is one code of one speaker.

- Rates count from the first sample to the last. `first sample` counts from the start of a process that has imported what it
  needs to the first sample, opening included.
- Resume: the state after that share of an epoch, in a shuffled dataset, is loaded into a fresh process; the time is that of
  opening, loading and the next sample. A webdataset loop has no state: it reads and skips.
- Memory: a DataLoader with persistent workers. PSS is the sum over the process and its workers, the highest of an epoch and that at
  its end; USS is what they do not share.

Prints a table in Markdown.
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
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

_MIB = 1 << 20


# --- ways of reading: each gives the number of samples and of tokens of every step -----------------------------------------


def tar_loop(root: str) -> Iterator[tuple[int, int]]:
    """tarfile, json and numpy of the standard library."""
    import io
    import tarfile

    for path in sorted(Path(root, "shards").glob("train-*.tar")):
        with tarfile.open(path) as archive:
            for member in archive:
                stream = archive.extractfile(member)
                assert stream is not None
                if member.name.endswith(".json"):
                    json.loads(stream.read())
                else:
                    yield 1, np.load(io.BytesIO(stream.read())).size


def webdataset_loop(root: str, workers: int = 0) -> Iterator[tuple[int, int]]:
    """A bare webdataset loop; with workers, each reads shards of its own."""
    import webdataset
    from torch.utils.data import DataLoader

    paths = [str(path) for path in sorted(Path(root, "shards").glob("train-*.tar"))]
    samples: Any = webdataset.WebDataset(paths, shardshuffle=False).decode()
    for sample in DataLoader(samples, batch_size=None, num_workers=workers) if workers else samples:
        yield 1, np.asarray(sample["codes.npy"]).size


def reader_loop(root: str, shuffle: int | None = None) -> Iterator[tuple[int, int]]:
    """`open_dataset`."""
    from duologue_pipeline.reader import open_dataset

    for sample in open_dataset(root, shuffle=shuffle):
        yield 1, sample.codes.size


def torch_loop(root: str, workers: int = 0, batch_size: int | None = None) -> Iterator[tuple[int, int]]:
    """`TorchDataset` in a DataLoader, shuffled; in padded batches with a batch size."""
    from torch.utils.data import DataLoader

    from duologue_pipeline.reader import open_dataset
    from duologue_pipeline.torch import TorchDataset, collate

    dataset = TorchDataset(open_dataset(root, shuffle=1))
    more: dict[str, Any] = {"collate_fn": collate} if batch_size else {}
    for item in DataLoader(dataset, batch_size=batch_size, num_workers=workers, **more):
        yield (
            (len(item["keys"]), int(item["lengths"].sum()) * item["codes"][0, ..., 0].numel())
            if batch_size
            else (1, item["codes"].numel())
        )


LOOPS: dict[str, Callable[[str], Iterable[tuple[int, int]]]] = {
    "tarfile + json + numpy": tar_loop,
    "webdataset": webdataset_loop,
    "open_dataset, in order": reader_loop,
    "open_dataset, shuffled": partial(reader_loop, shuffle=1),
    "TorchDataset, no workers": torch_loop,
    "webdataset, 2 workers": partial(webdataset_loop, workers=2),
    "TorchDataset, 2 workers": partial(torch_loop, workers=2),
    "TorchDataset, 2 workers, batches of 8": partial(torch_loop, workers=2, batch_size=8),
}


# --- what is measured in a process of its own --------------------------------------------------------------------------


def measure_loop(root: str, name: str) -> dict[str, float]:
    """Reads an epoch."""
    import torch.utils.data
    import webdataset  # noqa: F401

    import duologue_pipeline.torch  # noqa: F401

    torch.set_num_threads(1)
    began = time.perf_counter()
    steps = iter(LOOPS[name](root))
    next(steps)
    first = time.perf_counter()
    samples, tokens = (sum(each) for each in zip(*steps, strict=True))
    spent_s = time.perf_counter() - first
    return {
        "first_ms": 1000 * (first - began),
        "samples_s": samples / spent_s,
        "tokens_s": tokens / spent_s,
        "samples": samples + 1,
    }


def measure_state(root: str, share: str) -> dict[str, Any]:
    """Reads a share of an epoch, and gives the state and how many samples that were."""
    from duologue_pipeline.reader import open_dataset

    dataset = open_dataset(root, shuffle=1)
    given = int(float(share) * len(dataset))
    for _, _ in zip(range(given), dataset, strict=False):
        pass
    return {"state": dataset.state_dict(), "given": given}


def measure_resume(root: str, state: str) -> dict[str, float]:
    """Opens a release, loads a state and reads the next sample."""
    from duologue_pipeline.reader import open_dataset

    began = time.perf_counter()
    dataset = open_dataset(root, shuffle=1)
    opened = time.perf_counter()
    dataset.load_state_dict(json.loads(state))
    next(iter(dataset))
    ended = time.perf_counter()
    return {"resume_ms": 1000 * (ended - began), "after_open_ms": 1000 * (ended - opened)}


def measure_replay(root: str, given: str) -> dict[str, float]:
    """Skips samples of a webdataset loop and reads the next one."""
    began = time.perf_counter()
    for number, _ in enumerate(webdataset_loop(root)):
        if number == int(given):
            break
    return {"resume_ms": 1000 * (time.perf_counter() - began)}


def memory() -> tuple[float, float]:
    """PSS and USS of this process and its children, MiB, as Linux counts them."""
    me = os.getpid()
    children = Path(f"/proc/{me}/task/{me}/children").read_text().split()
    pss = uss = 0
    for process in (me, *children):
        try:
            lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()[1:]
        except OSError:
            continue  # it has ended
        kib = {line.split()[0]: int(line.split()[1]) for line in lines}
        pss += kib["Pss:"]
        uss += kib["Private_Clean:"] + kib["Private_Dirty:"]
    return pss / 1024, uss / 1024


def measure_memory(root: str, workers: str, epochs: str) -> list[dict[str, float]]:
    """Reads epochs with persistent workers, and watches the memory of all processes."""
    from torch.utils.data import DataLoader

    from duologue_pipeline.reader import open_dataset
    from duologue_pipeline.torch import TorchDataset, collate

    dataset = TorchDataset(open_dataset(root, shuffle=1))
    loader = DataLoader(dataset, batch_size=8, num_workers=int(workers), persistent_workers=True, collate_fn=collate)
    found = []
    for epoch in range(int(epochs)):
        peaks, over = [memory()[0]], threading.Event()

        def watch(peaks: list[float] = peaks, over: threading.Event = over) -> None:
            while not over.wait(0.5):
                peaks.append(memory()[0])

        watcher = threading.Thread(target=watch)
        watcher.start()
        dataset.set_epoch(epoch)
        samples = sum(len(batch["keys"]) for batch in loader)
        over.set()
        watcher.join()
        pss, uss = memory()
        found.append({"epoch": epoch, "samples": samples, "peak_pss": max(peaks), "pss": pss, "uss": uss})
    return found


PARTS: dict[str, Callable[..., Any]] = {
    "loop": measure_loop,
    "state": measure_state,
    "resume": measure_resume,
    "replay": measure_replay,
    "memory": measure_memory,
}


def measured(part: str, *arguments: str) -> Any:
    """Measures a part in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.reader", "--part", part, *arguments]
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed")
    return json.loads(done.stdout.splitlines()[-1])


def median_of(rows: list[dict[str, float]], name: str) -> float:
    """The median of a figure."""
    return statistics.median(row[name] for row in rows)


def report(root: str, repeats: int, workers: int, epochs: int) -> None:
    """Measures everything and prints it."""
    loops: dict[str, list[dict[str, float]]] = {name: [] for name in LOOPS}
    for _ in range(repeats):
        for name, rows in loops.items():
            rows.append(measured("loop", root, name))
    base = {2: "webdataset, 2 workers"}
    print("\n| way | samples/s | tokens/s | against webdataset | first sample |\n| --- | ---: | ---: | ---: | ---: |")
    for name, rows in loops.items():
        bare = base[2] if "2 workers" in name else "webdataset"
        ratio = median_of(rows, "samples_s") / median_of(loops[bare], "samples_s")
        print(
            f"| {name} | {median_of(rows, 'samples_s'):,.0f} | {median_of(rows, 'tokens_s') / 1e6:,.1f} million | {ratio:.2f} | "
            f"{median_of(rows, 'first_ms'):,.0f} ms |"
        )
    print(
        "\n| resumed after | open_dataset | of it after opening | webdataset, skipping |\n| --- | ---: | ---: | ---: |"
    )
    for share in (0.1, 0.5, 0.9):
        taken = measured("state", root, str(share))
        resumed = [measured("resume", root, json.dumps(taken["state"])) for _ in range(repeats)]
        replayed = [measured("replay", root, str(taken["given"])) for _ in range(repeats)]
        print(
            f"| {share:.0%}, {taken['given']:,} samples | {median_of(resumed, 'resume_ms'):,.0f} ms | "
            f"{median_of(resumed, 'after_open_ms'):,.0f} ms | {median_of(replayed, 'resume_ms'):,.0f} ms |"
        )
    print(
        f"\n| epoch, {workers} workers | samples | highest PSS | PSS after | USS after |\n| --- | ---: | ---: | ---: | ---: |"
    )
    for row in measured("memory", root, str(workers), str(epochs)):
        print(
            f"| {row['epoch'] + 1} | {row['samples']:,} | {row['peak_pss']:,.0f} MiB | {row['pss']:,.0f} MiB | {row['uss']:,.0f} MiB |"
        )


def main() -> None:
    """Makes the samples, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--release", type=Path, help="measure this release, and make none")
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--shards", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--part", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.part:
        name, *rest = arguments.part
        print(json.dumps(PARTS[name](*rest)))
        return
    from benchmarks.many_samples import repeat_release, simulate_release

    with tempfile.TemporaryDirectory() as name:
        root = arguments.release
        if root is None:
            base = simulate_release(Path(name), conversations=3, minutes=4)
            root = repeat_release(base, Path(name) / "out", samples=arguments.samples, shards=arguments.shards)
        size = sum(path.stat().st_size for path in root.glob("shards/*"))
        print(f"{size / _MIB:,.0f} MiB in {len(list(root.glob('shards/*')))} shards; medians of {arguments.repeats}")
        report(str(root), arguments.repeats, arguments.workers, arguments.epochs)


if __name__ == "__main__":
    main()
