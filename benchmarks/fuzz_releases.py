"""Damages a small real release in many ways and looks at what `shards verify`, the reader and `propagate` make of it.

    python benchmarks/fuzz_releases.py --inputs 2000 --seed 1

Every input is a copy of a release (as made, and after a withdrawal), changed by one mutation that the seed decides. Counted are
tracebacks (anything but a list of faults, a UsageError or a ValueError of the reader that is one), hangs (more than 60 s), and
wrong accepts: a listed file that was changed, or a file added, removed or renamed, of which `shards verify` says nothing.
"""

import argparse
import contextlib
import multiprocessing
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.fuzz_release_files import files_of, mutate_bytes, mutate_document, mutate_folder, mutate_manifest
from benchmarks.fuzz_release_tables import mutate_shard, mutate_table

HANG_S = 60.0


@dataclass(frozen=True)
class Outcome:
    """What came of one input: ``fault`` is "" or one of ``traceback``, ``wrong accept``, ``hang``."""

    seed: int | str
    mutation: str
    fault: str
    detail: str = ""
    accepted: bool = False


# --- the releases ---------------------------------------------------------------------------------------------------


def make_bases(folder: Path) -> list[Path]:
    """Makes the releases that are damaged: a folder each with ``out`` and ``consent.db``, somebody's withdrawal pending."""
    first = folder / "first"
    first.mkdir(parents=True)
    _duologue("demo", "--out", str(first / "out"))
    for path in sorted(first.glob("out.consent.*")):  # the ledger and the folder of its keys
        path.rename(path.with_name(path.name.removeprefix("out.")))
    _withdraw(first, "spk-alder")
    second = folder / "second"
    shutil.copytree(first, second)
    _duologue("consent", "propagate", str(second / "out"), "--ledger", str(second / "consent.db"))
    _withdraw(second, "spk-cedar")
    return [first, second]


def _withdraw(base: Path, speaker: str) -> None:
    _duologue("consent", "withdraw", speaker, "--ledger", str(base / "consent.db"))


def _duologue(*arguments: str) -> None:
    command = [sys.executable, "-m", "duologue_pipeline", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)}: {done.stdout}{done.stderr}")


MUTATIONS: list[Callable[[Path, random.Random], str]] = [
    *(mutate_bytes, mutate_bytes, mutate_folder, mutate_manifest, mutate_manifest),
    *(mutate_document, mutate_table, mutate_table, mutate_shard, mutate_shard, mutate_shard),
]


# --- one input ------------------------------------------------------------------------------------------------------


def try_one(bases: list[Path], seed: int | str, scratch: Path, *, propagate: bool = True) -> Outcome:
    """Damages a copy of a release and shows it to everything that reads one."""
    from duologue_consent import Ledger
    from duologue_pipeline.errors import UsageError
    from duologue_pipeline.reader import open_dataset
    from duologue_pipeline.release.verify import verify_release
    from duologue_pipeline.withdrawal.protocol import propagate_release

    rng = random.Random(seed)
    base = rng.choice(bases)
    copy = scratch / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(base, copy)
    out = copy / "out"
    mutation = rng.choice(MUTATIONS)(out, rng)
    step = "verify"
    try:
        try:
            found = verify_release(str(out)).faults
        except UsageError as error:
            found = (str(error),)
        if not found and not mutation.startswith("may: "):
            return Outcome(seed, mutation, "wrong accept")
        for split in ("train", "validation"):
            step = f"read {split}"
            with contextlib.suppress(UsageError):
                for sample in open_dataset(str(out), split=split):
                    _ = sample.audio
        if propagate:
            step = "propagate"
            before = {path: path.read_bytes() for path in files_of(out)} if rng.random() < 0.8 else None
            with contextlib.suppress(UsageError):
                propagate_release(str(out), Ledger.open(copy / "consent.db"), dry_run=before is not None, wait_s=1)
            if before is not None and before != {path: path.read_bytes() for path in files_of(out)}:
                return Outcome(seed, mutation, "traceback", "a dry run has written")
    except Exception:  # noqa: BLE001 - that there is none is what is asked
        return Outcome(seed, mutation, "traceback", f"{step}: {traceback.format_exc()}")
    return Outcome(seed, mutation, "", accepted=not found)


@cache
def shared_bases() -> list[Path]:
    """The releases that all inputs of :mod:`benchmarks.fuzz` are copies of."""
    return make_bases(Path(tempfile.mkdtemp(prefix="fuzz-release-")))


def prepare_release() -> None:
    """Makes the releases, and loads the libraries that read them."""
    import duologue_pipeline.reader
    import duologue_pipeline.release.verify
    import duologue_pipeline.withdrawal.protocol  # noqa: F401

    shared_bases()


def judge_release(name: str, folder: Path) -> str:
    """Makes and judges a release."""
    outcome = try_one(shared_bases(), f"release {name}", folder)
    if outcome.fault:
        return f"{outcome.fault}: {outcome.mutation} {outcome.detail[-1500:]}"
    return "accepted" if outcome.accepted else f"refused: {outcome.mutation}"


# --- many -----------------------------------------------------------------------------------------------------------


def run(bases: list[Path], seeds: range) -> Iterator[Outcome]:
    """Tries the seeds in a process of its own, which is killed and replaced when it hangs."""
    waiting = list(seeds)
    while waiting:
        ours, theirs = multiprocessing.Pipe()
        child = multiprocessing.Process(target=_work, args=(theirs, bases, waiting))
        child.start()
        theirs.close()
        try:
            while waiting:
                if not ours.poll(HANG_S):
                    yield Outcome(waiting.pop(0), "?", "hang")
                    break
                yield ours.recv()
                waiting.pop(0)
        except EOFError:
            yield Outcome(waiting.pop(0), "?", "traceback", "the process died")
        child.kill()
        child.join()


def _work(pipe: Connection, bases: list[Path], seeds: list[int]) -> None:
    with tempfile.TemporaryDirectory(prefix="fuzz-") as scratch:
        for seed in seeds:
            outcome = try_one(bases, seed, Path(scratch))
            memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            pipe.send(Outcome(outcome.seed, outcome.mutation, outcome.fault, outcome.detail or f"{memory_mb} MB"))


def main() -> int:
    """Runs it and prints the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--bases", type=Path, help="where the releases lie, or are made")
    options = parser.parse_args()
    began, counts, kinds, peak = time.monotonic(), Counter[str](), Counter[str](), 0
    with tempfile.TemporaryDirectory(prefix="fuzz-") as made:
        folder = options.bases or Path(made) / "bases"
        bases = [folder / "first", folder / "second"] if folder.exists() else make_bases(folder)
        for outcome in run(bases, range(options.seed, options.seed + options.inputs)):
            counts[outcome.fault or "well"] += 1
            kinds[" ".join(outcome.mutation.split()[:3])] += 1
            if outcome.fault:
                print(f"seed {outcome.seed}: {outcome.mutation}: {outcome.fault}\n{outcome.detail}", flush=True)
            elif outcome.detail.endswith(" MB"):
                peak = max(peak, int(outcome.detail.split()[0]))
    print(f"{options.inputs} inputs in {time.monotonic() - began:.0f} s, at most {peak} MB of memory")
    for name in ("well", "traceback", "hang", "wrong accept"):
        print(f"{name}: {counts[name]}")
    return int(counts["well"] != options.inputs)


if __name__ == "__main__":
    sys.exit(main())
