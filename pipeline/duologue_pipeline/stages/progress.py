"""Reports how far a run has come, by the counters of its stages."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import IO, Any, Final, Self

from duologue_pipeline.progress import ProgressShow
from duologue_pipeline.stages.guard import HEARD_MS, KEPT
from duologue_pipeline.stages.tried import LOG

__all__ = ["Progress", "progress_line", "progress_share", "result_counters"]

Counters = Mapping[tuple[str, str], int]
"""(stage, "kept" or a reason) -> elements; (stage, "heard_ms") -> milliseconds of audio in those that are kept."""

_EVERY_S: Final = 1.0
_SILENT_S: Final = 60.0


class Progress:
    """Shows how far a run has come, from its beginning to its end (:class:`duologue_pipeline.progress.ProgressShow`).

    Args:
        recordings: how many the manifest lists.
        counters: gives those of the moment; where a runner tells none until it is done, there is nothing to write.
        stream: where that goes; nowhere if None.
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
        self._began = time.monotonic()
        self._show = ProgressShow(stream)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while not self._ended.wait(self._every_s):
            self._write()
            if self._silent and time.monotonic() - self._began > _SILENT_S:
                self._show.say(self._silent)
                self._silent = None

    def _write(self, *, last: bool = False) -> None:
        try:
            counts = self._counters()
        except Exception:  # noqa: BLE001 - whatever a runner raises that tells none: no run fails for its progress
            LOG.debug("the runner gives no counters", exc_info=True)
            return
        if counts:
            self._silent = None
        hours = counts.get(("events", HEARD_MS), 0) / 3_600_000
        share = progress_share(counts, self._recordings)
        self._show.show(share, progress_line(counts, self._recordings), hours=hours, last=last)

    def __enter__(self) -> Self:
        self._show.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._write(last=True)
        self._show.__exit__()


def progress_line(counters: Counters, recordings: int) -> str:
    """Writes the counters as a line: ``analysed 2/3, tokenized 1/3, refused 1``."""
    analysed, tokenized, refused = _counts(counters)
    line = f"analysed {analysed}/{recordings}, tokenized {tokenized}/{recordings}"
    return f"{line}, refused {refused}" if refused else line


def progress_share(counters: Counters, recordings: int) -> float:
    """Gives the share of the work that is done, 0 to 1: half of a recording is its labels, half its tokens."""
    analysed, tokenized, refused = _counts(counters)
    return min(1.0, (analysed + tokenized + 2 * refused) / (2 * recordings)) if recordings else 1.0


def _counts(counters: Counters) -> tuple[int, int, int]:
    refused = sum(count for (_, name), count in counters.items() if name not in (KEPT, HEARD_MS))
    analysed, tokenized = (counters.get((stage, KEPT), 0) for stage in ("events", "tokens"))
    return analysed, tokenized, refused


def result_counters(result: Any) -> Counter[tuple[str, str]]:
    """Reads the counters of a pipeline that runs elsewhere or is done, as far as its runner gives them."""
    if hasattr(result, "_metrics"):
        result._metrics = None  # a PortableRunner's result would keep its first answer for good
    counted: Counter[tuple[str, str]] = Counter()
    for each in result.metrics().query()["counters"]:
        counted[each.key.metric.namespace, each.key.metric.name] += each.result
    return counted
