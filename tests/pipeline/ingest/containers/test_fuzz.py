"""Headers that say anything: every outcome is the whole sound or a refusal, in bounded memory."""

import io
import struct
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from duologue_pipeline.errors import RejectError

Build = Callable[..., Any]
Pcm = npt.NDArray[np.float32]

MOST_BYTES = 24 << 20  # a block of the most channels that libsndfile reads, and what is looked at at a time
FORMATS = ("WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "NIST", "FLAC")
SIZES = st.one_of(
    st.integers(0, 20000), st.integers(0, (1 << 32) - 1), st.sampled_from([0, 36, 0x7FFFF000, 0x7FFFFFFF, 0xFFFFFFFF])
)
NUMBERS = st.one_of(
    st.binary(min_size=1, max_size=4),
    st.sampled_from(
        [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"data", b"LIST", b"RIFF"]
    ),
)
fuzz = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def written() -> dict[str, bytes]:
    """The same quarter of a second in every container."""
    pcm = (np.random.default_rng(7).normal(size=(2000, 2)) * 3000).astype("<i2")
    files = {}
    for name in FORMATS:
        target = io.BytesIO()
        soundfile.write(target, pcm, 8000, format=name, subtype="PCM_16")
        files[name] = target.getvalue()
    return files


def outcome(decode: Build, content: bytes) -> Pcm | str:
    """What comes out of the file, or why it is refused."""
    try:
        return decode(content)
    except RejectError as refusal:
        return refusal.reason


@fuzz
@given(riff=SIZES, data=SIZES, has_info=st.booleans())
@example(riff=36 + 8000, data=8000, has_info=False)
def test_whatever_the_sizes_of_a_wav_say_all_of_it_is_decoded_or_it_is_refused(
    riff: int, data: int, has_info: bool, make_wav: Build, make_chunk: Build, sound: Pcm, decode: Build
) -> None:
    info = make_chunk(b"LIST", b"INFOISFT\x0e\0\0\0Lavf59.27.100\0") if has_info else b""
    found = outcome(decode, make_wav(riff=riff, data=data, after=info))
    if isinstance(found, str):
        assert found in ("audio_truncated", "audio_unreadable")
    else:
        np.testing.assert_array_equal(found, sound)


@fuzz
@given(size=SIZES, frames=SIZES, outer=SIZES)
def test_whatever_the_sizes_of_an_aiff_and_an_au_say_all_of_it_is_decoded_or_it_is_refused(
    size: int, frames: int, outer: int, written: dict[str, bytes], decode: Build
) -> None:
    aiff = bytearray(written["AIFF"])
    for place, number in ((4, outer), (aiff.index(b"COMM") + 10, frames), (aiff.index(b"SSND") + 4, size)):
        aiff[place : place + 4] = struct.pack(">I", number)
    au = written["AU"][:8] + struct.pack(">I", size) + written["AU"][12:]
    for content in (bytes(aiff), au):
        found = outcome(decode, content)
        assert found in ("audio_truncated", "audio_unreadable") if isinstance(found, str) else len(found) == 2000


@fuzz
@given(
    name=st.sampled_from(FORMATS),
    edits=st.lists(st.tuples(st.integers(0, 140), NUMBERS), min_size=1, max_size=4),
    keep=st.one_of(st.none(), st.integers(0, 9000)),
    rest=st.one_of(st.just(b""), st.binary(max_size=200)),
)
def test_a_damaged_file_is_decoded_or_refused_in_bounded_memory(
    name: str, edits: list[tuple[int, bytes]], keep: int | None, rest: bytes, written: dict[str, bytes], decode: Build
) -> None:
    content = bytearray(written[name])
    for place, number in edits:
        content[place : place + len(number)] = number
    tracemalloc.start()
    found = outcome(decode, bytes(content[:keep]) + rest)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.startswith("audio_") if isinstance(found, str) else len(found) <= 2 * len(content)
    assert peak < MOST_BYTES
