"""Measures how every label holds when its words are recognised, against human words and against no words at all.

    python -m benchmarks.asr_labels --asr faster-whisper:MODEL [--conversations 8] [--seed 21] [--voices flite,festival]
    python -m benchmarks.asr_labels --asr faster-whisper:MODEL --sample
    python -m benchmarks.asr_labels --asr faster-whisper:MODEL A1 B1 [A2 B2 ...]

Simulated conversations of five minutes are made of fluent phrases and of those of ``spoken_scripts.json``, in which fillers, repetitions
and corrections are marked, so all is known: who speaks when, every word, every event and disfluency. ``--sample`` takes the embedded
sample instead. Printed is F1 of each kind with both edges within ±200 ms, for four kinds of evidence:

- the true words with the true activity, the true words with the activity that was detected;
- the recognised words with the activity that was detected;
- the activity that was detected, without words.

``filled_pause`` and ``reparandum`` are runs of words with the tag ``filler`` or ``reparandum``, wherever they stand. For conversations of two tracks, of which nothing is known, the F1 of
the recognised words is that against the labels of the activity alone: how often words and timing agree.

``--language`` makes conversations in another language of the scripts; without ``--asr`` nothing is recognised.

``--list`` prints each stretch of at most a second with what was recognised in it, how sure it is, and its true role.
"""

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from benchmarks.asr import Conversation, aligned, conversation, recogniser, sample
from benchmarks.events_simulated import matches, spans_of
from benchmarks.spoken_voices import ScriptBank, bare_truth, runs
from duologue_pipeline.conversation import events_stage, words_stage
from duologue_pipeline.events.annotation import annotate_conversation
from duologue_pipeline.files.kept import keeping
from duologue_pipeline.read.files import recording_of_files
from duologue_pipeline.records import SPEAKERS, Activity, Annotated, Speaker
from duologue_pipeline.simulate import random_specs
from duologue_pipeline.simulate.files import write_corpus
from duologue_pipeline.words.asr import Recognizer

KINDS: Final = (
    *("turn", "floor_transfer", "gap", "overlap_between", "backchannel", "interruption", "hold"),
    *("filler", "repetition", "filled_pause", "reparandum"),
)
_TAGS: Final = {"filled_pause": "filler", "reparandum": "reparandum"}
_TOLERANCE_MS: Final = 200
_SHORT_MS: Final = 1000

Labels = dict[tuple[str, str], list[tuple[int, int]]]
Case = tuple[Conversation, dict[str, Any] | None]


def labels(found: Any) -> Labels:
    """Sorts the events of an annotation, and the runs of words with a tag, by kind and speaker."""
    kinds: Labels = defaultdict(list)
    for event in found.events:
        if event.kind in KINDS:
            kinds[event.kind, event.speaker].append((event.start_ms, event.end_ms))
    for speaker, words in (("a", found.words_a), ("b", found.words_b)):
        for kind, tag in _TAGS.items():
            kinds[kind, speaker] = runs([(word.start_ms, word.end_ms, tag in word.tags) for word in words or ()])
    return kinds


def true_labels(truth: dict[str, Any]) -> Labels:
    """Reads a truth document as :func:`labels` reads an annotation."""
    kinds: Labels = defaultdict(list)
    for row in truth["events"]:
        if row["kind"] in KINDS:
            kinds[row["kind"], row["speaker"]].append((round(1000 * row["start_s"]), round(1000 * row["end_s"])))
    for speaker, tags in truth.get("runs", {}).items():
        for tag, spans in tags.items():
            kinds[tag, speaker] = spans
    return kinds


def simulated(options: argparse.Namespace) -> Iterator[Case]:
    """Makes conversations one after the other, and takes each to the point where words are recognised."""
    bank = ScriptBank(options.voices, options.language)
    specs = random_specs(
        options.conversations, options.seed, voices=bank.voices(), language=options.language, faults=()
    )
    for spec in specs:
        with TemporaryDirectory() as folder:
            out = Path(folder, "corpus")
            write_corpus(out, [spec], bank, seed=options.seed)
            truth = json.loads((out / "truth" / f"{spec.recording_id}.json").read_text(encoding="utf-8"))
            truth = bare_truth(truth)
            recording = recording_of_files(str(out / "audio" / f"{spec.recording_id}.flac"), language=options.language)
            yield conversation(recording, truth), truth


def embedded() -> Iterator[Case]:
    """Gives the conversations of the embedded sample."""
    from duologue_pipeline.demo import demo_files

    folder = demo_files().manifest.parent / "truth"
    names = [json.loads(line)["recording_id"] for line in demo_files().manifest.read_text().splitlines()]
    for each, name in zip(sample(), names, strict=True):
        yield each, json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))


def two_tracks(options: argparse.Namespace) -> Iterator[Case]:
    """Takes the conversations that were named, of which nothing is known."""
    for a, b in zip(options.tracks[::2], options.tracks[1::2], strict=True):
        yield conversation(recording_of_files(a, b, language=options.language)), None


def evidence(case: Case, heard: Recognizer | None, language: str) -> Iterator[tuple[str, Any]]:
    """Annotates a conversation from each kind of evidence."""
    each, truth = case
    if truth is not None and each.words is not None:
        duration_ms = each.active.audio.duration_ms
        true = Activity(spans_of(truth["activity"]["a"]), spans_of(truth["activity"]["b"]), rules="truth")
        for name, activity in (("true words, true activity", true), ("true words", each.active.activity)):
            yield (
                name,
                annotate_conversation(
                    activity=activity,
                    words_a=each.words["a"],
                    words_b=each.words["b"],
                    duration_ms=duration_ms,
                    language=language,
                ),
            )
    if heard is not None:
        with keeping():
            yield "recognised words", events_stage(words_stage(each.active, heard, policy="optional"))
    yield "no words", events_stage(words_stage(each.active, policy="optional"))


def list_short(case: Case, found: Annotated) -> None:
    """Prints what was recognised in each short stretch of speech, how sure it is, and what the stretch is."""
    truth = case[1] or {"events": []}
    for speaker, words in (("a", found.words_a), ("b", found.words_b)):
        for event in found.events:
            if event.kind != "ipu" or event.speaker != speaker or event.end_ms - event.start_ms > _SHORT_MS:
                continue
            said = [w for w in words or () if event.start_ms <= (w.start_ms + w.end_ms) / 2 <= event.end_ms]
            roles = [
                row["kind"]
                for row in truth["events"]
                if row["kind"] in ("backchannel", "interruption", "turn")
                and row["speaker"] == speaker
                and 1000 * row["start_s"] < event.end_ms
                and 1000 * row["end_s"] > event.start_ms
            ]
            sure = sum(w.confidence or 0 for w in said) / max(1, len(said))
            print(
                f"  {speaker} {event.start_ms / 1000:7.2f} {event.end_ms - event.start_ms:4} ms  {sure:.2f}  "
                f"{event.subtype:12} {'/'.join(roles):20} {' '.join(w.word for w in said)}"
            )


def main() -> None:
    """Parses the command line and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tracks", nargs="*")
    parser.add_argument("--asr")
    parser.add_argument("--language", default="en-US")
    parser.add_argument("--conversations", type=int, default=8)
    parser.add_argument("--seed", type=int, default=21)
    parser.add_argument("--voices", default="flite,festival")
    parser.add_argument("--sample", action="store_true")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    heard = recogniser(options.asr, apart=False, batch=None) if options.asr else None
    cases = embedded() if options.sample else two_tracks(options) if options.tracks else simulated(options)
    counts: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    errors = said_words = kept_words = 0
    for case in cases:
        found = dict(evidence(case, heard, options.language))
        ours = {name: labels(each) for name, each in found.items()}
        true = ours["no words"] if case[1] is None else true_labels(case[1])
        for name, own in ours.items():
            for kind, speaker in true.keys() | own.keys():
                both = matches(true[kind, speaker], own[kind, speaker], _TOLERANCE_MS)
                counts[name] += Counter(
                    {
                        ("true", kind): len(true[kind, speaker]),
                        ("found", kind): len(own[kind, speaker]),
                        ("both", kind): both,
                    }
                )
        recognised = found.get("recognised words")
        if recognised is not None and options.list:
            list_short(case, recognised)
        if recognised is not None and case[0].words is not None:
            of: dict[Speaker, Sequence[Any]] = {"a": recognised.words_a or (), "b": recognised.words_b or ()}
            for speaker in SPEAKERS:
                errors += aligned(case[0].words[speaker], of[speaker])[0]
                said_words += len(case[0].words[speaker])
                kept_words += len(of[speaker])
    print(f"\n| kind | true | {' | '.join(f'{name}: P, R, F1' for name in counts)} |")
    print("| --- | --- |" + " --- |" * len(counts))
    for kind in KINDS:
        cells = []
        for count in counts.values():
            both, true_count, found_count = (count[what, kind] for what in ("both", "true", "found"))
            f1 = 2 * both / max(true_count + found_count, 1)
            cells.append(f"{both / max(found_count, 1):.2f}, {both / max(true_count, 1):.2f}, {f1:.3f}")
        print(f"| `{kind}` | {counts['no words']['true', kind]} | {' | '.join(cells)} |")
    if said_words:
        print(f"\n{100 * errors / said_words:.1f} word errors in 100 of {said_words}; {kept_words} recognised words")


if __name__ == "__main__":
    main()
