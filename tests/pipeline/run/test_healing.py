"""What may heal is tried again before a release is published; then it is the release of a run in which nothing had failed."""

from pathlib import Path

import pytest

from duologue_pipeline.errors import HEALING, REASONS
from duologue_pipeline.run import run
from duologue_pipeline.run.healing import healing, held_back, may_heal
from tests.pipeline.run.conftest import Calls


def files(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_reasons_that_may_heal_are_reasons_and_consent_is_none_of_them() -> None:
    assert set(HEALING) <= set(REASONS)
    assert set(HEALING.values()) == {"time", "mended", "elsewhere"}
    assert not [reason for reason in HEALING if reason.startswith(("consent_", "manifest_", "isolation_"))]


def test_a_run_says_what_of_its_refusals_may_heal() -> None:
    refused = {"audio_unreachable": 2, "consent_refused": 5, "internal_error": 1}
    assert healing(refused) == {"audio_unreachable": 2, "internal_error": 1}
    told = may_heal(refused)
    assert told.startswith(
        "3 refusals may heal: audio_unreachable 2 (may be there another time), internal_error 1 (may pass"
    )
    assert "--retry-rejected" in told
    assert may_heal({"consent_refused": 5}) == ""
    assert "stands in x.jsonl (private)" in held_back({"audio_missing": 1}, out="out", details="x.jsonl")


def test_it_is_held_back_tried_again_and_published_when_it_is_healed(calls: Calls, tmp_path: Path) -> None:
    reference, out = tmp_path / "reference", tmp_path / "out"
    assert run(calls.request(reference)).refused == {}
    audio = tmp_path / "call-0.wav"
    audio.rename(tmp_path / "away.wav")
    for _ in range(2):
        held = run(calls.request(out, retry_rejected=True))
        assert held.release is None
        assert held.held_back
        assert held.pending is not None
        assert held.pending.startswith(
            "Nothing is published yet: 1 refusal may heal: audio_missing 1 (may be read once"
        )
        assert {path.name for path in out.iterdir()} <= {".staging", ".release.lock"}
        assert len(list((out / ".staging" / "parts").glob("*.rows.json"))) == 1
    (tmp_path / "away.wav").rename(audio)
    result = run(calls.request(out, retry_rejected=True))
    assert result.pending is None
    assert not result.held_back
    assert result.refused == {}
    assert files(out) == files(reference)


def test_without_the_option_what_lies_ready_is_published_as_it_is(
    calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    (tmp_path / "call-0.wav").unlink()
    assert run(calls.request(out, retry_rejected=True)).pending is not None
    monkeypatch.setattr("duologue_pipeline.run.launch.make_release", None)  # nothing is made anew
    result = run(calls.request(out))
    assert result.refused == {"audio_missing": 1}
    assert result.release is not None
    assert result.release["totals"]["written"] == 1
    again = run(calls.request(out, retry_rejected=True))
    assert again.was_complete, "a release is never written over"


def test_a_publication_that_was_killed_is_finished_with_the_option_too(calls: Calls, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (tmp_path / "call-0.wav").unlink()
    assert run(calls.request(out, retry_rejected=True)).pending is not None
    (refused,) = out.glob(".staging/next/*/rejected.jsonl")
    refused.rename(out / "rejected.jsonl")
    result = run(calls.request(out, retry_rejected=True))
    assert result.pending is None
    assert result.refused == {"audio_missing": 1}
    assert result.release is not None
