"""Same input, same bytes: in any order, on other runners, after a kill."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from duologue_pipeline.demo import demo_files
from duologue_pipeline.demo.ledger import ledger_for
from tests.end_to_end.support import Duologue
from tests.portable_servers import serve_portable

pytestmark = pytest.mark.slow


def digests(out: Path) -> dict[str, str]:
    """Relative path -> SHA-256 of every file, hidden ones too."""
    return {
        str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


def demo_arguments(out: Path, manifest: Path | None = None) -> list[str]:
    """The arguments of `duologue run` on the embedded sample."""
    files = demo_files()
    return [
        "run",
        str(manifest or files.manifest),
        "--out",
        str(out),
        "--ledger",
        str(ledger_for(str(out))),
        "--segment-s",
        "20",
    ]


@pytest.fixture(scope="session")
def reference(started_duologue: Duologue, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The files of a plain run."""
    out = tmp_path_factory.mktemp("reference") / "out"
    outcome = started_duologue(*demo_arguments(out))
    assert outcome.code == 0, outcome.stderr
    return digests(out)


def absolute_lines() -> list[str]:
    """The lines of the demo's manifest with absolute uris, so that they may stand anywhere."""
    folder = demo_files().manifest.parent
    lines = []
    for line in demo_files().manifest.read_text().splitlines():
        document = json.loads(line)
        for track in document["tracks"]:
            track["uri"] = str(folder / track["uri"])
            track["words_uri"] = str(folder / track["words_uri"])
        lines.append(json.dumps(document))
    return lines


def test_the_order_of_the_manifest_changes_no_byte(duologue: Duologue, tmp_path: Path) -> None:
    results = []
    for name, lines in (("forward", absolute_lines()), ("reversed", absolute_lines()[::-1])):
        manifest = tmp_path / f"{name}.jsonl"
        manifest.write_text("\n".join([*lines, '{"broken": ']) + "\n")
        outcome = duologue(*demo_arguments(tmp_path / name, manifest))
        assert outcome.code == 0, outcome.stderr
        results.append(digests(tmp_path / name))
    assert results[0] == results[1]


@pytest.mark.parametrize(
    "beam_options",
    [
        pytest.param(["--direct_running_mode=multi_processing", "--direct_num_workers=2"], id="processes"),
        pytest.param(
            ["--runner=PortableRunner", "--job_endpoint=embed", "--environment_type=LOOPBACK"], id="portable runner"
        ),
    ],
)
def test_another_way_of_running_changes_no_byte(
    beam_options: list[str], reference: dict[str, str], started_duologue: Duologue, tmp_path: Path
) -> None:
    outcome = started_duologue(*demo_arguments(tmp_path / "out"), "--", *beam_options)
    assert outcome.code == 0, outcome.stderr
    assert "analysed 3/3, tokenized 3/3" in outcome.stderr  # counted in the workers, told here
    assert digests(tmp_path / "out") == reference


def test_a_job_server_and_a_worker_pool_of_their_own_change_no_byte(
    reference: dict[str, str], started_duologue: Duologue, tmp_path: Path
) -> None:
    with serve_portable() as beam_options:
        outcome = started_duologue(*demo_arguments(tmp_path / "out"), "--", *beam_options)
    assert outcome.code == 0, outcome.stderr
    assert digests(tmp_path / "out") == reference


def test_a_run_that_was_killed_goes_on_and_gives_the_same_bytes(
    reference: dict[str, str], duologue: Duologue, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    parts = out / ".staging" / "parts"
    command = [sys.executable, "-m", "duologue_pipeline", *demo_arguments(out)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + 120
    while not list(parts.glob("*.rows.json")) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (out / "dataset.json").exists()
    kept = {path: path.stat().st_mtime_ns for path in parts.glob("*.rows.json")}
    assert kept
    outcome = duologue(*demo_arguments(out))
    assert outcome.code == 0, outcome.stderr
    assert digests(out) == reference
