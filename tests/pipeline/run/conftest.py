"""A small manifest of two conversations with a ledger that allows them, for runs that go to their end."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from duologue_consent import Ledger, Purpose, parse_time
from duologue_pipeline.run import RunRequest

JANUARY = parse_time("2026-01-01T00:00:00Z")


@dataclass(frozen=True)
class Calls:
    """Where manifest and ledger of call-0 (anna, ben) and call-1 (ben, carl) lie."""

    manifest: Path
    ledger: Path

    def request(self, out: Path | str, **fields: Any) -> RunRequest:
        """A run that keeps both, whatever their isolation."""
        fixed: dict[str, Any] = {"isolation_policy": "keep", "segment_s": 2.0}
        return RunRequest(manifest=str(self.manifest), ledger=str(self.ledger), out=str(out), **{**fixed, **fields})

    def withdraw(self, speaker: str) -> None:
        Ledger.open(self.ledger).withdraw(speaker, at=parse_time("2026-05-01T00:00:00Z"))


@pytest.fixture
def calls(tmp_path: Path, noise: Callable[..., Any], write_audio: Callable[..., Path]) -> Calls:
    ledger = Ledger.create(tmp_path / "consent.db", ledger_id="ledger-1", created_at=JANUARY)
    lines = []
    for number, speakers in enumerate((("s-anna", "s-ben"), ("s-ben", "s-carl"))):
        pcm = noise(4.0, seed=number + 1)
        pcm[:16000, 1] *= 0.001
        pcm[16000:, 0] *= 0.001
        path = write_audio(f"call-{number}.wav", pcm)
        tracks = [
            {"speaker_id": speaker, "uri": str(path), "channel": channel} for channel, speaker in enumerate(speakers)
        ]
        lines.append({"recording_id": f"call-{number}", "started_at": "2026-03-01T10:00:00Z", "tracks": tracks})
    for speaker in ("s-anna", "s-ben", "s-carl"):
        ledger.grant(speaker, [Purpose.RECORDING, Purpose.TRAINING_INHOUSE], at=JANUARY)
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return Calls(manifest, tmp_path / "consent.db")
