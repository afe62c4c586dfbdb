"""Whole runs, made once a session and looked at by many tests."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.command_server import serve_commands
from tests.end_to_end.support import Duologue, Outcome

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"


@pytest.fixture(scope="session")
def duologue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Duologue]:
    """Runs the command line in a process of its own, which is forked from one that has loaded everything."""
    with serve_commands(tmp_path_factory.mktemp("outputs")) as run:
        yield run


@pytest.fixture(scope="session")
def started_duologue() -> Duologue:
    """Runs the command line in an interpreter of its own, as a user does; each time it takes seconds to load."""

    def run(*arguments: str | Path, cwd: Path | None = None) -> Outcome:
        command = [sys.executable, "-m", "duologue_pipeline", *map(str, arguments)]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=600, cwd=cwd)
        return Outcome(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture(scope="session")
def demo_release(started_duologue: Duologue, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The release that `duologue demo` writes."""
    out = tmp_path_factory.mktemp("demo") / "out"
    outcome = started_duologue("demo", "--out", out)
    assert outcome.code == 0, outcome.stderr
    return out


@pytest.fixture(scope="session")
def audio_release(started_duologue: Duologue, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with audio in the samples."""
    out = tmp_path_factory.mktemp("audio") / "out"
    outcome = started_duologue("demo", "--out", out, "--include-audio")
    assert outcome.code == 0, outcome.stderr
    return out


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real recordings beside the checkout; tests that need it skip without it."""
    if not SHARED.is_dir():
        pytest.skip("no folder shared/data beside the checkout")
    return SHARED
