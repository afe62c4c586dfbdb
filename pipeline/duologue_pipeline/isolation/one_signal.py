"""Tells whether both tracks carry one signal, and reports a recording in which they do.

Two tests find a duplicate: the samples of the tracks correlate as they are, or one filter makes nearly every loud frame
of track a from track b.
"""

import numpy as np
import numpy.typing as npt
from scipy.signal import oaconvolve

from duologue_pipeline.isolation.evidence import Layout, Segment
from duologue_pipeline.isolation.fit import db, find_lag, fit_filter
from duologue_pipeline.isolation.verdict import worst_verdict
from duologue_pipeline.records import FAULTS, BleedReport, FaultReport, IsolationReport
from duologue_pipeline.rules.isolation import IsolationRules

__all__ = ["SameSignal", "duplicate_detail", "one_signal_report"]

F64 = npt.NDArray[np.float64]
Frames = npt.NDArray[np.intp]


class SameSignal:
    """Collects, segment by segment, how much of the two tracks is one signal."""

    def __init__(self, layout: Layout, rules: IsolationRules) -> None:
        self._layout, self._rules = layout, rules
        self._moments = np.zeros((3, 3))
        self._loud_frames = 0
        self._same_frames = 0

    def add_samples(self, raw: F64) -> None:
        """Adds the samples of both tracks before any filter: float64 [2, T] in [-1, 1]."""
        (sum_a, sum_b), (a, b), both = raw.sum(axis=1), np.square(raw).sum(axis=1), float(np.dot(raw[0], raw[1]))
        self._moments += np.array([[raw.shape[1], sum_a, sum_b], [sum_a, a, both], [sum_b, both, b]])

    def add_frames(self, segment: Segment, loud: Frames) -> None:
        """Adds the loud frames of a segment: intp [n], indices of its frames."""
        self._loud_frames += len(loud)
        self._same_frames += _count_same_frames(segment, loud, self._layout, self._rules)

    def judge(self) -> tuple[bool | None, float]:
        """Says whether the tracks are one signal, and for which share of the loud frames one filter makes a from b.

        None: there is too little sound to tell.
        """
        rules, layout = self._rules, self._layout
        # The samples as they are. This also finds what the high-pass leaves nothing of.
        samples, sums, products = self._moments[0, 0], self._moments[0, 1:], self._moments[1:, 1:]
        covariance = products - np.outer(sums, sums) / max(samples, 1)
        variances = np.diag(covariance)
        correlated = (
            samples >= rules.duplicate_min_s * layout.rate_hz
            and bool(np.all(variances > 1e-9 * np.diag(products)))  # a constant has none but rounding errors
            and abs(covariance[0, 1]) >= rules.duplicate_correlation * np.sqrt(np.prod(variances))
        )
        # The same up to a filter and a delay.
        share = self._same_frames / max(self._loud_frames, 1)
        if correlated:
            return True, 1.0
        if self._loud_frames * layout.frame_s < rules.duplicate_min_s:
            return None, round(share, 3)
        return share >= rules.duplicate_frames_share, round(share, 3)


def _count_same_frames(segment: Segment, frames: Frames, layout: Layout, rules: IsolationRules) -> int:
    """Counts the frames of track a that one filter for all of them makes from track b."""
    evidence = segment.evidence(0, frames, np.ones(segment.frames.shape[1]))
    lag, _ = find_lag(evidence.cross, layout, rules)
    fit = fit_filter(evidence, lag, layout, rules)
    if fit.coherence < rules.duplicate_min_coherence or abs(db(fit.gain)) > rules.duplicate_max_gain_db:
        return 0
    predicted = oaconvolve(segment.signal[1], fit.taps)[layout.frame - fit.start_lag :][: segment.frames[0].size]
    unexplained = segment.frames[0] - predicted.reshape(segment.frames[0].shape)
    energies = np.sum(np.square([segment.frames[0][frames], unexplained[frames]]), axis=2)
    return int(np.sum(energies[1] <= (1 - rules.duplicate_explained_share) * energies[0]))


def one_signal_report(share: float, mono_mix: FaultReport, rules: IsolationRules) -> IsolationReport:
    """Reports a recording whose tracks carry one signal: it has no directions and no clocks to compare."""
    nothing = BleedReport(bleed_db=None, floor_db=None, lag_ms=None, coherence=None, solo_s=0.0)
    faults = {name: FaultReport(None, detail="the two tracks are one signal") for name in FAULTS}
    faults["duplicate"] = FaultReport(True, share, 1.0, "both tracks carry the same signal")
    faults["mono_mix"] = mono_mix
    return IsolationReport(worst_verdict("undetermined", faults, rules), nothing, nothing, faults, rules.version)


def duplicate_detail(report: IsolationReport) -> str:
    """Says in one sentence what a report with ``duplicate=True`` means and what to do.

    Raises:
        ValueError: the report is not of a duplicate.
    """
    if not report.duplicate:
        raise ValueError("duplicate_detail is for reports with duplicate=True; this one has duplicate=False")
    return (
        "Both tracks carry the same signal up to gain, sign and delay, where each must hold one speaker (isolation "
        f"rules {report.rules}); give the original two-channel recording, or correct 'uri' and 'channel' in the "
        "manifest if they name the same channel twice."
    )
