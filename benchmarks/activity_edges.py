"""How far the edges of voice activity lie from the truth, on synthesised phrases at known times.

    python benchmarks/activity_edges.py [RULE=VALUE ...]

RULE=VALUE tries another threshold; edge_search_ms=0 edge_reach_ms=0 leaves the edges where Silero puts them.

Needs the programs ``flite`` and ``espeak-ng``. Twenty phrases by four voices, from "mm hmm" to a sentence, are trimmed
35 dB under their peak, brought to -31 to -22 dBFS, put into a track with pauses of .35 to 1.5 s, sent through a
telephone's 8 kHz, and mixed with white noise. An error is detected minus true; ms.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from duologue_pipeline.activity import SAMPLE_RATE_HZ, Vad, load_vad
from duologue_pipeline.records import Span
from duologue_pipeline.rules import load_rules

PHRASES = [
    *("yeah", "uh huh", "mm hmm", "right", "okay", "no", "what", "exactly", "stop it", "are you sure"),
    *("probably not", "she said hello", "first of all", "five hundred dollars", "that sounds good to me"),
    *("so what happened then", "I think that is true", "we went there last summer", "he fixed the brakes"),
    "the car broke down on the highway",
]
VOICES = (
    ["flite", "-voice", "slt", "-o", "{file}", "-t"],
    ["flite", "-voice", "rms", "-o", "{file}", "-t"],
    ["flite", "-voice", "awb", "-o", "{file}", "-t"],
    ["espeak-ng", "-v", "en-us", "-w", "{file}"],
)
NOISES_DBFS = (-75, -55, -45, -35)

Pcm = npt.NDArray[np.float32]


def speak(voice: list[str], phrase: str) -> Pcm:
    """One phrase, trimmed, with unit power."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "phrase.wav"
        subprocess.run([part.format(file=file) for part in voice] + [phrase], check=True)
        pcm, rate_hz = soundfile.read(file, dtype="float32")
    pcm = soxr.resample(pcm, rate_hz, SAMPLE_RATE_HZ)
    loud = np.flatnonzero(np.abs(pcm) > np.abs(pcm).max() * 10 ** (-35 / 20))
    pcm = pcm[loud[0] : loud[-1] + 1]
    return pcm / np.sqrt(np.mean(pcm**2))


def make_track(phrases: list[Pcm], noise_dbfs: float) -> tuple[Pcm, list[Span]]:
    """The track and where its phrases lie."""
    random = np.random.default_rng(1)
    parts, truth, at = [], [], 0
    for i in random.permutation(len(phrases)):
        pause = np.zeros(int(random.uniform(0.35, 1.5) * SAMPLE_RATE_HZ))
        phrase = phrases[i] * 10 ** ((-25 + random.uniform(-6, 3)) / 20)
        at += pause.size
        truth.append(Span(at // 16, (at + phrase.size) // 16))
        at += phrase.size
        parts += [pause, phrase]
    clean = np.concatenate([*parts, np.zeros(SAMPLE_RATE_HZ)])
    telephone = soxr.resample(soxr.resample(clean, SAMPLE_RATE_HZ, 8000), 8000, SAMPLE_RATE_HZ)
    return (telephone + random.standard_normal(telephone.size) * 10 ** (noise_dbfs / 20)).astype(np.float32), truth


def errors_ms(truth: list[Span], found: list[Span]) -> tuple[list[int], list[int]]:
    """Onset and offset errors of the phrases that were found."""
    onsets, offsets = [], []
    for span in truth:
        meets = [other for other in found if other.start_ms < span.end_ms and span.start_ms < other.end_ms]
        if meets:
            onsets.append(meets[0].start_ms - span.start_ms)
            offsets.append(meets[-1].end_ms - span.end_ms)
    return onsets, offsets


def main(changes: dict[str, int]) -> None:
    """Prints one line a noise level."""
    model = load_vad()
    phrases = [speak(voice, phrase) for phrase in PHRASES for voice in VOICES]
    print("noise     found   onset: median  p90 of |.|  within 50 ms   offset: median  p90 of |.|  within 50 ms")
    for noise_dbfs in NOISES_DBFS:
        pcm, truth = make_track(phrases, noise_dbfs)
        vad = Vad(model, load_rules("activity") | changes)
        vad.push(pcm)
        edges = errors_ms(truth, vad.finish())
        cells = [f"{noise_dbfs} dBFS  {len(edges[0])}/{len(truth)}"]
        for errors in edges:
            size = np.abs(errors)
            cells.append(f"{np.median(errors):+12.0f} {np.percentile(size, 90):11.0f} {np.mean(size <= 50):13.0%}")
        print("  ".join(cells))


if __name__ == "__main__":
    main({name: int(value) for name, value in (item.split("=") for item in sys.argv[1:])})
