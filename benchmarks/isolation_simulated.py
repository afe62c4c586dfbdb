"""Measures what isolation finds in simulated conversations whose truth is known, and what the measurement costs.

    python benchmarks/isolation_simulated.py [--voices auto|noise] [--seed N] [--scale X] [--jobs N]

Conversations of 5 minutes (those with a clock that drifts: of 10) are drawn by ``random_specs``, so many of each kind
of fault; measured at 8 kHz, as in the pipeline. ``auto`` speaks with every synthesiser that is installed. Prints the
tables of docs/isolation.md and every conversation in which something is found that is not there, or not found that is.
Thresholds were set with seeds 1 and 2; figures are of another.
"""

import argparse
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing import get_context

import numpy as np
import soxr

from duologue_pipeline.isolation.meter import measure_isolation
from duologue_pipeline.records import FAULTS, IsolationReport
from duologue_pipeline.simulate import (
    FAULT_NAMES,
    Bleed,
    ConversationSpec,
    Drift,
    MonoMix,
    Offset,
    Swap,
    VoiceBank,
    random_specs,
    simulate_conversation,
)
from duologue_pipeline.simulate.bank import open_bank

WANTED = {
    "none": 60,
    "bleed": 60,
    "duplicate": 15,
    "mono_mix": 15,
    "over_suppression": 25,
    "separated": 10,
    "swap": 25,
    "offset": 30,
    "drift": 25,
    "damaged": 15,
}
"""Conversations of each kind."""

RATE_HZ = 8000
SHOWS_AS = {"mono_mix": "duplicate", "separated": "bleed"}
"""Faults that are found under another name: a mono mix is one signal, and masks let something of the other through."""


@dataclass(frozen=True)
class Outcome:
    """Holds of one conversation what was in it, what was found, and the CPU seconds per hour of conversation."""

    spec: ConversationSpec
    kind: str
    mixed: bool  # whether both tracks carry both voices
    report: IsolationReport
    cpu_s: float


def kind_of(spec: ConversationSpec) -> str:
    """Names the fault that a conversation is there for: bleed also comes along with others."""
    names = {FAULT_NAMES[type(fault)] for fault in spec.faults}
    for name in ("offset", "drift"):
        if name in names:
            return name
    if names & {"clipping", "dropouts"}:
        return "damaged"
    return next(iter(names), "none")


@cache
def bank_of(voices: str) -> VoiceBank:
    """Opens the voices once for each process."""
    return open_bank(voices)


def choose(seed: int, scale: float, names: Sequence[str]) -> Iterator[tuple[str, ConversationSpec]]:
    """Draws as many conversations of each kind as are wanted."""
    for duration_s, kinds in ((300.0, [kind for kind in WANTED if kind != "drift"]), (600.0, ["drift"])):
        by_kind = defaultdict(list)
        for spec in random_specs(2000, seed, duration_s=duration_s, voices=names):
            by_kind[kind_of(spec)].append(spec)
        for kind in kinds:
            for spec in by_kind[kind][: round(WANTED[kind] * scale)]:
                yield kind, spec


def judge(chosen: tuple[str, ConversationSpec], voices: str) -> Outcome:
    """Simulates a conversation and measures it."""
    kind, spec = chosen
    made = simulate_conversation(spec, bank_of(voices))
    a, b = (soxr.resample(track, made.sample_rate_hz, RATE_HZ) for track in (made.a, made.b))
    start_s = time.process_time()
    blocks = ((a[i : i + 40000], b[i : i + 40000]) for i in range(0, len(a), 40000))
    report = measure_isolation(blocks, sample_rate_hz=RATE_HZ)
    mixed = any(isinstance(fault, MonoMix) or getattr(fault, "source", "") == "mix" for fault in spec.faults)
    return Outcome(spec, kind, mixed, report, (time.process_time() - start_s) * 3600 / spec.duration_s)


def print_bleed(outcomes: list[Outcome]) -> None:
    """Prints the measured level of every copy that does not change, against the truth."""
    rows = defaultdict(list)
    for outcome in outcomes:
        for fault in outcome.spec.faults:
            if outcome.kind not in ("bleed", "drift") or not isinstance(fault, Bleed) or len(fault.level_db) > 1:
                continue
            level_db, lag_ms = fault.level_db[0][1], fault.lag_ms[0][1]
            found = outcome.report.a_from_b if fault.into == "a" else outcome.report.b_from_a
            if outcome.kind == "drift":
                rows["clocks that drift"].append((level_db, lag_ms, found))
            else:
                rows[f"{int(level_db // 10) * 10 + 10} to {int(level_db // 10) * 10} dB"].append(
                    (level_db, lag_ms, found)
                )
                rows["dry" if not fault.t60_s else "through a room"].append((level_db, lag_ms, found))
                rows["lag 0" if lag_ms == 0 else "lag under 20 ms" if lag_ms < 20 else "lag 20 to 200 ms"].append(
                    (level_db, lag_ms, found)
                )
    print(
        "\n| copies | n | found | below floor, and said so | missed | median error dB | median abs error dB | p90 | lag right |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for name, copies in sorted(rows.items()):
        errors = np.array([found.bleed_db - level for level, _, found in copies if found.bleed_db is not None])
        missing = [(level, found) for level, _, found in copies if found.bleed_db is None]
        said = sum(found.floor_db is not None and found.floor_db > level for level, found in missing)
        lags = sum(found.lag_ms is not None and abs(found.lag_ms - lag) <= 2 for _, lag, found in copies)
        figures = "- | - | -"
        if len(errors):
            absolute = np.abs(errors)
            figures = f"{np.median(errors):+.2f} | {np.median(absolute):.2f} | {np.percentile(absolute, 90):.2f}"
        print(f"| {name} | {len(copies)} | {len(errors)} | {said} | {len(missing) - said} | {figures} | {lags} |")
    false = sum(
        (outcome.report.a_from_b if side == "a" else outcome.report.b_from_a).bleed_db is not None
        for outcome in outcomes
        if outcome.kind in ("none", "bleed")
        for side in "ab"
        if not any(isinstance(fault, Bleed) and fault.into == side for fault in outcome.spec.faults)
    )
    clean = sum(
        not any(isinstance(fault, Bleed) and fault.into == side for fault in outcome.spec.faults)
        for outcome in outcomes
        if outcome.kind in ("none", "bleed")
        for side in "ab"
    )
    print(f"\nBleed reported in {false} of {clean} directions without any.")


def print_faults(outcomes: list[Outcome]) -> None:
    """Prints the rates of found faults and of false alarms."""
    print("\n| fault | conversations with it | found | missed | not judged | without it | false alarms | not judged |")
    print("|---|---|---|---|---|---|---|---|")
    for name in FAULTS:
        results: Counter[tuple[bool, bool | None]] = Counter()
        for outcome in outcomes:
            there = SHOWS_AS.get(outcome.kind, outcome.kind) == name or (name == "mono_mix" and outcome.mixed)
            results[there, outcome.report.faults[name].found] += 1
        cells = [results[there, found] for there in (True, False) for found in (True, False, None)]
        print(
            f"| `{name}` | {sum(cells[:3])} | {cells[0]} | {cells[1]} | {cells[2]} | {sum(cells[3:])} | {cells[3]} | {cells[5]} |"
        )


def print_values(outcomes: list[Outcome]) -> None:
    """Prints how far the figures of found faults are off."""
    errors = defaultdict(list)
    for outcome in outcomes:
        for fault in outcome.spec.faults:
            match fault:
                case Swap(at_s):
                    truth, name = at_s, "swap"
                case Offset(side, late_s):
                    truth, name = late_s if side == "b" else -late_s, "offset"
                case Drift(side, ppm):
                    truth, name = ppm if side == "b" else -ppm, "drift"
                case _:
                    continue
            found = outcome.report.faults[name]
            if found.found and found.value is not None:
                errors[name].append(abs(found.value - truth))
    for name, off in errors.items():
        print(f"{name}: value off by {np.median(off):.2f} (median), {np.max(off):.2f} (most), n = {len(off)}")


def print_surprises(outcomes: list[Outcome]) -> None:
    """Prints every conversation in which a fault is found that is not there, or is there and not found."""
    print()
    for outcome in outcomes:
        expected = SHOWS_AS.get(outcome.kind, outcome.kind)
        for name in FAULTS[:1] + FAULTS[2:]:
            found = outcome.report.faults[name]
            if bool(found.found) != (name == expected):
                print(f"{outcome.spec.recording_id} {outcome.kind}: {name} {found} {outcome.spec}")


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--voices", default="auto")
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    names = bank_of(options.voices).voices()
    chosen = list(choose(options.seed, options.scale, names))
    with get_context("spawn").Pool(options.jobs) as pool:
        outcomes = pool.map(partial(judge, voices=options.voices), chosen, chunksize=4)
    print(
        f"{len(outcomes)} conversations of {len(names)} voices, seed {options.seed}: {dict(Counter(outcome.kind for outcome in outcomes))}"
    )
    print_bleed(outcomes)
    print_faults(outcomes)
    print_values(outcomes)
    apart = [outcome.report for outcome in outcomes if outcome.kind == "separated"]
    seen = sum(report.a_from_b.bleed_db is not None or report.b_from_a.bleed_db is not None for report in apart)
    print(f"separated after the fact: a residue of the other voice is found in {seen} of {len(apart)}")
    verdicts = {kind: dict(Counter(o.report.verdict for o in outcomes if o.kind == kind)) for kind in WANTED}
    print("\n" + "\n".join(f"{kind}: {counted}" for kind, counted in verdicts.items()))
    print(f"{np.median([outcome.cpu_s for outcome in outcomes]):.1f} CPU seconds per conversation-hour")
    print_surprises(outcomes)


if __name__ == "__main__":
    main()
