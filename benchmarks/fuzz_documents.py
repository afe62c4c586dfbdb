"""Makes and judges manifests and word files for :mod:`benchmarks.fuzz`."""

import json
import random
from pathlib import Path
from typing import Final

from benchmarks.fuzz_changes import is_valid, mutate_json
from duologue_pipeline.errors import RejectError, UsageError
from duologue_pipeline.read.manifest import read_manifest
from duologue_pipeline.records import Recording, Track
from duologue_pipeline.words.files import read_words

LINE: Final = {
    "recording_id": "call-1",
    "language": "en",
    "started_at": "2026-03-01T10:00:00Z",
    "setting": "telephone",
    "source": {"corpus": "x", "license": "CC0-1.0"},
    "tracks": [
        {"speaker_id": "spk-1", "uri": "call.wav", "channel": 0, "offset_s": 0.0, "jurisdiction": "US-IL"},
        {"speaker_id": "spk-3", "uri": "call.wav", "channel": 1, "words_uri": "b.json"},
    ],
}


def judge_manifest(name: str, folder: Path) -> str:
    """Makes and judges a manifest of one line."""
    rng = random.Random(f"manifest {name}")
    line = mutate_json(json.loads(json.dumps(LINE)), rng)
    path = folder / "manifest.jsonl"
    path.write_bytes(line.encode("utf-8", "surrogatepass" if rng.random() < 0.5 else "replace"))
    try:
        parsed = list(read_manifest(str(path)))
    except UsageError as error:
        return f"refused: {error}"
    if not any(isinstance(each, Recording) for each in parsed):
        return "refused"
    text = path.read_text(encoding="utf-8", errors="replace")
    if not all(is_valid("recording", part) for part in text.splitlines() if part.strip()):
        return f"wrong accept: {line[:300]!r}"
    return "accepted"


WORDS: Final = [
    {"word": word, "start_s": round(0.4 * number, 1), "end_s": round(0.4 * number + 0.3, 1), "confidence": 0.9}
    for number, word in enumerate(("yes", "no", "en", "well", "I", "mean"))
]


def judge_words(name: str, folder: Path) -> str:
    """Makes and judges a word file."""
    rng = random.Random(f"words {name}")
    text = mutate_json(json.loads(json.dumps(WORDS)), rng)
    path = folder / "words.json"
    path.write_bytes(text.encode("utf-8", "surrogatepass" if rng.random() < 0.5 else "replace"))
    track = Track("a", str(folder / "none.wav"), words_uri=str(path), offset_s=rng.choice((0.0, 0.0, 0.5)))
    try:
        words, _ = read_words(Recording("call", track, Track("b", "x")), policy="optional")
    except RejectError as error:
        return f"refused: {error.reason}"
    if not is_valid("words", path.read_text(encoding="utf-8", errors="replace")):
        return f"wrong accept: {text[:300]!r}"
    said = len(json.loads(path.read_text(encoding="utf-8", errors="replace")))
    return "accepted" if words is not None and len(words) == said else f"wrong accept: {said} words became {words}"
