"""Measures what speech recognition costs, and what it keeps of short answers, on conversations of two tracks.

    python -m benchmarks.asr A1 B1 [A2 B2 ...] --asr faster-whisper:MODEL [--asr transformers:MODEL ...] [--list]

Each recogniser hears the tracks as a run does (activity first, then words). Written are, for each:

- CPU seconds for an hour of track, loading left out, and how many pieces of speech there are;
- the words that are left, and those that were left out as invented;
- backchannels: how many there are by timing alone (rules/events.json, no words), in how many of these the recogniser heard a word,
  and how many of them are still backchannels when its words are known. The others are answers, turns or laughter by their words.

``--list`` prints each of these with what was heard in it. ``--apart`` gives each piece of speech a window of its own, and
``--batch`` says how many windows faster-whisper hears at once.
"""

import argparse
import time
from collections.abc import Sequence
from typing import Any

from duologue_pipeline.activity.network import load_vad
from duologue_pipeline.conversation import analysis_steps, events_stage, words_stage
from duologue_pipeline.files.kept import keeping
from duologue_pipeline.ingest.pieces import speech_pieces
from duologue_pipeline.read.files import recording_of_files
from duologue_pipeline.records import SPEAKERS, Active, Annotated, Event
from duologue_pipeline.words.asr import Recognizer
from duologue_pipeline.words.asr_checkpoint import AsrModel


def active(a: str, b: str, language: str) -> Active:
    """Takes a conversation to the point where words are recognised."""
    element: Any = recording_of_files(a, b, language=language)
    for step in analysis_steps(words="optional", isolation_policy="keep", vad=load_vad)[:3]:
        element = step.work(element, *([step.model()] if step.model else []))
    found: Active = element
    return found


def recogniser(name: str, *, apart: bool, batch: int | None) -> Recognizer:
    """Loads a recogniser, faster-whisper with the options of this script."""
    model = AsrModel(name)
    if model.program != "faster-whisper":
        return model.open()
    from duologue_pipeline.words.asr_faster_whisper import FasterWhisper

    options: dict[str, Any] = {"apart": apart} | ({} if batch is None else {"batch": batch})
    return FasterWhisper(model.folder(), source=name, **options)


def backchannels(conversation: Annotated) -> list[Event]:
    """Lists the backchannels of a conversation."""
    return [event for event in conversation.events if event.kind == "backchannel"]


def said_in(event: Event, conversation: Annotated) -> str:
    """Gives the words that lie in an event, at least half of each."""
    words = conversation.words_a if event.speaker == "a" else conversation.words_b
    inside = [
        word.word
        for word in words or ()
        if 2 * (min(word.end_ms, event.end_ms) - max(word.start_ms, event.start_ms)) >= word.end_ms - word.start_ms
    ]
    return " ".join(inside)


def is_kept(event: Event, others: Sequence[Event]) -> bool:
    """Tells whether one of others lies at the same place."""
    return any(
        other.speaker == event.speaker and other.start_ms < event.end_ms and event.start_ms < other.end_ms
        for other in others
    )


def measure(name: str, conversations: Sequence[Active], options: argparse.Namespace) -> str:
    """Hears the conversations with one recogniser, and gives a row of the table."""
    heard = recogniser(name, apart=options.apart, batch=options.batch)
    cost_s = track_s = 0.0
    words = invented = timed = with_words = kept = 0
    for conversation in conversations:
        by_timing = backchannels(events_stage(words_stage(conversation, policy="optional")))
        with keeping():
            before_s = time.process_time()
            worded = words_stage(conversation, heard, policy="optional")
            cost_s += time.process_time() - before_s
        track_s += 2 * conversation.audio.duration_ms / 1000
        found = events_stage(worded)
        words += len(worded.words_a or ()) + len(worded.words_b or ())
        invented += (worded.invented_a or 0) + (worded.invented_b or 0)
        timed += len(by_timing)
        for event in by_timing:
            said, still = said_in(event, found), is_kept(event, backchannels(found))
            with_words += bool(said)
            kept += still
            if options.list:
                print(f"  {event.speaker} {event.start_ms / 1000:7.2f} to {event.end_ms / 1000:7.2f} s  {'kept' if still else '':5} {said}")
    return f"| {name} | {cost_s / track_s * 3600:.0f} | {words} | {invented} | {timed} | {with_words} | {kept} |"


def main() -> None:
    """Parses the command line and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tracks", nargs="+")
    parser.add_argument("--asr", action="append", required=True)
    parser.add_argument("--language", default="en-US")
    parser.add_argument("--apart", action="store_true")
    parser.add_argument("--batch", type=int)
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    conversations = [
        active(a, b, options.language) for a, b in zip(options.tracks[::2], options.tracks[1::2], strict=True)
    ]
    pieces = sum(len(speech_pieces(getattr(each.activity, s))) for each in conversations for s in SPEAKERS)
    print(f"{pieces} pieces of speech\n")
    print("| recogniser | CPU s an hour of track | words | invented | backchannels by timing | with a word | still one |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name in options.asr:
        print(measure(name, conversations, options))


if __name__ == "__main__":
    main()
