"""Says in each chunk of time what a full-duplex model does, and what its user does.

Two directions, which are easily mixed up: MiniCPM-o and Covo-Audio-Chat-FD learn what the *model* does
(:func:`chunk_states`); Freeze-Omni and DuplexCascade learn what the *user* does (:func:`user_states`).
"""

from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.views.sides import check_speaker, other_speaker, whole_step
from duologue_pipeline.views.spans import (
    active_steps,
    event_spans,
    sample_end_ms,
    step_count,
    steps_inside,
)

__all__ = [
    "BACKCHANNEL",
    "DUPLEX_CASCADE",
    "FREEZE_OMNI",
    "INTERRUPTED",
    "LISTEN",
    "SPEAK",
    "START",
    "STOP",
    "chunk_states",
    "user_states",
]

LISTEN: Final = 0
"""The model listens."""

SPEAK: Final = 1
"""The model goes on with its turn."""

START: Final = 2
"""A turn of the model begins."""

STOP: Final = 3
"""A turn of the model ends, and nobody made it."""

INTERRUPTED: Final = 4
"""A turn of the model ends that the user has interrupted and whose floor the user takes."""

BACKCHANNEL: Final = 5
"""The model gives a backchannel."""

FREEZE_OMNI: Final = ("listen on", "start speaking", "ended, no answer")
"""What the states of Freeze-Omni mean, by number."""

DUPLEX_CASCADE: Final = (
    "<|no voice|>",
    "<|user is talking|>",
    "<|user finish talking|>",
    "<|user is thinking|>",
    "<|user interruption|>",
    "<|user backchannel|>",
)
"""The tokens of DuplexCascade, by the number that stands for them."""

_NO_VOICE, _TALKING, _FINISHED, _THINKING, _INTERRUPTION, _USER_BACKCHANNEL = range(6)


def chunk_states(sample: Sample, *, speaker: str = "a", chunk_ms: int = 160) -> npt.NDArray[np.uint8]:
    """Says what the model does in each chunk of time.

    ::

        model    ______[turn . . . . . . . ]__________[bc.]______[turn . . . . ]_________
        user     . . ]______________________[turn . . . . . . ]____________[turn, takes the floor
        chunk   |  0  |  1  |  2  |  3  |  4  |  5  |  6  |  7  |  8  |  9  |  10 |  11 |
        state      0     2     1     1     3     0     5     0     2     1     4     0

    Chunk c is ``(lo, hi) = (c * chunk_ms, (c + 1) * chunk_ms)``. The first that holds:

    1. a turn of the model ends in it, ``lo < end <= hi``, and before the sample's end: INTERRUPTED if an interruption of
       the user that takes the floor begins within that turn, else STOP;
    2. a turn of the model begins in it, ``lo <= start < hi``: START;
    3. its middle lies in a turn of the model: SPEAK; 4. in a backchannel of the model: BACKCHANNEL; 5. else LISTEN.

    A turn that the cut goes through neither begins nor ends here. One that ends with the last sound of the conversation
    was cut off by the recording, so no STOP is said of it. Of two turns that end in one (long) chunk, one that was
    interrupted is enough.

    Used by: Covo-Audio-Chat-FD and DuplexSLA 160 ms, SALMONN-omni 80 ms, MiniCPM-o 4.5 1000 ms (its first unit is of 1035
    ms; OpenBMB/minicpm-o-4_5-pytorch-simple-demo@c7e1660 MiniCPMO45/modeling_minicpmo.py).

    Args:
        sample: the sample; its codes are not looked at, only how many frames they have.
        speaker: whose side the model speaks, ``a`` or ``b``.
        chunk_ms: length of a chunk, at least 1.

    Returns:
        uint8 [ceil(80 T / chunk_ms)]: 0 LISTEN, 1 SPEAK, 2 START, 3 STOP, 4 INTERRUPTED, 5 BACKCHANNEL.

    Raises:
        UsageError: there is no such speaker, or the length is no whole number of milliseconds.
    """
    user, chunk_ms = other_speaker(speaker), whole_step(chunk_ms, "chunk_ms")
    chunks, end_ms = step_count(sample, chunk_ms), sample_end_ms(sample)
    turns = event_spans(sample, "turn", speaker)
    onsets = [start for start, _ in event_spans(sample, "interruption", user, floor_taking=True)]
    states = np.full(chunks, LISTEN, np.uint8)
    # From what gives way to what stands.
    states[steps_inside(event_spans(sample, "backchannel", speaker), chunks, chunk_ms)] = BACKCHANNEL
    states[steps_inside(turns, chunks, chunk_ms)] = SPEAK
    _mark(states, [start // chunk_ms for start, _ in turns], START)
    ended = [(start, end) for start, end in turns if end < end_ms]
    _mark(states, [(end - 1) // chunk_ms for _, end in ended], STOP)
    interrupted = [end for start, end in ended if any(start <= onset < end for onset in onsets)]
    _mark(states, [(end - 1) // chunk_ms for end in interrupted], INTERRUPTED)
    return states


def user_states(
    sample: Sample,
    speaker: str = "a",
    chunk_ms: int = 160,
    *,
    labels: Literal["freeze-omni", "duplex-cascade"] = "freeze-omni",
) -> npt.NDArray[np.uint8]:
    """Says what the user does in each chunk of time.

    ::

        user            ____[turn . . pause . . . ]_________[bc]_______
        model           ___________________________[turn . . . . . . .
        chunk          |  0  |  1  |  2  |  3  |  4  |  5  |  6  |  7  |
        freeze-omni       0     0     0     0     1     0     2     0
        duplex-cascade    0     1     3     1     2     0     5     0

    ``freeze-omni`` (VITA-MLLM/Freeze-Omni@3e17af4 models/audioLLM.py ``_generate_one_step``: the last class of the head is
    cut off before the softmax, so a model of ``predict_usr_state`` = 4 has these three and one that is never read), chunks of
    16 filter-bank frames, 160 ms (bin/inference.py). The first that holds:

    1. a turn of the user ends in the chunk, ``lo < end <= hi`` and before the sample's end, and the model takes the floor
       from it: 1, start speaking;
    2. a turn of the user that nobody answers, a backchannel or an attempt of the user ends in it: 2, no answer;
    3. else 0, listen on.

    ``duplex-cascade`` (chunks of 600 ms; its tokens are named in a third party's notes on its server; which of them stands
    where is our reading). The first that holds: a turn of the user ends in the chunk: 2; an interruption of the user begins
    in it: 4; its middle lies in a backchannel of the user: 5, in speech of the user: 1, in a pause of the user's turn: 3;
    else 0.

    Args:
        sample: the sample; its codes are not looked at, only how many frames they have.
        speaker: whose side the *model* speaks, ``a`` or ``b``; the other is the user.
        chunk_ms: length of a chunk, at least 1.
        labels: whose states: the meaning of the numbers is :data:`FREEZE_OMNI` or :data:`DUPLEX_CASCADE`.

    Returns:
        uint8 [ceil(80 T / chunk_ms)].

    Raises:
        UsageError: there are no such speaker or labels, or the length is no whole number of milliseconds.
    """
    user, model, chunk_ms = other_speaker(speaker), check_speaker(speaker), whole_step(chunk_ms, "chunk_ms")
    chunks, end_ms = step_count(sample, chunk_ms), sample_end_ms(sample)
    turns, backchannels = event_spans(sample, "turn", user), event_spans(sample, "backchannel", user)
    ended = [end for _, end in turns if end < end_ms]
    states = np.zeros(chunks, np.uint8)
    if labels == "freeze-omni":
        # A transfer reaches from the end of a turn to the onset of the next, or, in overlap, from the onset to the end.
        transfers = {edge for span in event_spans(sample, "floor_transfer", model) for edge in span}
        spans = [*backchannels, *event_spans(sample, "ipu", user, subtype="attempt")]
        idle = [end for _, end in spans if end < end_ms] + [end for end in ended if end not in transfers]
        _mark(states, [(end - 1) // chunk_ms for end in idle], 2)
        _mark(states, [(end - 1) // chunk_ms for end in ended if end in transfers], 1)
    elif labels == "duplex-cascade":
        states[steps_inside(turns, chunks, chunk_ms)] = _THINKING
        states[active_steps(sample, user, chunk_ms)] = _TALKING
        states[steps_inside(backchannels, chunks, chunk_ms)] = _USER_BACKCHANNEL
        _mark(states, [start // chunk_ms for start, _ in event_spans(sample, "interruption", user)], _INTERRUPTION)
        _mark(states, [(end - 1) // chunk_ms for end in ended], _FINISHED)
    else:
        raise UsageError(f'labels {labels!r}: expected "freeze-omni" or "duplex-cascade"')
    return states


def _mark(states: npt.NDArray[np.uint8], chunks: list[int], state: int) -> None:
    """Writes a state into those of the chunks that there are."""
    for chunk in chunks:
        if 0 <= chunk < len(states):
            states[chunk] = state
