"""Gives frame-wise labels of turn-taking models: voice activity, VAP and DualTurn."""

from fractions import Fraction
from typing import Final

import numpy as np
import numpy.typing as npt

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.records import SPEAKERS
from duologue_pipeline.views.sides import FRAME_MS, frame_count, other_speaker
from duologue_pipeline.views.spans import active_steps, event_spans, finite_number, sample_end_ms, steps_inside

__all__ = ["DUALTURN_HORIZONS_MS", "VAP_BINS_MS", "activity_labels", "dualturn_labels", "vap_labels"]

VAP_BINS_MS: Final = (200, 400, 600, 800)
"""The stretches of the next two seconds that a VAP class tells about, one after the other."""

DUALTURN_HORIZONS_MS: Final = (240, 480, 960, 2000)
"""How far DualTurn looks ahead for future voice activity."""

_DUALTURN_ANSWER_MS: Final = 4000


def activity_labels(sample: Sample, *, frame_ms: float = 80) -> npt.NDArray[np.uint8]:
    """Says of each frame whether each speaker is heard in its middle.

    ::

        frame      0      1      2      3          frame n is [n, n + 1) * frame_ms
        a       |  ====|======|==    |      |
        row a      1      1      0      0          1: the middle lies in a span of ``activity``, [start, end)

    Args:
        sample: the sample; its codes are not looked at, only how many frames they have.
        frame_ms: length of a label's frame in ms; 80 is that of the codes, 20 that of VAP.

    Returns:
        uint8 [2, ceil(80 T / frame_ms)], speaker ``a`` first.

    Raises:
        UsageError: the length is no number from 1 on.
    """
    exact = finite_number(frame_ms)
    if exact is None or exact < 1:
        raise UsageError(f"frame_ms {frame_ms!r}: expected a number of at least 1 ms, the clock of a release")
    return _activity(sample, exact)


def _activity(sample: Sample, frame_ms: Fraction | int) -> npt.NDArray[np.uint8]:
    return np.stack([active_steps(sample, speaker, frame_ms) for speaker in SPEAKERS]).astype(np.uint8)


def vap_labels(sample: Sample, *, frame_hz: float = 50) -> npt.NDArray[np.int16]:
    """Gives the class of voice activity projection of each frame: who will be heard in the next two seconds.

    ::

        frame       n | n+1 ... n+10 | n+11 ... n+30 | n+31 ... n+60 | n+61 ... n+100
        bit of a           1                2               4               8
        bit of b          16               32              64             128

    A bit is 1 if at least half of its frames are active; a label is the sum. It tells about frame n + 1 on and about the two
    seconds after, so the last 100 frames have none.

    Source: ErikEkstedt/VAP@bbb23f7 vap/objective.py ``VAPObjective.get_labels``, of which this gives the numbers; the
    activity of a frame is that of :func:`activity_labels` (VAP's own ``vad_list_to_onehot`` rounds both ends of a stretch down
    to a frame in doubles). Our events are not VAP's: do not score its shifts and holds by ``gap`` and ``hold``.

    Args:
        sample: the sample.
        frame_hz: label frames a second, 5 to 1000; a bin holds ``int`` of its length in frames, as in VAP.

    Returns:
        int16 [N - 100] of 0 to 255, where N is 50 a second; empty where the sample is no longer than two seconds. With
        another rate, N less the frames of the four bins.

    Raises:
        UsageError: it is no such rate.
    """
    rate = finite_number(frame_hz)
    if rate is None or rate * VAP_BINS_MS[0] < 1000 or rate > 1000:
        raise UsageError(
            f"frame_hz {frame_hz!r}: expected a number from 5, below which the first bin of .2 s holds no frame, to 1000, the "
            "clock of a release"
        )
    active = _activity(sample, 1000 / rate)
    bins = [int(length * rate / 1000) for length in VAP_BINS_MS]
    count = max(0, active.shape[1] - sum(bins))
    until = np.concatenate([np.zeros((2, 1), np.int64), np.cumsum(active, axis=1, dtype=np.int64)], axis=1)
    labels, first = np.zeros(count, np.int16), 1
    for k, frames in enumerate(bins):
        heard = until[:, first + frames : first + frames + count] - until[:, first : first + count]
        on = (2 * heard >= frames).astype(np.int16)
        labels += (on[0] << k) + (on[1] << (k + len(bins)))
        first += frames
    return labels


def dualturn_labels(sample: Sample) -> dict[str, npt.NDArray[np.int8]]:
    """Gives the six signals a speaker that DualTurn's heads learn, on the clock of the codes.

    ::

        a        [speech ]  [speech  ]                  [bc]
        b                                 [turn ...
        vad  a    1 1 1 1 1  1 1 1 1 1                   1 1
        hold a            1                                      the last frame before a pause within the own turn
        eot  a                       1                           the last frame of a turn whose floor the other takes
        bot  b                             1                     the first frame of a turn
        bc   a                                           1 1

    ``fvad`` [2, 4, T]: whether the speaker is heard for at least half of the frames of the next 240, 480, 960, 2000 ms (3, 6,
    12, 25 frames from t + 1 on); -1 where that reaches beyond the sample. ``eot`` asks that the other takes the floor at most
    4 s later, or in overlap. A turn that begins or ends outside the sample has no frame here.

    Source: arXiv 2603.08216, of which the abstract was read: 12.5 Hz, two channels, the six names and the horizons; there is
    no public code of the labels, so how each is drawn is our reading.

    Returns:
        ``vad``, ``eot``, ``hold``, ``bot``, ``bc``: int8 [2, T] of 0 and 1; ``fvad``: int8 [2, 4, T] of -1, 0 and 1; speaker
        ``a`` first.
    """
    frames, end_ms = frame_count(sample), sample_end_ms(sample)
    labels = {name: np.zeros((2, frames), np.int8) for name in ("vad", "eot", "hold", "bot", "bc")}
    labels["fvad"] = np.full((2, len(DUALTURN_HORIZONS_MS), frames), -1, np.int8)
    for row, speaker in enumerate(SPEAKERS):
        turns = event_spans(sample, "turn", speaker)
        # A transfer reaches from the end of a turn to the onset of the next, or, in overlap, from the onset to the end.
        answered = set[int]()
        for start, end in event_spans(sample, "floor_transfer", other_speaker(speaker)):
            answered |= {start, end} if end - start <= _DUALTURN_ANSWER_MS else {end}
        ends = [end for _, end in turns if 0 < end < end_ms and end in answered]
        labels["vad"][row] = active_steps(sample, speaker, FRAME_MS)
        labels["eot"][row, [(end - 1) // FRAME_MS for end in ends]] = 1
        pauses = [start for start, _ in event_spans(sample, "pause", speaker) if 0 < start < end_ms]
        labels["hold"][row, [(start - 1) // FRAME_MS for start in pauses]] = 1
        labels["bot"][row, [start // FRAME_MS for start, _ in turns if 0 <= start < frames * FRAME_MS]] = 1
        labels["bc"][row] = steps_inside(event_spans(sample, "backchannel", speaker), frames, FRAME_MS)
        until = np.concatenate([[0], np.cumsum(labels["vad"][row], dtype=np.int64)])
        for k, horizon_ms in enumerate(DUALTURN_HORIZONS_MS):
            ahead = horizon_ms // FRAME_MS
            if (known := frames - ahead) > 0:
                heard = until[1 + ahead : 1 + ahead + known] - until[1 : 1 + known]
                labels["fvad"][row, k, :known] = 2 * heard >= ahead
    return labels
