"""The way in: from a folder of calls, of which only the month is known, to a release, and out of it again."""

import csv
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from duologue_consent import Ledger, Purpose, parse_time
from duologue_pipeline.demo import demo_files
from tests.end_to_end.support import Duologue, rejected

pytestmark = pytest.mark.slow

BOTH = [Purpose.RECORDING, Purpose.TRAINING_INHOUSE]


def test_from_a_folder_to_a_release_and_out_again(duologue: Duologue, tmp_path: Path) -> None:
    sample = demo_files().manifest.parent
    calls = tmp_path / "calls"
    (calls / "words").mkdir(parents=True)
    for name in ("demo-friends", "demo-garden"):
        shutil.copy(sample / "audio" / f"{name}.flac", calls)
        for side in "ab":
            shutil.copy(sample / "words" / f"{name}.{side}.json", calls / "words")
    (calls / "who.csv").write_text(
        "recording,left,right,left.sex,right.sex\ndemo-friends,A,B,female,male\ndemo-garden,C,D,female,\n"
    )
    made = duologue(
        "manifest", "from-folder", "calls", "--stereo", "*.flac", "--words", "words/*", "--speakers", "calls/who.csv",
        "--started-at", "2026-03", "--language", "en-US", "--out", "made", cwd=tmp_path,
    )  # fmt: skip
    assert made.code == 0, made.stderr
    with (tmp_path / "made" / "consent-todo.csv").open(newline="") as stream:
        asked = {row["speaker"]: row["x_first_recorded"] for row in csv.DictReader(stream)}
    assert asked == dict.fromkeys("ABCD", "2026-02-28T10:00:00Z")

    ledger = Ledger.create(tmp_path / "consent.db", created_at=parse_time("2026-01-01T00:00:00Z"))
    for speaker, first in asked.items():  # d only in the month of the recording
        at = "2026-03-02T00:00:00Z" if speaker == "D" else first
        ledger.grant(speaker, BOTH, at=parse_time(at))
    run = duologue("run", "made/manifest.jsonl", "--ledger", "consent.db", "--out", "out", cwd=tmp_path)
    assert run.code == 0, run.stderr
    assert rejected(tmp_path / "out") == {"demo-garden": "consent_after_recording"}
    (row,) = pq.read_table(tmp_path / "out" / "recordings.parquet").to_pylist()
    assert (row["started_at"], row["started_before"], row["sex_a"], row["sex_b"]) == (
        "2026-03-01",
        "2026-04-01",
        "female",
        "male",
    )
    assert (row["words_a"], row["words_b"]) == (True, True)

    # taken back and given again within the month: nobody knows that it stood when the call was recorded
    ledger.withdraw("B", at=parse_time("2026-03-10T00:00:00Z"))
    ledger.grant("B", BOTH, at=parse_time("2026-03-11T00:00:00Z"))
    told = duologue("consent", "explain", "demo-friends", "--dataset", "out", "--ledger", "consent.db", cwd=tmp_path)
    assert told.code == 1
    assert (
        "was withdrawn at 2026-03-10T00:00:00Z, and the recording was made between 2026-02-28T10:00:00Z and 2026-04-01T12:00:00Z"
        in told.stdout
    )
    gone = duologue("consent", "propagate", "out", "--ledger", "consent.db", cwd=tmp_path)
    assert gone.code == 0, gone.stderr
    (row,) = pq.read_table(tmp_path / "out" / "recordings.parquet").to_pylist()
    assert (row["speaker_b"], row["sex_a"], row["sex_b"]) == ("withdrawn", "female", None)
    assert (row["started_at"], row["started_before"]) == ("2026-03-01", "2026-04-01")
    assert duologue("shards", "verify", "out", cwd=tmp_path).code == 0
