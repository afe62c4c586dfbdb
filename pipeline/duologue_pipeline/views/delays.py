"""Delays the streams of a model against each other, and takes the delays back.

Streams of four frames, delays 0 1 2, initial ``i``, end ``e`` (text padding in row 0, the audio's initial id below)::

    tail="cut"        tail="keep"             tail="keep", initial=True
    0 1 2 3           0 1 2 3 e e             i 0 1 2 3 e e
    i 0 1 2           i 0 1 2 3 e             i i 0 1 2 3 e
    i i 0 1           i i 0 1 2 3             i i i 0 1 2 3

Sources: cut is ``_delay_sequence`` and ``_undelay_sequence`` of kyutai-labs/moshi@e6a55d2 moshi/moshi/models/lm_utils.py; its
``LMModel.forward`` applies them itself. Keep with the initial column is ``delay_and_pad_streams`` of
nu-dialogue/moshi-finetune@3879d29 utils/data.py, with the ids of its finetune.py:690; its ``undelay_tokens`` takes no initial column.
"""

from collections.abc import Sequence
from operator import index
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from duologue_pipeline.errors import UsageError

__all__ = ["Tail", "check_delays", "delay_streams", "undelay"]

Tail = Literal["cut", "keep"]

I32 = npt.NDArray[np.int32]


def check_delays(delays: Sequence[int], rows: int, tail: str) -> list[int]:
    """Gives the delays as a list.

    Raises:
        UsageError: they are not one of 0 or more for each row, or there is no such tail.
    """
    if tail not in ("cut", "keep"):
        raise UsageError(f'tail {tail!r}: expected "cut" or "keep"')
    try:
        found = [index(delay) for delay in delays]
    except TypeError:
        raise UsageError(f"delays {delays!r}: expected a list of whole numbers of frames, one a stream") from None
    if len(found) != rows:
        audio = (len(found) - 1) // 2
        remedy = f"; give codebooks={audio}" if len(found) == 1 + 2 * audio and 0 < len(found) < rows else ""
        raise UsageError(
            f"{len(found)} delays for {rows} streams (text and {(rows - 1) // 2} codebooks a side): expected one a stream{remedy}"
        )
    if min(found) < 0:
        raise UsageError(f"delay {min(found)}: expected 0 or more frames")
    return found


def delay_streams(
    streams: I32,
    delays: Sequence[int],
    *,
    tail: Tail,
    initial: bool,
    text_padding: int,
    text_initial: int,
    audio_initial: int,
) -> I32:
    """Delays each row.

    Args:
        streams: int32 [R, T], row 0 the text.
        delays: R frames.
        tail: ``cut`` keeps the length and loses the last ``delay`` frames of a row, ``keep`` loses nothing.
        initial: whether one column of the initial ids is put in front.
        text_padding: follows the end of row 0 (keep).
        text_initial: stands before row 0.
        audio_initial: stands before the other rows, and follows their end (keep).

    Returns:
        int32 [R, T'], T' = T, plus the greatest delay (keep), plus one (initial).

    Raises:
        UsageError: as :func:`check_delays`.
    """
    rows, frames = streams.shape
    late = check_delays(delays, rows, tail)
    length = frames + (max(late) if tail == "keep" else 0)
    lead = int(initial)
    delayed = np.empty((rows, lead + length), np.int32)
    for row, (delay, values) in enumerate(zip(late, streams, strict=True)):
        before = text_initial if row == 0 else audio_initial
        begin = min(lead + delay, lead + length)
        end = min(begin + frames, lead + length)
        delayed[row, :begin] = before
        delayed[row, begin:end] = values[: end - begin]
        delayed[row, end:] = text_padding if row == 0 else audio_initial
    return delayed


def undelay(
    streams: npt.NDArray[Any], delays: Sequence[int], *, tail: Tail = "cut", initial: bool = False, zero: int = -1
) -> tuple[I32, npt.NDArray[np.bool_]]:
    """Takes the delays of streams back: each row begins as many frames later as it was late.

    Delays 0 1 2, initial ``i``, end ``e``; four frames; ``-`` is zero, and not known::

        tail="cut"                        tail="keep", initial=True
        0 1 2 3         0 1 2 3           i 0 1 2 3 e e         0 1 2 3
        i 0 1 2    ->   0 1 2 -           i i 0 1 2 3 e    ->   0 1 2 3
        i i 0 1         0 1 - -           i i i 0 1 2 3         0 1 2 3

    Args:
        streams: integers [R, T'], as :func:`duologue_pipeline.views.dual_stream` gives them, or as a model does.
        delays: R frames, 0 or more.
        tail: ``cut`` if the length was kept, ``keep`` if the greatest delay was added to it.
        initial: whether one column of initial ids stands in front.
        zero: stands where a value is not known, because the tail was cut.

    Returns:
        (int32 [R, T], bool [R, T]): the streams, and where they are known: with ``keep`` everywhere, with ``cut`` not in the
        last ``delay`` frames of a row.

    Raises:
        UsageError: the delays are not one of 0 or more a row, there is no such tail, or the streams are too short, or no ids.

    Source: kyutai-labs/moshi@e6a55d2 moshi/moshi/models/lm_utils.py ``_undelay_sequence``, whose mask this is as well.
    """
    streams = np.asarray(streams)
    if streams.ndim != 2 or not len(streams) or streams.dtype.kind not in "iu":
        raise UsageError(f"streams {streams.dtype} {list(streams.shape)}: expected ids, integers [streams, frames]")
    rows = len(streams)
    late = check_delays(delays, rows, tail)
    frames = streams.shape[1] - int(initial) - (max(late) if tail == "keep" else 0)
    if frames < 0:
        raise UsageError(
            f"streams of {streams.shape[1]} frames are shorter than what {tail} adds; was tail or initial another?"
        )
    undelayed = np.full((rows, frames), zero, np.int32)
    known = np.zeros((rows, frames), np.bool_)
    for row, (delay, values) in enumerate(zip(late, streams[:, int(initial) :], strict=True)):
        held = values[delay : delay + frames]
        undelayed[row, : len(held)] = held
        known[row, : len(held)] = True
    return undelayed, known
