"""Shows how far long work has come: a bar on a terminal, elsewhere a line whenever another tenth of it is done."""

import time
from collections.abc import Callable
from typing import IO, Any, Final, Self

__all__ = ["ProgressShow", "remaining"]

_PARTS: Final = 10
_AT_LEAST_EVERY_S: Final = 600.0
"""A tenth of a long run takes hours, in which its log shall not look dead."""


class ProgressShow:
    """Writes a bar or lines; use it as a context manager.

    Args:
        stream: where it goes; nowhere if None.
        clock: gives seconds.
    """

    def __init__(self, stream: IO[str] | None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._clock = stream, clock
        self._began_s = self._told_s = clock()
        self._line = ""
        self._part = -1
        self._bar: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def say(self, text: str) -> None:
        """Writes a line of its own."""
        if self._bar is not None:
            self._bar.console.print(text, markup=False, highlight=False, soft_wrap=True)
        elif self._stream is not None:
            print(text, file=self._stream, flush=True)

    def show(self, share: float, told: str, *, hours: float = 0.0, last: bool = False) -> None:
        """Shows where the work is.

        Args:
            share: of it that is done, 0 to 1.
            told: what is done, in words.
            hours: of audio that are done; 0 where nobody counts them.
            last: whether it is at its end: then it is shown whatever was shown before.
        """
        if self._stream is None:
            return
        elapsed_s = self._clock() - self._began_s
        figures = [told, *remaining(1.0 if last else share, elapsed_s, hours=hours)]
        if self._bar is None and self._stream.isatty():
            self._bar = _bar(self._stream)
            self._bar.start()
        if self._bar is not None:
            (task,) = self._bar.task_ids
            self._bar.update(task, completed=share, told=", ".join(figures), refresh=last)
            return
        part = int(share * _PARTS + 1e-9)
        is_due = part > self._part or last or self._clock() - self._told_s >= _AT_LEAST_EVERY_S
        if is_due and told != self._line:
            print(f"[{elapsed_s:6.1f} s] {', '.join(figures)}", file=self._stream, flush=True)
            self._part, self._line, self._told_s = max(part, self._part), told, self._clock()


def remaining(share: float, elapsed_s: float, *, hours: float) -> list[str]:
    """Says how many hours of audio are done, how fast, and what is left; nothing of what is not known.

    Args:
        share: of the work that is done, 0 to 1.
        elapsed_s: how long it took, in seconds.
        hours: of audio that are done.
    """
    told = []
    if hours > 0:
        told.append(f"{hours:.1f} h of audio" if hours >= 1 else f"{60 * hours:.1f} min of audio")
        if elapsed_s >= 1:
            told.append(f"{hours * 3600 / elapsed_s:.0f} times real time")
    if 0 < share < 1 and elapsed_s >= 1:
        told.append(f"{_duration(elapsed_s / share - elapsed_s)} left")
    return told


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02d} min"


def _bar(stream: IO[str]) -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[told]}", markup=False),
    )
    bar = Progress(*columns, console=Console(file=stream), refresh_per_second=2)
    bar.add_task("", total=1.0, told="")
    return bar
