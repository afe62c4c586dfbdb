"""Damage to files that are decoded apart: the outcome is sound or a refusal, and nothing else, in bounded time and memory."""

import random
import time
from pathlib import Path

import numpy as np
import pytest

from duologue_pipeline.errors import RejectError
from duologue_pipeline.ingest.containers.find import find_layout
from duologue_pipeline.ingest.track_file import TrackFile
from tests.pipeline.ingest.containers.made import KINDS, speech, write
from tests.pipeline.ingest.containers.shorten import shortened, sphere

FORMS = {
    "mp4": {},
    "fragments": {"movflags": "frag_keyframe+empty_moov+default_base_moof", "frag_duration": "300000"},
    "webm": {},
    "live": {"live": "1"},
    "mka": {},
    "amr": {},
    "aac": {},
    "wma": {},
    "shorten": {},
}
LAYOUTS, DECODED = 300, 12  # mutated files of each, looked through and decoded


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Two seconds of each."""
    files = {}
    for form, options in FORMS.items():
        kind = {"fragments": "mp4", "live": "webm"}.get(form, form)
        if form == "shorten":
            pcm = np.random.default_rng(5).integers(-2000, 2000, (8000, 2)).astype(np.int16)
            files[form] = sphere(shortened(pcm), samples=8000, channels=2, rate_hz=8000)
            continue
        path = tmp_path_factory.mktemp(form) / "call"
        sound = speech(KINDS[kind][2], 2.0, 1 if kind == "amr" else 2)
        files[form] = write(path, kind, sound, options=options, video=form in ("mp4", "webm")).read_bytes()
    return files


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Flips, cuts, doubles and overwrites bytes, often among those of headers."""
    changed = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 5, 20])):
        near = min(1500, len(changed))
        at = rng.choice([rng.randrange(len(changed)), rng.randrange(near), len(changed) - 1 - rng.randrange(near)])
        size = rng.choice([1, 2, 4, 8, 100, 1000])
        match rng.choice(["flip", "byte", "cut", "remove", "double", "zero", "number", "insert"]):
            case "flip":
                changed[at] ^= 1 << rng.randrange(8)
            case "byte":
                changed[at] = rng.randrange(256)
            case "cut" if rng.random() < 0.3:
                del changed[max(at, 10) :]
            case "remove":
                del changed[at : at + size]
            case "double":
                changed[at:at] = changed[at : at + size]
            case "zero":
                changed[at : at + size] = bytes(len(changed[at : at + size]))
            case "number":
                changed[at : at + 4] = (rng.choice([1 << rng.randrange(32), 0xFFFFFFFF])).to_bytes(4, "big")
            case "insert":
                changed[at:at] = rng.randbytes(min(size, 100))
        if len(changed) < 20:
            changed = bytearray(content)
    return bytes(changed)


@pytest.mark.parametrize("form", FORMS)
def test_whatever_the_bytes_are_they_are_accounted_for_or_refused(
    form: str, made: dict[str, bytes], tmp_path: Path
) -> None:
    rng, path, found = random.Random(form), tmp_path / "call", 0
    started = time.process_time()
    for _ in range(LAYOUTS):
        path.write_bytes(damaged(made[form], rng))
        try:
            layout = find_layout(path, "call")
        except RejectError:
            continue
        found += 1
        assert all(0 <= section.start <= section.stop <= path.stat().st_size for section in layout.sections)
    assert found < LAYOUTS
    assert time.process_time() - started < 20


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_a_damaged_file_is_decoded_or_refused(form: str, made: dict[str, bytes], tmp_path: Path) -> None:
    rng, path = random.Random(form + "!"), tmp_path / "call"
    for _ in range(DECODED):
        path.write_bytes(damaged(made[form], rng))
        try:
            file = TrackFile(path, "call")
        except RejectError:
            continue
        samples = 0
        try:
            while len(block := file.read(50_000)) and samples < 14_400 * file.sample_rate_hz:
                samples += len(block)
        except RejectError:
            continue
        finally:
            file.close()
