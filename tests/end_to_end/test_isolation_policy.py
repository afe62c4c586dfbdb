"""What `--isolation-policy` does with a recording whose tracks are not apart: refused with its figures, or marked."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile

from duologue_pipeline.demo import demo_files
from duologue_pipeline.reader import open_dataset
from duologue_schemas import iter_faults
from tests.end_to_end.support import Duologue, recording_line, refused_details, rejected, write_ledger, write_manifest

pytestmark = pytest.mark.slow

AUDIO = demo_files().manifest.parent / "audio"


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two recordings: the demo's call, and the same with b's voice in a's track, 8 dB down and 60 ms late."""
    folder = tmp_path_factory.mktemp("calls")
    for side in "ab":
        shutil.copy(AUDIO / f"demo-car-repair.{side}.flac", folder / f"{side}.flac")
    (a, rate_hz), (b, _) = (soundfile.read(folder / f"{side}.flac") for side in "ab")
    lag = round(0.06 * rate_hz)
    length = min(len(a), len(b))
    late = np.concatenate([np.zeros(lag), b[: length - lag]])
    soundfile.write(folder / "bleeding.wav", a[:length] + 10 ** (-8 / 20) * late, rate_hz, subtype="FLOAT")
    lines = [recording_line("good", "a.flac", "b.flac"), recording_line("bleeding", "bleeding.wav", "b.flac")]
    speakers = [f"{name}-{side}" for name in ("good", "bleeding") for side in "ab"]
    return {
        "manifest": write_manifest(folder / "manifest.jsonl", lines),
        "ledger": write_ledger(folder / "consent.db", speakers),
    }


MARK = ("--same-audio", "mark")
"""Both recordings hold the same track b."""


def rows(out: Path) -> dict[str, dict[str, Any]]:
    return {row["recording_id"]: row for row in pq.read_table(out / "recordings.parquet").to_pylist()}


def test_what_fails_is_refused_with_what_was_measured(
    calls: dict[str, Path], duologue: Duologue, tmp_path: Path
) -> None:
    outcome = duologue("run", calls["manifest"], "--out", tmp_path / "out", "--ledger", calls["ledger"], *MARK)
    assert outcome.code == 0, outcome.stderr
    assert rejected(tmp_path / "out") == {"bleeding": "isolation_fail"}
    [published] = [json.loads(line) for line in (tmp_path / "out" / "rejected.jsonl").read_text().splitlines()]
    assert published["values"]["bleed_db_a_from_b"] < -3
    assert published["values"].keys() == {"bleed_db_a_from_b"}
    [line] = refused_details(calls["ledger"])
    folder = calls["manifest"].parent
    assert line["detail"].startswith(
        f"{folder}/bleeding.wav channel 0 and {folder}/b.flac channel 0: b's voice is in a's track at -"
    ), line["detail"]
    assert "60 ms late" in line["detail"]
    assert list(rows(tmp_path / "out")) == ["good"]
    assert "1 refused by refuse-fail" in outcome.stdout
    assert json.loads((tmp_path / "out" / "dataset.json").read_text())["isolation_policy"] == "refuse-fail"


def test_what_fails_can_be_kept_and_is_marked_everywhere(
    calls: dict[str, Path], duologue: Duologue, tmp_path: Path
) -> None:
    outcome = duologue(
        "run",
        calls["manifest"],
        "--out",
        tmp_path / "out",
        "--ledger",
        calls["ledger"],
        "--isolation-policy",
        "keep",
        *MARK,
    )
    assert outcome.code == 0, outcome.stderr
    assert rejected(tmp_path / "out") == {}
    row = rows(tmp_path / "out")["bleeding"]
    assert row["isolation"] == "fail"
    assert row["bleed_db_a_from_b"] == pytest.approx(-8, abs=1)
    assert (row["duplicate_found"], row["duplicate_confidence"] > 0.5) == (False, True)
    release = json.loads((tmp_path / "out" / "dataset.json").read_text())
    assert release["isolation_policy"] == "keep"
    assert list(iter_faults("release", release)) == []
    marked = {}
    for split in ("train", "validation"):
        for sample in open_dataset(str(tmp_path / "out"), split=split, purpose="training_inhouse"):
            assert list(iter_faults("sample", sample.metadata)) == []
            marked[sample.metadata["recording_id"]] = sample.metadata["isolation"]
    assert {name: isolation["verdict"] for name, isolation in marked.items()} == {"good": "pass", "bleeding": "fail"}
    [level] = [item["value"] for item in marked["bleeding"]["measurements"] if item["name"] == "bleed_db"]
    assert level == row["bleed_db_a_from_b"]
    card = (tmp_path / "out" / "README.md").read_text()
    assert "Policy `keep`: recordings of every verdict were kept." in card
