"""Gives samples of simulated conversations, and draws impossible ones, for the tests of views."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from hypothesis import strategies as st

from duologue_pipeline.events.annotation import annotate_conversation
from duologue_pipeline.events.fields import sample_event
from duologue_pipeline.reader import Sample
from duologue_pipeline.records import Activity, Span, Word
from tests.pipeline.views.build import make_sample

NAMES = ("demo-car-repair", "demo-friends", "demo-garden")


@cache
def simulated_samples(frames: int = 128) -> tuple[Sample, ...]:
    """The packaged conversations, whose activity is known, annotated anew and cut into samples; the last ones end within a frame."""
    samples = []
    for name in NAMES:
        truth = json.loads(files("duologue_pipeline.demo").joinpath(f"truth/{name}.json").read_text())
        spans = {s: tuple(Span(round(a * 1000), round(b * 1000)) for a, b in truth["activity"][s]) for s in "ab"}
        words = {
            s: [Word(w["word"], round(w["start_s"] * 1000), round(w["end_s"] * 1000)) for w in truth["words"][s]]
            for s in "ab"
        }
        duration_ms = round(truth["duration_s"] * 1000)
        found = annotate_conversation(
            activity=Activity(a=spans["a"], b=spans["b"], rules="true"),
            words_a=words["a"],
            words_b=words["b"],
            duration_ms=duration_ms,
            language="en-US",
        )
        for lo in range(0, duration_ms, 80 * frames):
            hi = min(lo + 80 * frames, duration_ms)
            samples.append(
                make_sample(
                    frames=-(-(hi - lo) // 80),
                    seed=lo,
                    words=[
                        (s, w.word, (w.start_ms - lo) / 1000, (w.end_ms - lo) / 1000)
                        for s in "ab"
                        for w in words[s]
                        if w.start_ms < hi and w.end_ms > lo
                    ],
                    activity=[
                        {
                            "speaker": s,
                            "start_s": (max(x.start_ms, lo) - lo) / 1000,
                            "end_s": (min(x.end_ms, hi) - lo) / 1000,
                        }
                        for s in "ab"
                        for x in spans[s]
                        if x.start_ms < hi and x.end_ms > lo
                    ],
                    events=[
                        sample_event(e, zero_ms=lo)
                        for e in found.events
                        if e.start_ms < hi and (e.end_ms > lo or e.start_ms == e.end_ms == lo)
                    ],
                    start_s=lo / 1000,
                    end_s=hi / 1000,
                )
            )
    return tuple(samples)


def _times(frames: int) -> st.SearchStrategy[int]:
    """Milliseconds in and around a sample, often on the edge of a frame or of a half."""
    last = 80 * frames
    return st.integers(-300, last + 300) | st.integers(-4, 2 * frames + 4).map(lambda half: 40 * half)


@st.composite
def drawn_samples(draw: st.DrawFn, codebooks: int = 2, cards: int = 3) -> Sample:
    """A sample with anything that the schema allows, in any order and overlap; few codes, so that they repeat."""
    frames = draw(st.integers(1, 40))
    times = _times(frames)

    def spans(inside: bool) -> list[tuple[str, float, float]]:
        found = []
        for speaker, one, two in draw(st.lists(st.tuples(st.sampled_from("ab"), times, times), max_size=6)):
            lo, hi = sorted((one, two))
            if inside:
                lo, hi = max(lo, 0), min(hi, 80 * frames)
            if lo < hi and lo < 80 * frames and hi > 0:
                found.append((speaker, lo / 1000, hi / 1000))
        return found

    kinds = {"turn": "", "interruption": "", "backchannel": "", "pause": "", "floor_transfer": "", "ipu": "attempt"}
    events: list[dict[str, Any]] = [
        {
            "kind": kind,
            "subtype": subtype,
            "speaker": speaker,
            "start_s": lo,
            "end_s": hi,
            "floor_taking": kind == "interruption" and draw(st.booleans()),
        }
        for kind, subtype in kinds.items()
        for speaker, lo, hi in spans(inside=False)
    ]
    words = [
        (speaker, draw(st.sampled_from(["uh", "hello", "a b", "  ", "Zürich"])), lo, hi)
        for speaker, lo, hi in sorted(spans(inside=False), key=lambda word: word[1:])
    ]
    activity = [{"speaker": s, "start_s": lo, "end_s": hi} for s, lo, hi in spans(inside=True)]
    shorter = draw(st.integers(0, 79))  # the conversation ends within the last frame
    sample = make_sample(
        frames=frames,
        codebooks=codebooks,
        words=words,
        events=events,
        activity=activity,
        end_s=(80 * frames - shorter) / 1000,
        transcripts={side: draw(st.booleans()) for side in "ab"},
    )
    codes = draw(st.integers(0, 2**32 - 1).map(np.random.default_rng)).integers(0, cards, sample.codes.shape)
    return Sample(sample.key, sample.metadata, codes.astype(np.uint16), None)


def two_tokens_a_word(text: str) -> list[int]:
    """A tokenizer: two ids a word that tell what it was."""
    return [100 * sum(map(ord, word)) + part for word in text.split() for part in (1, 2)]
