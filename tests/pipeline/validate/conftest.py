"""A folder of calls with everything wrong that a person may have, a ledger, and what a run or a validation says of them."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pytest
import soundfile

from duologue_consent import Ledger, Purpose, parse_time
from duologue_pipeline.run import RunRequest
from duologue_pipeline.validate.finding import Finding, Totals
from duologue_pipeline.validate.validation import Validation

JANUARY = parse_time("2026-01-01T00:00:00Z")


@dataclass
class World:
    """Where everything lies."""

    folder: Path
    lines: list[Any] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)

    @property
    def manifest(self) -> Path:
        return self.folder / "manifest.jsonl"

    @property
    def ledger(self) -> Path:
        return self.folder / "consent.db"

    def audio(self, name: str, seconds: float = 2.0, *, seed: int | None = None, channels: int = 1) -> str:
        """Writes noise that no other file has, and gives its name."""
        made = np.random.default_rng(crc32(name.encode()) if seed is None else seed)
        soundfile.write(self.folder / name, made.normal(0, 0.05, (round(seconds * 8000), channels)), 8000)
        return name

    def call(self, name: str, a: str | None = None, b: str | None = None, **changes: Any) -> dict[str, Any]:
        """Adds a recording to the manifest; tracks that are not named are written."""
        tracks = [
            {"speaker_id": f"{name}-{side}", "uri": self.audio(f"{name}.{side}.wav") if uri is None else uri}
            for side, uri in (("a", a), ("b", b))
        ]
        line = {"recording_id": name, "started_at": "2026-03-01T10:00:00Z", "tracks": tracks, **changes}
        self.asked.update(track["speaker_id"] for track in line["tracks"])
        self.lines.append({key: value for key, value in line.items() if value is not None})
        return line

    def words(self, name: str, document: Any) -> str:
        (self.folder / name).write_text(document if isinstance(document, str) else json.dumps(document))
        return name

    def write(self) -> None:
        """Writes the manifest and a ledger in which everybody who is asked says yes."""
        texts = [line if isinstance(line, str) else json.dumps(line) for line in self.lines]
        self.manifest.write_text("\n".join(texts) + "\n", encoding="utf-8")
        if not self.ledger.exists():
            ledger = Ledger.create(self.ledger, ledger_id="ledger-1", created_at=JANUARY)
            for speaker in sorted(self.asked):
                ledger.grant(speaker, [Purpose.RECORDING, Purpose.TRAINING_INHOUSE], at=JANUARY)

    def request(self, out: Path | str = "", **fields: Any) -> RunRequest:
        given: dict[str, Any] = {"ledger": str(self.ledger), "isolation_policy": "keep", "segment_s": 2.0, **fields}
        return RunRequest(manifest=str(self.manifest), out=str(out), **given)

    def validated(self, *, files: bool = True, **fields: Any) -> tuple[list[Finding], Totals]:
        """What is found of the manifest as it is now."""
        self.write()
        validation = Validation(self.request(**fields), files=files)
        return list(validation.findings()), validation.totals


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def hostile(world: World) -> World:
    """Everything that may be wrong, and some that is right."""
    world.call("good")
    world.call("stereo", world.audio("stereo.wav", channels=2), "stereo.wav")["tracks"][1]["channel"] = 1
    world.call("missing", a="nowhere.wav")
    world.audio("Case.WAV")
    world.call("case", a="case.wav")
    (world.folder / "folder").mkdir()
    world.call("folder", a="folder")
    (world.folder / "empty.wav").write_bytes(b"")
    world.call("empty", a="empty.wav")
    (world.folder / "text.wav").write_text("this is no audio\n" * 40)
    world.call("text", b="text.wav")
    whole = (world.folder / world.audio("whole.wav")).read_bytes()
    (world.folder / "cut.wav").write_bytes(whole[: len(whole) // 2])
    world.call("cut", a="cut.wav")
    world.call("channel")["tracks"][0]["channel"] = 3
    world.call("lengths", b=world.audio("long.wav", 9.0))
    world.call("short", world.audio("short-1.wav", 0.1), world.audio("short-2.wav", 0.1))
    world.call("windows", a="C:\\calls\\1.wav")
    world.call("home", a="~/calls/1.wav")
    world.call("scheme", a="ftp://host/1.wav")
    world.call("twin-1", world.audio("twin.wav"))
    world.call("twin-2", "twin.wav")
    words = [{"word": "yes", "start_s": 0.5, "end_s": 0.8}, {"word": "no", "start_s": 1.0, "end_s": 1.4}]
    world.call("words")["tracks"][0]["words_uri"] = world.words("words.json", words)
    milliseconds = [{**word, "start_s": 1000 * word["start_s"], "end_s": 1000 * word["end_s"]} for word in words]  # type: ignore[operator]
    world.call("milliseconds")["tracks"][0]["words_uri"] = world.words("ms.json", milliseconds)
    late = [words[0], {"word": "late", "start_s": 7.0, "end_s": 7.5}]
    world.call("late")["tracks"][1]["words_uri"] = world.words("late.json", late)
    world.call("broken-words")["tracks"][0]["words_uri"] = world.words("broken.json", '[{"word": "ye')
    world.call("no-words")["tracks"][0]["words_uri"] = "no-words.json"
    world.call("nobody")
    world.asked -= {"nobody-a"}
    world.call("copied", "nobody.a.wav")
    world.call("timeless", started_at=None)
    world.call("future", started_at="2199-01-01T00:00:00Z")
    world.call("before", started_at="2020-01-01T00:00:00Z")
    world.call("alike")["tracks"][1]["speaker_id"] = "Good-A"
    world.lines += ['{"recording_id": "broken", "tracks": [', {"recording_id": "a/slash", "tracks": []}]
    world.call("same-id")
    world.call("same-id", "good.a.wav", "good.b.wav")
    return world


@pytest.fixture
def refusals() -> Callable[[list[Finding]], dict[str, str]]:
    """recording_id -> reason of those that are refused by more than their line."""

    def of(findings: list[Finding]) -> dict[str, str]:
        return {
            str(each.recording_id): each.reason
            for each in findings
            if each.level == "refused" and each.what != "manifest"
        }

    return of
