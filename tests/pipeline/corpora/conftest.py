"""Runs ``duologue corpus prepare`` and reads what it has written."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from duologue_pipeline.cli.app import app
from duologue_schemas import iter_faults
from tests.pipeline.corpora.support import lines, table


@dataclass(frozen=True)
class Prepared:
    """Holds what a corpus gave: its recordings by id, its words by (id, side), and what was printed."""

    out: Path
    exit_code: int
    said: str
    recordings: dict[str, dict[str, Any]]
    words: dict[tuple[str, str], dict[str, Any]]

    @property
    def refused(self) -> dict[str, str]:
        return {each["file"]: each["reason"] for each in lines(self.out / "refused.jsonl")}

    @property
    def speakers(self) -> dict[tuple[str, str], str]:
        return {(row["recording"], row["side"]): row["speaker"] for row in table(self.out / "speakers.csv")}

    def said_by(self, recording_id: str, side: str) -> list[str]:
        return [word["word"] for word in self.words[recording_id, side]["words"]]


Prepare = Callable[..., Prepared]


@pytest.fixture
def prepare(tmp_path: Path) -> Prepare:
    """Prepares a corpus into a folder of its own, and holds that all that it writes follows the schemas."""

    def run(name: str, root: Path, *options: str | Path) -> Prepared:
        out = tmp_path / "out"
        result = CliRunner().invoke(app, ["corpus", "prepare", name, str(root), "--out", str(out), *map(str, options)])
        recordings, words = {}, {}
        if (out / "manifest.jsonl").exists():
            recordings = {each["recording_id"]: each for each in lines(out / "manifest.jsonl")}
        for recording_id, recording in recordings.items():
            assert list(iter_faults("recording", recording)) == []
            for side, track in zip("ab", recording["tracks"], strict=True):
                assert (out / track["uri"]).exists()
                if "words_uri" in track:
                    document = json.loads((out / track["words_uri"]).read_text(encoding="utf-8"))
                    assert list(iter_faults("words", document)) == []
                    words[recording_id, side] = document
        return Prepared(out, result.exit_code, result.output, recordings, words)

    return run
