"""WAV and Wave64: all of it is decoded, or it is refused with the true reason."""

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from duologue_pipeline.ingest.containers.find import find_layout
from duologue_pipeline.ingest.sections import Section
from duologue_pipeline.ingest.stretch import Stretch

Build = Callable[..., Any]
Pcm = npt.NDArray[np.float32]
PLACEHOLDERS = [0, 0xFFFFFFFF, 0xFFFFFFFF - 36, 0x7FFFFFFF, 0x7FFFFFFF - 44, 0x7FFFF000, 0x7FFF0000, 0x80000000]
TAG = b"TAG" + bytes(125)
ID3 = b"ID3\x03\0\0\0\0\0\x0a" + bytes(10)
EXTENSIBLE = struct.pack("<HHIIHHHHIH", 0xFFFE, 2, 8000, 32000, 4, 16, 22, 16, 3, 1) + bytes.fromhex(
    "000000001000800000aa00389b71"
)
GIB = 1 << 30


@pytest.fixture
def info(make_chunk: Build) -> bytes:
    """A LIST as ffmpeg writes it, of an even size."""
    return bytes(make_chunk(b"LIST", b"INFOISFT\x0e\0\0\0Lavf59.27.100\0"))


@pytest.fixture
def odd_info() -> bytes:
    """A LIST of 25 bytes, without the byte that fills it up."""
    return b"LIST" + struct.pack("<I", 25) + b"INFOISFT\x0d\0\0\0Lavf59.27.100"


@pytest.fixture
def libsndfile() -> Callable[..., tuple[bytes, Pcm]]:
    """A file that libsndfile writes, and what it reads from it."""

    def write(pcm: npt.NDArray[Any], **kind: Any) -> tuple[bytes, Pcm]:
        target = io.BytesIO()
        soundfile.write(target, pcm, 8000, **kind)
        return target.getvalue(), soundfile.read(io.BytesIO(target.getvalue()), dtype="float32", always_2d=True)[0]

    return write


# --- sizes that were never written ----------------------------------------------------------------------------------


@pytest.mark.parametrize("riff", [0, 36, 0x7FFFFFFF, 0x7FFFF024, 0xFFFFFFFF, None])
@pytest.mark.parametrize("data", PLACEHOLDERS)
def test_a_killed_or_piped_recording_is_decoded_to_its_end(
    riff: int | None, data: int, make_wav: Build, sound: Pcm, decode: Build
) -> None:
    np.testing.assert_array_equal(decode(make_wav(riff=riff, data=data)), sound)


@pytest.mark.parametrize("riff", [0, 36, None])
def test_a_size_that_an_unfinished_or_whole_riff_contradicts_is_not_believed(
    riff: int | None, make_wav: Build, sound: Pcm, decode: Build
) -> None:
    np.testing.assert_array_equal(decode(make_wav(riff=riff, data=8000)), sound)


def test_a_last_sample_that_was_not_written_to_its_end_is_left_out(
    make_wav: Build, samples: npt.NDArray[np.int16], sound: Pcm, decode: Build
) -> None:
    for data in (0, None):
        for rest in (b"\1", b"\1\2\3"):
            np.testing.assert_array_equal(decode(make_wav(samples.tobytes() + rest, data=data)), sound)


def test_a_size_of_zero_with_nothing_or_chunks_behind_it_is_believed(
    make_wav: Build, info: bytes, decode: Build
) -> None:
    assert decode(make_wav(b"")).shape == (0, 2)
    assert decode(make_wav(b"", after=info)).shape == (0, 2)


@pytest.mark.parametrize("riff", [None, 0xFFFFFFFF])
@pytest.mark.parametrize("has_info", [False, True])
def test_a_byte_that_fills_up_an_odd_size_and_ends_a_sample_is_of_the_sample(
    riff: int | None,
    has_info: bool,
    info: bytes,
    make_wav: Build,
    samples: npt.NDArray[np.int16],
    sound: Pcm,
    decode: Build,
) -> None:
    file = make_wav(riff=riff, data=samples.nbytes - 1, after=info if has_info else b"")
    assert np.array_equal(decode(file), sound)


@pytest.mark.parametrize("data", [0, 0xFFFFFFFF])
def test_chunks_and_tags_behind_samples_without_a_size_are_no_sound(
    data: int, make_wav: Build, make_chunk: Build, info: bytes, sound: Pcm, decode: Build
) -> None:
    for after in (info, info + make_chunk(b"id3 ", bytes(30)), TAG):
        np.testing.assert_array_equal(decode(make_wav(data=data, after=after)), sound)


@pytest.mark.parametrize("codec", ["ULAW", "ALAW", "PCM_U8", "PCM_24", "FLOAT", "DOUBLE", "IMA_ADPCM", "MS_ADPCM"])
@pytest.mark.parametrize("endian", ["LITTLE", "BIG"])
def test_a_killed_recording_of_any_codec_and_byte_order_is_decoded(
    codec: str, endian: str, samples: npt.NDArray[np.int16], libsndfile: Build, decode: Build
) -> None:
    whole, expected = libsndfile(samples, format="WAV", subtype=codec, endian=endian)
    data = whole.index(b"data")
    killed = whole[:4] + bytes(4) + whole[8 : data + 4] + bytes(4) + whole[data + 8 :]
    np.testing.assert_array_equal(decode(whole), expected)
    np.testing.assert_array_equal(decode(killed), expected)
    np.testing.assert_array_equal(decode(whole + killed), np.concatenate([expected, expected]))


def test_a_block_of_adpcm_that_was_not_written_to_its_end_is_left_out(
    samples: npt.NDArray[np.int16], libsndfile: Build, decode: Build
) -> None:
    whole, expected = libsndfile(samples, format="WAV", subtype="IMA_ADPCM")
    data = whole.index(b"data")
    killed = whole[:4] + bytes(4) + whole[8 : data + 4] + bytes(4) + whole[data + 8 : -100]
    decoded = decode(killed)
    assert 0 < len(decoded) < len(expected)
    np.testing.assert_array_equal(decoded, expected[: len(decoded)])


def test_gsm_is_as_long_as_its_blocks(samples: npt.NDArray[np.int16], libsndfile: Build, decode: Build) -> None:
    """libsndfile 1.2 takes an odd number of blocks of 65 bytes for one more and fills that with noise."""
    whole, expected = libsndfile(samples[:1600, 0], format="WAV", subtype="GSM610")
    assert len(expected) == 1920
    np.testing.assert_array_equal(decode(whole), expected[:1600])


# --- sizes of 64 bits, and sizes that wrapped -----------------------------------------------------------------------


@pytest.fixture
def sparse(tmp_path: Path, make_wav: Build) -> Callable[..., Path]:
    """A file that is said to be long and takes no room: header, hole, and the bytes at its end."""

    def write(payload_bytes: int, *, riff: int, data: int, end: bytes = b"") -> Path:
        path: Path = tmp_path / "long.wav"
        with path.open("wb") as handle:
            handle.write(make_wav(b"", riff=riff, data=data))
            handle.truncate(44 + payload_bytes)
            handle.seek(44 + payload_bytes)
            handle.write(end)
        return path

    return write


@pytest.mark.parametrize("payload", [4 * GIB, 4 * GIB + 4000, 9 * GIB + 400])
@pytest.mark.parametrize("has_info", [False, True])
def test_sizes_that_wrapped_at_4_gib_are_unwrapped(payload: int, has_info: bool, info: bytes, sparse: Build) -> None:
    path = sparse(payload, riff=36 + payload, data=payload, end=info if has_info else b"")
    (section,) = find_layout(path, "long.wav").sections
    assert (section.start, section.stop, section.samples) == (44, 44 + payload, payload // 4)
    assert section.header[:4] == b"RF64"


def test_the_end_of_a_wrapped_file_is_decoded(sparse: Build, samples: npt.NDArray[np.int16], sound: Pcm) -> None:
    payload = 4 * GIB + 4 * len(samples)
    path = sparse(payload - samples.nbytes, riff=36 + payload, data=payload, end=samples.tobytes())
    (section,) = find_layout(path, "long.wav").sections
    with Stretch(path, section) as stretch, soundfile.SoundFile(stretch) as file:
        file.seek(GIB)
        np.testing.assert_array_equal(file.read(dtype="float32"), sound)


def test_a_long_file_that_is_cut_short_is_not_taken_for_a_piped_one(sparse: Build) -> None:
    path = sparse(GIB, riff=36 + 5 * GIB // 2, data=5 * GIB // 2)
    assert find_layout(path, "long.wav").sections == (Section(0, 44 + GIB, samples=5 * GIB // 8),)


@pytest.mark.parametrize("magic", [b"RF64", b"BW64"])
@pytest.mark.parametrize("stale", [None, 0, 8000, 0xFFFFFFFFFFFFFFFF])
def test_the_long_form_is_decoded_whatever_its_sizes_were_when_it_was_killed(
    magic: bytes,
    stale: int | None,
    make_chunk: Build,
    make_format: Build,
    samples: npt.NDArray[np.int16],
    sound: Pcm,
    decode: Build,
) -> None:
    data = len(samples.tobytes()) if stale is None else stale
    riff = 80 - 8 + samples.nbytes if stale is None else 0
    body = b"WAVE" + make_chunk(b"ds64", struct.pack("<QQQI", riff, data, 0, 0)) + make_chunk(b"fmt ", make_format())
    content = magic + b"\xff" * 4 + body + b"data" + b"\xff" * 4 + samples.tobytes()
    np.testing.assert_array_equal(decode(content), sound)


def test_the_long_form_that_declares_more_than_there_is_is_cut_short(
    make_chunk: Build, make_format: Build, samples: npt.NDArray[np.int16], refused: Build
) -> None:
    body = b"WAVE" + make_chunk(b"ds64", struct.pack("<QQQI", 64000, 32000, 0, 0)) + make_chunk(b"fmt ", make_format())
    assert refused(b"RF64" + b"\xff" * 4 + body + b"data" + b"\xff" * 4 + samples.tobytes()) == (
        "audio_truncated",
        "call: the header declares 1.00 s and the file holds 0.50 s; the file is cut short: export it again",
    )


@pytest.mark.parametrize("size", [0, 24, 0xFFFFFFFFFFFFFFFF])
def test_an_unfinished_wave64_is_decoded(
    size: int, samples: npt.NDArray[np.int16], sound: Pcm, libsndfile: Build, decode: Build
) -> None:
    whole, _ = libsndfile(samples, format="W64", subtype="PCM_16")
    data = whole.index(b"data") + 16
    np.testing.assert_array_equal(decode(whole), sound)
    np.testing.assert_array_equal(decode(whole[:data] + struct.pack("<Q", size) + whole[data + 8 :]), sound)
    np.testing.assert_array_equal(decode(whole + whole), np.concatenate([sound, sound]))


# --- what may follow the samples ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", [b"LIST", b"id3 ", b"bext", b"cue ", b"smpl", b"fact", b"iXML", b"PAD ", b"JUNK", b"FLLR", b"abcd"]
)
@pytest.mark.parametrize("size", [0, 40, 41])
def test_chunks_behind_the_samples_are_no_sound(
    name: bytes, size: int, make_wav: Build, make_chunk: Build, sound: Pcm, decode: Build
) -> None:
    for riff in (36 + 16000, None):  # some write the size of the whole before they append a chunk
        for pad in (True, False):
            np.testing.assert_array_equal(
                decode(make_wav(after=make_chunk(name, b"\1" * size, pad=pad), riff=riff)), sound
            )


@pytest.mark.parametrize("pad", [b"", b"\0"])
def test_a_byte_of_padding_may_be_missing_anywhere(
    pad: bytes,
    make_wav: Build,
    make_chunk: Build,
    samples: npt.NDArray[np.int16],
    sound: Pcm,
    odd_info: bytes,
    decode: Build,
) -> None:
    chunk = make_chunk(b"bext", bytes(602))
    for content in (
        make_wav(before=odd_info + pad),
        make_wav(after=odd_info + pad + chunk),
        make_wav(samples.tobytes() + b"\1", after=pad + chunk),
        make_wav(samples.tobytes() + b"\1", after=pad),
    ):
        np.testing.assert_array_equal(decode(content), sound)
    joined = make_wav(samples.tobytes() + b"\1", after=pad) + make_wav(after=odd_info + pad)
    np.testing.assert_array_equal(decode(joined), np.concatenate([sound, sound]))


@pytest.mark.parametrize("zeros", [1, 512, 4096, 65535])
def test_zeros_that_fill_the_last_block_of_a_disk_are_no_sound(
    zeros: int, make_wav: Build, sound: Pcm, decode: Build
) -> None:
    np.testing.assert_array_equal(decode(make_wav(riff=36 + 16000, after=bytes(zeros))), sound)


def test_tags_before_and_behind_are_no_sound(make_wav: Build, sound: Pcm, decode: Build) -> None:
    for content in (make_wav(after=TAG), make_wav(after=ID3), ID3 + make_wav(), make_wav(after=ID3 + TAG)):
        np.testing.assert_array_equal(decode(content), sound)


@pytest.mark.parametrize("rest", [b"\x01" * 8000, b"garbage garbage\r\n", bytes(1 << 16), b"\r\n--boundary--\r\n"])
def test_bytes_that_nothing_accounts_for_are_refused(rest: bytes, make_wav: Build, refused: Build) -> None:
    assert refused(make_wav(riff=36 + 16000, after=rest)) == (
        "audio_unreadable",
        (
            f"call: the header declares 0.50 s, which end at byte 16044, and {len(rest)} bytes follow that are no chunk "
            "or tag; if they are audio, the recorder was stopped before it wrote the length: repair the header (of a "
            "WAV: ffmpeg -ignore_length 1 -i IN.wav -c copy OUT.wav); if not, cut them off"
        ),
    )


def test_a_header_of_a_shorter_take_is_refused(make_wav: Build, refused: Build) -> None:
    reason, detail = refused(make_wav(riff=36 + 8000, data=8000))
    assert reason == "audio_unreadable"
    assert "the header declares 0.25 s, which end at byte 8044, and 8000 bytes follow" in detail


@pytest.mark.parametrize("missing", [1, 2, 1000])
def test_a_file_that_ends_early_is_refused(missing: int, make_wav: Build, refused: Build) -> None:
    assert refused(make_wav()[:-missing])[0] == "audio_truncated"


def test_a_chunk_that_says_more_than_there_is_is_refused(make_wav: Build, refused: Build) -> None:
    for content in (
        make_wav(after=b"LIST" + struct.pack("<I", 0x7FFFFFF0) + b"INFO"),
        make_wav(before=b"LIST" + struct.pack("<I", 0x7FFFFFF0)),
        make_wav()[:30],
    ):
        reason, detail = refused(content)
        assert reason == "audio_truncated"
        assert "bytes and " in detail


# --- joined files ---------------------------------------------------------------------------------------------------


def test_wavs_joined_byte_by_byte_are_decoded_one_after_the_other(
    make_wav: Build, info: bytes, sound: Pcm, decode: Build
) -> None:
    twice = np.concatenate([sound, sound])
    for first in (
        make_wav(),
        make_wav(after=info),
        make_wav(data=0),
        make_wav(data=0xFFFFFFFF),
        make_wav(fmt=EXTENSIBLE),
    ):
        for second in (make_wav(), make_wav(data=0, riff=0), make_wav(after=info)):
            np.testing.assert_array_equal(decode(first + second), twice)
    np.testing.assert_array_equal(decode(make_wav() * 3), np.concatenate([twice, sound]))


def test_several_chunks_of_samples_are_decoded_one_after_the_other(
    make_wav: Build, make_chunk: Build, samples: npt.NDArray[np.int16], sound: Pcm, info: bytes, decode: Build
) -> None:
    more = make_chunk(b"data", samples.tobytes())
    np.testing.assert_array_equal(decode(make_wav(after=more)), np.concatenate([sound, sound]))
    np.testing.assert_array_equal(decode(make_wav(after=info + more)), np.concatenate([sound, sound]))


def test_wavs_of_different_kinds_that_were_joined_are_refused(
    make_wav: Build, make_format: Build, refused: Build
) -> None:
    assert refused(make_wav() + make_wav(fmt=make_format(rate_hz=16000))) == (
        "audio_unreadable",
        (
            "call: recordings of different kinds are joined in this file: 2 channels at 8000 Hz up to 0.50 s, then 2 at "
            "16000 Hz; take them apart and convert them"
        ),
    )
    assert refused(make_wav() + make_wav(fmt=make_format(channels=1, align=2)))[0] == "audio_unreadable"


def test_a_joined_wav_that_ends_early_is_refused(make_wav: Build, refused: Build) -> None:
    for kept in (20, 30, 44, 1000, 16043):
        assert refused(make_wav() + make_wav()[:kept])[0] in ("audio_truncated", "audio_unreadable")


def test_a_wave_list_is_refused(make_chunk: Build, make_format: Build, refused: Build) -> None:
    pieces = make_chunk(b"LIST", b"wavl" + make_chunk(b"data", bytes(400)) + make_chunk(b"slnt", bytes(4)))
    body = b"WAVE" + make_chunk(b"fmt ", make_format()) + pieces
    reason, detail = refused(b"RIFF" + struct.pack("<I", len(body)) + body)
    assert (reason, "(wavl)" in detail) == ("audio_unreadable", True)


# --- the format -----------------------------------------------------------------------------------------------------


def test_the_format_may_follow_the_samples(
    make_chunk: Build, make_format: Build, samples: npt.NDArray[np.int16], sound: Pcm, decode: Build
) -> None:
    body = b"WAVE" + make_chunk(b"data", samples.tobytes()) + make_chunk(b"fmt ", make_format())
    np.testing.assert_array_equal(decode(b"RIFF" + struct.pack("<I", len(body)) + body), sound)


def test_an_extensible_format_is_read(make_wav: Build, sound: Pcm, decode: Build) -> None:
    np.testing.assert_array_equal(decode(make_wav(fmt=EXTENSIBLE)), sound)
    np.testing.assert_array_equal(decode(make_wav(fmt=EXTENSIBLE, data=0)), sound)


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        ({"rate_hz": 0}, "2 channels, 0 Hz and 4 bytes a frame"),
        ({"channels": 0}, "0 channels, 8000 Hz"),
        ({"align": 0}, "8000 Hz and 0 bytes a frame"),
        ({"align": 2}, "2 channels of 16 bits and 2 bytes a frame"),
        ({"bits": 24}, "2 channels of 24 bits and 4 bytes a frame"),
        ({"bits": 0}, "2 channels of 0 bits and 4 bytes a frame"),
        ({"channels": 65535}, "65535 channels of 16 bits and 4 bytes a frame"),
        ({"channels": 65535, "bits": 8, "align": 65535}, "not audio that libsndfile can read"),
        ({"rate_hz": 0xFFFFFFFF}, "not audio that libsndfile can read"),
        ({"codec": 0x2222}, "not audio that libsndfile can read"),
        ({"codec": 0x55}, "the samples of this WAV are coded as MPEG audio; take the MP3 out of it"),
        ({"codec": 0x50}, "the samples of this WAV are coded as MPEG audio"),
    ],
)
def test_a_format_that_makes_no_sense_or_is_not_read_is_refused(
    kind: dict[str, int], fault: str, make_wav: Build, make_format: Build, refused: Build
) -> None:
    reason, detail = refused(make_wav(fmt=make_format(**kind)))
    assert reason == "audio_unreadable"
    assert fault in detail


@pytest.mark.parametrize(
    "content", [b"RIFF\x10\0\0\0AVI LIST", b"RIFF", b"RIFF\xff\xff\xff\xffWAVE", b"RIFF\4\0\0\0WAVEdata"]
)
def test_a_riff_without_a_wave_is_refused(content: bytes, refused: Build) -> None:
    assert refused(content)[0] in ("audio_unreadable", "audio_truncated")


def test_a_whole_file_is_one_section_of_the_whole(make_wav: Build, info: bytes, tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(make_wav(after=info))
    assert find_layout(path, "call.wav").sections == (Section(0, path.stat().st_size, samples=4000),)


def test_a_format_that_is_given_twice_is_one(
    sound: Pcm, decode: Build, make_wav: Build, make_chunk: Build, make_format: Build
) -> None:
    np.testing.assert_array_equal(decode(make_wav(before=make_chunk(b"fmt ", make_format()))), sound)
