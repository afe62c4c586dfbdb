"""Measures how voice activity agrees with people who labelled clips of speech, music and noise.

    python benchmarks/activity_people.py FOLDER [RULE=VALUE ...]

FOLDER holds ``NAME.wav`` (16 kHz, mono) and ``NAME.scv`` (name, then start s, end s, label 1 or 0, repeated), as in the test set of
TEN VAD. Each clip is heard alone: joined, the silence between two would be the noise of both. RULE=VALUE tries another threshold.

- F1 of speech in frames of 10 ms, of all clips together;
- found pauses: of the silences of .3 to .5 s between two stretches, those of which half or more is silent;
- onsets and offsets: of those that people heard, the share with a found one within 50 ms.

Bare Silero is its network at its own thresholds (.5, .35) with silences under .1 s closed.
"""

import argparse
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from duologue_pipeline.activity.network import CONTEXT, FRAME, VadModel, load_vad
from duologue_pipeline.activity.vad import SAMPLE_RATE_HZ, Vad
from duologue_pipeline.records import Span
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.activity import ActivityRules

HOP_MS = 10
FRAME_MS = 32


@dataclass
class Score:
    """Sums up the agreement over clips; edges count within 50 ms."""

    both: int = 0
    people: int = 0
    found: int = 0
    pauses: int = 0
    pauses_found: int = 0
    edges: int = 0
    onsets: int = 0
    offsets: int = 0

    def add(self, people: Sequence[Span], found: Sequence[Span], hops: int) -> None:
        """Compares the stretches of one clip of ``hops`` hops with those of people."""
        true, heard = _marks(people, hops), _marks(found, hops)
        self.both += int((true & heard).sum())
        self.people += int(true.sum())
        self.found += int(heard.sum())
        for last, following in itertools.pairwise(people):
            if 300 <= following.start_ms - last.end_ms <= 500:
                silence = heard[round(last.end_ms / HOP_MS) : round(following.start_ms / HOP_MS)]
                self.pauses += 1
                self.pauses_found += int(silence.mean() <= 0.5)
        self.edges += len(people)
        self.onsets += _near([span.start_ms for span in people], [span.start_ms for span in found])
        self.offsets += _near([span.end_ms for span in people], [span.end_ms for span in found])

    @property
    def row(self) -> str:
        """Gives the cells of a table: F1, precision, recall, pauses, onsets, offsets."""
        precision, recall = self.both / max(self.found, 1), self.both / max(self.people, 1)
        f1 = 2 * self.both / max(self.found + self.people, 1)
        return (
            f"{f1:.3f} ({precision:.3f}, {recall:.3f}) | {self.pauses_found} of {self.pauses} | "
            f"{self.onsets / self.edges:.3f} | {self.offsets / self.edges:.3f}"
        )


def main() -> None:
    """Measures the clips of the folder and prints a table for Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("rules", nargs="*", metavar="RULE=VALUE")
    args = parser.parse_args()
    rules = load_rules(ActivityRules)
    changes: dict[str, Any] = {
        name: type(getattr(rules, name))(float(value))
        for name, _, value in (each.partition("=") for each in args.rules)
    }
    rules = replace(rules, **changes)
    model = load_vad()
    ours, bare = Score(), Score()
    for pcm, people in clips(args.folder):
        hops = pcm.size * 1000 // SAMPLE_RATE_HZ // HOP_MS
        vad = Vad(model, rules)
        vad.push(pcm)
        ours.add(people, vad.finish(), hops)
        bare.add(people, bare_silero(model, pcm), hops)
    print("| | F1 (precision, recall) | pauses of .3 to .5 s found | onsets within 50 ms | offsets |")
    print("| --- | --- | --- | --- | --- |")
    print(f"| rules {rules.version} | {ours.row} |")
    print(f"| bare Silero | {bare.row} |")


def clips(folder: Path) -> Iterator[tuple[npt.NDArray[np.float32], list[Span]]]:
    """Reads each clip: float32 [T] in [-1, 1] at 16 kHz, and when people heard speech in it."""
    for path in sorted(folder.glob("*.wav")):
        pcm, rate_hz = soundfile.read(path, dtype="float32")
        if rate_hz != SAMPLE_RATE_HZ or pcm.ndim != 1:
            raise SystemExit(f"{path}: expected one channel of 16 kHz, found {pcm.ndim} of {rate_hz} Hz")
        fields = path.with_suffix(".scv").read_text().strip().split(",")[1:]
        labelled = zip(fields[::3], fields[1::3], fields[2::3], strict=True)
        speech = [
            Span(round(float(start) * 1000), round(float(end) * 1000)) for start, end, label in labelled if label == "1"
        ]
        yield pcm, joined(speech, 1)


def joined(spans: Sequence[Span], under_ms: int) -> list[Span]:
    """Joins stretches less than ``under_ms`` apart."""
    result: list[Span] = []
    for span in spans:
        if result and span.start_ms - result[-1].end_ms < under_ms:
            result[-1] = Span(result[-1].start_ms, span.end_ms)
        else:
            result.append(span)
    return result


def bare_silero(model: VadModel, pcm: npt.NDArray[np.float32]) -> list[Span]:
    """Finds speech by the network alone, at its own thresholds."""
    padded = np.pad(pcm, (CONTEXT, -pcm.size % FRAME))[np.newaxis]
    probabilities, _ = model.judge(padded, model.start(1))
    speaks, spans, start = False, [], 0
    for frame, probability in enumerate([*probabilities[0], 0.0]):
        if not speaks and probability >= 0.5:
            speaks, start = True, frame
        elif speaks and probability < 0.35:
            speaks = False
            spans.append(Span(start * FRAME_MS, frame * FRAME_MS))
    return joined(spans, 100)


def _marks(spans: Sequence[Span], hops: int) -> npt.NDArray[np.bool_]:
    marks = np.zeros(hops, np.bool_)
    for span in spans:
        marks[round(span.start_ms / HOP_MS) : round(span.end_ms / HOP_MS)] = True
    return marks


def _near(people_ms: Sequence[int], found_ms: Sequence[int]) -> int:
    return sum(min((abs(people - found) for found in found_ms), default=1000) <= 50 for people in people_ms)


if __name__ == "__main__":
    main()
