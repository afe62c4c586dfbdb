"""Judges the measurements: which clock drifts or lies off, and which verdict the rules give."""

from collections.abc import Mapping
from math import inf

from duologue_pipeline.isolation.bleed import Measurement
from duologue_pipeline.isolation.turns import confidence
from duologue_pipeline.records import BleedReport, FaultReport
from duologue_pipeline.rules.isolation import IsolationRules

__all__ = ["bleed_verdict", "find_drift", "level_exceeded_db", "offset_by_lag", "worst_verdict"]

_WORST_FIRST = ("fail", "warn", "undetermined", "pass")


def find_drift(a_from_b: Measurement, b_from_a: Measurement, rules: IsolationRules) -> FaultReport:
    """Finds a clock that runs too fast, by how the copies move.

    A fast clock of b moves b's copy in a towards earlier, and a's copy in b towards later, by as much. What moves both
    the same way is the way between the two, not a clock.
    """
    rates = [
        (sign * measured.path.ppm, max(measured.path.ppm_error, 1e-3))
        for sign, measured in ((-1, a_from_b), (1, b_from_a))
        if measured.report.bleed_db is not None and measured.path.ppm is not None
    ]
    rates = [(ppm, error) for ppm, error in rates if error <= rules.drift_max_error_ppm]
    if not rates:
        return FaultReport(None, detail="no copy of one voice in the other track to compare the clocks by")
    weights = [error**-2 for _, error in rates]
    ppm = sum(weight * rate for weight, (rate, _) in zip(weights, rates, strict=True)) / sum(weights)
    off = max(abs(rate - ppm) / error for rate, error in rates)
    threshold = rules.drift_min_ppm
    apart_ppm = max(abs(rate - ppm) for rate, _ in rates)
    if off > rules.drift_max_disagreement and apart_ppm > rules.drift_max_disagreement_ppm:
        return FaultReport(None, round(ppm, 1), detail="the two directions disagree")
    if abs(ppm) >= threshold and not all(
        measured.path.steady for measured in (a_from_b, b_from_a) if measured.report.bleed_db is not None
    ):
        return FaultReport(None, round(ppm, 1), detail="a copy moves, but not as steadily as by a clock")
    if abs(ppm) < max(threshold, rules.drift_min_errors * sum(weights) ** -0.5):
        return FaultReport(False, round(ppm, 1), confidence(abs(ppm), threshold))
    detail = f"b's clock is {'fast' if ppm > 0 else 'slow'} against a's by {abs(ppm):.0f} ppm"
    return FaultReport(True, round(ppm, 1), confidence(abs(ppm), threshold), detail)


def offset_by_lag(
    a_from_b: Measurement, b_from_a: Measurement, rate_hz: int, rules: IsolationRules
) -> FaultReport | None:
    """Reports that a track is late if a copy comes before its source, as in no room; else gives None."""
    for measured, late, early, sign in ((a_from_b, "b", "a", 1), (b_from_a, "a", "b", -1)):
        lag_ms = measured.report.lag_ms
        if lag_ms is not None and measured.path.moves:  # at the beginning, before a clock that drifts moved it
            lag_ms = measured.path.start * 1000 / rate_hz
        if lag_ms is not None and lag_ms <= -rules.offset_min_lead_ms:
            detail = (
                f"{late}'s voice is heard in {early}'s track {-lag_ms:.0f} ms before it is spoken: {late} lies late"
            )
            sure = confidence(-lag_ms, rules.offset_min_lead_ms)
            return FaultReport(True, round(-sign * lag_ms / 1000, 4), sure, detail)
    return None


def level_exceeded_db(bleed: BleedReport, share: float) -> float | None:
    """Gives the level that the copy reaches in ``share`` of the evidence, or its median if that is higher.

    It is None where no copy is seen. A copy that is there in a part of the recording only would be lost in the median.
    """
    levels_db = sorted((-inf if point.bleed_db is None else point.bleed_db for point in bleed.over_time), reverse=True)
    reached_db = levels_db[min(int(share * len(levels_db)), len(levels_db) - 1)] if levels_db else -inf
    highest_db = max(reached_db, -inf if bleed.bleed_db is None else bleed.bleed_db)
    return None if highest_db == -inf else highest_db


def bleed_verdict(
    reports: tuple[BleedReport, BleedReport], speech_s: tuple[float, float], rules: IsolationRules
) -> str:
    """Judges the bleed of both directions; ``speech_s`` is how many seconds the source of each speaks."""
    worst_db, judged, open_question = -inf, False, False
    for bleed, source_s in zip(reports, speech_s, strict=True):
        level_db = level_exceeded_db(bleed, rules.verdict_share)
        if level_db is not None:
            judged = True
            worst_db = max(worst_db, level_db)
        elif bleed.floor_db is not None and bleed.floor_db <= rules.warn_above_db:
            judged = True
        elif source_s >= rules.open_question_speech_s:
            open_question = True
    if worst_db > rules.fail_above_db:
        return "fail"
    if worst_db > rules.warn_above_db:
        return "warn"
    return "undetermined" if open_question or not judged else "pass"


def worst_verdict(bleed: str, faults: Mapping[str, FaultReport], rules: IsolationRules) -> str:
    """Gives the worst verdict of the bleed and of each found fault: fail, warn, undetermined, pass."""
    verdicts = {bleed} | {rules.faults[name] for name, fault in faults.items() if fault.found}
    return next(verdict for verdict in _WORST_FIRST if verdict in verdicts)
