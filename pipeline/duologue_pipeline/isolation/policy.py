"""Decides by the policy of a run whether a recording is refused, or kept with its verdict."""

from typing import Final

from duologue_pipeline.errors import RejectError, Value
from duologue_pipeline.isolation.report import findings
from duologue_pipeline.records import IsolationReport, Recording

__all__ = ["ISOLATION_POLICIES", "apply_policy"]

ISOLATION_POLICIES: Final[dict[str, tuple[str, ...]]] = {
    "keep": (),
    "refuse-fail": ("fail",),
    "refuse-warn": ("fail", "warn"),
    "require-pass": ("fail", "warn", "undetermined"),
}
"""Policy -> the verdicts that it refuses. What is not refused is kept with the report on it."""


def apply_policy(recording: Recording, report: IsolationReport, *, policy: str) -> None:
    """Refuses a recording whose verdict the policy does not accept.

    Args:
        recording: whose channels were measured.
        report: what was found.
        policy: a key of :data:`ISOLATION_POLICIES`.

    Raises:
        RejectError: ``isolation_duplicate_signal``, or ``isolation_fail``, ``isolation_warn`` or
            ``isolation_undetermined`` by the verdict.
    """
    if report.verdict not in ISOLATION_POLICIES[policy]:
        return
    a, b = recording.tracks
    where = f"{a.uri} channel {a.channel} and {b.uri} channel {b.channel}"
    if report.duplicate:
        from duologue_pipeline.isolation.one_signal import (
            duplicate_detail,  # with scipy: who names a policy waits for none
        )

        raise RejectError("isolation_duplicate_signal", f"{where}: {duplicate_detail(report)}")
    raise RejectError(
        f"isolation_{report.verdict}",
        f"{where}: {'; '.join(findings(report)) or 'no evidence'} (isolation rules {report.rules}, --isolation-policy "
        f"{policy}); see it with `duologue isolation A B --plot FILE`, mend the recording, or choose another policy",
        _measured(report),
    )


def _measured(report: IsolationReport) -> dict[str, Value]:
    """Gives what may be published of why a verdict is not pass: levels of bleed, and the values of the faults found."""
    bleeds_db = {"bleed_db_a_from_b": report.a_from_b.bleed_db, "bleed_db_b_from_a": report.b_from_a.bleed_db}
    values: dict[str, Value] = {name: round(level, 1) for name, level in bleeds_db.items() if level is not None}
    for name, fault in report.faults.items():
        if fault.found and fault.value is not None:
            values[name] = round(fault.value, 3)
    return values
