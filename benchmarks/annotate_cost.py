"""Measures the CPU seconds that each step from the audio to the labels costs for an hour of conversation, on one thread.

    python benchmarks/annotate_cost.py A1 B1 [A2 B2 ...]

The tracks of one conversation or of several, mono at any rate. Each conversation is repeated to half an hour and written as
FLAC, so every step reads and decodes files as ``duologue annotate`` does; loading of models is left out. The figures are held
against bare Silero VAD of both tracks: the packaged model over 64 equal stretches at once (benchmarks/activity_cost.py),
decoding left out, before and after the steps. ``--profile STEP`` prints where a step spends its time.
"""

import argparse
import cProfile
import pstats
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from benchmarks.activity_cost import SECONDS, bare_silero, cpu_s_per_hour
from duologue_pipeline.activity.network import load_vad
from duologue_pipeline.activity.vad import SAMPLE_RATE_HZ
from duologue_pipeline.conversation import analysis_steps
from duologue_pipeline.files.kept import keeping
from duologue_pipeline.read.files import recording_of_files


def repeated(track: Path, folder: Path) -> Path:
    """Writes a track, repeated to ``SECONDS``, as FLAC at its own rate."""
    pcm, rate_hz = soundfile.read(track, dtype="int16")
    path = folder / f"{track.stem}.flac"
    soundfile.write(path, np.resize(pcm, SECONDS * rate_hz), rate_hz, subtype="PCM_16")
    return path


def bare_vad(tracks: Sequence[Path]) -> float:
    """Gives the CPU seconds of bare batched VAD for an hour of all these tracks, each weighing alike, times two."""
    costs = []
    for track in tracks:
        pcm, rate_hz = soundfile.read(track, dtype="float32")
        wide = soxr.resample(pcm, rate_hz, SAMPLE_RATE_HZ).astype(np.float32)
        costs.append(cpu_s_per_hour(partial(bare_silero, wide, streams=64), SECONDS)[1])
    return 2 * sum(costs) / len(costs)


def timed_steps(tracks: Sequence[Path], profiled: str | None) -> dict[str, float]:
    """Takes the steps over all conversations; gives the CPU seconds of each for an hour of conversation."""
    vad = load_vad()
    cost: dict[str, float] = defaultdict(float)
    for a, b in zip(tracks[::2], tracks[1::2], strict=True):
        element: Any = recording_of_files(str(a), str(b), language="en-US")
        with keeping():
            for step in analysis_steps(words="optional", isolation_policy="keep", vad=lambda: vad):
                work: Callable[..., Any] = step.work
                model = [step.model()] if step.model else []
                profile = cProfile.Profile() if step.name == profiled else None
                before = time.process_time()
                element = work(element, *model) if profile is None else profile.runcall(work, element, *model)
                cost[step.name] += (time.process_time() - before) * 3600 / SECONDS / (len(tracks) / 2)
                if profile is not None:
                    pstats.Stats(profile).sort_stats("tottime").print_stats(30)
    return dict(cost)


def main() -> None:
    """Prints one line a step, and their sum against bare VAD."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tracks", nargs="+", type=Path, metavar="TRACK", help="measures on these, two a conversation")
    parser.add_argument("--profile", metavar="STEP", help="prints the functions that take this step's time")
    options = parser.parse_args()
    if len(options.tracks) % 2:
        parser.error("tracks come in pairs: a and b of each conversation")
    with tempfile.TemporaryDirectory() as folder:
        tracks = [repeated(track, Path(folder)) for track in options.tracks]
        timed_steps(
            [repeated(track, Path(folder)) for track in options.tracks[:2]], None
        )  # first calls load and compile
        bare = [bare_vad(tracks)]
        cost = timed_steps(tracks, options.profile)
        bare.append(bare_vad(tracks))
    print("CPU seconds an hour of conversation, one thread")
    for name, value in (cost | {"all": sum(cost.values())}).items():
        print(f"{name:<12}{value:7.2f}")
    both = sum(bare) / len(bare)
    print(f"bare VAD    {both:7.2f}  (before {bare[0]:.2f}, after {bare[1]:.2f})")
    print(f"all / bare  {sum(cost.values()) / both:7.2f}")


if __name__ == "__main__":
    main()
