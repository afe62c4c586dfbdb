"""Speakers are taken out of the demo's release, with the embedded codec and speech."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from duologue_pipeline.codec.embedded import EmbeddedCodec
from duologue_pipeline.files.tables import read_table
from duologue_pipeline.reader import open_dataset
from duologue_pipeline.release.verify import verify_release
from duologue_pipeline.withdrawal.scan.removed import removed_by
from duologue_pipeline.withdrawal.scan.search import scan
from tests.pipeline.withdrawal.support import Done, release_of, withdraw

pytestmark = pytest.mark.slow  # two minutes with two releases


@pytest.fixture(params=["demo_release", "audio_release"])
def out(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The release without and with audio."""
    shutil.copytree(request.getfixturevalue(request.param), tmp_path / "out")
    return tmp_path / "out"


def speaker(out: Path, recording_id: str, side: str) -> str:
    rows = read_table(str(out / "recordings.parquet")).to_pylist()
    found: str = next(row[f"speaker_{side}"] for row in rows if row["recording_id"] == recording_id)
    return found


def is_whole_and_clean(out: Path, done: Done) -> bool:
    return verify_release(str(out)).faults == () and not list(scan(str(out), removed_by(done.plan, done.rewritten)))


def test_one_voice_goes_and_the_other_stays_as_it_was(out: Path) -> None:
    before = {sample.key: sample for sample in open_dataset(str(out))}
    done = withdraw(out, speaker(out, "demo-garden", "a"))
    assert done.plan.actions == {"demo-garden": "silence_a"}
    assert done.plan.removed_s / done.plan.withdrawn_s == 1.0
    assert sum(shard.bytes for shard in done.rewritten) <= done.plan.touched_bytes
    assert is_whole_and_clean(out, done)
    after = {sample.key: sample for sample in open_dataset(str(out))}
    assert after.keys() == before.keys()
    for key in ("demo-garden-00000", "demo-garden-00001"):
        assert not EmbeddedCodec().decode(after[key].codes[0]).any()
        assert np.array_equal(after[key].codes[1], before[key].codes[1])
        assert {word["speaker"] for word in after[key].metadata["words"]} == {"b"}
        new, old = after[key].audio, before[key].audio
        if new is not None and old is not None:
            assert not new[0][0].any()
            assert old[0][0].any()
            assert np.array_equal(new[0][1], old[0][1])
    assert after["demo-car-repair-00000"].metadata == before["demo-car-repair-00000"].metadata


def test_a_voice_that_is_heard_in_the_other_track_takes_the_recording_along(out: Path) -> None:
    done = withdraw(out, speaker(out, "demo-garden", "b"))
    (recording,) = done.plan.recordings
    assert (recording.action, recording.why[:45]) == ("drop", "the voice of b was seen in the track of a, at")
    assert is_whole_and_clean(out, done)
    assert {sample.metadata["recording_id"] for sample in open_dataset(str(out))} == {"demo-car-repair"}


def test_one_speaker_after_the_other_until_nothing_is_left(out: Path) -> None:
    everybody = [
        speaker(out, name, side) for name in ("demo-garden", "demo-car-repair", "demo-friends") for side in "ab"
    ]
    for number, commitment in enumerate(everybody, 2):
        done = withdraw(out, commitment)
        assert is_whole_and_clean(out, done)
        assert release_of(out)["version"] == f"{number}.0.0"
    assert release_of(out)["totals"]["samples"] == 0
