"""What a validation says of a recording is what a run says of it."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from duologue_pipeline.run import run
from duologue_pipeline.validate.finding import Finding
from tests.pipeline.validate.conftest import World

pytestmark = pytest.mark.slow


def rejected(out: Path) -> list[tuple[str | None, str]]:
    rows = [json.loads(line) for line in (out / "rejected.jsonl").read_text().splitlines()]
    return sorted(((row["recording_id"], row["reason"]) for row in rows), key=str)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"words": "required", "same_audio": "mark"},
        {"words": "none", "compare_refused_audio": True},
        {"include_audio": True},
    ],
    ids=lambda options: "-".join(options) or "defaults",
)
def test_every_refusal_of_a_run_is_told_before_it(
    options: dict[str, Any], hostile: World, refusals: Callable[[list[Finding]], dict[str, str]], tmp_path: Path
) -> None:
    findings, totals = hostile.validated(**options)
    run(hostile.request(tmp_path / "out", **options))
    told = rejected(tmp_path / "out")
    by_line = [(name, reason) for name, reason in told if reason.startswith("manifest_")]
    of_recordings = dict(each for each in told if each not in by_line)
    assert refusals(findings) == of_recordings
    assert totals.refused.total() == len(told)
    assert totals.refused["manifest"] == len(by_line)
    reasons = Counter(reason for _, reason in told)
    assert len(reasons) > (1 if "include_audio" in options else 6), "else this test looks at nothing"
