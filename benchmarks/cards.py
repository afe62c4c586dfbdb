"""Measures the cards of a release: whether all totals are those of the shards, and what they cost.

    python -m benchmarks.cards --conversations 200       # totals, before and after a withdrawal
    python -m benchmarks.cards --samples 10000           # time, memory and bytes, the page with it

The first simulates so many conversations (``duologue simulate``), makes a release with the embedded codec, takes speakers out of it
(``duologue consent withdraw`` and ``propagate``), and holds ``facts.json`` against sums of the shards (:mod:`benchmarks.shard_sums`)
both times. The second makes a release of made-up conversations (:mod:`benchmarks.withdrawal`), and its cards in a process of its own.
"""

import argparse
import itertools
import json
import multiprocessing
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.shard_sums import differences, shard_sums
from benchmarks.withdrawal import make_release
from duologue_cards import write_cards
from duologue_pipeline.reader import read_release
from duologue_pipeline.release.card_files import remade_report, sheet_and_tally

__all__ = ["cost", "main", "totals"]

_EACH = 20
"""One speaker of so many conversations withdraws."""


def totals(folder: Path, conversations: int, *more: str, voices: str = "auto", minutes: float = 0.5) -> int:
    """Holds the totals of a simulated release against its shards, before and after a withdrawal.

    Args:
        folder: is written into.
        conversations: so many are simulated.
        more: options of ``duologue run``.
        voices: as in ``duologue simulate``.
        minutes: of each conversation.

    Returns:
        How many totals are not the sums of the shards.
    """
    sim, out = folder / "sim", folder / "release"
    many = ("--conversations", str(conversations), "--minutes", str(minutes))
    _duologue("simulate", str(sim), *many, "--seed", "7", "--voices", voices)
    ledger = str(sim / "consent.db")
    _duologue("run", str(sim / "manifest.jsonl"), "--ledger", ledger, "--out", str(out), *more)
    wrong = _compared(out, "before")
    gone = [f"sim-{number:05d}-{'ab'[number // _EACH % 2]}" for number in range(0, conversations, _EACH)]
    for speaker in gone:
        _duologue("consent", "withdraw", speaker, "--purpose", "training_inhouse", "--ledger", ledger)
    _duologue("consent", "propagate", str(out), "--ledger", ledger)
    print(f"{len(gone)} speakers withdrew")
    wrong += _compared(out, "after")
    began = time.perf_counter()
    _duologue("card", "check", str(out))
    print(f"card check {time.perf_counter() - began:.1f} s, page {(out / 'report.html').stat().st_size:,} bytes")
    return wrong


def cost(folder: Path, samples: int) -> None:
    """Prints seconds and memory of counting, of all cards, and of the page, and their bytes."""
    out, _, _ = make_release(folder, samples)
    process = multiprocessing.get_context("spawn").Process(target=_cost, args=(str(out),))
    process.start()
    process.join()
    if process.exitcode:
        sys.exit(process.exitcode)


def main() -> None:
    """Prints what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--conversations", type=int, help="holds the totals of so many conversations against the shards"
    )
    parser.add_argument("--samples", type=int, help="measures the cost for so many samples, five a recording")
    parser.add_argument("--voices", default="auto", help="simulates with these voices, as `duologue simulate`")
    parser.add_argument("--include-audio", action="store_true", help="with audio, which the page then plays")
    parser.add_argument(
        "--segment-s", default="10", help="cuts conversations of half a minute into samples of so many seconds"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="duologue-cards-") as folder:
        if options.samples:
            cost(Path(folder), options.samples)
        if options.conversations:
            audio = ["--include-audio"] if options.include_audio else []
            sys.exit(
                min(
                    totals(
                        Path(folder),
                        options.conversations,
                        "--segment-s",
                        options.segment_s,
                        *audio,
                        voices=options.voices,
                    ),
                    1,
                )
            )


def _compared(out: Path, when: str) -> int:
    """Prints every total beside its sum, and counts those that differ."""
    sums = shard_sums(out)
    wrong = differences(out, sums)
    facts = json.loads((out / "cards" / "facts.json").read_text(encoding="utf-8"))["facts"]
    print(f"{when}: {len(sums) - len(wrong)} of {len(sums)} totals are the sums of the shards")
    for name, value in sums.items():
        print(f"  {name:27} {facts[name]['value']!s:>22} {value!s:>22} {'DIFFERS' if name in wrong else ''}".rstrip())
    return len(wrong)


def _cost(root: str) -> None:
    before_mb = _peak_mb()
    times = [time.perf_counter()]
    release = read_release(root)
    sheet, tally = sheet_and_tally(root, release, None)
    times.append(time.perf_counter())
    made = dict(write_cards(sheet))
    times.append(time.perf_counter())
    _, page = remade_report(root, release, sheet, tally, made)
    times.append(time.perf_counter())
    counted, cards, paged = (end - start for start, end in itertools.pairwise(times))
    after_mb = _peak_mb()
    print(f"{sheet.facts.samples} samples of {sheet.facts.recordings} recordings, in {len(release['shards'])} shards")
    print(
        f"counting {counted:.2f} s, cards {cards:.2f} s, page {paged:.2f} s; memory {after_mb:.0f} MB ({before_mb:.0f} before)"
    )
    print(f"cards {sum(map(len, made.values())):,} bytes, page {len(page):,} bytes")


def _peak_mb() -> float:
    """Gives the most memory that this process has held, in MB; of ``getrusage`` a part would be the parent's."""
    (kib,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    return int(kib) / 1024


def _duologue(*arguments: str) -> None:
    command = "from duologue_pipeline.cli.app import main; main()"
    done = subprocess.run([sys.executable, "-c", command, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"duologue {' '.join(arguments)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")


if __name__ == "__main__":
    main()
