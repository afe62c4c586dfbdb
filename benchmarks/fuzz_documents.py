"""Makes and judges manifests and word files for :mod:`benchmarks.fuzz`: damaged, of many lines, names, places and times."""

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import numpy as np
import soundfile

from benchmarks.fuzz_changes import is_valid, mutate_json
from duologue_pipeline.errors import RejectError, UsageError
from duologue_pipeline.ingest.measure import measure_audio
from duologue_pipeline.read.whole import load_manifest
from duologue_pipeline.records import Activity, Recording, Span, Track
from duologue_pipeline.words.find import find_words, written_words

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


LIKE: Final = (("call-1", "Call-1"), ("call_O1", "CALL_o1"), ("a", "A"), ("x-9", "X-9"))
"""recording_ids that differ by nothing but small and capital letters."""
NAMES: Final = (
    *("take.wav", "take#2.wav", "take?x.wav", "a b.wav", "a%20b.wav", " a.wav", "%61.wav", "ü.wav", "u\u0308.wav"),
    *(
        "[1].wav",
        "{a}.wav",
        "*.wav",
        "a\nb.wav",
        "100%.wav",
        "a&b=c.wav",
        "s3:x.wav2",
        "$HOME.wav",
        "~x.wav",
        "x:y.wav",
    ),
)
"""Names that files may have; each file holds another number of samples."""
PLACES: Final = (
    *(
        "s3://b/k",
        "S3://b/k",
        "gs://",
        "http://",
        "http://127.0.0.1:9/a.wav",
        "HTTP://[::1]:9/a.wav",
        "https://[",
        "ftp://h/a",
    ),
    *(
        "abfs://c@a/x",
        "abfss://c@a/x",
        "hdfs://n:1/x",
        "viewfs://x",
        "mock://x",
        "file://host/a.wav",
        "file:///nosuch",
        "data:,x",
    ),
    *(
        "http://169.254.169.254/x",
        "http://0/x",
        "http://2130706433:9/x",
        "http://user:pw@127.0.0.1:9/x",
        "gopher://x",
        "//h/x",
    ),
    *(
        "C:\\a.wav",
        "\\\\h\\a",
        "\x00",
        "a\x00.wav",
        ".",
        "..",
        "/",
        "/dev/zero",
        "/dev/stdin",
        "/proc/self/mem",
        "x" * 5000,
    ),
)
"""Where nothing is that may be taken."""


def judge_manifest(name: str, folder: Path) -> str:
    """Makes and judges a manifest: of one line, of several, or of names that files and other places have."""
    rng = random.Random(f"manifest {name}")
    return rng.choice((_judge_line, _judge_line, _judge_lines, _judge_place))(rng, folder)


def _judge_line(rng: random.Random, folder: Path) -> str:
    """Damages a manifest of one line."""
    line = mutate_json(json.loads(json.dumps(LINE)), rng)
    path = folder / "manifest.jsonl"
    path.write_bytes(line.encode("utf-8", "surrogatepass" if rng.random() < 0.5 else "replace"))
    try:
        parsed = list(load_manifest(str(path)))
    except UsageError as error:
        return f"refused: {error}"
    if not any(isinstance(each, Recording) for each in parsed):
        return "refused"
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    if sum(isinstance(each, Recording) for each in parsed) > sum(is_valid("recording", each) for each in lines):
        return f"wrong accept: {line[:300]!r}"
    return "accepted"


def _judge_lines(rng: random.Random, folder: Path) -> str:
    """Writes lines of equal ids, of ids that look alike, and of damaged documents: each is taken or refused, none is lost."""
    lines: list[str] = []
    sure: list[str] = []
    possible: list[str] = []
    for _ in range(rng.randrange(2, 9)):
        document = json.loads(json.dumps(LINE)) | {"recording_id": rng.choice(rng.choice(LIKE))}
        good = json.dumps(document)
        text = good if rng.random() < 0.8 else mutate_json(document, rng).replace("\n", " ").replace("\r", " ")
        text = text.encode("utf-8", "replace").decode()
        lines.append(text)
        if is_valid("recording", text):
            (sure if text == good else possible).append(json.loads(text)["recording_id"])
    end = rng.choice(("\n", "\r\n", "\n\n", "\n \n"))
    path = folder / "manifest.jsonl"
    path.write_bytes((rng.choice(("", "\ufeff")) + end.join(lines) + rng.choice(("", end))).encode())
    try:
        parsed = list(load_manifest(str(path)))
    except UsageError as error:
        return f"refused: {error}"
    taken = [each.recording_id for each in parsed if isinstance(each, Recording)]
    alike, certain = (Counter(each.casefold() for each in ids) for ids in (sure + possible, sure))
    if len(parsed) != sum(bool(line.strip()) for line in lines):
        return f"wrong accept: {len(lines)} lines became {len(parsed)}: {lines}"[:2000]
    wrong = [each for each in taken if certain[each.casefold()] > 1 or each not in sure + possible]
    missing = [each for each in sure if alike[each.casefold()] == 1 and each not in taken]
    if wrong or missing or len({each.casefold() for each in taken}) < len(taken):
        return f"wrong accept: {taken} of {sure} and perhaps {possible}"
    return "accepted" if taken else "refused"


def _judge_place(rng: random.Random, folder: Path) -> str:
    """Names files, and places where there is none, in every way: the file of that very name is read, or it is refused."""
    lengths = {name: 8000 + 100 * place for place, name in enumerate(NAMES)}
    for name in {*rng.sample(NAMES, 6), "take.wav", "a.wav"}:
        noise = np.random.default_rng(1).normal(size=(lengths.setdefault(name, 7777), 2))
        soundfile.write(str(folder / name), np.clip(0.1 * noise, -0.9, 0.9), 8000, format="WAV")
    wanted = rng.choice(NAMES)
    way = rng.choice(("name", "name", "name", "absolute", "file", "place"))
    uri = {
        "name": wanted,
        "absolute": str(folder / wanted),
        "file": f"file://{quote(str(folder / wanted))}",
        "place": rng.choice(PLACES),
    }[way]
    document = json.loads(json.dumps(LINE)) | {"recording_id": "one"}
    for track in document["tracks"]:
        track["uri"] = uri
        track.pop("words_uri", None)
    path = folder / "manifest.jsonl"
    path.write_text(json.dumps(document) + "\n")
    (recording,) = load_manifest(str(path))
    if not isinstance(recording, Recording):
        return "refused"
    try:
        samples = measure_audio(recording).a.samples
    except RejectError as error:
        return f"refused: {error.reason}"
    if way == "place" or not (folder / wanted).is_file() or samples != lengths[wanted]:
        return f"wrong accept: {uri!r} gave {samples} samples, {lengths[wanted]} are in the file"
    return "accepted"


WORDS: Final = [
    {"word": word, "start_s": round(0.4 * number, 1), "end_s": round(0.4 * number + 0.3, 1), "confidence": 0.9}
    for number, word in enumerate(("yes", "no", "en", "well", "I", "mean"))
]


def judge_words(name: str, folder: Path) -> str:
    """Makes and judges a word file: a damaged one, or one with any times and an offset."""
    rng = random.Random(f"words {name}")
    document: list[dict[str, Any]] = json.loads(json.dumps(WORDS))
    if rng.random() < 0.4:
        for item in rng.sample(document, rng.randrange(1, len(document) + 1)):
            item["start_s"] = rng.choice((0.0, 1.9, 2.0, 2.1, 100.0, 999_999.0, 1_000_000.0, -0.5, 1e-9))
            item["end_s"] = item["start_s"] + rng.choice((0.0, 0.2, 0.2, 0.2, 5.0, -0.1))
        text = json.dumps(document)
    else:
        text = mutate_json(document, rng)
    path = folder / "words.json"
    path.write_bytes(text.encode("utf-8", "surrogatepass" if rng.random() < 0.5 else "replace"))
    offset_s = rng.choice((0.0, 0.0, 0.5, -0.7, 600.0, -600.0, 1e-4))
    recording = Recording(
        "call",
        Track("a", str(folder / "none.wav"), words_uri=str(path), offset_s=offset_s),
        Track("b", "x"),
    )
    activity = Activity((Span(0, 900),), (Span(1000, 1900),), "2.2")
    begins_ms, ends_ms = max(0, round(1000 * offset_s)), max(0, round(1000 * (2 + offset_s)))
    try:
        written = written_words(recording, policy="optional")
        found = find_words(
            recording,
            activity,
            written,
            policy="optional",
            audio={"a": Span(begins_ms, ends_ms), "b": Span(0, 2000)},
            duration_ms=max(2000, ends_ms),
        )
    except RejectError as error:
        return f"refused: {error.reason}"
    there = path.read_text(encoding="utf-8", errors="replace")
    if not is_valid("words", there):
        return f"wrong accept: {text[:300]!r}"
    said = json.loads(there)
    said = said["words"] if isinstance(said, dict) else said
    if any(item["end_s"] < item["start_s"] for item in said):
        return f"wrong accept: a word ends before it begins: {text[:300]!r}"
    words, check = written.words["a"], found.checks.get("a")
    if words is None or len(words) != len(said):
        return f"wrong accept: {len(said)} words became {words}"
    for word, item in zip(words, said, strict=True):
        times_s = item["start_s"] + offset_s, item["end_s"] + offset_s
        if (abs(word.start_ms - 1000 * times_s[0]), abs(word.end_ms - 1000 * times_s[1])) > (1, 1):
            return f"wrong accept: {item} became {word} by an offset of {offset_s} s"
    kept = found.words["a"] or ()
    outside = [word for word in words if word.end_ms < begins_ms or word.start_ms > ends_ms]
    if any(word in outside for word in kept):
        return f"wrong accept: words outside of the audio are kept: {kept}"
    if said and (check is None or check.given != len(said)):
        return f"wrong accept: {len(said)} words, and the check tells of {check}"
    used = check is not None and check.verdict not in ("outside", "wrong_track", "shifted")
    if check and used and (len(kept) + check.outside != len(said) or check.outside < len(outside)):
        return f"wrong accept: {len(said)} words: {len(kept)} kept, {check.outside} outside of the audio"
    return "accepted"
