"""What the launcher has decided comes back from its files, the longest recordings first."""

from pathlib import Path
from typing import Any

import pytest

from duologue_pipeline.consent import decided_files
from duologue_pipeline.consent.decided_files import read_decided, write_decided
from duologue_pipeline.records import Consented, Recording, Rejected
from tests.conftest import make_consent, make_recording

SIZES = {"short": 900, "long": 100_000, "longer": 130_000, "unknown": 0, "middle": 5000}


def consented(name: str) -> Consented:
    recording = make_recording(Path(f"/audio/{name}.wav"), recording_id=name)
    return Consented(**vars(recording), consent=make_consent(recording))


def name_of(decided: Any) -> str:
    return str(decided.recording_id)


def size_of(recording: Recording) -> int:
    return SIZES[recording.recording_id]


def test_recordings_of_like_size_stand_together_the_longest_first(tmp_path: Path) -> None:
    paths = write_decided(map(consented, SIZES), str(tmp_path), size=size_of)
    names = [[name_of(each) for each in read_decided(path)] for path in paths]
    assert names == [["long", "longer"], ["middle"], ["short"], ["unknown"]]


def test_nothing_is_lost_and_nothing_else_is_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decided_files, "_LINES", 2)
    given = [consented(name) for name in (*SIZES, *SIZES, *SIZES)]
    refused = Rejected("refused", "read", "manifest_invalid", "")
    paths = write_decided([*given, refused], str(tmp_path), size=size_of)
    assert len(paths) == len({*paths}) == len(list(tmp_path.iterdir())) == 9
    found = [each for path in paths for each in read_decided(path)]
    assert sorted(map(name_of, found)) == sorted(map(name_of, [*given, refused]))
    sizes = [SIZES.get(name_of(each), 0).bit_length() for each in found]
    assert sizes == sorted(sizes, reverse=True)
