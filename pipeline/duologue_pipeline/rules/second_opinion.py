"""Holds the rule set ``second_opinion``: what pyannote.audio listens to, and what counts against a recording."""

from dataclasses import dataclass
from typing import ClassVar

from duologue_pipeline.rules.loader import RuleSet

__all__ = ["SecondOpinionRules"]


@dataclass(frozen=True, kw_only=True)
class SecondOpinionRules(RuleSet):
    """Sets what :class:`duologue_pipeline.isolation.second_opinion.Listener` listens to and how it judges.

    Attributes:
        exchange_windows: how many windows around moments at which the speakers take turns are listened to at most.
        exchange_gap_s: the longest silence between the two at such a moment.
        spread_windows: how many windows at even distances are listened to at most.
        min_windows: windows of either kind to judge by.
        active_above: activity from which on a voice is heard.
        second_voice_share: share of a window for which the second voice must be heard.
        exchange_found_share: share of the windows at turns in which it must be, to be found.
        spread_found_share: the same of the windows at even distances.
        pieces: how many stretches of one speaker alone are compared at most.
        min_pieces: how many of each track it needs.
        min_piece_s: a shorter stretch is not used.
        max_piece_s: a longer one is cut to this.
        min_within_cosine: pieces of one track less alike than this tell nothing.
        same_voice_ratio: how alike pieces of different tracks must be, relative to those of one, to be one voice.
    """

    name: ClassVar[str] = "second_opinion"
    exchange_windows: int
    exchange_gap_s: float
    spread_windows: int
    min_windows: int
    active_above: float
    second_voice_share: float
    exchange_found_share: float
    spread_found_share: float
    pieces: int
    min_pieces: int
    min_piece_s: float
    max_piece_s: float
    min_within_cosine: float
    same_voice_ratio: float
