"""Finds out whether the speakers change tracks, by how each track's voice sounds before and after.

When two voices change places, one track changes by as much as the other, in the opposite direction, whatever each
line adds. So the measure of a swap is half the difference of the two changes, in units of its own variation from
piece to piece; a change of one track alone (another microphone, another person) is as large in the sum of the two.

How sure that is, is told by the difference of the two tracks. Where the voices change places, it turns round, all but what the
lines add to it; where they do not, it lasts, whatever a voice does by itself. The two parts are compared.
"""

import numpy as np
import numpy.typing as npt

from duologue_pipeline.isolation.features import Pieces
from duologue_pipeline.records import FaultReport
from duologue_pipeline.rules.isolation import IsolationRules

__all__ = ["find_swap"]

F64 = npt.NDArray[np.float64]


def find_swap(pieces: tuple[Pieces, Pieces], rules: IsolationRules) -> FaultReport:
    """Finds the moment at which the two voices change places, or says that they nowhere do, or that it cannot tell.

    The confidence is how likely it is that there is a swap, or that there is none; docs/isolation.md has how often that proved
    right.
    """
    likeness = [_standardised(own, rules) for own in pieces]
    spread = np.sqrt(np.mean([square for _, _, square in likeness], axis=0))
    if not np.all(spread > 0):
        return FaultReport(None, detail="too little speech of one's own to tell the voices by")
    frames = np.stack([weight for _, weight, _ in likeness])
    sums = np.cumsum(np.stack([values * weight[:, None] for values, weight, _ in likeness]) / spread, axis=1)
    counts = np.cumsum(frames, axis=1)
    total, sum_all = counts[:, -1:], sums[:, -1:]
    least = rules.swap_min_side_s * 1000 / rules.level_frame_ms
    enough = np.flatnonzero((np.minimum(counts, total - counts) >= least).all(axis=0))
    if not len(enough):
        return FaultReport(None, detail="too little speech of one's own to tell the voices by")
    before = sums[:, enough] / counts[:, enough, None]
    after = (sum_all - sums[:, enough]) / (total - counts[:, enough])[:, :, None]
    change = after - before
    noise = (1 / counts[:, enough] + 1 / (total - counts[:, enough])).sum(axis=0) * sums.shape[2]
    crossed = np.square(change[0] - change[1]).sum(axis=1)
    together = np.square(change[0] + change[1]).sum(axis=1)
    # Twice what the two tracks differ by at all times: their lines, and without a swap their voices too.
    lasting = np.square(before[0] - before[1] + after[0] - after[1]).sum(axis=1)
    best = int(np.argmax(crossed / noise))
    strength = float(crossed[best] / noise[best])
    voices = max(float(crossed[best] - noise[best]), 0.0)
    likely = _likely(voices, float(lasting[best]), rules)
    if (
        likely >= rules.swap_found_from
        and np.sqrt(voices) / 2 >= rules.swap_min_distance
        and strength >= rules.swap_min_strength
        and together[best] <= rules.swap_max_common_share * crossed[best]
    ):
        at_s = float((enough[best] + 1) * pieces[0].piece_s)
        detail = f"the voices of the two tracks change places at {at_s:.0f} s"
        return FaultReport(True, at_s, round(min(likely, rules.swap_most_confidence), 3), detail)
    apart = float(np.sqrt(np.square(sum_all[0, 0] / total[0] - sum_all[1, 0] / total[1]).sum()))
    if apart < rules.swap_min_distance:
        return FaultReport(None, detail="the two voices are too much alike")
    first, last = (enough[[0, -1]] + 1) / frames.shape[1]
    if first > rules.swap_none_unseen_share or last < 1 - rules.swap_none_unseen_share:
        return FaultReport(None, detail="too little speech of one's own at the beginning or the end to rule a swap out")
    # Noise and all: what a swap at any moment may have changed at most.
    likely = max(_likely(*powers, rules) for powers in zip(crossed.tolist(), lasting.tolist(), strict=True))
    if likely > rules.swap_none_up_to:
        return FaultReport(None, detail="the voices change, but not as two do that change places")
    return FaultReport(False, None, round(min(1 - likely, rules.swap_most_confidence), 3))


def _likely(turned: float, lasting: float, rules: IsolationRules) -> float:
    """Says how likely a swap is, by how much of the two tracks' difference turns round and how much lasts, in power."""
    most = max(turned, lasting)
    if most <= 0:
        return 0.0
    half = rules.swap_ratio_exponent / 2
    turned, lasting = (turned / most) ** half, (lasting / most) ** half
    return float(turned / (turned + lasting * rules.swap_even_ratio**rules.swap_ratio_exponent))


def _standardised(pieces: Pieces, rules: IsolationRules) -> tuple[F64, F64, F64]:
    """Gives values float64 [pieces, n], weights [pieces], and the mean square of a frame's variation [n]."""
    voiced = pieces.voiced > 0
    mean_pitch = float(np.average(pieces.pitch, weights=pieces.voiced)) if voiced.any() else 0.0
    pitch = np.where(voiced, pieces.pitch, mean_pitch)
    values = np.column_stack([pieces.cepstrum, pitch])
    used = pieces.frames >= rules.swap_min_piece_frames
    weights = np.where(used, pieces.frames, 0.0)
    kept, counts = values[used], pieces.frames[used]
    if len(kept) < rules.swap_min_pieces:
        return values, weights, np.zeros(values.shape[1])
    steps = np.square(np.diff(kept, axis=0)) / (1 / counts[1:] + 1 / counts[:-1])[:, None]
    return values, weights, np.median(steps, axis=0) / 0.455  # the median of a squared normal variable
