"""Reports how far a run has come, by the counters of its stages."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import IO, Any, Final, Self

from duologue_pipeline.stages.guard import KEPT
from duologue_pipeline.stages.tried import LOG

__all__ = ["Progress", "progress_line", "result_counters"]

Counters = Mapping[tuple[str, str], int]
"""(stage, "kept" or a reason) -> elements."""

_EVERY_S: Final = 1.0
_SILENT_S: Final = 60.0


class Progress:
    """Writes a line when something has been done, at most one in some seconds, and one at the end.

    Args:
        recordings: how many the manifest lists.
        counters: gives those of the moment; where a runner tells none until it is done, there is nothing to write.
        stream: where the lines go; nowhere if None.
        every_s: how long it waits between two looks; a second if None.
        silent: what is said once where nothing at all has been counted for a minute; nothing if None.
    """

    def __init__(
        self,
        recordings: int,
        counters: Callable[[], Counters],
        stream: IO[str] | None,
        *,
        every_s: float | None = None,
        silent: str | None = None,
    ) -> None:
        self._silent = silent
        self._every_s = _EVERY_S if every_s is None else every_s
        self._recordings = recordings
        self._counters = counters
        self._stream = stream
        self._began = time.monotonic()
        self._line = ""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while not self._ended.wait(self._every_s):
            self._write()
            if self._silent and time.monotonic() - self._began > _SILENT_S:
                if self._stream is not None:
                    print(self._silent, file=self._stream, flush=True)
                self._silent = None

    def _write(self) -> None:
        try:
            counts = self._counters()
        except Exception:  # noqa: BLE001 - whatever a runner raises that tells none: no run fails for its progress
            LOG.debug("the runner gives no counters", exc_info=True)
            return
        if counts:
            self._silent = None
        line = progress_line(counts, self._recordings)
        if self._stream is not None and line != self._line:
            print(f"[{time.monotonic() - self._began:6.1f} s] {line}", file=self._stream, flush=True)
        self._line = line

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._write()


def progress_line(counters: Counters, recordings: int) -> str:
    """Writes the counters as a line: ``analysed 2/3, tokenized 1/3, refused 1``."""
    refused = sum(count for (_, name), count in counters.items() if name != KEPT)
    analysed, tokenized = (counters.get((stage, KEPT), 0) for stage in ("events", "tokens"))
    line = f"analysed {analysed}/{recordings}, tokenized {tokenized}/{recordings}"
    return f"{line}, refused {refused}" if refused else line


def result_counters(result: Any) -> Counter[tuple[str, str]]:
    """Reads the counters of a pipeline that runs elsewhere or is done, as far as its runner gives them."""
    if hasattr(result, "_metrics"):
        result._metrics = None  # a PortableRunner's result would keep its first answer for good
    counted: Counter[tuple[str, str]] = Counter()
    for each in result.metrics().query()["counters"]:
        counted[each.key.metric.namespace, each.key.metric.name] += each.result
    return counted
