"""Samples put together by hand for packs: two people whose turns are written down, each with a tone while they speak."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import soundfile

from duologue_pipeline.events.annotation import annotate_conversation
from duologue_pipeline.events.fields import sample_event
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.records import Activity, Span, Word

__all__ = ["RATE_HZ", "scene"]

RATE_HZ = 8000
_HZ = {"a": 300, "b": 700}

Spans = Sequence[tuple[int, int]]


def scene(
    a: Spans, b: Spans, *, seconds: float = 40, key: str = "call-00000", words: bool = True, **fields: Any
) -> Sample:
    """A sample in which each is heard at these times in ms; a word ``a1000`` begins with each 500 ms of speech."""
    heard = {"a": a, "b": b}
    activity = Activity(a=tuple(Span(*s) for s in a), b=tuple(Span(*s) for s in b), rules="t")
    annotation = annotate_conversation(
        activity=activity, words_a=None, words_b=None, duration_ms=round(1000 * seconds), language=None
    )
    pcm = np.zeros((round(seconds * RATE_HZ), 2), np.float32)
    for column, (side, spans) in enumerate(heard.items()):
        for start_ms, end_ms in spans:
            at = np.arange(start_ms * RATE_HZ // 1000, end_ms * RATE_HZ // 1000)
            pcm[at, column] = 0.2 * np.sin(2 * np.pi * _HZ[side] * at / RATE_HZ)
    flac = io.BytesIO()
    soundfile.write(flac, pcm, RATE_HZ, format="FLAC", subtype="PCM_16")
    spoken = [
        (side, Word(f"{side}{at}", at, min(at + 400, end_ms)))
        for side, spans in heard.items()
        for start_ms, end_ms in spans
        for at in range(start_ms, end_ms, 500)
    ]
    metadata: dict[str, Any] = {
        "recording_id": "call",
        "segment": 0,
        "split": "validation",
        "language": "en-US",
        "start_s": 0.0,
        "end_s": float(seconds),
        "transcripts": {"a": words, "b": words},
        "speakers": {"a": {"commitment": "1" * 64}, "b": {"commitment": "2" * 64}},
        "conditions": {},
        "events": [sample_event(event, zero_ms=0) for event in annotation.events],
        "words": [
            {"speaker": side, "word": word.word, "start_s": word.start_ms / 1000, "end_s": word.end_ms / 1000}
            for side, word in sorted(spoken, key=lambda each: each[1].start_ms)
        ]
        if words
        else [],
    }
    codes = np.zeros((2, 1, round(seconds * 12.5)), np.uint16)
    return Sample(key=key, metadata=metadata | fields, codes=codes, flac=flac.getvalue())
