"""Where decoded sound lies by its times: gaps, jitter, drift, and times that cannot be."""

from collections.abc import Sequence

import pytest

from duologue_pipeline.ingest.apart.timeline import Timeline, TimelineError

PACKET = 960  # samples at 48 kHz: 20 ms


def placed(times_s: Sequence[float | None], *, drift_ppm: float = 2000) -> Timeline:
    timeline = Timeline(48000, gap_s=0.01, drift_ppm=drift_ppm, most_s=14400)
    for time_s in times_s:
        timeline.place(time_s, PACKET)
    return timeline


def test_one_lost_packet_leaves_its_own_length_of_silence() -> None:
    timeline = placed([0.0, 0.02, 0.06, 0.08])
    assert (timeline.filled, timeline.gaps, timeline.samples) == (960, 1, 5 * PACKET)


def test_the_file_begins_when_its_first_packet_does() -> None:
    timeline = placed([3.5, 3.52, 3.54])
    assert (timeline.start_s, timeline.filled, timeline.samples) == (3.5, 0, 3 * PACKET)


def test_packets_without_times_follow_each_other() -> None:
    assert placed([0.0, None, None, 0.06]).filled == 0


def test_jitter_is_filled_once_and_does_not_add_up() -> None:
    times_s = [0.02 * i + (0.015 if i % 2 else 0.0) for i in range(500)]
    timeline = placed(times_s)
    assert timeline.filled <= round(0.015 * 48000)


def test_a_clock_that_runs_slow_neither_squeezes_nor_stops_the_recording() -> None:
    times_s = [0.02 * i * (1 - 500e-6) for i in range(50_000)]
    timeline = placed(times_s)
    assert (timeline.filled, timeline.samples) == (0, 50_000 * PACKET)


@pytest.mark.parametrize(
    ("times_s", "said"),
    [
        ([0.0, 0.02, 20_000.0], "has a gap of 20000 s"),
        ([1.6e9, 1.6e9 + 0.02], "begins at 1600000000 s of its own clock"),
        ([0.0, *[0.02 * i for i in range(100)], 0.3], "run back by"),
        ([0.01 * i for i in range(300)], "run back by"),
    ],
)
def test_times_that_cannot_be_are_refused(times_s: list[float], said: str) -> None:
    with pytest.raises(TimelineError, match=said):
        placed(list(times_s))
