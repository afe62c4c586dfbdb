"""Holds the rule set ``withdrawal``: when a speaker who has withdrawn is silenced, and what then stays of a sample.

What is on none of its lists does not stay (docs/withdrawal.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from duologue_pipeline.rules.loader import RuleSet

__all__ = ["WithdrawalRules"]


@dataclass(frozen=True, kw_only=True)
class WithdrawalRules(RuleSet):
    """Sets when a speaker is silenced, and names the fields of a sample that tell only of the speaker who stays.

    Attributes:
        silence_verdict: isolation verdict that a recording must have.
        silence_max_floor_db: the level from which on the withdrawn voice would have been seen in the other track.
        silence_min_solo_s: evidence that is needed for that.
        silence_faults_judged: faults that must have been ruled out, not only not been judged.
        event_kinds_kept: kinds of events that tell about one speaker only.
        event_fields_kept: fields of an event that do.
        event_fields_unmeasured: field of an event -> the number that stands for "not measured" in it.
        track_fields_kept: fields of the withdrawn speaker's track that say nothing about them.
        index_columns_kept: columns of ``index.parquet`` that say nothing about who withdrew but for their name; figures of the
            sample are counted anew.
        recording_columns_kept: columns of ``recordings.parquet`` that say nothing about who withdrew.
        recording_columns_kept_of_a: those about speaker a, which stay where b withdrew.
        recording_columns_kept_of_b: those about speaker b, which stay where a withdrew.
    """

    name: ClassVar[str] = "withdrawal"
    silence_verdict: Literal["pass", "warn", "undetermined", "fail"]
    silence_max_floor_db: float
    silence_min_solo_s: float
    silence_faults_judged: tuple[str, ...]
    event_kinds_kept: tuple[str, ...]
    event_fields_kept: tuple[str, ...]
    event_fields_unmeasured: Mapping[str, float]
    track_fields_kept: tuple[str, ...]
    index_columns_kept: tuple[str, ...]
    recording_columns_kept: tuple[str, ...]
    recording_columns_kept_of_a: tuple[str, ...]
    recording_columns_kept_of_b: tuple[str, ...]
