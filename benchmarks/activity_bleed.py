"""Measures on simulated conversations how bleed changes the activity, before and after it is taken out.

    python benchmarks/activity_bleed.py [--conversations 5] [--seed 7] [--voices auto]

Two minutes each, noise 40 dB under the speech. Each speaker is heard in the other's track at the level of the row, 30
and 80 ms late, half of the conversations with .3 s of reverberation; isolation is measured, not given. "Recall" is the
share of the truly overlapped (spoken) time that is found as such. The rules were chosen on seed 303.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import soxr

from duologue_pipeline.activity.bleed import without_bleed
from duologue_pipeline.activity.network import VadModel, load_vad
from duologue_pipeline.activity.vad import SAMPLE_RATE_HZ, Vad
from duologue_pipeline.isolation.measure import ISOLATION_RATE_HZ
from duologue_pipeline.isolation.meter import measure_isolation
from duologue_pipeline.records import Span
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.activity import ActivityRules
from duologue_pipeline.simulate import Bleed, Side, Simulated, constant, random_specs, simulate_conversation
from duologue_pipeline.simulate.bank import open_bank

SECONDS = 120
LEVELS_DB = (None, -40, -35, -30, -25, -20, -15)

Flags = npt.NDArray[np.bool_]


def grid(spans: Sequence[Span]) -> Flags:
    """Marks the spans in bool [milliseconds]."""
    flags = np.zeros(SECONDS * 1000, np.bool_)
    for span in spans:
        flags[span.start_ms : span.end_ms] = True
    return flags


def judge(simulated: Simulated, model: VadModel) -> tuple[list[Flags], list[Flags], list[Flags]]:
    """Gives the true activity, the found one and the one without bleed, of both speakers: bool [milliseconds] each."""
    true = [
        grid([Span(round(1000 * s), round(1000 * e)) for s, e in simulated.truth["activity"][speaker]])
        for speaker in ("a", "b")
    ]
    at_8k = [soxr.resample(pcm, simulated.sample_rate_hz, ISOLATION_RATE_HZ) for pcm in (simulated.a, simulated.b)]
    report = measure_isolation([(at_8k[0], at_8k[1])], sample_rate_hz=ISOLATION_RATE_HZ)
    spans, levels = [], []
    for pcm in (simulated.a, simulated.b):
        vad = Vad(model)
        vad.push(soxr.resample(pcm, simulated.sample_rate_hz, SAMPLE_RATE_HZ))
        spans.append(vad.finish())
        levels.append(vad.levels_dbfs)
    rules = load_rules(ActivityRules)
    clean = [
        without_bleed(spans[0], levels[0], levels[1], report.a_from_b, rules),
        without_bleed(spans[1], levels[1], levels[0], report.b_from_a, rules),
    ]
    return true, [grid(own) for own in spans], [grid(own) for own in clean]


def row(line: str, level_db: float | None, model: VadModel, options: argparse.Namespace) -> str:
    """Writes one line of the table."""
    bank = open_bank(options.voices)
    ms = dict.fromkeys(("true", "before", "after", "hit before", "hit after", "speech", "said before", "said after"), 0)
    drawn = random_specs(
        options.conversations, options.seed, voices=bank.voices(), duration_s=SECONDS, line=line, faults=()
    )
    for number, spec in enumerate(drawn):
        faults: tuple[Bleed, ...] = ()
        if level_db is not None:
            t60_s = 0.3 if number % 2 else 0.0
            faults = (
                Bleed("a", constant(level_db), constant(30), t60_s=t60_s),
                Bleed("b", constant(level_db), constant(80), t60_s=t60_s),
            )
        spec = replace(spec, a=_side(spec.a), b=_side(spec.b), hum_dbfs=None, faults=faults)
        true, before, after = judge(simulate_conversation(spec, bank), model)
        overlap = true[0] & true[1]
        ms["true"] += int(overlap.sum())
        ms["before"] += int((before[0] & before[1]).sum())
        ms["after"] += int((after[0] & after[1]).sum())
        ms["hit before"] += int((overlap & before[0] & before[1]).sum())
        ms["hit after"] += int((overlap & after[0] & after[1]).sum())
        ms["speech"] += int(true[0].sum() + true[1].sum())
        ms["said before"] += int((true[0] & before[0]).sum() + (true[1] & before[1]).sum())
        ms["said after"] += int((true[0] & after[0]).sum() + (true[1] & after[1]).sum())
    total = options.conversations * SECONDS * 1000
    shares = " | ".join(f"{ms[name] / total:.1%}" for name in ("true", "before", "after"))
    recalls = " | ".join(
        f"{ms[before] / ms[of]:.1%}, {ms[after] / ms[of]:.1%}"
        for before, after, of in (("hit before", "hit after", "true"), ("said before", "said after", "speech"))
    )
    return f"{shares} | {recalls}"


def _side(side: Side) -> Side:
    return replace(side, noise_dbfs=side.level_dbfs - 40, silence="noise", t60_s=0.0)


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--conversations", type=int, default=5, help="simulates so many conversations")
    parser.add_argument("--seed", type=int, default=7, help="draws the conversations from this seed")
    parser.add_argument("--voices", default="auto", help="speaks with these voices, as `duologue simulate --voices`")
    options = parser.parse_args()
    model = load_vad()
    print("| rate | bleed | overlap: true | before | after | recall of overlap: before, after | of speech |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for line, rate in (("telephone", "8 kHz"), ("studio", "24 kHz")):
        for level_db in LEVELS_DB:
            name = "none" if level_db is None else f"{level_db} dB"
            print(f"| {rate} | {name} | {row(line, level_db, model, options)} |", flush=True)


if __name__ == "__main__":
    main()
