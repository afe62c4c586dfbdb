"""FLAC: joined streams, lengths that are not known or wrong, tags, and damage between frames."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

Build = Callable[..., Any]
Pcm = npt.NDArray[np.float32]
ID3 = b"ID3\x03\0\0\0\0\0\x0a" + bytes(10)
TAG = b"TAG" + bytes(125)
KINDS = ("PCM_S8", "PCM_16", "PCM_24")


def with_total(flac: bytes, samples: int) -> bytes:
    """The file with another number of samples in STREAMINFO."""
    field = int.from_bytes(flac[18:26], "big") >> 36 << 36 | samples
    return flac[:18] + field.to_bytes(8, "big") + flac[26:]


def without_md5(flac: bytes) -> bytes:
    return flac[:26] + bytes(16) + flac[42:]


@pytest.fixture
def flac(samples: npt.NDArray[np.int16]) -> Callable[..., bytes]:
    """The samples four times, two seconds: several frames."""

    def write(subtype: str = "PCM_16", rate_hz: int = 8000) -> bytes:
        target = io.BytesIO()
        soundfile.write(target, np.tile(samples, (4, 1)), rate_hz, format="FLAC", subtype=subtype)
        return target.getvalue()

    return write


@pytest.fixture
def expected(flac: Build) -> Callable[..., Pcm]:
    def read(subtype: str = "PCM_16") -> Pcm:
        return soundfile.read(io.BytesIO(flac(subtype)), dtype="float32")[0]

    return read


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_whole_is_decoded_whatever_its_header_leaves_open(
    kind: str, flac: Build, expected: Build, decode: Build
) -> None:
    whole = flac(kind)
    for content in (whole, with_total(whole, 0), without_md5(whole), without_md5(with_total(whole, 0))):
        np.testing.assert_array_equal(decode(content), expected(kind))
        np.testing.assert_array_equal(decode(content + whole), np.concatenate([expected(kind)] * 2))
        np.testing.assert_array_equal(decode(content * 2), np.concatenate([expected(kind)] * 2))


def test_tags_before_between_and_behind_are_no_sound(flac: Build, expected: Build, decode: Build) -> None:
    whole = flac()
    for content in (ID3 + whole, whole + TAG, whole + ID3, ID3 + whole + ID3 + TAG):
        np.testing.assert_array_equal(decode(content), expected())
    for content in (ID3 + whole + ID3 + whole, whole + TAG + whole + TAG):
        np.testing.assert_array_equal(decode(content), np.concatenate([expected()] * 2))


def test_streams_of_different_widths_are_joined_and_of_different_rates_refused(
    flac: Build, expected: Build, decode: Build, refused: Build
) -> None:
    np.testing.assert_array_equal(
        decode(flac("PCM_16") + flac("PCM_24")), np.concatenate([expected("PCM_16"), expected("PCM_24")])
    )
    reason, detail = refused(flac() + flac(rate_hz=16000))
    assert (reason, "recordings of different kinds are joined" in detail) == ("audio_unreadable", True)


@pytest.mark.parametrize("md5", [True, False])
def test_a_length_that_is_wrong_is_refused(md5: bool, flac: Build, refused: Build) -> None:
    whole = flac() if md5 else without_md5(flac())
    assert refused(with_total(whole, 20000))[0] == "audio_truncated"
    reason, detail = refused(with_total(whole, 8000))
    assert reason == "audio_unreadable"
    assert ("MD5" if md5 else "the header declares 1.00 s and 2.00 s were decoded") in detail


@pytest.mark.parametrize("md5", [True, False])
def test_frames_beyond_the_length_and_the_md5_are_refused(md5: bool, flac: Build, refused: Build) -> None:
    """Another file was appended without its header."""
    whole = flac() if md5 else without_md5(flac())
    frames = whole[whole.index(b"\xff\xf8") :]
    assert refused(whole + frames)[0] == "audio_unreadable"


@pytest.mark.parametrize("left_open", [True, False])
def test_what_is_no_frame_is_refused(left_open: bool, flac: Build, refused: Build) -> None:
    whole = without_md5(with_total(flac(), 0)) if left_open else flac()
    middle = len(whole) // 2
    for content in (
        whole[:-1],
        whole[:-1000],
        whole[:middle] + b"\x55" * 60 + whole[middle:],
        whole[:middle] + whole[middle + 300 :],
        whole[:middle] + bytes(3000) + whole[middle + 3000 :],
        whole + b"\x55" * 500,
        whole + whole[:-1000],
        whole + whole[:30],
    ):
        assert refused(content)[0] in ("audio_unreadable", "audio_truncated")


def test_a_seek_table_that_lies_changes_nothing(flac: Build, expected: Build, decode: Build) -> None:
    whole = flac()
    table = b"\x03\0\0\x24" + b"\xff" * 7 + b"\x01" * 29
    np.testing.assert_array_equal(decode(whole[:42] + table + whole[42:]), expected())


@pytest.mark.parametrize("kept", [4, 8, 41, 42, 60])
def test_a_file_that_ends_in_its_header_is_refused(kept: int, flac: Build, refused: Build) -> None:
    assert refused(flac()[:kept])[0] in ("audio_unreadable", "audio_truncated")


def test_metadata_that_says_more_than_there_is_is_refused(flac: Build, refused: Build) -> None:
    whole = flac()
    assert refused(whole[:42] + b"\x04\xff\xff\xff" + whole[42:])[0] == "audio_unreadable"
