"""The documentation does what it says: its commands run, its references are up to date, its notebooks execute."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import nbclient
import nbformat
import pytest
import soundfile

from duologue_pipeline.demo import demo_files
from duologue_pipeline.reader import open_dataset
from duologue_schemas import iter_faults

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SHOWN = re.compile(r"    (?:call\.\w+:|calls(?:/manifest\.jsonl)?:|Done:|Conversations|audio:|not checked:|out:) ")
"""How the lines of README begin that show what a command prints."""
DEMO_AUDIO = demo_files().manifest.parent / "audio"


@pytest.mark.parametrize("script", ["make_cli_reference.py", "make_jurisdictions_page.py"])
def test_a_page_made_by_a_script_is_up_to_date(script: str) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / script, "--check"], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_commands_of_the_readme_run(tmp_path: Path) -> None:
    """Every `duologue` line of the README and its verifier, in order, on the README's map of speakers and calls beside it."""
    example = re.search(r"```csv\n(.*?)```", README, re.DOTALL)
    assert example
    (tmp_path / "who.csv").write_text(example.group(1))
    (tmp_path / "recordings").mkdir()
    pcm, sample_rate_hz = soundfile.read(DEMO_AUDIO / "demo-friends.flac")
    soundfile.write(tmp_path / "recordings" / "call-0001.wav", pcm, sample_rate_hz)
    for name, channel in (("agent.wav", 0), ("caller.wav", 1)):
        soundfile.write(tmp_path / name, pcm[:, channel], sample_rate_hz)
    words = [
        {"word": word, "start_s": i / 2, "end_s": i / 2 + 0.4} for i, word in enumerate(["so", "I", "uh", "I", "went"])
    ]
    (tmp_path / "transcript.json").write_text(json.dumps({"a": words, "b": []}))
    for folder in ("consent", "pipeline"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    commands = [line.strip() for line in README.splitlines() if line.startswith(("    duologue ", "    python "))]
    assert [" ".join(command.split()[1:3]) for command in commands] == [
        "annotate pipeline/duologue_pipeline/demo/audio/demo-friends.flac",
        "annotate agent.wav",
        "annotate agent.wav",
        "manifest from-folder",
        "consent init",
        "consent grant",
        "run calls/manifest.jsonl",
        "shards verify",
        "validate calls/manifest.jsonl",
        "run calls/manifest.jsonl",
        "consent withdraw",
        "consent propagate",
        "consent/duologue_consent/verify.py out/receipts/0001.json",
    ]
    programs = {"duologue": [sys.executable, "-m", "duologue_pipeline"], "python": [sys.executable]}
    told = list[str]()
    for command in commands:
        program, *arguments = shlex.split(command, comments=True)
        done = subprocess.run(
            [*programs[program], *arguments], check=False, capture_output=True, text=True, cwd=tmp_path
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        told += [*done.stdout.splitlines(), *done.stderr.splitlines()]
        if arguments[0] == "validate":  # its output is shown
            assert len(done.stderr.splitlines()) == 3
    shown = [line for line in README.splitlines() if SHOWN.match(line)]
    assert len(shown) == 9
    assert [line for line in shown if line.strip() not in told] == []
    assert (tmp_path / "call.TextGrid").stat().st_size > 0
    (left,) = open_dataset(str(tmp_path / "out"), purpose="training_inhouse")
    assert {run["speaker"] for run in left.metadata["activity"]} == {"b"}


def test_the_manifest_line_of_the_readme_is_one() -> None:
    example = re.search(r"```json\n(.*?)```", README, re.DOTALL)
    assert example
    (line,) = example.group(1).splitlines()
    assert list(iter_faults("recording", json.loads(line))) == []


@pytest.mark.slow
def test_the_python_of_the_readme_runs(demo_release: Path, tmp_path: Path) -> None:
    (tmp_path / "demo-out").symlink_to(demo_release)
    example = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert example
    done = subprocess.run(
        [sys.executable, "-c", example.group(1)], check=False, capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "(2, 8, " in done.stdout


@pytest.mark.slow
def test_the_python_of_the_page_on_training_runs(audio_release: Path, tmp_path: Path) -> None:
    """All blocks, one after the other; each loop gives batches of the shapes that its comments say."""
    (tmp_path / "demo-out").symlink_to(audio_release)
    page = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 5
    shapes = """
assert codes.shape[1] == 17 and codes.dtype == torch.int64 and text.shape[1] == 1 and audio.shape[1] == 8
assert ids.shape == kind.shape == inputs.shape == labels.shape and ids.shape[1] % 12 == 0 and (labels == -100).any()
assert features.shape[1:] == (16 * states.shape[1], 80) and features.dtype == torch.float32 and states.dtype == torch.int64
assert list(again) == [] and len(list(again)) == len(list(moshi)) > 0  # the epoch is over; the next iteration is whole
"""
    done = subprocess.run(
        [sys.executable, "-c", "\n".join([*blocks, shapes])], check=False, capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("notebook", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.name)
def test_the_notebooks_execute(notebook: Path, demo_release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUOLOGUE_OUT", str(demo_release))
    document = nbformat.reads(notebook.read_text(encoding="utf-8"), as_version=4)
    nbclient.NotebookClient(document, timeout=300, kernel_name="python3").execute(cwd=str(notebook.parent))
