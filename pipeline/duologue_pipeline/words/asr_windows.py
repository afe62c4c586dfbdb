"""Lays pieces of speech one after the other into windows of 30 s, which is what Whisper hears at once.

Whisper's encoder costs as much for a piece of a second as for one of thirty. Between two pieces lies silence, so that the end
of one and the beginning of the next are not heard as one word.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from duologue_pipeline.words.asr import RATE_HZ, Pcm

__all__ = ["WINDOW_S", "Window", "windows_of"]

WINDOW_S: Final = 30
"""What Whisper hears at once, in seconds."""

_GAP: Final = RATE_HZ // 2


@dataclass(frozen=True)
class Window:
    """Names the pieces in a window, and where each begins in it, in samples."""

    places: tuple[int, ...]
    starts: tuple[int, ...]

    def pcm(self, pieces: Sequence[Pcm]) -> Pcm:
        """Lays the pieces into the window.

        Args:
            pieces: all of them, float32 [T] in [-1, 1] each, at 16 kHz.

        Returns:
            float32 [T] in [-1, 1], to the end of the last piece; no longer than the window.
        """
        size = self.starts[-1] + pieces[self.places[-1]].size
        sound = np.zeros(min(size, WINDOW_S * RATE_HZ), np.float32)
        for place, start in zip(self.places, self.starts, strict=True):
            sound[start : start + pieces[place].size] = pieces[place][: sound.size - start]
        return sound

    def piece_at(self, at_s: float, pieces: Sequence[Pcm]) -> tuple[int, float]:
        """Finds the piece to which a moment of the window belongs: the one that holds it, or else the nearest.

        Args:
            at_s: the moment, in seconds from the beginning of the window.
            pieces: all of them.

        Returns:
            The place of the piece, and where it begins in the window, in seconds.
        """
        at = at_s * RATE_HZ

        def away(number: int) -> float:
            start = self.starts[number]
            return max(start - at, at - start - pieces[self.places[number]].size)

        nearest = min(range(len(self.places)), key=away)
        return self.places[nearest], self.starts[nearest] / RATE_HZ


def windows_of(pieces: Sequence[Pcm], *, apart: bool = False) -> list[Window]:
    """Lays pieces into as few windows as their order allows.

    Args:
        pieces: float32 [T] in [-1, 1] each, at 16 kHz, none longer than a window.
        apart: whether each gets a window of its own.
    """
    windows: list[Window] = []
    places: list[int] = []
    starts: list[int] = []
    end = 0
    for place, piece in enumerate(pieces):
        start = end + _GAP if places else 0
        if places and (apart or start + piece.size > WINDOW_S * RATE_HZ):
            windows.append(Window(tuple(places), tuple(starts)))
            places, starts, start = [], [], 0
        places.append(place)
        starts.append(start)
        end = start + piece.size
    return [*windows, Window(tuple(places), tuple(starts))] if places else windows
