"""AIFF, CAF, AU and SPHERE: all of it is decoded, or it is refused with the true reason."""

import io
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

Build = Callable[..., Any]
Pcm = npt.NDArray[np.float32]
TAG = b"TAG" + bytes(125)


@pytest.fixture
def written(samples: npt.NDArray[np.int16]) -> Callable[..., bytes]:
    """The samples as libsndfile writes them."""

    def write(**kind: Any) -> bytes:
        target = io.BytesIO()
        soundfile.write(target, samples, 8000, **kind)
        return target.getvalue()

    return write


@pytest.fixture
def sphere(samples: npt.NDArray[np.int16]) -> Callable[..., bytes]:
    """A NIST SPHERE file of the samples; its header says what it is told."""

    def write(
        count: int | None = 4000, size: int = 1024, order: str = "01", coding: str = "pcm", more: str = ""
    ) -> bytes:
        fields = "" if count is None else f"sample_count -i {count}\n"
        header = (
            f"NIST_1A\n{size:7d}\n{more}channel_count -i 2\n{fields}sample_rate -i 8000\nsample_n_bytes -i 2\n"
            f"sample_byte_format -s2 {order}\nsample_sig_bits -i 16\nsample_coding -s{len(coding)} {coding}\nend_head\n"
        )
        return header.encode().ljust(size) + samples.astype("<i2" if order == "01" else ">i2").tobytes()

    return write


def patched(content: bytes, place: int, number: bytes) -> bytes:
    """The file with other bytes at a place."""
    return content[:place] + number + content[place + len(number) :]


def twice(sound: Pcm) -> Pcm:
    return np.concatenate([sound, sound])


class TestAiff:
    @pytest.fixture
    def aiff(self, written: Build) -> bytes:
        return bytes(written(format="AIFF", subtype="PCM_16"))

    @pytest.mark.parametrize("outer", [0, 46, 0xFFFFFFFF, None])
    @pytest.mark.parametrize("frames", [0, 100, 0xFFFFFFFF, None])
    @pytest.mark.parametrize("size", [0, 8, 0x7FFFFFFF, 0xFFFFFFFF])
    def test_a_killed_recording_is_decoded_to_its_end(
        self, outer: int | None, frames: int | None, size: int, aiff: bytes, sound: Pcm, decode: Build
    ) -> None:
        killed = patched(aiff, aiff.index(b"SSND") + 4, struct.pack(">I", size))
        if frames is not None:
            killed = patched(killed, killed.index(b"COMM") + 10, struct.pack(">I", frames))
        if outer is not None:
            killed = patched(killed, 4, struct.pack(">I", outer))
        np.testing.assert_array_equal(decode(killed), sound)
        np.testing.assert_array_equal(decode(killed + aiff), twice(sound))

    @pytest.mark.parametrize("codec", ["PCM_S8", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW", "IMA_ADPCM"])
    def test_a_killed_recording_of_any_codec_is_decoded(self, codec: str, written: Build, decode: Build) -> None:
        whole = written(format="AIFF", subtype=codec)
        expected = soundfile.read(io.BytesIO(whole), dtype="float32")[0]
        killed = patched(patched(whole, whole.index(b"SSND") + 4, bytes(4)), whole.index(b"COMM") + 10, bytes(4))
        np.testing.assert_array_equal(decode(whole), expected)
        np.testing.assert_array_equal(decode(killed), expected)

    def test_chunks_padding_and_tags_behind_the_samples_are_no_sound(
        self, aiff: bytes, sound: Pcm, make_chunk: Build, decode: Build
    ) -> None:
        for rest in (
            make_chunk(b"NAME", b"abc", order=">"),
            make_chunk(b"ID3 ", bytes(99), order=">"),
            bytes(512),
            TAG,
        ):
            np.testing.assert_array_equal(decode(aiff + rest), sound)

    def test_samples_may_begin_within_their_chunk_and_the_format_may_follow(
        self, aiff: bytes, sound: Pcm, decode: Build
    ) -> None:
        comm, ssnd = aiff.index(b"COMM"), aiff.index(b"SSND")
        shifted = struct.pack(">4sIII", b"SSND", 8 + 16000, 0, 0) + aiff[ssnd + 16 :]
        content = aiff[:12] + shifted + aiff[comm:ssnd]
        np.testing.assert_array_equal(decode(content), sound)

    def test_what_is_not_accounted_for_is_refused(self, aiff: bytes, refused: Build) -> None:
        assert refused(aiff[:-100]) == (
            "audio_truncated",
            "call: the header declares 0.50 s and the file holds 0.50 s; the file is cut short: export it again",
        )
        assert refused(aiff + b"\x01" * 100)[0] == "audio_unreadable"
        assert (
            refused(
                patched(patched(aiff, aiff.index(b"SSND") + 4, struct.pack(">I", 8008)), 4, bytes([0, 0, 31, 116]))
            )[0]
            == "audio_unreadable"
        )

    @pytest.mark.parametrize(
        ("place", "number"),
        [(0, bytes(2)), (6, bytes(2)), (6, b"\xff\xff"), (8, bytes(10)), (8, b"\x7f\xff" * 5), (8, b"\x43\x00" * 5)],
    )
    def test_a_format_that_makes_no_sense_is_refused(
        self, place: int, number: bytes, aiff: bytes, refused: Build
    ) -> None:
        reason, detail = refused(patched(aiff, aiff.index(b"COMM") + 8 + place, number))
        assert (reason, "its header says" in detail) == ("audio_unreadable", True)

    def test_gsm_of_which_libsndfile_reads_a_hundredth_is_refused(
        self, samples: npt.NDArray[np.int16], refused: Build
    ) -> None:
        target = io.BytesIO()
        soundfile.write(target, samples[:, 0], 8000, format="AIFF", subtype="GSM610")
        reason, detail = refused(target.getvalue())
        assert (reason, "coded as b'GSM '" in detail) == ("audio_unreadable", True)


class TestCaf:
    @pytest.fixture
    def caf(self, written: Build) -> bytes:
        return bytes(written(format="CAF", subtype="PCM_16"))

    @pytest.mark.parametrize("size", [0, 4, -1, (1 << 63) - 1])
    def test_a_size_that_is_not_known_goes_to_the_end(self, size: int, caf: bytes, sound: Pcm, decode: Build) -> None:
        unknown = patched(caf, caf.index(b"data") + 4, struct.pack(">q", size))
        np.testing.assert_array_equal(decode(unknown), sound)
        np.testing.assert_array_equal(decode(unknown + b"info" + struct.pack(">q", 4) + bytes(4)), sound)
        np.testing.assert_array_equal(decode(unknown + caf), twice(sound))

    def test_what_is_not_accounted_for_is_refused(self, caf: bytes, refused: Build) -> None:
        assert refused(caf[:-100])[0] == "audio_truncated"
        assert refused(caf + b"\x01" * 100)[0] == "audio_unreadable"
        assert refused(patched(caf, caf.index(b"data") + 4, struct.pack(">q", 8004)))[0] == "audio_unreadable"

    def test_alac_is_refused(self, written: Build, refused: Build) -> None:
        reason, detail = refused(written(format="CAF", subtype="ALAC_16"))
        assert (reason, "coded as b'alac'" in detail) == ("audio_unreadable", True)


class TestAu:
    @pytest.mark.parametrize("codec", ["PCM_S8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"])
    @pytest.mark.parametrize("endian", ["BIG", "LITTLE"])
    @pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
    def test_a_size_that_is_not_known_goes_to_the_end(
        self, codec: str, endian: str, size: int, written: Build, decode: Build
    ) -> None:
        whole = written(format="AU", subtype=codec, endian=endian)
        expected = soundfile.read(io.BytesIO(whole), dtype="float32")[0]
        unknown = patched(whole, 8, struct.pack("<I", size))
        for content in (whole, unknown, whole + bytes(300)):
            np.testing.assert_array_equal(decode(content), expected)
        for content in (whole + whole, unknown + unknown, whole + unknown):
            np.testing.assert_array_equal(decode(content), twice(expected))

    def test_what_is_not_accounted_for_is_refused(self, written: Build, refused: Build) -> None:
        whole = written(format="AU", subtype="PCM_16")
        assert refused(whole[:-1000])[0] == "audio_truncated"
        assert refused(whole[:20])[0] == "audio_unreadable"
        assert refused(whole + b"\x01" * 100)[0] == "audio_unreadable"
        assert refused(patched(whole, 8, struct.pack(">I", 8000)))[0] == "audio_unreadable"

    @pytest.mark.parametrize(
        ("place", "number"),
        [(4, 0), (4, 0xFFFFFFFF), (12, 0), (12, 23), (16, 0), (16, 0xFFFFFFFF), (20, 0), (20, 1 << 31)],
    )
    def test_a_header_that_makes_no_sense_is_refused(
        self, place: int, number: int, written: Build, refused: Build
    ) -> None:
        whole = patched(written(format="AU", subtype="PCM_16"), place, struct.pack(">I", number))
        assert refused(whole)[0] == "audio_unreadable"


class TestSphere:
    @pytest.mark.parametrize("size", [512, 1024, 1200, 2048, 65536])
    @pytest.mark.parametrize("order", ["01", "10"])
    @pytest.mark.parametrize("count", [None, 0, 4000])
    def test_a_header_of_any_size_is_read(
        self, size: int, order: str, count: int | None, sphere: Build, sound: Pcm, decode: Build
    ) -> None:
        whole = sphere(count, size, order)
        np.testing.assert_array_equal(decode(whole), sound)
        np.testing.assert_array_equal(decode(whole + b"\1"), sound)

    def test_joined_files_and_padding(self, sphere: Build, sound: Pcm, decode: Build) -> None:
        np.testing.assert_array_equal(decode(sphere() + sphere(size=2048)), twice(sound))
        np.testing.assert_array_equal(decode(sphere() + bytes(500)), sound)

    def test_a_long_header_is_read_to_its_end(self, sphere: Build, sound: Pcm, decode: Build) -> None:
        np.testing.assert_array_equal(decode(sphere(size=4096, more="note -s2000 " + "a" * 2000 + "\n")), sound)

    def test_a_count_that_is_too_small_or_too_large_is_refused(self, sphere: Build, refused: Build) -> None:
        assert refused(sphere(5000)) == (
            "audio_truncated",
            "call: the header declares 0.62 s and the file holds 0.50 s; the file is cut short: export it again",
        )
        reason, detail = refused(sphere(2000))
        assert (reason, "the header declares 0.25 s" in detail) == ("audio_unreadable", True)

    def test_samples_in_an_old_shorten_are_refused_and_how_to_get_them(self, sphere: Build, refused: Build) -> None:
        reason, detail = refused(sphere(coding="pcm,embedded-shorten-v1.09"))
        assert (reason, "sph2pipe" in detail) == ("audio_unreadable", True)

    @pytest.mark.parametrize(
        "header", [b"NIST_1A\n   9999999\n", b"NIST_1A\n", b"NIST_1A\n   0\n", b"NIST_1A\n   1024\nend_head"]
    )
    def test_a_header_that_makes_no_sense_is_refused(self, header: bytes, refused: Build) -> None:
        assert refused(header.ljust(2000))[0] == "audio_unreadable"


def test_a_sphere_file_whose_channels_are_not_interleaved_is_refused(
    sphere: Build, decode: Build, refused: Build
) -> None:
    reason, detail = refused(sphere(more="channels_interleaved -s5 FALSE\n"))
    assert reason == "audio_unreadable"
    assert "its channels follow one after the other" in detail
    assert len(decode(sphere(more="channels_interleaved -s4 TRUE\n"))) == 4000
