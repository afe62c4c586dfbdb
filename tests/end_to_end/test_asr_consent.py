"""A recogniser makes a transcript, so a run with one asks both speakers for it; a release from before that asked is mended."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from duologue_consent import Form, Ledger, Purpose, Terms, parse_time
from duologue_pipeline.demo import demo_files
from duologue_pipeline.reader.dataset import open_dataset
from duologue_pipeline.run import RunRequest, RunResult, run
from duologue_pipeline.withdrawal.protocol import propagate_release
from duologue_pipeline.words.asr import SpokenWord
from tests.end_to_end.support import GRANTED_AT, rejected

TOKENS = Terms(forms=(Form.TOKENS, Form.ANNOTATIONS))
BOTH = (Purpose.RECORDING, Purpose.TRAINING_INHOUSE)


@dataclass(frozen=True)
class HearsSecret:
    """A recogniser that hears the same word in everything."""

    source: str
    allow_network: bool

    def document(self) -> dict[str, str]:
        return {"model": "hears-secret", "sha256": "0" * 64}

    def open(self) -> "HearsSecret":
        return self

    def knows(self, language: str | None) -> bool:
        return True

    def words(
        self, pieces: Sequence[npt.NDArray[np.float32]], *, language: str | None
    ) -> Sequence[Sequence[SpokenWord]]:
        return [[SpokenWord("secret", 0.2, min(0.5, pcm.size / 16_000))] for pcm in pieces]


@pytest.fixture
def request_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A run of one conversation without words, with a recogniser."""
    monkeypatch.setattr("duologue_pipeline.run.launch.AsrModel", HearsSecret)
    source = demo_files().manifest
    line = json.loads(source.read_text().splitlines()[0])
    for number, track in enumerate(line["tracks"]):
        track.pop("words_uri", None)
        track["speaker_id"] = "anna" if number == 0 else "ben"
        track["uri"] = str(source.parent / track["uri"])
    (tmp_path / "manifest.jsonl").write_text(json.dumps(line) + "\n")
    return {
        "manifest": str(tmp_path / "manifest.jsonl"),
        "out": str(tmp_path / "out"),
        "ledger": str(tmp_path / "consent.db"),
        "segment_s": 30.0,
        "validation_share": 0.0,
    }


def grant(folder: Path, speaker: str, terms: Terms | None = None) -> None:
    path = folder / "consent.db"
    ledger = Ledger.open(path) if path.exists() else Ledger.create(path, created_at=parse_time(GRANTED_AT))
    ledger.grant(speaker, BOTH, at=parse_time(GRANTED_AT), terms=terms)


def words_in(out: Path) -> set[str]:
    return {word["word"] for sample in open_dataset(str(out)) for word in sample.metadata["words"]}


@pytest.mark.parametrize("who", ["anna", "ben"])
def test_a_speaker_who_granted_no_transcript_is_not_transcribed(
    who: str, request_of: dict[str, Any], tmp_path: Path
) -> None:
    for speaker in ("anna", "ben"):
        grant(tmp_path, speaker, TOKENS if speaker == who else None)
    result: RunResult = run(RunRequest(asr="any", **request_of))
    assert result.release is None
    assert set(rejected(tmp_path / "out").values()) == {"consent_form_not_covered"}
    assert not any(b"secret" in path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file())

    without = run(RunRequest(**{**request_of, "out": str(tmp_path / "without")}))
    assert without.release is not None  # the same speakers, without a recogniser
    assert words_in(tmp_path / "without") == set()


def test_who_granted_all_is_transcribed_and_leaves_when_the_transcript_is_withdrawn(
    request_of: dict[str, Any], tmp_path: Path
) -> None:
    for speaker in ("anna", "ben"):
        grant(tmp_path, speaker)
    assert run(RunRequest(asr="any", **request_of)).release is not None
    assert words_in(tmp_path / "out") == {"secret"}
    ledger = Ledger.open(tmp_path / "consent.db")
    ledger.withdraw("ben", at=parse_time("2026-05-01T00:00:00Z"), terms=Terms(forms=(Form.TRANSCRIPT,)))
    (outcome,) = propagate_release(str(tmp_path / "out"), ledger)
    assert outcome.refusals == {"consent_withdrawn": 1}
