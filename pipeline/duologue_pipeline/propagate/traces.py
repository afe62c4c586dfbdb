"""Traces: hashes by which something that was removed is known again wherever it turns up.

They are taken of a sample before it goes (:mod:`duologue_pipeline.propagate.rewrite`) and of everything that is live
afterwards (:mod:`duologue_pipeline.propagate.scan`). A trace is the SHA-256 of content that nobody writes twice by chance:
a track's tokens, a track's audio, four words in a row with the milliseconds between them. A track of (nearly) nothing but silence and
fewer words leave none: others have the same.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["audio_traces", "code_traces", "word_traces"]

_WORDS: Final = 4
_MIN_CHANGES: Final = 8  # fewer are silence and how the codec settles on it


def code_traces(codes: npt.NDArray[Any]) -> Iterator[tuple[int, str]]:
    """The traces of tokens.

    Args:
        codes: integers [tracks, codebooks, frames].

    Yields:
        (track, trace), of tracks that say something.
    """
    for track, rows in enumerate(codes):
        if np.count_nonzero((rows[:, 1:] != rows[:, :-1]).any(axis=0)) >= _MIN_CHANGES:
            yield track, _trace(b"codes", np.ascontiguousarray(rows, dtype="<u2").tobytes())


def audio_traces(pcm: npt.NDArray[np.int32]) -> Iterator[tuple[int, str]]:
    """The traces of audio, the same whatever lossless file it lies in.

    Args:
        pcm: int32 [T, tracks], as libsndfile gives it.

    Yields:
        (track, trace), of tracks whose samples change.
    """
    for track in range(pcm.shape[1]):
        samples = np.ascontiguousarray(pcm[:, track], dtype="<i4")
        if samples.size and (samples != samples[0]).any():
            yield track, _trace(b"audio", samples.tobytes())


def word_traces(words: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The traces of one speaker's words (``word``, ``start_s``), wherever on the clock they lie."""
    row: Sequence[tuple[str, float]] = [(word["word"], word["start_s"]) for word in words]
    for place in range(len(row) - _WORDS + 1):
        window = row[place : place + _WORDS]
        begin_s = window[0][1]
        text = "\n".join(f"{word}\t{round(1000 * (start_s - begin_s))}" for word, start_s in window)
        yield _trace(b"words", text.encode("utf-8", "surrogatepass"))


def _trace(kind: bytes, content: bytes) -> str:
    return hashlib.sha256(kind + b"\0" + content).hexdigest()
