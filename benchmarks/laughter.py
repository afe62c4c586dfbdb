"""Finds laughs of open licence in simulated conversations, and counts what is taken for laughter in speech.

    python -m benchmarks.laughter --model yamnet.tflite [--laughs FILE ...] [--others FILE ...] [--conversations 4] [--seed 41]
        [--tracks FILE ...]

Laughs and other sounds (coughs, sneezes) are recordings of one sound each. Each is brought to the level of a speaker of a
simulated conversation and set into that track, .5 s away from the own speech; 15 s around it are listened to, at 16 kHz and
through the 8 kHz of telephones. A sound is marked if a marked stretch meets it. "of it speech" is the share of the sounds' time
that the activity takes for speech. Everything else that is marked is false. Without sounds the whole tracks are listened to.
``--tracks`` are mono recordings without laughter, counted only.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from duologue_pipeline.activity.laughter import RATE_HZ, laughs
from duologue_pipeline.activity.network import VadModel, load_vad
from duologue_pipeline.activity.vad import Vad
from duologue_pipeline.activity.yamnet import Yamnet
from duologue_pipeline.ingest.pieces import PieceCutter, speech_pieces
from duologue_pipeline.records import SPEAKERS, Span, Vocalisation
from duologue_pipeline.simulate import VoiceBank, random_specs, simulate_conversation
from duologue_pipeline.simulate.bank import open_bank
from duologue_pipeline.simulate.seeds import generator

DURATION_S = 120
LONGEST_S = 6.0
AWAY_S = 0.5
AROUND_S = 15.0

Pcm = npt.NDArray[np.float32]


@dataclass
class Count:
    """Holds what was counted of one row."""

    sounds: int = 0
    found: int = 0
    long_ms: int = 0
    heard_ms: int = 0
    false: int = 0
    speech_min: float = 0.0
    errors_ms: list[int] = field(default_factory=list)


def read_sound(path: Path) -> Pcm:
    """Reads a sound as float32 [T] at :data:`RATE_HZ`, without the silence around it (below -40 dB of its peak), RMS 1."""
    pcm, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    mono = soxr.resample(pcm.mean(axis=1), rate_hz, RATE_HZ)
    loud = np.flatnonzero(np.abs(mono) > 0.01 * np.abs(mono).max())
    cut = mono[loud[0] : loud[-1] + 1][: round(LONGEST_S * RATE_HZ)]
    return np.asarray(cut / np.sqrt(np.mean(np.square(cut))), np.float32)


def found_laughs(pcm: Pcm, model: VadModel, network: Yamnet) -> tuple[list[Vocalisation], list[Span], float]:
    """Finds laughter and activity in float32 [T] in [-1, 1] at :data:`RATE_HZ`; gives the CPU seconds of the first, too."""
    vad = Vad(model)
    vad.push(pcm)
    spans = vad.finish()
    before = time.process_time()
    cutter = PieceCutter(speech_pieces(spans), rate_hz=RATE_HZ)
    pieces = [*cutter.push(pcm), *cutter.finish()]
    found = [each for piece, own in pieces for each in laughs(own, piece, spans, network)]
    return found, spans, time.process_time() - before


def overlap_ms(one: Span | Vocalisation, other: Span) -> int:
    """Gives the time that two stretches have in common."""
    return max(0, min(one.end_ms, other.end_ms) - max(one.start_ms, other.start_ms))


def place_for(spoken: Sequence[Span], length_s: float, rng: np.random.Generator) -> float | None:
    """Finds where in a track a sound fits, in seconds; None where it does not."""
    edges_ms = [*((span.start_ms, span.end_ms) for span in spoken), (DURATION_S * 1000, 0)]
    after_s = [(end_ms / 1000 + AWAY_S, start_ms / 1000) for (_, end_ms), (start_ms, _) in pairwise(edges_ms)]
    fitting = [at_s for at_s, until_s in after_s if at_s + length_s + AWAY_S <= until_s]
    return float(rng.choice(fitting)) if fitting else None


def simulated_tracks(bank: VoiceBank, *, conversations: int, seed: int) -> list[tuple[Pcm, list[Span]]]:
    """Simulates tracks, float32 [T] in [-1, 1] at :data:`RATE_HZ`, with the times of their words."""
    tracks = []
    for spec in random_specs(conversations, seed, voices=bank.voices(), duration_s=DURATION_S, faults=()):
        simulated = simulate_conversation(spec, bank)
        for s, pcm in zip(SPEAKERS, (simulated.a, simulated.b), strict=True):
            words = [Span(round(1000 * w["start_s"]), round(1000 * w["end_s"])) for w in simulated.truth["words"][s]]
            resampled = soxr.resample(pcm, simulated.sample_rate_hz, RATE_HZ)
            tracks.append((resampled, [word for word in words if word.duration_ms]))
    return tracks


def with_sound(track: tuple[Pcm, list[Span]], sound: Pcm, rng: np.random.Generator) -> tuple[Pcm, Span] | None:
    """Sets a sound into a track at the level of its speech, and cuts out what lies around; None where it does not fit."""
    pcm, spoken = track
    at_s = place_for(spoken, len(sound) / RATE_HZ, rng)
    if at_s is None:
        return None
    power = np.mean([np.mean(np.square(pcm[w.start_ms * 16 : w.end_ms * 16])) for w in spoken])
    at, around = round(at_s * RATE_HZ), round(AROUND_S * RATE_HZ)
    first = max(0, at - around)
    cut = pcm[first : at + len(sound) + around].copy()
    cut[at - first : at - first + len(sound)] += sound * np.float32(np.sqrt(power))
    start_ms = round(1000 * (at - first) / RATE_HZ)
    return cut, Span(start_ms, start_ms + round(1000 * len(sound) / RATE_HZ))


def measure(
    sounds: Sequence[Pcm],
    tracks: Sequence[tuple[Pcm, list[Span]]],
    model: VadModel,
    network: Yamnet,
    *,
    rate_hz: int,
    seed: int,
) -> Count:
    """Listens to tracks with a sound in each, or to all tracks as they are if there is none."""
    count, rng = Count(), generator("laughter", seed)
    set_in = [with_sound(tracks[i % len(tracks)], sound, rng) for i, sound in enumerate(sounds)]
    heard: list[tuple[Pcm, Span | None]] = [each for each in set_in if each is not None]
    for pcm, laugh in heard if sounds else [(pcm, None) for pcm, _ in tracks]:
        if rate_hz < RATE_HZ:
            pcm = soxr.resample(soxr.resample(pcm, RATE_HZ, rate_hz), rate_hz, RATE_HZ)
        found, spans, _ = found_laughs(np.clip(pcm, -1, 1), model, network)
        hits = [each for each in found if laugh is not None and overlap_ms(each, laugh)]
        count.false += len(found) - len(hits)
        count.speech_min += sum(span.duration_ms for span in spans) / 60_000
        if laugh is not None:
            count.sounds += 1
            count.found += bool(hits)
            count.long_ms += laugh.duration_ms
            count.heard_ms += sum(overlap_ms(span, laugh) for span in spans)
        if laugh is not None and hits:
            count.errors_ms += [abs(hits[0].start_ms - laugh.start_ms), abs(hits[-1].end_ms - laugh.end_ms)]
    return count


def main() -> None:
    """Prints a table for the sounds in simulated conversations, and a line for each recording."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="YAMNet for TensorFlow Lite")
    parser.add_argument(
        "--laughs", type=Path, nargs="*", default=[], metavar="FILE", help="sets these laughs into tracks"
    )
    parser.add_argument(
        "--others", type=Path, nargs="*", default=[], metavar="FILE", help="sets these other sounds into tracks"
    )
    parser.add_argument("--voices", default="auto", help="speaks with these voices, as `duologue simulate --voices`")
    parser.add_argument("--conversations", type=int, default=4, help="simulates so many conversations")
    parser.add_argument("--seed", type=int, default=41, help="draws the plans and the places from this seed")
    parser.add_argument(
        "--tracks", nargs="*", default=[], metavar="FILE", help="counts laughs in these mono recordings"
    )
    options = parser.parse_args()
    model, network = load_vad(), Yamnet(options.model)
    for path in options.tracks:
        pcm, rate_hz = soundfile.read(path, dtype="float32")
        found, spans, cpu_s = found_laughs(soxr.resample(pcm, rate_hz, RATE_HZ), model, network)
        length_min, speech_min = len(pcm) / rate_hz / 60, sum(span.duration_ms for span in spans) / 60_000
        print(
            f"{path}: {len(found)} in {length_min:.2f} minutes, {speech_min:.2f} of speech; "
            f"{60 * cpu_s / length_min:.1f} CPU s an hour, {60 * cpu_s / speech_min:.1f} an hour of speech"
        )
        for each in found:
            print(f"    {each.start_ms / 1000:8.2f} s  {each.end_ms - each.start_ms:4d} ms")
    print("| sounds | rate | set in | marked | of it speech | edges within 250 ms | false marks | speech, minutes |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    tracks = simulated_tracks(open_bank(options.voices), conversations=options.conversations, seed=options.seed)
    for name, paths in (("laughs", options.laughs), ("others", options.others), ("none", [])):
        sounds = [read_sound(path) for path in paths]
        for rate_hz in (16_000, 8_000) if sounds or name == "none" else ():
            count = measure(sounds, tracks, model, network, rate_hz=rate_hz, seed=options.seed)
            near = f"{np.mean(np.array(count.errors_ms) <= 250):.0%}" if count.errors_ms else ""
            heard = f"{count.heard_ms / count.long_ms:.0%}" if count.long_ms else ""
            print(
                f"| {name} | {rate_hz} | {count.sounds} | {count.found} | {heard} | {near} | {count.false} | "
                f"{count.speech_min:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
