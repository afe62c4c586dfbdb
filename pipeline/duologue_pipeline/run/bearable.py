"""Ends a run in which too many recordings failed for a reason that nobody foresaw, before anything of it is published."""

from collections import Counter

from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.storage import exists, join
from duologue_pipeline.files.text import read_json_lines
from duologue_pipeline.release.ready import REFUSED
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.guard import GuardRules

__all__ = ["require_bearable"]


def require_bearable(ready: str, *, recordings: int, details: str | None) -> None:
    """Counts the refusals ``internal_error`` of a release that lies ready.

    Args:
        ready: the folder in which it lies.
        recordings: of the manifest.
        details: the private file with the traces.

    Raises:
        UsageError: there are more than a run bears (:class:`duologue_pipeline.rules.guard.GuardRules`).
    """
    if not exists(join(ready, REFUSED)):
        return  # it was borne when the publication began that moved the list to its name
    rules = load_rules(GuardRules)
    failed = [row for row in read_json_lines(join(ready, REFUSED)) if row["reason"] == "internal_error"]
    if len(failed) <= rules.borne(recordings):
        return
    kinds = Counter(f"{row['values']['error']} in stage {row['stage']}" for row in failed)
    (most, count) = min(kinds.items(), key=lambda item: (-item[1], item[0]))
    traces = "" if details is None else f"; the traces are in {details}"
    raise UsageError(
        f"duologue failed on {len(failed)} of {recordings} recordings for a reason that nobody foresaw ({count} of them: {most}), "
        f"and {rules.borne(recordings)} are borne: nothing is published{traces}. Please report it; what is done is kept"
    )
