"""A recording on which the program fails is refused with its trace; where many are, the run ends and publishes nothing."""

import json
from pathlib import Path
from typing import Any

import pytest

from duologue_pipeline.errors import UsageError
from duologue_pipeline.records import Recording
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.guard import GuardRules
from duologue_pipeline.run import run
from duologue_pipeline.run.bearable import require_bearable
from tests.pipeline.run.conftest import Calls


@pytest.mark.parametrize(("recordings", "borne"), [(1, 3), (300, 3), (399, 3), (400, 4), (600_000, 6000)])
def test_a_few_are_borne_and_a_share_of_many(recordings: int, borne: int) -> None:
    assert load_rules(GuardRules).borne(recordings) == borne


def write_rejected(folder: Path, errors: int) -> None:
    row = {"reason": "internal_error", "stage": "events", "values": {"error": "keyerror"}}
    other = {"reason": "audio_missing", "stage": "ingest"}
    (folder / "rejected.jsonl").write_text("".join(f"{json.dumps(each)}\n" for each in [row] * errors + [other] * 50))


def test_more_than_that_publish_nothing(tmp_path: Path) -> None:
    write_rejected(tmp_path, 4)
    require_bearable(str(tmp_path), recordings=400, details=None)
    with pytest.raises(UsageError) as raised:
        require_bearable(str(tmp_path), recordings=399, details="consent.db.refused/x.jsonl")
    assert str(raised.value) == (
        "duologue failed on 4 of 399 recordings for a reason that nobody foresaw (4 of them: keyerror in stage events), and 3 "
        "are borne: nothing is published; the traces are in consent.db.refused/x.jsonl. Please report it; what is done is kept"
    )


def fails_on(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    from duologue_pipeline.ingest import measure as module

    measure = module.measure_audio

    def measured(recording: Recording) -> Any:
        if recording.recording_id in names:
            raise ZeroDivisionError(f"of {recording.a.speaker_id}")
        return measure(recording)

    monkeypatch.setattr(module, "measure_audio", measured)


def test_one_bad_recording_costs_itself_only(calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fails_on(monkeypatch, "call-0")
    result = run(calls.request(tmp_path / "out"))
    assert result.refused == {"internal_error": 1}
    assert result.release is not None
    assert result.release["totals"]["written"] == 1
    (row,) = map(json.loads, (tmp_path / "out" / "rejected.jsonl").read_text().splitlines())
    assert row["values"]["error"] == "zerodivisionerror"
    assert row["values"]["module"] == "measure"
    (told,) = map(json.loads, Path(result.details or "").read_text().splitlines())
    assert "ZeroDivisionError: of " in told["detail"]


def test_a_run_that_fails_on_many_ends_and_goes_on_when_that_is_mended(
    calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GuardRules, "borne", lambda *_: 0)
    with monkeypatch.context() as broken:
        fails_on(broken, "call-0")
        with pytest.raises(UsageError, match=r"failed on 1 of 2 recordings .* nothing is published; the traces are in"):
            run(calls.request(tmp_path / "out"))
    assert {path.name for path in (tmp_path / "out").iterdir()} <= {".staging", ".release.lock"}
    result = run(calls.request(tmp_path / "out"))
    assert result.refused == {}
    assert result.release is not None
    assert result.release["totals"]["written"] == 2
