"""A conversation cut into three samples, and what is said about them."""

from collections.abc import Callable
from typing import Any

import pytest

from duologue_pipeline.records import Activity, Annotated, Event, Span
from duologue_pipeline.tokens.samples import sample_document
from duologue_pipeline.tokens.segments import Segment

Build = Callable[..., Any]

FIRST, MIDDLE, LAST = Segment(0, 0, 24), Segment(1, 24, 50), Segment(2, 50, 63)  # cuts at 1.92 s and 4 s


@pytest.fixture
def conversation(noise: Build, write_audio: Build, make_recording: Build, make_annotated: Build) -> Annotated:
    """Five seconds of which a speaks from 0.2 to 2.5 s and b from 1.9 to 4.5 s; nothing optional is known."""
    annotated: Annotated = make_annotated(
        make_recording(write_audio("call.wav", noise(5.0)), started_at=None),
        activity=Activity(a=(Span(200, 2500),), b=(Span(1900, 4500),), rules="1.0"),
        events=(
            Event("ipu", "a", 200, 2500),
            Event("ipu", "b", 1900, 4500),
            Event("overlap_between", "b", 1900, 2500, fto_ms=-600),
            Event("floor_transfer", "b", 1900, 1900, fto_ms=-600),
        ),
    )
    return annotated


@pytest.fixture
def document(tiny_codec: Any) -> Callable[..., dict[str, Any]]:
    """The document of the sample from 1.92 to 4.0 s, unless another segment is given."""

    def make(conversation: Annotated, segment: Segment = MIDDLE) -> dict[str, Any]:
        return sample_document(conversation, segment, split="train", codec=tiny_codec)

    return make
