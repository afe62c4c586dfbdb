"""What is published of a refusal names nobody and nothing; the sentences go to a private file."""

import json
import stat
from pathlib import Path

import pytest

from duologue_pipeline.errors import REASONS, RejectError, UsageError
from duologue_pipeline.records import Rejected
from duologue_pipeline.release.rejected import detail_lines, published_lines, published_row, write_details

REFUSED = Rejected(
    "call-1", "ingest", "audio_too_short", "/home/alice/call.wav: 0.2 s", {"track": "a", "found_s": 0.2, "limit_s": 0.5}
)


def test_a_published_row_holds_codes_and_values() -> None:
    assert published_row(REFUSED) == {
        "recording_id": "call-1",
        "stage": "ingest",
        "reason": "audio_too_short",
        "detail": "The recording is shorter than the minimum duration. Found: found_s 0.2, limit_s 0.5, track a.",
        "values": {"found_s": 0.2, "limit_s": 0.5, "track": "a"},
    }


@pytest.mark.parametrize("recording_id", ["alice@example.org", "../x", "", "a" * 129, "call-1\n", "é", None])
def test_what_is_no_recording_id_is_not_published(recording_id: str | None) -> None:
    row = published_row(Rejected(recording_id, "read", "manifest_invalid", "x"))
    assert row["recording_id"] is None
    assert row["detail"] == REASONS["manifest_invalid"]
    assert "values" not in row


def test_the_order_of_the_refusals_changes_nothing(tmp_path: Path) -> None:
    rows = [REFUSED, Rejected(None, "read", "manifest_invalid", "b"), Rejected(None, "read", "manifest_invalid", "a")]
    assert published_lines(rows) == published_lines(rows[::-1])
    write_details(detail_lines(rows), str(tmp_path / "one"))
    write_details(detail_lines(rows[::-1]), str(tmp_path / "two"))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_the_private_file_has_the_sentences_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "details.jsonl"
    write_details(detail_lines([REFUSED, Rejected(None, "read", "manifest_invalid", "half a pair: \ud800")]), str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    details = {json.loads(line)["detail"] for line in path.read_text().splitlines()}
    assert details == {"/home/alice/call.wav: 0.2 s", "half a pair: \ud800"}
    assert [each.name for each in tmp_path.iterdir()] == ["details.jsonl"]


def test_without_refusals_there_is_no_private_file(tmp_path: Path) -> None:
    write_details(detail_lines([REFUSED]), str(tmp_path / "details.jsonl"))  # of an attempt before
    write_details([], str(tmp_path / "details.jsonl"))
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_does_not_take_the_private_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "gone" / "details.jsonl"
    with pytest.raises(
        UsageError, match=r"details\.jsonl: cannot be written: the folder is not there any more; put it back"
    ):
        write_details(detail_lines([REFUSED]), str(path))


@pytest.mark.parametrize("values", [{"track": "Alice"}, {"a name": 1}, {"track": "a" * 33}, {"x": "a/b"}, {"x": ""}])
def test_a_value_that_could_be_somebodys_is_a_programming_error(values: dict[str, str | int]) -> None:
    with pytest.raises(ValueError, match="may not be published"):
        RejectError("audio_missing", "x", values)
