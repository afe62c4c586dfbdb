"""Measures how many hours of conversation ``duologue score-duplex`` scores in a minute, and its memory.

    python benchmarks/score_duplex.py FOLDER [--no-words]

FOLDER has items, each with input.wav and output.wav, as ``duologue export full-duplex-bench --set human=yes`` writes them. Loading of
the voice activity detector is part of the time; it is told apart by scoring once before.
"""

import argparse
import resource
import time
from pathlib import Path

from duologue_pipeline.score.folder import score_folder


def main() -> None:
    """Scores the folder and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--no-words", action="store_true", help="score by timing alone")
    asked = parser.parse_args()
    began, cpu = time.perf_counter(), time.process_time()
    document = score_folder(asked.folder, with_words=not asked.no_words)
    wall_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    hours, items = document["all"]["hours"], document["all"]["conversations"]
    memory_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{items} items, {hours:.2f} h: {wall_s:.1f} s, of which {cpu_s:.1f} s of one processor")
    print(
        f"{60 * hours / wall_s:.2f} h a minute, {60 * hours / cpu_s:.2f} h a minute of processor time; {memory_mib:.0f} MiB"
    )


if __name__ == "__main__":
    main()
