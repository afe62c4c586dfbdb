"""The private file of a run is finished where it was begun, and on another machine."""

import json
from pathlib import Path

from duologue_pipeline.run.details import finish_details, staged_details


def test_another_machine_than_that_which_began_it_makes_the_folder(tmp_path: Path) -> None:
    staged = Path(staged_details(str(tmp_path / "out"), "launch-1"))
    staged.parent.mkdir(parents=True)
    line = json.dumps(
        {"detail": "no such file", "reason": "audio_missing", "recording_id": "call-0", "stage": "ingest"}
    )
    staged.write_text(f"{line}\n")
    private = tmp_path / "consent.refused" / "calls.jsonl"
    for _ in range(2):
        finish_details(str(private), out=str(tmp_path / "out"), launch="launch-1")
        assert private.read_text() == f"{line}\n"
    assert private.parent.stat().st_mode & 0o777 == 0o700
    assert private.stat().st_mode & 0o777 == 0o600
