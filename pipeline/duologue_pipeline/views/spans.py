"""Finds when a speaker is heard and what a speaker does, in whole milliseconds of the sample."""

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.views.sides import FRAME_MS, check_speaker, end_of_frames_ms, frame_count, milliseconds

__all__ = [
    "active_steps",
    "activity_spans",
    "event_spans",
    "finite_number",
    "sample_end_ms",
    "step_count",
    "steps_inside",
]

Span = tuple[int, int]


def sample_end_ms(sample: Sample) -> int:
    """Finds where the sample ends: with its last frame, or within it, where the conversation does."""
    whole_ms, about = end_of_frames_ms(sample), sample.metadata
    # A sample that was put together by hand may not name them.
    end_ms = milliseconds(about.get("end_s", 0.0)) - milliseconds(about.get("start_s", 0.0))
    return end_ms if whole_ms - FRAME_MS < end_ms < whole_ms else whole_ms


def activity_spans(sample: Sample, speaker: str) -> list[Span]:
    """Lists when a speaker is heard: ``[start_ms, end_ms)`` each, clipped to the sample."""
    return _spans(sample.metadata["activity"], speaker)


def event_spans(sample: Sample, kind: str, speaker: str, **fields: str | bool) -> list[Span]:
    """Lists the events of a kind that a speaker does: ``(start_ms, end_ms)`` each.

    Args:
        sample: the sample; an event that crosses its edge begins before 0 or ends after it.
        kind: e.g. ``turn`` (docs/annotation.md).
        speaker: who does it.
        fields: what else is asked of the event, e.g. ``floor_taking=True``.
    """
    rows = (row for row in sample.metadata["events"] if row["kind"] == kind)
    return _spans((row for row in rows if all(row.get(name) == value for name, value in fields.items())), speaker)


def _spans(rows: Iterable[dict[str, Any]], speaker: str) -> list[Span]:
    check_speaker(speaker)
    return [(milliseconds(row["start_s"]), milliseconds(row["end_s"])) for row in rows if row["speaker"] == speaker]


def finite_number(value: Any) -> Fraction | None:
    """Gives a number exactly; None where it is none, or not finite."""
    number = isinstance(value, int | float | Fraction | np.integer | np.floating) and not isinstance(value, bool)
    return Fraction(value) if number and math.isfinite(value) else None


def step_count(sample: Sample, step_ms: Fraction | int) -> int:
    """Counts the steps that hold a sample, the last one not always full: ``ceil(80 T / step_ms)``."""
    return math.ceil(Fraction(FRAME_MS * frame_count(sample)) / step_ms)


def steps_inside(spans: list[Span], steps: int, step_ms: Fraction | int) -> npt.NDArray[np.bool_]:
    """Tells of each step of a clock whether its middle lies in one of the spans.

    Args:
        spans: ``[start_ms, end_ms)`` each, in any order; they may overlap.
        steps: how many steps there are.
        step_ms: length of a step; step n is ``[n * step_ms, (n + 1) * step_ms)``.

    Returns:
        bool [steps].
    """
    inside = np.zeros(steps, np.bool_)
    for start_ms, end_ms in spans:
        first, end = (max(0, math.ceil(Fraction(ms) / step_ms - Fraction(1, 2))) for ms in (start_ms, end_ms))
        inside[first:end] = True
    return inside


def active_steps(sample: Sample, speaker: str, step_ms: Fraction | int) -> npt.NDArray[np.bool_]:
    """Tells of each step whether the speaker is heard in its middle: bool [:func:`step_count`]."""
    return steps_inside(activity_spans(sample, speaker), step_count(sample, step_ms), step_ms)
