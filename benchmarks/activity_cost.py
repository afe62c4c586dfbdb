"""Measures the CPU seconds that activity and events cost for an hour of one track, against bare Silero VAD.

    python benchmarks/activity_cost.py TRACK_A TRACK_B

The two tracks of a conversation, mono at any rate. Each is repeated to half an hour. Bare Silero is the packaged
model over 64 equal stretches at once, which is its fastest plain use and gives no times, only probabilities that are
wrong at 63 joints; and the model frame by frame, over the first two minutes.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import silero_vad
import soundfile
import soxr
import torch

from duologue_pipeline.activity.network import VadModel, load_vad
from duologue_pipeline.activity.vad import SAMPLE_RATE_HZ, Vad
from duologue_pipeline.events.counts import conversation_statistics
from duologue_pipeline.events.find import find_events
from duologue_pipeline.records import Activity, Span
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.activity import ActivityRules

FRAME = 512
SECONDS = 1800
BLOCK = SAMPLE_RATE_HZ * 5

Pcm = npt.NDArray[np.float32]
T = TypeVar("T")


def read_track(path: Path) -> Pcm:
    """Reads a track at 16 kHz and repeats it to ``SECONDS``: float32 [T] in [-1, 1]."""
    pcm, rate_hz = soundfile.read(path, dtype="float32")
    return np.resize(soxr.resample(pcm, rate_hz, SAMPLE_RATE_HZ).astype(np.float32), SECONDS * SAMPLE_RATE_HZ)


def detect(model: VadModel, pcm: Pcm) -> list[Span]:
    """Detects activity as the pipeline does, in float32 [T] in [-1, 1] at 16 kHz."""
    vad = Vad(model)
    for start in range(0, pcm.size, BLOCK):
        vad.push(pcm[start : start + BLOCK])
    return vad.finish()


def bare_silero(pcm: Pcm, streams: int) -> None:
    """Runs the packaged model over equal stretches of the track side by side: float32 [T] in [-1, 1] at 16 kHz."""
    model = silero_vad.load_silero_vad()
    frames = torch.from_numpy(pcm[: pcm.size // (streams * FRAME) * streams * FRAME].reshape(streams, -1, FRAME))
    with torch.inference_mode():
        for frame in range(frames.shape[1]):
            model(frames[:, frame], SAMPLE_RATE_HZ)


def cpu_s_per_hour(what: Callable[[], T], seconds: float) -> tuple[T, float]:
    """Runs ``what`` over ``seconds`` of track; gives its result and its CPU seconds per hour of track."""
    before = time.process_time()
    result = what()
    return result, (time.process_time() - before) * 3600 / seconds


def main(a: Path, b: Path) -> None:
    """Prints one line a measurement."""
    model = load_vad()
    tracks = read_track(a), read_track(b)
    detect(model, tracks[0][: 60 * SAMPLE_RATE_HZ])  # torch's first calls compile
    (spans_a, spans_b), activity_cost = cpu_s_per_hour(lambda: [detect(model, pcm) for pcm in tracks], 2 * SECONDS)
    _, batched_cost = cpu_s_per_hour(lambda: bare_silero(tracks[0], streams=64), SECONDS)
    _, plain_cost = cpu_s_per_hour(lambda: bare_silero(tracks[0][: 120 * SAMPLE_RATE_HZ], streams=1), 120)

    duration_ms = SECONDS * 1000
    activity = Activity(spans_a, spans_b, rules=load_rules(ActivityRules).version)
    events, events_cost = cpu_s_per_hour(lambda: find_events(activity, duration_ms=duration_ms), 2 * SECONDS)
    _, statistics_cost = cpu_s_per_hour(
        lambda: conversation_statistics(activity, events, duration_ms=duration_ms), 2 * SECONDS
    )
    print("CPU seconds per track-hour, one thread")
    print(f"activity                     {activity_cost:8.2f}")
    print(f"bare Silero, 64 streams      {batched_cost:8.2f}")
    print(f"bare Silero, frame by frame  {plain_cost:8.2f}")
    print(f"events                       {events_cost:8.3f}  ({len(events)} events in {SECONDS // 60} minutes)")
    print(f"statistics                   {statistics_cost:8.3f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tracks", nargs=2, type=Path, metavar="TRACK", help="measures on these two tracks")
    main(*parser.parse_args().tracks)
