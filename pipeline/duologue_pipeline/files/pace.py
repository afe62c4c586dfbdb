"""Watches over a transfer from another thread, and ends it when too little comes."""

import threading
import time
from collections.abc import Callable
from typing import Self

from duologue_pipeline.rules.files import FilesRules

__all__ = ["Pace"]


class Pace:
    """Ends a transfer that is too slow, as a context manager around it.

    A time-out on a socket begins anew with each byte, so that a server which sends a byte every second holds it for ever. So
    what has come is counted once a window (``pace_window_s``): where that is less than ``pace_bytes_per_s`` on average, or
    where all takes longer than ``max_fetch_s``, the connection is cut off.

    Args:
        rules: the bounds.

    Attributes:
        stop: cuts the connection off, called from the other thread; the transfer sets it when it has one.
        too_slow: why the transfer was ended; empty as long as it was not.
        received: the bytes that have come; the transfer counts them.
    """

    def __init__(self, rules: FilesRules) -> None:
        self._rules = rules
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.stop: Callable[[], None] = lambda: None
        self.too_slow = ""
        self.received = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        rules = self._rules
        began, before = time.monotonic(), 0
        while not self._ended.wait(rules.pace_window_s):
            received = self.received
            if received - before < rules.pace_bytes_per_s * rules.pace_window_s:
                self.too_slow = f"{received - before} bytes came in {rules.pace_window_s:g} s"
            elif time.monotonic() - began > rules.max_fetch_s:
                self.too_slow = f"it took longer than {rules.max_fetch_s:g} s"
            before = received
            if self.too_slow:
                self.stop()
                # What the transfer opens anew is cut off as well.
                while not self._ended.wait(0.1):
                    self.stop()
                return
