"""How far long work has come: a line every tenth part, a bar on a terminal."""

import io
from typing import Any

import pytest

from duologue_pipeline.progress import ProgressShow, remaining


class Clock:
    """Gives the second that it is set to."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class Terminal(io.StringIO):
    """Somebody looks at it."""

    def isatty(self) -> bool:
        return True


def shown(stream: Any, parts: int, *, seconds_each: float = 1.0) -> None:
    clock = Clock()
    with ProgressShow(stream, clock=clock) as show:
        for done in range(parts + 1):
            clock.now_s = done * seconds_each
            show.show(done / parts, f"{done}/{parts}", last=done == parts)


@pytest.mark.parametrize("parts", [3, 10, 60, 10_000])
def test_a_log_has_a_line_every_tenth_part_and_no_more(parts: int) -> None:
    stream = io.StringIO()
    shown(stream, parts, seconds_each=0.01)
    lines = stream.getvalue().splitlines()
    assert len(lines) == min(parts, 10) + 1
    assert lines[0].endswith(f"0/{parts}")
    assert lines[-1].endswith(f"{parts}/{parts}")


def test_a_log_of_a_long_run_has_a_line_every_ten_minutes() -> None:
    stream = io.StringIO()
    shown(stream, 100, seconds_each=300)
    assert len(stream.getvalue().splitlines()) == 51


def test_what_has_not_changed_is_not_told_again() -> None:
    stream, clock = io.StringIO(), Clock()
    with ProgressShow(stream, clock=clock) as show:
        for _ in range(5):
            clock.now_s += 700
            show.show(0.5, "5/10")
        show.show(0.5, "5/10", last=True)
    assert len(stream.getvalue().splitlines()) == 1


def test_a_terminal_has_a_bar_with_share_and_words() -> None:
    stream = Terminal()
    shown(stream, 4)
    assert "100%" in stream.getvalue()
    assert "4/4" in stream.getvalue()
    assert "[   " not in stream.getvalue()


def test_nothing_is_written_where_there_is_no_stream() -> None:
    shown(None, 4)


def test_hours_rate_and_time_left_are_told_as_far_as_they_are_known() -> None:
    assert remaining(0.25, 60, hours=2) == ["2.0 h of audio", "120 times real time", "3 min left"]
    assert remaining(0.0, 60, hours=0) == []
    assert remaining(1.0, 60, hours=2) == ["2.0 h of audio", "120 times real time"]
    assert remaining(1.0, 60, hours=0.05) == ["3.0 min of audio", "3 times real time"]
    assert remaining(0.01, 360, hours=0) == ["9 h 54 min left"]
    assert remaining(0.5, 30, hours=0) == ["30 s left"]
