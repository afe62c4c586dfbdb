"""Measures on simulated conversations how far the edges of voice activity lie from the truth.

    python benchmarks/activity_edges.py [--conversations 10] [--seed 7] [--voices auto] [RULE=VALUE ...]

Two minutes each, both tracks; without faults, rooms or hum unless the row says so, noise 45 dB ("clean") or 15 dB under
the speech, mu-law where the line is a telephone. RULE=VALUE tries another threshold; edge_search_ms=0 edge_reach_ms=0
leaves the edges where Silero puts them. For each true utterance that meets found speech, the nearest found edge counts;
an error is found minus true. The rules were chosen on seeds 101 and 55.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr

from duologue_pipeline.activity.network import VadModel, load_vad
from duologue_pipeline.activity.vad import SAMPLE_RATE_HZ, Vad
from duologue_pipeline.records import Span
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.activity import ActivityRules
from duologue_pipeline.simulate import ConversationSpec, Side, VoiceBank, random_specs, simulate_conversation
from duologue_pipeline.simulate.bank import open_bank

CONDITIONS: dict[str, dict[str, Any]] = {  # of a Side; noise_db is under the speech
    "clean": {"noise_db": 45, "t60_s": 0.0, "silence": "noise"},
    "white noise, 15 dB": {"noise_db": 15, "noise": "white", "t60_s": 0.0, "silence": "noise"},
    "pink noise, 15 dB": {"noise_db": 15, "noise": "pink", "t60_s": 0.0, "silence": "noise"},
    "room noise, 15 dB": {"noise_db": 15, "noise": "room", "t60_s": 0.0, "silence": "noise"},
    "digital silence": {"noise_db": 45, "t60_s": 0.0, "silence": "digital"},
    "gate, pink noise, 15 dB": {"noise_db": 15, "noise": "pink", "t60_s": 0.0, "silence": "digital"},
    "gate, pink noise, 25 dB": {"noise_db": 25, "noise": "pink", "t60_s": 0.0, "silence": "digital"},
    "reverberation, .2 s": {"noise_db": 45, "t60_s": 0.2, "silence": "noise"},
    "reverberation, .4 s": {"noise_db": 45, "t60_s": 0.4, "silence": "noise"},
    "reverberation, .6 s": {"noise_db": 45, "t60_s": 0.6, "silence": "noise"},
    "reverberation, .4 s, 25 dB": {"noise_db": 25, "t60_s": 0.4, "silence": "noise"},
}
LINES = {"telephone": "8 kHz", "studio": "24 kHz"}


@dataclass
class Errors:
    """Collects the errors of one condition in ms; ``missed`` and ``false`` count stretches that meet nothing."""

    onsets: list[int] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    missed: int = 0
    false: int = 0

    def add(self, true: Sequence[Span], found: Sequence[Span]) -> None:
        """Compares the found stretches of one track with the true ones."""
        for span in true:
            if any(_meet(span, other) for other in found):
                self.onsets.append(_nearest([other.start_ms for other in found], span.start_ms))
                self.offsets.append(_nearest([other.end_ms for other in found], span.end_ms))
            else:
                self.missed += 1
        self.false += sum(not any(_meet(span, other) for other in true) for span in found)


def _meet(one: Span, other: Span) -> bool:
    return one.start_ms < other.end_ms and other.start_ms < one.end_ms


def _nearest(found_ms: Sequence[int], true_ms: int) -> int:
    return min((ms - true_ms for ms in found_ms), key=abs)


def specs(condition: dict[str, Any], line: str, bank: VoiceBank, options: argparse.Namespace) -> list[ConversationSpec]:
    """Draws conversations, the same ones under every condition."""
    drawn = random_specs(
        options.conversations, options.seed, voices=bank.voices(), duration_s=120, line=line, faults=()
    )
    return [replace(spec, hum_dbfs=None, a=_side(spec.a, **condition), b=_side(spec.b, **condition)) for spec in drawn]


def _side(side: Side, *, noise_db: float, **others: Any) -> Side:
    return replace(side, noise_dbfs=side.level_dbfs - noise_db, **others)


def tracks(spec: ConversationSpec, bank: VoiceBank) -> Iterator[tuple[npt.NDArray[np.float32], list[Span]]]:
    """Gives each track at 16 kHz, float32 [T] in [-1, 1], and when its speaker speaks."""
    simulated = simulate_conversation(spec, bank)
    for speaker, pcm in (("a", simulated.a), ("b", simulated.b)):
        true = [Span(round(1000 * s), round(1000 * e)) for s, e in simulated.truth["activity"][speaker]]
        yield soxr.resample(pcm, simulated.sample_rate_hz, SAMPLE_RATE_HZ), true


def measure(
    condition: dict[str, Any], line: str, bank: VoiceBank, model: VadModel, options: argparse.Namespace
) -> Errors:
    """Measures all edges of one row."""
    errors = Errors()
    for spec in specs(condition, line, bank, options):
        for pcm, true in tracks(spec, bank):
            vad = Vad(model, replace(load_rules(ActivityRules), **dict(options.changes)))
            vad.push(pcm)
            errors.add(true, vad.finish())
    return errors


def _change(text: str) -> tuple[str, float]:
    name, value = text.split("=")
    return name, float(value) if "." in value else int(value)


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--conversations", type=int, default=10, help="simulates so many conversations")
    parser.add_argument("--seed", type=int, default=7, help="draws the conversations from this seed")
    parser.add_argument("--voices", default="auto", help="speaks with these voices, as `duologue simulate --voices`")
    parser.add_argument(
        "changes", nargs="*", type=_change, metavar="RULE=VALUE", help="measures with other values of these rules"
    )
    options = parser.parse_args()
    bank, model = open_bank(options.voices), load_vad()
    print("| rate | condition | onset: median, p90, within 50 ms | offset: the same | found | missed | false |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for line, rate in LINES.items():
        for name, condition in CONDITIONS.items():
            errors = measure(condition, line, bank, model, options)
            cells = [
                f"{np.median(edge):+.0f} ms, {np.percentile(np.abs(edge), 90):.0f} ms, {np.mean(np.abs(edge) <= 50):.1%}"
                for edge in (errors.onsets, errors.offsets)
            ]
            print(
                f"| {rate} | {name} | {' | '.join(cells)} | {len(errors.onsets)} | {errors.missed} | {errors.false} |"
            )


if __name__ == "__main__":
    main()
