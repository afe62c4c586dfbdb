"""Measures precision, recall and F1 of each kind of event on simulated conversations, and what it costs to find them.

    python benchmarks/events_simulated.py [--voices auto] [--conversations 24] [--seed 11]

Conversations of five minutes without faults. An event counts as found if speaker and kind agree (for interruptions also
whether they take the floor) and both its edges lie within the tolerance; each is matched once. Three kinds of evidence:
the true activity, the activity detected in the audio (told apart: plain, or a track in a reverberant room or behind a
noise gate), and the words of the voices that tell when they say what. The roles of the truth are those of the plan,
which no timing shows: a short turn may look like a backchannel.
"""

import argparse
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr

from duologue_pipeline.activity.network import VadModel, load_vad
from duologue_pipeline.activity.vad import SAMPLE_RATE_HZ, Vad
from duologue_pipeline.events.annotation import annotate_conversation
from duologue_pipeline.records import SPEAKERS, Activity, Event, Span, Word
from duologue_pipeline.simulate import random_specs, simulate_conversation
from duologue_pipeline.simulate.bank import open_bank

DURATION_S = 300
TOLERANCES_MS = (50, 200)
KINDS = (
    *("ipu", "turn", "pause", "hold", "floor_transfer", "gap", "overlap_between", "overlap_within", "backchannel"),
    "interruption",
)

Stretch = tuple[int, int]


def by_kind(events: Sequence[Event]) -> Mapping[tuple[str, str, bool], list[Stretch]]:
    """Sorts events by kind, speaker and whether they take the floor."""
    found = defaultdict(list)
    for event in events:
        if event.kind in KINDS:
            found[event.kind, event.speaker, bool(event.floor_taking)].append((event.start_ms, event.end_ms))
    return found


def true_events(rows: Sequence[Mapping[str, Any]]) -> list[Event]:
    """Reads the events of a truth document."""
    return [
        Event(
            row["kind"],
            row["speaker"],
            round(1000 * row["start_s"]),
            round(1000 * row["end_s"]),
            floor_taking=row.get("floor_taking"),
        )
        for row in rows
    ]


def matches(true: Sequence[Stretch], found: Sequence[Stretch], tolerance_ms: int) -> int:
    """Counts the true stretches that are found, each by one of its own."""
    left = sorted(found)
    count = 0
    for start_ms, end_ms in sorted(true):
        for at, (onset_ms, offset_ms) in enumerate(left):
            if max(abs(onset_ms - start_ms), abs(offset_ms - end_ms)) <= tolerance_ms:
                del left[at]
                count += 1
                break
    return count


def spans_of(pairs: Sequence[Sequence[float]]) -> list[Span]:
    """Converts pairs of seconds to spans."""
    return [Span(round(1000 * start_s), round(1000 * end_s)) for start_s, end_s in pairs]


def words_of(rows: Sequence[Mapping[str, Any]]) -> list[Word]:
    """Reads the words of a truth document."""
    return [Word(row["word"], round(1000 * row["start_s"]), round(1000 * row["end_s"])) for row in rows]


def detected(pcm: npt.NDArray[np.float32], rate_hz: int, model: VadModel) -> list[Span]:
    """Detects the activity of a track as the pipeline does, in float32 [T] in [-1, 1]."""
    vad = Vad(model)
    vad.push(soxr.resample(pcm, rate_hz, SAMPLE_RATE_HZ))
    return list(vad.finish(duration_ms=1000 * DURATION_S))


def main() -> None:
    """Prints a table for each kind of evidence, and CPU seconds per hour of conversation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voices", default="auto", help="speaks with these voices, as `duologue simulate --voices`")
    parser.add_argument("--conversations", type=int, default=24, help="simulates so many conversations")
    parser.add_argument("--seed", type=int, default=11, help="draws the plans from this seed")
    options = parser.parse_args()
    bank, model = open_bank(options.voices), load_vad()
    counts: dict[str, dict[int, Counter[tuple[str, str]]]] = defaultdict(lambda: defaultdict(Counter))
    used, cpu_s = Counter[str](), defaultdict[str, float](float)
    for spec in random_specs(
        options.conversations, options.seed, voices=bank.voices(), duration_s=DURATION_S, faults=()
    ):
        simulated = simulate_conversation(spec, bank)
        truth = simulated.truth
        tracks = {"a": simulated.a, "b": simulated.b}
        heard = {s: detected(tracks[s], simulated.sample_rate_hz, model) for s in SPEAKERS}
        plain = all(side.t60_s == 0 and side.silence == "noise" for side in (spec.a, spec.b))
        detected_from = "detected activity, plain" if plain else "detected activity, room or gate"
        evidence: dict[str, Any] = {
            "true activity": {
                "activity": Activity(spans_of(truth["activity"]["a"]), spans_of(truth["activity"]["b"]), "truth")
            },
            detected_from: {"activity": Activity(heard["a"], heard["b"], "detected")},
        }
        if None not in truth["words"].values():
            a, b = (words_of(truth["words"][s]) for s in SPEAKERS)
            evidence["words"] = {"activity": None, "words_a": a, "words_b": b}
            heard_and_said = evidence[detected_from] | {"words_a": a, "words_b": b}
            evidence[f"{detected_from}, and words"] = heard_and_said
        true = by_kind(true_events(truth["events"]))
        for name, given in evidence.items():
            started = time.process_time()
            found = annotate_conversation(
                **{"words_a": None, "words_b": None, **given}, duration_ms=1000 * DURATION_S, language=spec.language
            )
            cpu_s[name] += time.process_time() - started
            used[name] += 1
            ours = by_kind(found.events)
            for tolerance_ms in TOLERANCES_MS:
                count = counts[name][tolerance_ms]
                for key in true.keys() | ours.keys():
                    count["true", key[0]] += len(true.get(key, ()))
                    count["found", key[0]] += len(ours.get(key, ()))
                    count["both", key[0]] += matches(true.get(key, ()), ours.get(key, ()), tolerance_ms)
    for name, by_tolerance in counts.items():
        hours = used[name] * DURATION_S / 3600
        print(f"\n{name}: {used[name]} conversations, {cpu_s[name] / hours:.2f} CPU s an hour\n")
        print("| kind | true | " + " | ".join(f"±{ms} ms: P, R, F1" for ms in by_tolerance) + " |")
        print("| --- | --- |" + " --- |" * len(by_tolerance))
        for kind in KINDS:
            cells = []
            for count in by_tolerance.values():
                both, true_count, found_count = (count[what, kind] for what in ("both", "true", "found"))
                precision, recall = both / max(found_count, 1), both / max(true_count, 1)
                cells.append(f"{precision:.3f}, {recall:.3f}, {2 * both / max(true_count + found_count, 1):.3f}")
            print(f"| {kind} | {by_tolerance[TOLERANCES_MS[0]]['true', kind]} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
