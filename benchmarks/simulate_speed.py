"""Measures how fast conversations are simulated, in memory and to disk, with voices already in the cache.

    python benchmarks/simulate_speed.py [--voices auto] [--minutes 5]

One process; wall time. Loading the voices from the cache is counted in "to disk" and not in the rows of the table.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from duologue_pipeline.simulate import Fault, VoiceBank, random_specs, simulate_conversation
from duologue_pipeline.simulate.bank import open_bank
from duologue_pipeline.simulate.fault_text import parse_fault
from duologue_pipeline.simulate.files import write_corpus
from duologue_pipeline.simulate.spec import LINE_RATES_HZ

FAULTS = (
    "bleed:both:-30dB:60ms:0.3s",
    "bleed:a_from_b:-30dB@0s,-20dB@60s:20ms@0s,80ms@60s",
    "duplicate",
    "mono_mix",
    "over_suppression:a:strong",
    "swap:20s",
    "offset:b:0.8s",
    "drift:b:80ppm",
    "clipping",
    "dropouts",
    "separated",
)


def times_real(bank: VoiceBank, line: str, faults: Sequence[Fault], minutes: float) -> float:
    """Measures how many seconds of conversation are simulated in a second, over four conversations."""
    specs = random_specs(4, 1, voices=bank.voices(), duration_s=60 * minutes, line=line, faults=faults)
    for spec in specs:
        bank.clips(spec.a.voice), bank.clips(spec.b.voice)
    began_s = time.perf_counter()
    for spec in specs:
        simulate_conversation(spec, bank)
    return len(specs) * 60 * minutes / (time.perf_counter() - began_s)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voices", default="auto", help="speaks with these voices, as `duologue simulate --voices`")
    parser.add_argument("--minutes", type=float, default=5.0, help="simulates conversations of so many minutes")
    options = parser.parse_args()
    bank = open_bank(options.voices)
    for voice in bank.voices():
        bank.clips(voice)
    print("| fault | line | times real time |\n|---|---|---|")
    for line in LINE_RATES_HZ:
        print(f"| none | {line} | {times_real(bank, line, (), options.minutes):.0f} |")
    for text in FAULTS:
        print(f"| {text} | telephone | {times_real(bank, 'telephone', parse_fault(text), options.minutes):.0f} |")
    fresh = open_bank(options.voices)
    specs = random_specs(20, 1, voices=fresh.voices(), duration_s=60 * options.minutes)
    with tempfile.TemporaryDirectory() as folder:
        began_s = time.perf_counter()
        write_corpus(Path(folder, "out"), specs, fresh, seed=1)
        speed = 20 * 60 * options.minutes / (time.perf_counter() - began_s)
    print(f"\nto disk, 20 of the default mix, FLAC: {speed:.0f} times real time")


if __name__ == "__main__":
    main()
