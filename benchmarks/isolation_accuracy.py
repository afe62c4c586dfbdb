"""Measures how exact the measured level of bleed is on isolated calls with bleed added, and what the measurement costs.

    python benchmarks/isolation_accuracy.py TRACK_A TRACK_B [TRACK_A TRACK_B ...]

Each pair is an isolated conversation, mono tracks at 8 or 16 kHz. A filtered copy of one track is added to the other,
in both directions; levels are powers over the whole call. The cost is measured over half an hour, in blocks of 5 s.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
from scipy.signal import fftconvolve

from duologue_pipeline.isolation.meter import measure_isolation
from duologue_pipeline.records import BleedReport, IsolationReport

LEVELS_DB = (-3, -6, -10, -20, -30, -40, -50)
LAGS_MS = (0, 10, 60, 200)
SHORT_FILTER = np.array([1.0, 0.5, -0.3, 0.2, 0.0, 0.0, 0.15, 0.0, -0.1])
COST_S = 1800

Pcm = npt.NDArray[np.float32]


def read_track(path: str) -> tuple[Pcm, int]:
    """Reads a track, float32 [T] in [-1, 1], and its sample rate in Hz."""
    pcm, rate_hz = soundfile.read(Path(path), dtype="float32")
    return pcm, rate_hz


def make_copy(source: Pcm, lag_samples: int, response: npt.NDArray[np.float64]) -> Pcm:
    """Makes a filtered copy of float32 [T], as loud as it, that comes ``lag_samples`` later: float32 [T]."""
    copy = fftconvolve(source, response)[: len(source)]
    copy = np.concatenate([np.zeros(lag_samples), copy])[: len(source)]
    return (copy * np.sqrt(np.mean(source**2) / np.mean(copy**2))).astype(np.float32)


def make_room(rate_hz: int, t60_s: float) -> npt.NDArray[np.float64]:
    """Makes the response of a room, a direct sound and a decaying tail of as much power: float64 [taps]."""
    time_s = np.arange(round(t60_s * rate_hz)) / rate_hz
    tail = np.random.default_rng(0).standard_normal(len(time_s)) * 10 ** (-3 * time_s / t60_s)
    response: npt.NDArray[np.float64] = tail / np.sqrt(np.sum(tail**2))
    response[0] += 1
    return response


def stretch(pcm: Pcm, ppm: float) -> Pcm:
    """Records float32 [T] by a clock that is off by ``ppm`` parts per million: float32 [T]."""
    at = np.arange(len(pcm)) * (1 + ppm * 1e-6)
    return np.interp(at, np.arange(len(pcm)), pcm).astype(np.float32)


Measured = tuple[BleedReport, BleedReport, IsolationReport]


def measure_both_ways(a: Pcm, b: Pcm, copies: tuple[Pcm, Pcm], level_db: float, rate_hz: int) -> list[Measured]:
    """Adds each copy, float32 [T] in [-1, 1], at ``level_db`` to its track and measures.

    Returns:
        (measured direction, other direction, the report) for each copy.
    """
    gain = np.float32(10 ** (level_db / 20))
    into_a = measure(a + gain * copies[1], b, rate_hz)
    into_b = measure(a, b + gain * copies[0], rate_hz)
    return [(into_a.a_from_b, into_a.b_from_a, into_a), (into_b.b_from_a, into_b.a_from_b, into_b)]


def measure(a: Pcm, b: Pcm, rate_hz: int) -> IsolationReport:
    """Measures the isolation of two whole tracks: float32 [T] in [-1, 1] each."""
    return measure_isolation([(a, b)], sample_rate_hz=rate_hz)


def row(name: str, level_db: float, pairs: list[Measured]) -> str:
    """Writes one line of the table."""
    errors = [bleed.bleed_db - level_db for bleed, _, _ in pairs if bleed.bleed_db is not None]
    lags = sorted({round(bleed.lag_ms) for bleed, _, _ in pairs if bleed.lag_ms is not None})
    worst = f"{min(errors):+.2f} to {max(errors):+.2f}" if errors else "-"
    reverse = sum(other.bleed_db is not None for _, other, _ in pairs)
    verdicts = "/".join(sorted({report.verdict for _, _, report in pairs}))
    faults = [name for _, _, report in pairs for name, fault in report.faults.items() if fault.found]
    found = f"{len(errors)} of {len(pairs)}"
    return (
        f"| {name} | {level_db} | {found} | {worst} | {lags} | {reverse} | {verdicts} | {', '.join(faults) or 'none'} |"
    )


def main(paths: list[str]) -> None:
    """Prints the tables."""
    calls = []
    for path_a, path_b in zip(paths[::2], paths[1::2], strict=True):
        (a, rate_hz), (b, _) = read_track(path_a), read_track(path_b)
        length = min(len(a), len(b))
        calls.append((a[:length], b[:length], rate_hz))
        print(Path(path_a).name, measure(a[:length], b[:length], rate_hz))

    print("\n| copy | level dB | found | error dB | lags ms | found in reverse | verdict | faults |")
    print("|---|---|---|---|---|---|---|---|")
    for level_db in LEVELS_DB:
        for lag_ms in LAGS_MS:
            pairs = []
            for a, b, rate_hz in calls:
                lag = lag_ms * rate_hz // 1000
                copies = make_copy(a, lag, SHORT_FILTER), make_copy(b, lag, SHORT_FILTER)
                pairs += measure_both_ways(a, b, copies, level_db, rate_hz)
            print(row(f"{lag_ms} ms later", level_db, pairs))
    for t60_s in (0.1, 0.4):
        pairs = []
        for a, b, rate_hz in calls:
            room = make_room(rate_hz, t60_s)
            pairs += measure_both_ways(a, b, (make_copy(a, 0, room), make_copy(b, 0, room)), -20, rate_hz)
        print(row(f"room, T60 {t60_s} s", -20, pairs))
    for ppm in (10, 30, 100):
        pairs = []
        for a, b, rate_hz in calls:
            copies = stretch(make_copy(a, 100, SHORT_FILTER), ppm), stretch(make_copy(b, 100, SHORT_FILTER), ppm)
            pairs += measure_both_ways(a, b, copies, -20, rate_hz)
        print(row(f"clock off by {ppm} ppm", -20, pairs))

    a, b, rate_hz = calls[0]
    a, b = np.resize(a, COST_S * rate_hz), np.resize(b, COST_S * rate_hz)
    blocks = ((a[i : i + 5 * rate_hz], b[i : i + 5 * rate_hz]) for i in range(0, len(a), 5 * rate_hz))
    start_s = time.process_time()
    measure_isolation(blocks, sample_rate_hz=rate_hz)
    cpu_s = (time.process_time() - start_s) * 3600 / COST_S
    print(f"\n{cpu_s:.1f} CPU seconds per conversation-hour at {rate_hz} Hz")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tracks", nargs="+", metavar="TRACK", help="measures on these tracks, two of each conversation")
    main(parser.parse_args().tracks)
