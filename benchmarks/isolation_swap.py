"""Measures whether speakers who change tracks are seen in calls of one minute, two and four.

    python benchmarks/isolation_swap.py [--voices auto|noise] [--seed N] [--conversations N] [TRACK_A TRACK_B ...]

Each pair of tracks (mono, 8 kHz, without a swap) and each simulated conversation of 4 minutes is taken whole, as are pairs that
begin in their middle and end there, and cut: the first and the last 60 and 120 s, of tracks every 60 s. Each cut is measured as it
is, and with the tracks exchanged after 3, 5 and 7 tenths of it. Of simulated conversations every other one has bleed where
one has been drawn. Prints what is said, the lowest confidence of each statement, and each wrong one.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from duologue_pipeline.isolation.meter import measure_isolation
from duologue_pipeline.records import FaultReport
from duologue_pipeline.simulate import Bleed, random_specs, simulate_conversation
from duologue_pipeline.simulate.bank import open_bank

RATE_HZ = 8000
CUTS_S = (60, 120, 0)
"""0 is the whole conversation."""

AT = (None, 0.3, 0.5, 0.7)

Pair = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]


def pairs_of(paths: Sequence[str]) -> Iterator[tuple[str, int, Pair]]:
    """Gives a name, the seconds between cuts, and two tracks: each pair as it is, and begun in its middle."""
    for path_a, path_b in zip(paths[::2], paths[1::2], strict=True):
        a, b = (soundfile.read(Path(path), dtype="float32")[0] for path in (path_a, path_b))
        length = min(len(a), len(b))
        a, b = a[:length], b[:length]
        yield Path(path_a).stem, 60, (a, b)
        yield f"{Path(path_a).stem} rolled", 60, (np.roll(a, length // 2), np.roll(b, length // 2))


def simulated(voices: str, seed: int, wanted: int) -> Iterator[tuple[str, int, Pair]]:
    """Draws conversations without any fault but bleed, every other one with that."""
    bank, made = open_bank(voices), 0
    for spec in random_specs(40 * wanted + 40, seed, duration_s=240.0, voices=bank.voices()):
        if made == wanted:
            return
        if all(isinstance(fault, Bleed) for fault in spec.faults):
            made += 1
            audio = simulate_conversation(replace(spec, faults=()) if made % 2 else spec, bank)
            a, b = (soxr.resample(track, audio.sample_rate_hz, RATE_HZ) for track in (audio.a, audio.b))
            yield spec.recording_id, 1000, (a, b)


def cuts(pair: Pair, cut_s: int, step_s: int) -> Iterator[Pair]:
    """Cuts so many seconds out of a pair at every step, or at both ends; or gives it whole."""
    length = len(pair[0])
    size = cut_s * RATE_HZ or length
    firsts = range(0, length - size + 1, step_s * RATE_HZ) if step_s * RATE_HZ < length else sorted({0, length - size})
    for first in firsts:
        yield pair[0][first : first + size], pair[1][first : first + size]


def judge(pair: Pair, at: float | None) -> FaultReport:
    """Exchanges the tracks from a share of the recording on, and asks for a swap."""
    a, b = pair
    if at is not None:
        turn = round(at * len(a))
        a, b = np.concatenate([a[:turn], b[turn:]]), np.concatenate([b[:turn], a[turn:]])
    return measure_isolation([(a, b)], sample_rate_hz=RATE_HZ).faults["swap"]


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tracks", nargs="*", metavar="TRACK")
    parser.add_argument("--voices", default="auto")
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--conversations", type=int, default=20)
    options = parser.parse_args()
    rows: dict[tuple[str, int, bool], list[FaultReport]] = defaultdict(list)
    wrong = []
    sources = [
        ("real", pairs_of(options.tracks)),
        ("simulated", simulated(options.voices, options.seed, options.conversations)),
    ]
    for kind, pairs in sources:
        for name, step_s, pair in pairs:
            for cut_s in CUTS_S:
                for part in cuts(pair, cut_s, step_s):
                    for at in AT:
                        report = judge(part, at)
                        rows[kind, cut_s, at is not None].append(report)
                        if report.found is not None and report.found != (at is not None):
                            wrong.append(f"{name}, {cut_s} s, exchanged at {at}: {report}")
    print("| calls | length | exchanged | found | unknown | none | least confidence, found | none |")
    print("|---|---|---|---|---|---|---|---|")
    for (kind, cut_s, there), reports in rows.items():
        counts = [sum(report.found is found for report in reports) for found in (True, None, False)]
        least = [
            f"{min((report.confidence for report in reports if report.found is found), default=np.nan):.2f}"
            for found in (True, False)
        ]
        length = f"{cut_s} s" if cut_s else "whole"
        cells = [kind, length, "yes" if there else "no", *map(str, counts), *least]
        print(f"| {' | '.join(cells).replace('nan', '')} |")
    print("\n".join(wrong) or "no wrong statement")


if __name__ == "__main__":
    main()
