"""Judges for which phases of training a release is fit, by its hours, its kind of data and the requirements.

The phases, and the corpora that hours are held against, are those of fullduplex.ai, "The data ceiling", section 4.
"""

from collections.abc import Mapping
from typing import Final

from duologue_cards.phrases import percent
from duologue_cards.sheet import Sheet

__all__ = ["FAIL", "FIT", "PARTIAL", "PASS", "UNFIT", "UNKNOWN", "phases"]

PASS: Final = "pass"
"""A requirement is met."""
FAIL: Final = "fail"
"""It is not met."""
UNKNOWN: Final = "unknown"
"""Of a requirement or a phase: nobody knows."""
FIT: Final = "fit"
"""A phase can be trained with the release."""
PARTIAL: Final = "partial"
"""It can beside other data."""
UNFIT: Final = "unfit"
"""It cannot."""

_PRE_TRAINING_H: Final = 60_000  # LibriLight, as cited there
_POST_TRAINING_H: Final = 170  # the real conversations of Kyutai's seed, the smallest cited there
_LEAST_POST_TRAINING_H: Final = 10
_ANCHORS: Final = "cited corpora for comparison: 170, 1,217 and 1,960 hours"
_PAID: Final = ("purchase", "subscription", "training", "use")


def phases(sheet: Sheet, status: Mapping[str, str]) -> list[dict[str, str]]:
    """Judges for which phases of training a release is fit: pre_training, mid_training, post_training.

    Args:
        sheet: the facts.
        status: requirement -> ``pass``, ``fail`` or ``unknown``; of the last none is needed.
    """
    hours = sheet.facts.duration_s / 3600
    told, kind = f"{hours:,.1f} hours", _data_type(sheet)
    return [
        _phase("pre_training", kind, *_pre_training(hours, told)),
        _phase("mid_training", kind, *_mid_training(sheet, status)),
        _phase("post_training", kind, *_post_training(sheet, status, hours)),
    ]


def _phase(name: str, data_type: str, fit: str, why: str) -> dict[str, str]:
    return {"id": name, "fit": fit, "why": why, "data_type": data_type}


def _data_type(sheet: Sheet) -> str:
    """Names the column of section 4: synthetic, or public or commercial by consent to pass it on and what was stated."""
    acquisition, payment = sheet.stated.get("acquisition"), sheet.stated.get("payment")
    if sheet.only_synthetic:
        return "synthetic"
    if sheet.facts.synthetic:
        return "mixed: synthetic and real"
    if acquisition in ("licensed from rightsholders", "bought from a vendor") or payment in _PAID:
        return "commercial"
    if not sheet.passes_on:
        return "in-house"
    return "public" if acquisition == "public dataset" or payment in ("free", "attribution") else UNKNOWN


def _pre_training(hours: float, told: str) -> tuple[str, str]:
    if hours >= _PRE_TRAINING_H:
        return FIT, f"{told}, {_PRE_TRAINING_H:,} are the least (LibriLight)"
    return PARTIAL, f"too small alone: {told} of {_PRE_TRAINING_H:,} (LibriLight)"


def _mid_training(sheet: Sheet, status: Mapping[str, str]) -> tuple[str, str]:
    transcribed = sheet.evidence.transcribed_share or 0.0
    if status["capture_at_source"] == FAIL:
        return UNFIT, "the tracks are not apart"
    if status["capture_at_source"] == UNKNOWN:
        return UNKNOWN, "it is not known whether the tracks are apart at source"
    if transcribed < 0.5:
        return PARTIAL, f"{percent(1 - transcribed)} of the tracks have no words"
    return FIT, f"turns and labels are there, {percent(transcribed)} of the tracks have words"


def _post_training(sheet: Sheet, status: Mapping[str, str], hours: float) -> tuple[str, str]:
    fit, why = _fit_for_post_training(sheet, status, hours)
    return fit, f"{why}; {hours:,.1f} hours of {_POST_TRAINING_H}; {_ANCHORS}"


def _fit_for_post_training(sheet: Sheet, status: Mapping[str, str], hours: float) -> tuple[str, str]:
    needs = ("capture_at_source", "dyadic_spontaneous", "realistic_overlap", "consent_per_speaker")
    if FAIL in (status["capture_at_source"], status["realistic_overlap"]):
        return UNFIT, "the tracks are not apart, or the turn-taking is not that of people"
    if sheet.facts.synthetic:
        return PARTIAL, "synthetic conversations work beside real ones only"
    if FAIL in (status[need] for need in needs):
        return UNFIT, "fails: " + ", ".join(need for need in needs if status[need] == FAIL)
    if UNKNOWN in (status[need] for need in needs):
        return UNKNOWN, "not known: " + ", ".join(need for need in needs if status[need] == UNKNOWN)
    if hours >= _POST_TRAINING_H:
        return FIT, "all that it needs passes"
    if hours >= _LEAST_POST_TRAINING_H:
        return PARTIAL, "too small alone"
    return UNFIT, "too small"
