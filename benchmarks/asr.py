"""Measures what speech recognition costs, how right its words and their times are, and what it keeps of short answers.

    python -m benchmarks.asr --asr faster-whisper:MODEL [--asr transformers:MODEL ...] [A1 B1 A2 B2 ...] [--list]

Each recogniser hears conversations of two tracks as a run does (activity first, then words): those named, or the embedded sample, whose
words and backchannels are known. Written are, for each:

- CPU seconds for an hour of track, loading left out;
- the words that are left, and those that were left out as invented;
- backchannels: how many there are (known, or else by timing alone, without words), in how many of these the recogniser heard a word, and
  how many are backchannels when its words are known. By timing alone others than backchannels are among them: answers, laughter, short turns;
- where the words are known: word errors (substitutions, deletions and insertions for 100 words), and how far recognised words that are
  right begin and end from where they do, as they are and as the recogniser has them, before they are held against the activity.

``--list`` prints each backchannel with what was heard in it. ``--apart`` gives each piece of speech a window of its own, and ``--batch``
says how many windows faster-whisper hears at once.
"""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from duologue_pipeline.activity.network import load_vad
from duologue_pipeline.conversation import analysis_steps, events_stage, words_stage
from duologue_pipeline.demo import demo_files
from duologue_pipeline.files.kept import keeping
from duologue_pipeline.read.files import recording_of_files
from duologue_pipeline.records import SPEAKERS, Active, Annotated, HeardWords, Recording, Span, Speaker, Word
from duologue_pipeline.words.asr import Recognizer
from duologue_pipeline.words.asr_checkpoint import AsrModel
from duologue_pipeline.words.lexicon import normal_form


@dataclass(frozen=True)
class Conversation:
    """Holds a conversation up to its activity, and what is known of it."""

    active: Active
    words: dict[Speaker, list[Word]] | None
    backchannels: list[tuple[Speaker, Span]] | None


def conversation(recording: Recording, truth: Any = None) -> Conversation:
    """Takes a recording to the point where words are recognised."""
    element: Any = recording
    for step in analysis_steps(words="optional", isolation_policy="keep", vad=load_vad)[:3]:
        element = step.work(element, *([step.model()] if step.model else []))
    if truth is None:
        return Conversation(element, None, None)
    words: dict[Speaker, list[Word]] = {
        s: [Word(it["word"], *(round(1000 * it[edge]) for edge in ("start_s", "end_s"))) for it in truth["words"][s]]
        for s in SPEAKERS
    }
    known = [
        (it["speaker"], Span(round(1000 * it["start_s"]), round(1000 * it["end_s"])))
        for it in truth["events"]
        if it["kind"] == "backchannel"
    ]
    return Conversation(element, words, known)


def sample() -> list[Conversation]:
    """Lists the conversations of the embedded sample, without their words but with their truth."""
    manifest = demo_files().manifest
    found = []
    for line in map(json.loads, manifest.read_text(encoding="utf-8").splitlines()):
        a, b = line["tracks"]
        recording = recording_of_files(
            str(manifest.parent / a["uri"]),
            str(manifest.parent / b["uri"]),
            language=line["language"],
            offsets_s=(a.get("offset_s", 0.0), b.get("offset_s", 0.0)),
            channels=(a.get("channel", 0), b.get("channel", 0)),
        )
        truth = json.loads((manifest.parent / "truth" / f"{line['recording_id']}.json").read_text(encoding="utf-8"))
        found.append(conversation(recording, truth))
    return found


def recogniser(name: str, *, apart: bool, batch: int | None) -> Recognizer:
    """Loads a recogniser, faster-whisper with the options of this script."""
    model = AsrModel(name)
    if model.program != "faster-whisper":
        return model.open()
    from duologue_pipeline.words.asr_faster_whisper import FasterWhisper

    options: dict[str, Any] = {"apart": apart} | ({} if batch is None else {"batch": batch})
    return FasterWhisper(model.folder(), source=name, **options)


def backchannels(found: Annotated) -> list[tuple[Speaker, Span]]:
    """Lists the backchannels of a conversation."""
    return [
        (speaker, Span(event.start_ms, event.end_ms))
        for event in found.events
        for speaker in SPEAKERS
        if event.kind == "backchannel" and event.speaker == speaker
    ]


def said_in(span: Span, words: Sequence[Word]) -> str:
    """Gives the words that lie in a stretch, at least half of each."""
    inside = [
        word.word
        for word in words
        if 2 * (min(word.end_ms, span.end_ms) - max(word.start_ms, span.start_ms)) >= word.end_ms - word.start_ms
    ]
    return " ".join(inside)


def aligned(said: Sequence[Word], heard: Sequence[Word]) -> tuple[int, list[tuple[Word, Word]]]:
    """Aligns recognised words with those said; gives the fewest errors (Levenshtein), and the pairs that are the same word."""
    known, found = ([normal_form(word.word) for word in words] for words in (said, heard))
    costs = [list(range(len(found) + 1))]
    for i, word in enumerate(known, start=1):
        costs.append([i])
        for j, other in enumerate(found, start=1):
            costs[i].append(min(costs[i - 1][j - 1] + (word != other), costs[i - 1][j] + 1, costs[i][j - 1] + 1))
    i, j, pairs = len(known), len(found), []
    while i and j:
        if costs[i][j] == costs[i - 1][j - 1] + (known[i - 1] != found[j - 1]):
            i, j = i - 1, j - 1
            if known[i] == found[j]:
                pairs.append((said[i], heard[j]))
        elif costs[i][j] == costs[i - 1][j] + 1:
            i -= 1
        else:
            j -= 1
    return costs[-1][-1], pairs


class Told:
    """Stands in the place of a recogniser's words in the activity, and keeps the words as they were."""

    def __init__(self) -> None:
        self.words: list[list[Word]] = []

    def __call__(self, words: Sequence[Word], doubted: Sequence[bool], activity: Sequence[Span]) -> HeardWords:
        from duologue_pipeline.words.heard import words_in_activity

        self.words.append(list(words))
        return words_in_activity(words, doubted, activity)


def measure(name: str, conversations: Sequence[Conversation], options: argparse.Namespace) -> str:
    """Hears the conversations with one recogniser, and gives a row of the table."""
    from duologue_pipeline.words import asr

    heard = recogniser(name, apart=options.apart, batch=options.batch)
    cost_s = track_s = 0.0
    left = invented = there = with_words = kept = errors = said_words = 0
    raw_ms: list[int] = []
    mended_ms: list[int] = []
    for each in conversations:
        told = Told()
        vars(asr)["words_in_activity"] = told
        with keeping():
            before_s = time.process_time()
            worded = words_stage(each.active, heard, policy="optional")
            cost_s += time.process_time() - before_s
        track_s += 2 * each.active.audio.duration_ms / 1000
        found = events_stage(worded)
        by_speaker: dict[Speaker, Sequence[Word]] = {"a": worded.words_a or (), "b": worded.words_b or ()}
        left += sum(map(len, by_speaker.values()))
        invented += (worded.invented_a or 0) + (worded.invented_b or 0)
        short = each.backchannels
        if short is None:
            short = backchannels(events_stage(words_stage(each.active, policy="optional")))
        there += len(short)
        after = backchannels(found)
        for speaker, span in short:
            said = said_in(span, by_speaker[speaker])
            still = any(s == speaker and o.start_ms < span.end_ms and span.start_ms < o.end_ms for s, o in after)
            with_words += bool(said)
            kept += still
            if options.list:
                print(
                    f"  {speaker} {span.start_ms / 1000:7.2f} {span.duration_ms:4} ms  {'kept' if still else '':5}{said}"
                )
        for number, speaker in enumerate(SPEAKERS):
            if each.words is None:
                continue
            said_words += len(each.words[speaker])
            wrong, pairs = aligned(each.words[speaker], by_speaker[speaker])
            errors += wrong
            mended_ms += [off for pair in pairs for off in off_ms(*pair)]
            raw_ms += [off for pair in aligned(each.words[speaker], told.words[number])[1] for off in off_ms(*pair)]
    known = f"{100 * errors / said_words:.1f} | {spread(raw_ms)} | {spread(mended_ms)}" if said_words else "| |"
    return (
        f"| {name} | {cost_s / track_s * 3600:.0f} | {left} | {invented} | {there} | {with_words} | {kept} | {known} |"
    )


def off_ms(said: Word, heard: Word) -> tuple[int, int]:
    """Gives how far both edges of a recognised word lie from where they are."""
    return abs(heard.start_ms - said.start_ms), abs(heard.end_ms - said.end_ms)


def spread(off: Sequence[int]) -> str:
    """Gives the median and the 90th percentile."""
    return f"{median(off):.0f}, {sorted(off)[len(off) * 9 // 10]}" if off else ""


def main() -> None:
    """Parses the command line and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tracks", nargs="*")
    parser.add_argument("--asr", action="append", required=True)
    parser.add_argument("--language", default="en-US")
    parser.add_argument("--apart", action="store_true")
    parser.add_argument("--batch", type=int)
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    pairs = zip(options.tracks[::2], options.tracks[1::2], strict=True)
    conversations = [conversation(recording_of_files(a, b, language=options.language)) for a, b in pairs] or sample()
    print(
        "| recogniser | CPU s an hour of track | words | invented | backchannels | with a word | still one | word errors in 100 "
        "| edges off, as heard: median, p90, ms | as mended |"
    )
    print("|" + " --- |" * 10)
    for name in options.asr:
        print(measure(name, conversations, options), flush=True)


if __name__ == "__main__":
    main()
