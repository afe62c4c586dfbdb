"""Reads the fixtures of every format of transcripts, and lists what became of them: words, where their times come from, streams, marks.

    python -m benchmarks.words_import

Each is a small file as its program writes it, and is recognised by its content (``tests/pipeline/transcripts/support.py``). The table
stands in ``docs/transcripts.md``, and a test holds the two together.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from duologue_pipeline.transcripts.formats import format_of, read_transcript
from duologue_pipeline.transcripts.model import MARKS, TIMINGS, Transcript
from tests.pipeline.transcripts import support

FIXTURES: dict[str, tuple[str, Any]] = {
    "`whisper`": ("whisper", support.WHISPER),
    "`whisperx`": ("whisperx", support.WHISPERX),
    "`chunks`": ("chunks", support.CHUNKS),
    "`aws`": ("aws", support.AWS),
    "`deepgram`": ("deepgram", support.DEEPGRAM),
    "`assemblyai`": ("assemblyai", support.ASSEMBLYAI),
    "`google`": ("google", support.GOOGLE),
    "`azure`, batch": ("azure", support.AZURE),
    "`azure`, fast": ("azure", support.AZURE_FAST),
    "`moshi`": ("moshi", support.MOSHI),
    "`nu-dialogue`": ("nu-dialogue", support.NU_DIALOGUE),
    "`nemo`": ("nemo", support.NEMO),
    "`seglst`": ("seglst", support.SEGLST),
    "`ctm`": ("ctm", support.CTM),
    "`stm`": ("stm", support.STM),
    "`textgrid`, long": ("textgrid", support.TEXTGRID),
    "`textgrid`, short": ("textgrid", support.TEXTGRID_SHORT),
    "`eaf`": ("eaf", support.EAF),
    "`chat`": ("chat", support.CHAT),
    "`srt`": ("srt", support.SRT),
    "`vtt`": ("vtt", support.VTT),
    "`ms98`": ("ms98", support.MS98_WORDS),
    "`fisher`": ("fisher", support.FISHER),
}
"""A fixture or two of every format: how the table calls it, what it has to be recognised as, and its content."""


def streams_of(transcript: Transcript) -> str:
    """Says what keeps the streams apart, and what they are called."""
    if transcript.separation == "track":
        return "one track"
    if transcript.separation == "channel":
        channels = [str(stream.channel) for stream in transcript.streams]
        return f"channel{'s' * (len(channels) > 1)} {', '.join(channels)}"
    return "names " + ", ".join(stream.name for stream in transcript.streams)


def table() -> Iterator[str]:
    """The lines of the table, in Markdown."""
    yield "| format | words | timed | interpolated | of utterances | whose | marks |"
    yield "| --- | ---: | ---: | ---: | ---: | --- | --- |"
    sums: Counter[str] = Counter()
    for name, (expected, content) in FIXTURES.items():
        file = support.source(content)
        if (found := format_of(file)) != expected:
            raise SystemExit(f"{name} was recognised as {found}")
        transcript = read_transcript(file)
        words = [word for stream in transcript.streams for word in stream.words]
        timings = Counter(word.timing for word in words)
        marks = Counter(mark for word in words for mark in word.marks)
        sums["words"] += len(words)
        for timing in TIMINGS:
            sums[timing] += timings[timing]
        told = ", ".join(f"{marks[mark]} {mark}" for mark in MARKS if marks[mark])
        times = " | ".join(str(timings[timing]) for timing in TIMINGS)
        yield f"| {name} | {len(words)} | {times} | {streams_of(transcript)} | {told or '-'} |"
    yield f"| all | {sums['words']} | {' | '.join(str(sums[timing]) for timing in TIMINGS)} | - | - |"


if __name__ == "__main__":
    print("\n".join(table()))
