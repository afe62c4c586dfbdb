"""Finds filled pauses by their sound in simulated conversations, and counts those that are found in real ones.

    python benchmarks/filled_pauses.py [--conversations 14] [--seed 31] [--voices auto] [--tracks FILE ...]

The voices of ``duologue simulate`` do not say "uh" and "um", so these are put in here, as often, as long and where
people say them in 100 Switchboard conversations (3528 fillers among 112,847 words). Each voice says them itself; their
length is changed without their pitch. The thresholds were chosen on seeds 101 and 23. A filler is found if a candidate
lies at least half in it. "Drawn out" makes the first and the last word of every phrase so many times longer, as
hesitant people do. At 1.0 last words already take .093 s a letter in the median and others .055 s, as in the 100
conversations (.078 and .047 s). ``--tracks`` are mono recordings, counted only.
"""

import argparse
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from duologue_pipeline.activity.filled_pauses import RATE_HZ, filled_pauses
from duologue_pipeline.activity.network import VadModel, load_vad
from duologue_pipeline.activity.vad import SAMPLE_RATE_HZ, Vad
from duologue_pipeline.ingest.pieces import PieceCutter, speech_pieces
from duologue_pipeline.records import SPEAKERS, Span, Vocalisation
from duologue_pipeline.simulate import VoiceBank, random_specs, simulate_conversation
from duologue_pipeline.simulate.bank import open_bank
from duologue_pipeline.simulate.seeds import generator
from duologue_pipeline.simulate.synthesis import synthesise
from duologue_pipeline.simulate.voices import CLIP_RATE_HZ, Clip, VoiceClips, trim, unit_rms

DURATION_S = 240
DRAWN_OUT = (1.0, 1.3, 1.6)
FILLERS_PER_100_WORDS = 3.1
LENGTH_S = {"uh": (0.28, 0.42), "um": (0.40, 0.35)}  # median, and standard deviation of its logarithm
UM_SHARE = 0.25
PLACES = {"alone": 0.18, "first": 0.19, "last": 0.35, "inside": 0.28}  # in an inter-pausal unit
SOFTER_DB = 2.0  # chosen

Pcm = npt.NDArray[np.float32]


def stretched(pcm: Pcm, factor: float) -> Pcm:
    """Makes float32 [T] longer or shorter at the same pitch, by overlap-add (WSOLA, Verhelst & Roelands 1993)."""
    window, search = CLIP_RATE_HZ * 30 // 1000, CLIP_RATE_HZ * 6 // 1000
    hop = window // 2
    source = np.pad(pcm, (search, window + search))
    shape = np.hanning(window).astype(np.float32)
    length = round(len(pcm) * factor)
    out, gain = np.zeros(length + 2 * window, np.float32), np.full(length + 2 * window, 1e-3, np.float32)
    last = search
    for at in range(0, length, hop):
        ideal = min(search + round(at / factor), len(source) - window - search)
        wanted = source[last + hop : last + hop + window] if at else source[ideal : ideal + window]
        wanted = np.pad(wanted, (0, window - len(wanted)))
        near = source[ideal - search : ideal + search + window]
        last = ideal - search + int(np.correlate(near, wanted, "valid").argmax())
        out[at : at + window] += shape * source[last : last + window]
        gain[at : at + window] += shape
    return (out / gain)[:length]


@dataclass
class FillerBank:
    """Lets the voices of another bank hesitate; ``drawn_out`` is how much longer first and last words are."""

    bank: VoiceBank
    seed: int
    drawn_out: float = 1.0
    _made: dict[str, VoiceClips] = field(default_factory=dict)

    def voices(self) -> Sequence[str]:
        """Lists the voices of the other bank."""
        return self.bank.voices()

    def clips(self, voice: str) -> VoiceClips:
        """Gives each phrase four times, with fillers at the human rate; the same for the same seed."""
        if voice not in self._made:
            self._made[voice] = self._make(voice)
        return self._made[voice]

    def _make(self, voice: str) -> VoiceClips:
        rng = generator("filled pauses", self.seed, voice)
        plain = self.bank.clips(voice)
        sounds = _sounds(voice)
        phrases = []
        for clip in [*plain.phrases] * 4:
            clip = _drawn_out(clip, self.drawn_out)
            places = rng.choice(
                [*PLACES], p=[*PLACES.values()], size=rng.poisson(FILLERS_PER_100_WORDS / 100 * len(_words(clip)))
            )
            if not set(places) - {"alone"}:
                phrases.append(clip)
            for place in places:
                name = "um" if rng.random() < UM_SHARE else "uh"
                sound = sounds[name][rng.integers(len(sounds[name]))]
                median_s, spread = LENGTH_S[name]
                length_s = float(np.clip(median_s * np.exp(spread * rng.standard_normal()), 0.1, 1.2))
                filler = stretched(sound, length_s * CLIP_RATE_HZ / len(sound))
                filler = unit_rms(filler) * np.float32(10 ** (-SOFTER_DB / 20))
                phrases.append(_with_filler(clip, Clip(filler, [(name, 0.0, len(filler) / CLIP_RATE_HZ)]), place, rng))
        return VoiceClips(phrases, plain.backchannels)


def _sounds(voice: str) -> dict[str, list[Pcm]]:
    """Speaks each filler alone, and before a phrase."""
    sounds: dict[str, list[Pcm]] = {}
    for name in LENGTH_S:
        sounds[name] = []
        for spoken in synthesise(voice, [name, f"{name} we could try"]):
            start_s, end_s = spoken.word_times_s[0]
            pcm = spoken.pcm[int(start_s * spoken.sample_rate_hz) : int(end_s * spoken.sample_rate_hz)]
            pcm = soxr.resample(pcm, spoken.sample_rate_hz, CLIP_RATE_HZ)
            start, end = trim(pcm, CLIP_RATE_HZ)[0]
            sounds[name].append(unit_rms(pcm[start:end]))
    return sounds


def _drawn_out(clip: Clip, factor: float) -> Clip:
    """Makes the first word ("so", "and") and the last one longer."""
    if factor == 1.0:
        return clip
    words = _words(clip)
    first, last = (round(at_s * CLIP_RATE_HZ) for at_s in (words[0][2], words[-1][1]))
    if last < first:  # a single word
        first = 0
    head, tail = stretched(clip.pcm[:first], factor), stretched(clip.pcm[last:], factor)
    pcm = _spliced(_spliced(head, clip.pcm[first:last]), tail)
    old_s = np.array([0, first, last, len(clip.pcm)]) / CLIP_RATE_HZ
    new_s = np.array([0, len(head), len(pcm) - len(tail), len(pcm)]) / CLIP_RATE_HZ
    moved = []
    for word, *times_s in words:
        start_s, end_s = np.interp(times_s, old_s, new_s).tolist()
        moved.append((word, start_s, end_s))
    return Clip(pcm, moved)


def _words(clip: Clip) -> Sequence[tuple[str, float, float]]:
    assert clip.words is not None, "the voices are synthesised"
    return clip.words


def _with_filler(clip: Clip, filler: Clip, place: str, rng: np.random.Generator) -> Clip:
    if place == "alone":
        return filler
    cut = {"first": 0, "last": len(_words(clip))}.get(place, int(rng.integers(1, max(2, len(_words(clip))))))
    at_s = _words(clip)[cut][1] if cut < len(_words(clip)) else clip.duration_s
    at = round(at_s * CLIP_RATE_HZ)
    pcm = _spliced(_spliced(clip.pcm[:at], filler.pcm), clip.pcm[at:])
    long_s = filler.duration_s
    words = [
        *_words(clip)[:cut],
        (_words(filler)[0][0], at_s, at_s + long_s),
        *((word, start_s + long_s, end_s + long_s) for word, start_s, end_s in _words(clip)[cut:]),
    ]
    return Clip(pcm, words)


def _spliced(one: Pcm, other: Pcm) -> Pcm:
    """Joins two clips, each faded for 5 ms at the joint; the length is that of both."""
    ramp = np.linspace(0, 1, CLIP_RATE_HZ // 200, dtype=np.float32)
    one, other = one.copy(), other.copy()
    if len(one) > len(ramp) and len(other) > len(ramp):
        one[-len(ramp) :] *= ramp[::-1]
        other[: len(ramp)] *= ramp
    return np.concatenate([one, other])


def candidates(pcm: Pcm, rate_hz: int, model: VadModel) -> tuple[list[Vocalisation], list[Span], float]:
    """Finds filled pauses and activity in float32 [T] in [-1, 1]; gives the CPU seconds of the first, too."""
    vad = Vad(model)
    vad.push(soxr.resample(pcm, rate_hz, SAMPLE_RATE_HZ))
    spans = vad.finish()
    before = time.process_time()
    cutter = PieceCutter(speech_pieces(spans), rate_hz=RATE_HZ)
    pieces = [*cutter.push(soxr.resample(pcm, rate_hz, RATE_HZ)), *cutter.finish()]
    found = [each for piece, own in pieces for each in filled_pauses(own, piece, spans)]
    return found, spans, time.process_time() - before


def place_of(found: Vocalisation, spans: Sequence[Span]) -> str:
    """Says at which place a candidate lies: whether it begins a stretch of speech."""
    return "first" if any(span.start_ms == found.start_ms for span in spans) else "other"


def is_within(found: Vocalisation, word: Mapping[str, Any]) -> bool:
    """Says whether at least half of a candidate lies in a word."""
    common_ms = min(found.end_ms, 1000 * word["end_s"]) - max(found.start_ms, 1000 * word["start_s"])
    return bool(2 * common_ms >= found.end_ms - found.start_ms)


def measure(bank: FillerBank, model: VadModel, *, conversations: int, seed: int) -> None:
    """Prints the rows of one bank."""
    count: Counter[tuple[str, str]] = Counter()
    speech_min, errors_ms = 0.0, []
    for spec in random_specs(conversations, seed, voices=bank.voices(), duration_s=DURATION_S, faults=()):
        simulated = simulate_conversation(spec, bank)
        for s, pcm in zip(SPEAKERS, (simulated.a, simulated.b), strict=True):
            fillers = [word for word in simulated.truth["words"][s] if word["word"] in LENGTH_S]
            found, spans, _ = candidates(pcm, simulated.sample_rate_hz, model)
            speech_min += sum(span.duration_ms for span in spans) / 60_000
            count["true", "all"] += len(fillers)
            for each in found:
                own = [word for word in fillers if is_within(each, word)]
                for place in ("all", place_of(each, spans)):
                    count["found", place] += 1
                    count["right", place] += bool(own)
                errors_ms += [each.start_ms - 1000 * word["start_s"] for word in own]
                errors_ms += [each.end_ms - 1000 * word["end_s"] for word in own]
    for place in ("first", "other", "all"):
        right, found_count, true = count["right", place], count["found", place], count["true", "all"]
        print(
            f"| {bank.drawn_out} | {place} | {true} | {found_count} | {right / max(found_count, 1):.2f} | "
            f"{right / true:.2f} | {(found_count - right) / speech_min:.2f} |"
        )
    within = np.mean(np.abs(errors_ms) <= 100)
    print(f"(edges within 100 ms: {within:.0%}; {speech_min:.0f} minutes of speech)")


def main() -> None:
    """Prints a table for simulated conversations, and a line for each recording."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voices", default="auto", help="speaks with these voices, as `duologue simulate --voices`")
    parser.add_argument("--conversations", type=int, default=14, help="simulates so many conversations")
    parser.add_argument("--seed", type=int, default=31, help="draws the plans and the fillers from this seed")
    parser.add_argument(
        "--tracks", nargs="*", default=[], metavar="FILE", help="counts filled pauses in these mono recordings"
    )
    options = parser.parse_args()
    model = load_vad()
    for path in options.tracks:
        pcm, rate_hz = soundfile.read(path, dtype="float32")
        found, spans, cpu_s = candidates(pcm, rate_hz, model)
        length_min, speech_min = len(pcm) / rate_hz / 60, sum(span.duration_ms for span in spans) / 60_000
        print(
            f"{path}: {len(found)} candidates, {len(found) / length_min:.2f} a minute, "
            f"{len(found) / speech_min:.2f} a minute of speech, {60 * cpu_s / length_min:.2f} CPU s an hour"
        )
        for each in found:
            print(f"    {each.start_ms / 1000:8.2f} s  {each.end_ms - each.start_ms:4d} ms  {place_of(each, spans)}")
    if options.conversations:
        print("| drawn out | place | fillers | candidates | precision | recall | false a minute of speech |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
    for drawn_out in DRAWN_OUT if options.conversations else ():
        bank = FillerBank(open_bank(options.voices), options.seed, drawn_out)
        measure(bank, model, conversations=options.conversations, seed=options.seed)


if __name__ == "__main__":
    main()
