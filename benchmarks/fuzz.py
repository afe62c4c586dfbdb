"""Gives duologue hostile and damaged inputs, thousands of them, and counts what must never happen.

    python -m benchmarks.fuzz --inputs 12000 --seed 0
    python -m benchmarks.fuzz audio --inputs 4000

What must never happen: a *traceback* (any exception that is not one of the documented refusals), a *hang* (more than 60 s), a
*crash* (the process dies, or needs more than 4 GB more than it had), and a *wrong accept*: the input is taken although the
judge of its kind, which does not ask duologue, knows that it is not what it says (:mod:`benchmarks.fuzz_inputs`).

Every input is a function of its kind and number, so that ``--only KIND:NUMBER`` makes one again. Inputs are judged in forked
processes under a watch. Prints a line for each that went wrong, then the counts; the exit status is 1 where anything did.
"""

import argparse
import contextlib
import json
import os
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

from benchmarks.fuzz_inputs import KINDS, Kind

HANG_S = 60.0
MEMORY_BYTES = 4 << 30
BATCH = 50


def judge_batch(kind: Kind, seed: int, numbers: list[int], pipe: int) -> None:
    """Judges inputs in this process; writes a line of JSON for each, before it (its number) and after it (what came)."""
    base = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_DATA, (base + MEMORY_BYTES, resource.RLIM_INFINITY))
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
    for number in numbers:
        os.write(pipe, json.dumps([number, None]).encode() + b"\n")
        scratch = folder / "input"
        scratch.mkdir()
        try:
            outcome = kind.judge(f"{seed}:{number}", scratch)
        except BaseException as error:  # noqa: BLE001 - this is what is looked for
            last = traceback.extract_tb(error.__traceback__)[-1]
            outcome = (
                f"traceback: {type(error).__name__}: {str(error)[:200]} ({Path(last.filename).name}:{last.lineno})"
            )
        shutil.rmtree(scratch, ignore_errors=True)
        os.write(pipe, json.dumps([number, outcome]).encode() + b"\n")
    shutil.rmtree(folder, ignore_errors=True)


class Watched:
    """A forked process that judges a batch of inputs."""

    def __init__(self, kind: Kind, seed: int, numbers: list[int]) -> None:
        self.kind, self.seed, self.left = kind, seed, numbers
        self.pipe, writing = os.pipe()
        self.process = os.fork()
        if not self.process:
            os.close(self.pipe)
            silent = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(silent, stream)
            judge_batch(kind, seed, numbers, writing)
            os._exit(0)
        os.close(writing)
        self.since, self.doing, self.rest = time.monotonic(), numbers[0], b""

    def read(self) -> list[tuple[int, str]]:
        """Reads what was judged since the last call; nothing more comes once ``left`` is empty."""
        done = []
        data = os.read(self.pipe, 1 << 16)
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            number, outcome = json.loads(line)
            self.since, self.doing = time.monotonic(), number
            if outcome is not None:
                done.append((number, outcome))
                self.left = [each for each in self.left if each != number]
        if not data:
            done += self.end("crash: the process died")
        return done

    def end(self, why: str) -> list[tuple[int, str]]:
        """Ends the process; the input that it was at gets ``why`` as its outcome."""
        os.close(self.pipe)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
        self.process = 0
        if not self.left:
            return []
        at = self.doing if self.doing in self.left else self.left[0]
        self.left = [each for each in self.left if each != at]
        return [(at, why)]


def fuzz(kind: Kind, seed: int, numbers: list[int], workers: int) -> Counter[str]:
    """Judges inputs of one kind in several processes at once; gives outcome -> how many."""
    kind.prepare()
    waiting = [numbers[place : place + BATCH] for place in range(0, len(numbers), BATCH)]
    running: list[Watched] = []
    counts: Counter[str] = Counter()
    while waiting or running:
        while waiting and len(running) < workers:
            running.append(Watched(kind, seed, waiting.pop(0)))
        ready, _, _ = select.select([each.pipe for each in running], [], [], 1.0)
        for each in list(running):
            done = each.read() if each.pipe in ready else []
            if each.process and time.monotonic() - each.since > HANG_S:
                done += each.end(f"hang: more than {HANG_S:.0f} s")
            for number, outcome in done:
                word = outcome.partition(":")[0]
                counts[word] += 1
                if word not in ("accepted", "refused"):
                    print(f"{kind.name}:{number} {outcome}", flush=True)
            if not each.process:
                running.remove(each)
                if each.left:
                    waiting.append(each.left)
    return counts


def main() -> int:
    """Fuzzes the kinds that are asked for; gives the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"of {', '.join(KINDS)}; all if none is named")
    parser.add_argument("--inputs", type=int, default=12000, help="how many in all, shared out by the kinds' weights")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", metavar="KIND:NUMBER", help="judge this one here, and show its traceback")
    options = parser.parse_args()
    if options.only:
        name, _, number = options.only.partition(":")
        KINDS[name].prepare()
        folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
        print(folder, KINDS[name].judge(f"{options.seed}:{number}", folder))
        return 0
    kinds = [KINDS[name] for name in options.kinds or KINDS]
    weight = sum(kind.weight for kind in kinds)
    wrong = total = 0
    table = []
    for kind in kinds:
        began = time.monotonic()
        count = round(options.inputs * kind.weight / weight)
        counts = fuzz(kind, options.seed, list(range(count)), options.workers)
        good = counts["accepted"] + counts["refused"]
        wrong, total = wrong + count - good, total + count
        table.append(f"{kind.name:10} {count:6} inputs in {time.monotonic() - began:5.0f} s: {dict(counts)}")
        print(table[-1], flush=True)
    print("\n" + "\n".join(table))
    print(f"{total} inputs, {wrong} wrong")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
