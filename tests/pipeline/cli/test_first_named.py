"""The summary of a run names the first recordings that were refused, or taken with a warning, and what to do."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from duologue_pipeline.cli.first_named import COLUMNS, first_refused, first_warned
from duologue_pipeline.errors import REASONS, REMEDIES
from duologue_pipeline.run import RunResult

SECRET = "/home/zoe/calls/zoe.wav"


def refused(number: int, **fields: Any) -> dict[str, Any]:
    return {"recording_id": f"call-{number}", "stage": "ingest", "reason": "audio_missing", **fields}


@pytest.fixture
def result(tmp_path: Path) -> RunResult:
    """Seven refusals, as they are published and as the private file has them."""
    numbers = (7, 3, 1, 5, 2, 6, 4)
    private = [refused(n, detail=f"{SECRET}: no such file; uris are relative") for n in numbers]
    public = [refused(n, detail=REASONS["audio_missing"]) for n in numbers]
    for name, rows in (("private.jsonl", private), ("rejected.jsonl", public)):
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    details = str(tmp_path / "private.jsonl")
    return RunResult(str(tmp_path), None, {"audio_missing": 7}, was_complete=False, details=details)


def test_every_reason_has_a_remedy() -> None:
    assert REMEDIES.keys() == REASONS.keys()


def test_the_first_five_are_named_in_their_order(result: RunResult) -> None:
    told = "\n".join(first_refused(result, private=True))
    assert [f"call-{n}:" in told for n in range(1, 8)] == [True] * 5 + [False] * 2


def test_who_runs_it_sees_the_sentence_and_a_log_what_is_published(result: RunResult) -> None:
    private = " ".join(" ".join(first_refused(result, private=True)).split())
    assert f"call-1: {SECRET}: no such file; uris are relative" in private
    log = " ".join(" ".join(first_refused(result, private=False)).split())
    assert SECRET not in log
    assert "call-1: The audio file does not exist or may not be read; correct the uri" in log


def row(name: str, **fields: Any) -> dict[str, Any]:
    empty: dict[str, Any] = dict.fromkeys(COLUMNS)
    return {**empty, "recording_id": name, "isolation": "pass", "words_outside_a": 0, "words_outside_b": 0, **fields}


def table(rows: list[dict[str, Any]]) -> pa.Table:
    texts = {name for name in COLUMNS if name.startswith(("recording_id", "isolation", "words_check"))}
    columns = {name: [each[name] for each in rows] for name in sorted(COLUMNS)}
    return pa.table(
        {name: pa.array(values, pa.string() if name in texts else None) for name, values in columns.items()}
    )


def test_those_taken_with_a_warning_are_named_with_why() -> None:
    rows = [
        row("call-4", isolation="warn", swap_found=True),
        row("call-3"),
        row("call-2", words_check_a="shifted"),
        row("call-1", words_check_b="fits", words_outside_b=3),
    ]
    head, *told = first_warned(table(rows))
    assert head.split() == ["Warned", "3", "of", "4", "written"]
    text = " ".join(" ".join(told).split())
    assert "call-1: 3 words of b lie outside of the audio and are left out" in text
    assert "call-2: words of a not used (shifted): correct the times of the transcript" in text
    assert "call-4: isolation warn (swap): `duologue isolation A B` shows why" in text
    assert "call-3" not in text


def test_nothing_is_said_where_nothing_is_to_be_said(tmp_path: Path) -> None:
    assert first_warned(table([row("call-1")])) == []
    assert first_refused(RunResult(str(tmp_path), None, {}, was_complete=False, details=None), private=True) == []
