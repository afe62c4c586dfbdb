"""Lays a sample out on the frames of Dialogue-to-Duplex for Qwen3-Omni: text, codes and masks of the model's side, and causal mel.

::

    words     ______[hello there]____________________[ yes ]_______
    user      [turn . ]__________[turn . . . . . . . ]_____________
    frame     0 1 2 3 4 5 6 7 8 9 ...
    text      p p R h t p p p p I p p p p p p p p p R y p p p p p p     R RESPONSE, I INTERRUPT, p pad
    codes     s s B c c c c E s s s s s s s s s s s B c c E s s s s     B, E in codebook 0; c codes, s the silence frame
    assistant 0 0 0 1 1 1 1 0 0 0 0 0 0 0 0 0 0 0 0 0 1 1 0 0 0 0 0

What the trainer checks (qwen3-omni-D2/model/base.py): every RESPONSE has a codec BOS and no other frame has one; BOS and EOS alternate;
sound lies between them and on neither; after RESPONSE comes text, which does not go on after a pad; no RESPONSE before an INTERRUPT has
closed the one before. So responses closer than two frames are one. Where INTERRUPT stands between two responses is not
said there; here it stands where the user's next turn begins, in overlap too, and where there is none, before the next response.

Source: penguinfish1688/D2-dialogue-to-duplex@a753594 d2/SAMPLES.md, qwen3-omni-D2/model/{base,duplex,mel,constants,config}.py.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from duologue_pipeline.views.mel import HOP_MS, SAMPLE_RATE_HZ, mel_filters
from duologue_pipeline.views.sides import FRAME_MS

__all__ = [
    "CODEBOOKS",
    "INTERRUPT",
    "LATENCIES_MS",
    "RESPONSE",
    "SELF_DELAY_SAMPLES",
    "SILENCE",
    "Ids",
    "Response",
    "causal_log_mel",
    "chunk_frames",
    "join_responses",
    "lay_out",
]

CODEBOOKS: Final = 16
"""Of the codes that the model speaks."""

LATENCIES_MS: Final = (80, 160, 320, 640, 1040)
"""The lengths of an interaction interval that there are."""

RESPONSE: Final = 151669
"""Id of the frame before a response."""

INTERRUPT: Final = 151670
"""Id of the frame that closes a response."""

SELF_DELAY_SAMPLES: Final = 371
"""By so many samples at 16 kHz the model hears itself later."""

SILENCE: Final = (1049, 1700, 1626, 546, 306, 1443, 1871, 2008, 1866, 374, 662, 1383, 1123, 1430, 644, 610)
"""The codes of a frame in which the model is silent."""

_LONGEST_MS: Final = 90_000
_MEL_BINS: Final = 128
_WINDOW: Final = 400
_HOP: Final = SAMPLE_RATE_HZ * HOP_MS // 1000


class Ids(NamedTuple):
    """Holds the ids of the checkpoint: the text pad (``model.pad_id``), and BOS and EOS of codebook 0."""

    pad: int
    codec_bos: int
    codec_eos: int


class Response(NamedTuple):
    """Holds what the model says in one go, in frames of the chunk.

    Attributes:
        first: the first frame with sound.
        end: the frame after the last one with sound.
        tokens: the ids of each word, in their order.
    """

    first: int
    end: int
    tokens: Sequence[Sequence[int]]


def chunk_frames(latency_ms: int) -> int:
    """Gives the greatest number of frames of a sample: whole intervals, at most 90 s."""
    step = latency_ms // FRAME_MS
    return _LONGEST_MS // FRAME_MS // step * step


def join_responses(responses: Sequence[Response]) -> list[Response]:
    """Joins responses between which no EOS and BOS fit; they come by their first frame."""
    joined: list[Response] = []
    for each in responses:
        if joined and each.first - joined[-1].end < 2:
            last = joined.pop()
            each = Response(last.first, max(last.end, each.end), [*last.tokens, *each.tokens])
        joined.append(each)
    return joined


def lay_out(
    responses: Sequence[Response], user_onsets: Sequence[int], codes: npt.NDArray[np.uint16], ids: Ids
) -> tuple[dict[str, npt.NDArray[Any]], int]:
    """Writes text, codes and the assistant mask of a chunk.

    Args:
        responses: of :func:`join_responses`, within the chunk.
        user_onsets: the frames in which turns of the user begin, in order.
        codes: uint16 [16 or more, T], of the model's side.
        ids: of the checkpoint.

    Returns:
        ``text_target`` int64 [T], ``codec_target`` int64 [T, 16], ``assistant_mask`` bool [T]; and how many words are not whole in it.
    """
    frames = codes.shape[1]
    text = np.full(frames, ids.pad, np.int64)
    targets = np.tile(np.array(SILENCE, np.int64), (frames, 1))
    assistant = np.zeros(frames, np.bool_)
    lost = 0
    for number, (first, end, tokens) in enumerate(responses):
        begin = max(0, first - 1)
        until = max(0, responses[number + 1].first - 1) if number + 1 < len(responses) else frames
        first = begin + 1
        stop = next((onset for onset in user_onsets if first < onset < until), until - 1 if until < frames else frames)
        written = [token for word in tokens for token in word][: max(0, stop - first)]
        text[begin] = RESPONSE
        text[first : first + len(written)] = written
        if stop < frames:
            text[stop] = INTERRUPT
        lost += _cut(tokens, len(written))
        targets[begin, 0] = ids.codec_bos
        targets[first:end] = codes[:CODEBOOKS, first:end].T
        assistant[first:end] = True
        if end < frames:
            targets[end] = SILENCE
            targets[end, 0] = ids.codec_eos
    return {"text_target": text, "codec_target": targets, "assistant_mask": assistant}, lost


def causal_log_mel(signal: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Makes log-mel features that know nothing of what comes later.

    Whisper's (:func:`duologue_pipeline.views.mel.log_mel`), but each window ends where its hop does, and a frame is raised to 80 dB
    under the loudest so far.

    Args:
        signal: float [N] in [-1, 1] at 16 kHz.

    Returns:
        float32 [128, N // 160].
    """
    frames = len(signal) // _HOP
    if not frames:
        return np.zeros((_MEL_BINS, 0), np.float32)
    padded = np.concatenate([np.zeros(_WINDOW - _HOP), signal[: frames * _HOP]])
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_WINDOW) / _WINDOW)
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP]
    power = np.concatenate(
        [np.abs(np.fft.rfft(windows[i : i + 1024] * window, axis=1)) ** 2 for i in range(0, frames, 1024)]
    )
    log = np.log10(np.maximum(power @ mel_filters(_MEL_BINS).T, 1e-10))
    loudest = np.maximum.accumulate(log.max(axis=1))
    raised = np.maximum(log, loudest[:, np.newaxis] - 8)
    return np.ascontiguousarray(((raised + 4) / 4).T, np.float32)


def _cut(tokens: Sequence[Sequence[int]], written: int) -> int:
    """Counts the words of which not all tokens are written."""
    cut, before = 0, 0
    for word in tokens:
        before += len(word)
        cut += before > written
    return cut
