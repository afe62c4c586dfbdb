"""Isolation of tracks of which one begins later or ends earlier: it is measured while both are there."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from duologue_pipeline.isolation.measure import measure_recording
from duologue_pipeline.isolation.moved import moved
from duologue_pipeline.records import FaultReport, Span

Build = Callable[..., Any]
RATE_HZ = 8000


def talk(seconds: int, *, first: int, seed: int) -> np.ndarray[Any, Any]:
    """Loud for 2 s of every 4 s, beginning with the ``first``; own noise at -70 dBFS always."""
    rng = np.random.default_rng(seed)
    loud = (np.arange(seconds * RATE_HZ) // RATE_HZ + 4 - first) % 4 < 2
    return (rng.standard_normal(seconds * RATE_HZ) * np.where(loud, 0.1, 0.0003)).astype(np.float32)


@pytest.fixture
def pair(write_audio: Build) -> tuple[Path, Path]:
    """60 s of a, and of b the middle 40 s, with a's voice in it at -20 dB."""
    a, b = talk(60, first=0, seed=1), talk(60, first=2, seed=2)
    b += 0.1 * a
    return write_audio("a.wav", a), write_audio("b.wav", b[10 * RATE_HZ : 50 * RATE_HZ])


def test_zeros_of_somebody_who_is_not_there_prove_nothing(pair: tuple[Path, Path], make_recording: Build) -> None:
    report = measure_recording(make_recording(*pair, offsets_s=(0.0, 10.0)), duration_ms=lambda: 60_000)
    bleed = report.b_from_a
    assert bleed.bleed_db == pytest.approx(-20, abs=1)
    assert 10 < bleed.solo_s <= 20
    assert bleed.spans
    assert all(10_000 <= span.start_ms < span.end_ms <= 50_000 for span in (*bleed.spans, *report.a_from_b.spans))
    assert report.faults["over_suppression"].found is not True


def test_the_same_part_by_itself_gives_the_same_figures(
    pair: tuple[Path, Path], write_audio: Build, make_recording: Build
) -> None:
    a = write_audio("cut.wav", talk(60, first=0, seed=1)[10 * RATE_HZ : 50 * RATE_HZ])
    alone = measure_recording(make_recording(a, pair[1]), duration_ms=lambda: 40_000)
    within = measure_recording(make_recording(*pair, offsets_s=(0.0, 10.0)), duration_ms=lambda: 60_000)
    assert within == moved(alone, 10_000)
    assert within.b_from_a.spans[0] == Span(
        alone.b_from_a.spans[0].start_ms + 10_000, alone.b_from_a.spans[0].end_ms + 10_000
    )
    swap = FaultReport(True, 12.0, 1.0, "the voices of the two tracks change places at 12 s")
    later = moved(type(alone)(**vars(alone) | {"faults": {**alone.faults, "swap": swap}}), 10_000).faults["swap"]
    assert (later.value, later.detail) == (22.0, "the voices of the two tracks change places at 22 s")
