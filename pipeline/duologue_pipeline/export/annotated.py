"""Takes a sample as the annotation that label files are written from, on the sample's clock."""

from collections.abc import Mapping, Sequence

from duologue_pipeline.events.annotation import Annotation
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.records import SPEAKERS, Activity, Event, Span, Speaker, Statistics, TaggedWord
from duologue_pipeline.views.sides import milliseconds
from duologue_pipeline.views.spans import activity_spans, sample_end_ms
from duologue_pipeline.views.words import SpokenWord, has_transcript

__all__ = ["sample_annotation"]


def sample_annotation(sample: Sample, words: Mapping[Speaker, Sequence[SpokenWord]]) -> Annotation:
    """Gives activity, events and words of a sample; events are cut at its edges, and words at its end.

    What label files do not write is left empty: the figures of the conversation, and what only events of some kind have.

    Args:
        sample: the sample.
        words: speaker -> words that are written.
    """
    end_ms = sample_end_ms(sample)
    tags = {
        (row["speaker"], row["word"].strip(), row["start_s"], row["end_s"]): tuple(row["tags"].split())
        for row in sample.metadata["words"]
    }
    spans = {
        side: tuple(Span(max(0, start), min(end, end_ms)) for start, end in activity_spans(sample, side))
        for side in SPEAKERS
    }
    told = {
        side: [
            TaggedWord(
                word=word.text,
                start_ms=min(word.start_ms, end_ms),
                end_ms=min(max(milliseconds(word.end_s), word.start_ms), end_ms),
                tags=tags[side, word.text, word.start_s, word.end_s],
            )
            for word in words[side]
        ]
        if has_transcript(sample, side)
        else None
        for side in SPEAKERS
    }
    events = []
    for row in sample.metadata["events"]:
        start, end = (min(max(milliseconds(row[edge]), 0), end_ms) for edge in ("start_s", "end_s"))
        events.append(Event(row["kind"], row["speaker"], start, end, subtype=row.get("subtype") or None))
    return Annotation(
        activity=Activity(a=spans["a"], b=spans["b"], rules=sample.metadata["rules"]["activity"]),
        words_a=told["a"],
        words_b=told["b"],
        events=events,
        statistics=Statistics(duration_ms=end_ms, speech_a_ms=0, speech_b_ms=0, overlap_ms=0),
        rules={},
        lexicon=sample.metadata["lexicon"],
        language=sample.metadata["language"],
    )
