"""Temporary files: in one place, for their owner's eyes, and gone when their process is."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from duologue_pipeline.errors import UsageError
from duologue_pipeline.files import temporary
from duologue_pipeline.files.temporary import remove_dead_temporaries, temporary_file, temporary_place


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files that is used by this test alone."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(temporary, "_mine", {})
    return temporary_place()


def test_a_temporary_file_is_its_owners_and_ends_with_its_block(place: Path) -> None:
    with temporary_file(".wav") as handle:
        path = Path(handle.name)
        assert path.suffix == ".wav"
        assert path.name.startswith("duologue-")
        assert path.parent.parent == place
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert not path.exists()


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_has_stays(place: Path, tmp_path: Path) -> None:
    script = (
        "import sys, time\nfrom duologue_pipeline.files.temporary import temporary_file\n"
        "with temporary_file('.wav') as handle:\n    print(handle.name, flush=True)\n    time.sleep(60)\n"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    other = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=environment)
    assert other.stdout is not None
    path = Path(other.stdout.readline().strip())
    with temporary_file() as mine:
        remove_dead_temporaries()
        assert path.exists()
        other.kill()
        other.wait()
        assert path.exists()
        remove_dead_temporaries()
        assert not path.exists()
        assert not path.parent.exists()
        assert Path(mine.name).exists()


def test_a_process_that_ends_leaves_nothing(place: Path, tmp_path: Path) -> None:
    script = "from duologue_pipeline.files.temporary import temporary_file\ntemporary_file().__enter__()\n"
    subprocess.run([sys.executable, "-c", script], check=True, env={**os.environ, "TMPDIR": str(tmp_path)})
    assert [each.name for each in place.iterdir()] == [".lock"]


@pytest.mark.parametrize("make", [lambda p: p.symlink_to(p.parent), lambda p: p.mkdir(mode=0o755), lambda p: p.touch()])
def test_a_place_that_is_not_ones_own_is_refused(make: object, place: Path) -> None:
    make(place)  # type: ignore[operator]
    with (
        pytest.raises(UsageError, match="is not a folder of yours alone; remove it, or name another folder"),
        temporary_file(),
    ):
        pass
