"""Damage to MP3 and Ogg files: the outcome is sound or a refusal, and nothing else, in bounded time."""

import io
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from duologue_pipeline.errors import RejectError
from duologue_pipeline.ingest.containers.find import find_layout
from duologue_pipeline.ingest.containers.ogg_pages import read_pages
from duologue_pipeline.ingest.sections import Layout

Build = Callable[..., Any]
KINDS = ("MP3", "UNCOUNTED", "OPUS", "VORBIS")
WORDS = (b"Xing", b"Info", b"VBRI", b"LAME", b"TAG", b"ID3\4\0\0\0\0\1\0", b"APETAGEX", b"LYRICSBEGIN", b"OggS")
EDITS = st.lists(
    st.tuples(
        st.sampled_from(["flip", "cut", "remove", "insert", "double", "zero"]),
        st.floats(0, 1),
        st.integers(1, 2000),
        st.one_of(st.sampled_from(WORDS), st.binary(max_size=40)),
    ),
    min_size=1,
    max_size=4,
)
fuzz = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=5000)


@pytest.fixture(scope="module")
def written() -> dict[str, bytes]:
    """Two seconds in every coding."""
    pcm = np.random.default_rng(7).normal(size=16000) * 0.1
    files = {}
    for kind in KINDS:
        target = io.BytesIO()
        if kind in ("OPUS", "VORBIS"):
            soundfile.write(target, pcm, 8000, format="OGG", subtype=kind)
        else:
            soundfile.write(target, pcm, 8000, format="MP3", bitrate_mode="VARIABLE")
        files[kind] = target.getvalue()
    whole = files["UNCOUNTED"]
    files["UNCOUNTED"] = whole[whole.index(whole[:2], 4) :]
    return files


@pytest.fixture
def layout_of(tmp_path: Path) -> Callable[[bytes], Layout]:
    def layout_of(content: bytes) -> Layout:
        (tmp_path / "call").write_bytes(content)
        return find_layout(tmp_path / "call", "call")

    return layout_of


def edited(content: bytes, edits: list[tuple[str, float, int, bytes]]) -> bytes:
    for edit, place, size, data in edits:
        at = int(place * len(content))
        match edit:
            case "flip":
                content = (
                    content[:at] + bytes(byte ^ 1 << size % 8 for byte in content[at : at + 1]) + content[at + 1 :]
                )
            case "cut":
                content = content[:at]
            case "remove":
                content = content[:at] + content[at + size :]
            case "insert":
                content = content[:at] + data + content[at:]
            case "double":
                content = content[:at] + content[at : at + size] + content[at:]
            case "zero":
                content = content[:at] + bytes(size) + content[at + size :]
    return content


@pytest.mark.parametrize("kind", KINDS)
@fuzz
@given(edits=EDITS)
def test_a_damaged_file_is_decoded_or_refused(
    kind: str, edits: list[tuple[str, float, int, bytes]], written: dict[str, bytes], decode: Build
) -> None:
    content = edited(written[kind], edits)
    try:
        found = decode(content)
    except RejectError:
        return
    if kind in ("OPUS", "VORBIS") and len(content) < len(written[kind]):
        assert len(found) == 16000  # all but what is no sound was there: every page has a checksum
    assert len(found) < 16000 * 5 + 576 * 50


@pytest.mark.parametrize("kind", ["OPUS", "VORBIS"])
@fuzz
@given(times=st.lists(st.integers(-(1 << 63), (1 << 63) - 1) | st.integers(-2000, 200_000), min_size=1, max_size=5))
def test_whatever_the_times_of_pages_say(
    kind: str, times: list[int], written: dict[str, bytes], layout_of: Build
) -> None:
    """Times with right checksums, as an attacker or a faulty recorder writes them."""
    pages = list(read_pages(io.BytesIO(written[kind]), "call.ogg"))
    changed = [replace(page, granule=time) for page, time in zip(pages[-len(times) :], times, strict=False)]
    kept = pages[: len(pages) - len(changed)]
    content = b"".join(page.at_time(page.granule) for page in kept + changed)
    try:
        layout = layout_of(content)
    except RejectError:
        return
    assert all(0 <= section.start <= section.stop <= len(content) for section in layout.sections)
    assert all((section.samples or 0) >= 0 and section.silence_samples >= 0 for section in layout.sections)


def test_many_small_tags_and_many_small_files_take_no_time(layout_of: Build, written: dict[str, bytes]) -> None:
    mp3 = written["MP3"]
    for content in (
        mp3 + b"LYRICSBEGINLYRICSEND" * 100_000,
        mp3 + b"TAG".ljust(128) * 20_000,
        (b"ID3\4\0\0" + bytes(4)) * 100_000 + mp3,
        b"\xff\xfb" * 500_000,
        mp3[: mp3.index(b"Xing")] + b"Xing" + struct.pack(">II", 1, 0xFFFFFFFF) + bytes(5_000_000),
    ):
        try:
            layout_of(content)
        except RejectError:
            continue
