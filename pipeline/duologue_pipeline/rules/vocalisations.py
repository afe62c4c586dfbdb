"""Holds the rule set ``vocalisations``: what sounds like a filled pause ("uh", "um")."""

from dataclasses import dataclass
from typing import ClassVar

from duologue_pipeline.rules.loader import RuleSet

__all__ = ["PlaceRules", "VocalisationsRules"]


@dataclass(frozen=True, kw_only=True)
class PlaceRules:
    """Sets what is asked of a filled pause in one place of a stretch of speech.

    Attributes:
        envelope_max_db: how far the spectral envelope may move within ``steady_over_ms``, RMS.
        min_ms: the shortest filled pause.
        confidence: of one that is found there: its precision, as measured.
    """

    envelope_max_db: float
    min_ms: int
    confidence: float


@dataclass(frozen=True, kw_only=True)
class VocalisationsRules(RuleSet):
    """Sets what :func:`duologue_pipeline.activity.filled_pauses.filled_pauses` takes for a filled pause.

    Attributes:
        f0_min_hz: the lowest voice.
        f0_max_hz: the highest voice.
        octave_cost: what a period twice as long costs in correlation, for it correlates as well (Boersma 1993).
        voiced_correlation: autocorrelation at the period from which a sound has voice.
        steady_over_ms: over how long pitch and envelope may move little.
        f0_max_semitones: how far the pitch may move in that time.
        band_range_db: what lies further under the loudest band is noise.
        open_min_db: how far 400 to 1000 Hz lies over 200 to 400 Hz at the least: an open or mid vowel.
        edge_ms: a filled pause so near to an edge of its stretch of speech reaches to it.
        first: of those with which a stretch of speech begins.
        other: of those elsewhere.
    """

    name: ClassVar[str] = "vocalisations"
    f0_min_hz: int
    f0_max_hz: int
    octave_cost: float
    voiced_correlation: float
    steady_over_ms: int
    f0_max_semitones: float
    band_range_db: float
    open_min_db: float
    edge_ms: int
    first: PlaceRules
    other: PlaceRules
