"""Measures how far the activity found in simulated tracks lies from their truth: a check of both.

    python benchmarks/simulate_activity.py [--voices auto] [--conversations 8]

Two minutes each, no faults, telephone line. For every true utterance the nearest found edge counts.
"""

import argparse
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import soxr

from duologue_pipeline.activity.network import VadModel, load_vad
from duologue_pipeline.activity.vad import SAMPLE_RATE_HZ, Vad
from duologue_pipeline.records import Span
from duologue_pipeline.simulate import random_specs, simulate_conversation
from duologue_pipeline.simulate.bank import open_bank


def find(pcm: npt.NDArray[np.float32], rate_hz: int, model: VadModel) -> Sequence[Span]:
    """Detects the activity of a track, float32 [T] in [-1, 1]."""
    vad = Vad(model)
    vad.push(soxr.resample(pcm, rate_hz, SAMPLE_RATE_HZ))
    return vad.finish()


def errors_ms(true_s: Sequence[float], found_ms: Sequence[int]) -> list[float]:
    """Gives for each true edge, in ms, how far the nearest found edge lies from it."""
    found = np.array(found_ms)
    return [float(found[np.argmin(np.abs(found - 1000 * time_s))] - 1000 * time_s) for time_s in true_s]


def main() -> None:
    """Prints percentiles of the errors."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voices", default="auto", help="speaks with these voices, as `duologue simulate --voices`")
    parser.add_argument("--conversations", type=int, default=8, help="simulates so many conversations")
    options = parser.parse_args()
    bank, model = open_bank(options.voices), load_vad()
    onsets: list[float] = []
    ends: list[float] = []
    unheard = 0
    for spec in random_specs(
        options.conversations, 4, voices=bank.voices(), duration_s=120, line="telephone", faults=()
    ):
        simulated = simulate_conversation(spec, bank)
        for speaker, pcm in (("a", simulated.a), ("b", simulated.b)):
            found = find(pcm, simulated.sample_rate_hz, model)
            true = simulated.truth["activity"][speaker]
            if not found or not true:
                unheard += 1
                continue
            onsets += errors_ms([start_s for start_s, _ in true], [span.start_ms for span in found])
            ends += errors_ms([end_s for _, end_s in true], [span.end_ms for span in found])
    for name, errors in (("onset", onsets), ("end", ends)):
        low, median, high = np.percentile(errors, [5, 50, 95])
        print(f"{name}: {low:.0f}, {median:.0f}, {high:.0f} ms at 5, 50, 95 % of {len(errors)}")
    print(f"tracks in which nothing was found: {unheard}")


if __name__ == "__main__":
    main()
