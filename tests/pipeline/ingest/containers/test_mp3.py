"""MP3s as recorders, joiners, taggers and broken transfers leave them: every byte is sound, a tag, or the refusal."""

import io
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from duologue_pipeline.errors import RejectError
from duologue_pipeline.ingest.containers.mp3 import mp3_layout
from duologue_pipeline.ingest.containers.mp3_frames import parse_frame_header
from duologue_pipeline.ingest.sections import Layout
from tests.pipeline.ingest.containers.decoded import F32, first_channel, lag

Build = Callable[..., npt.NDArray[np.float32]]
TAG = b"TAG" + b"Info".ljust(125, b"\0")


@pytest.fixture(scope="module")
def sound() -> F32:
    """Six seconds of noise bursts at 8 kHz: each moment unlike every other."""
    rng = np.random.default_rng(1)
    envelope = np.repeat(rng.uniform(0.05, 1, 60), 800)
    smooth = np.convolve(rng.standard_normal(48000), np.ones(4) / 4, "same")
    return (0.2 * envelope * smooth).astype(np.float32)


def encode(sound: F32, rate_hz: int = 8000, mode: str = "VARIABLE") -> bytes:
    buffer = io.BytesIO()
    level = {} if mode == "VARIABLE" else {"compression_level": 0.2}
    soundfile.write(buffer, sound, rate_hz, format="MP3", bitrate_mode=mode, **level)
    return buffer.getvalue()


def frames(mp3: bytes) -> list[bytes]:
    """The frames of an MP3 without tags; the first one counts the others."""
    found, at = [], 0
    while at < len(mp3):
        header = parse_frame_header(mp3[at : at + 4])
        assert header is not None
        found.append(mp3[at : at + header.size])
        at += header.size
    return found


def uncounted(mp3: bytes) -> bytes:
    return b"".join(frames(mp3)[1:])


def id3(content: bytes, size: int | None = None) -> bytes:
    size = len(content) if size is None else size
    return b"ID3\4\0\0" + bytes(size >> shift & 127 for shift in (21, 14, 7, 0)) + content


def ape(content: bytes, *, header: bool = True) -> bytes:
    fields = struct.pack("<III", 2000, len(content) + 32, 1)
    footer = b"APETAGEX" + fields + struct.pack("<I", header << 31) + bytes(8)
    return (b"APETAGEX" + fields + struct.pack("<I", 5 << 29) + bytes(8) if header else b"") + content + footer


def lyrics(content: bytes) -> bytes:
    body = b"LYRICSBEGIN" + content
    return body + b"%06d" % len(body) + b"LYRICS200"


@pytest.fixture
def decode(tmp_path: Path) -> Callable[[bytes], tuple[F32, Layout]]:
    def decode(mp3: bytes) -> tuple[F32, Layout]:
        path = tmp_path / "call.mp3"
        path.write_bytes(mp3)
        layout = mp3_layout(path, "call.mp3")
        return first_channel(path), layout

    return decode


Decode = Callable[[bytes], tuple[F32, Layout]]


@pytest.fixture
def refused(decode: Decode) -> Callable[[bytes], tuple[str, str]]:
    def refuse(mp3: bytes) -> tuple[str, str]:
        with pytest.raises(RejectError) as raised:
            decode(mp3)
        return raised.value.reason, raised.value.detail

    return refuse


Refused = Callable[[bytes], tuple[str, str]]


@pytest.mark.parametrize("rate_hz", [8000, 11025, 16000, 22050, 32000, 44100, 48000])
@pytest.mark.parametrize("mode", ["CONSTANT", "VARIABLE"])
def test_the_delay_that_a_file_names_is_left_out(decode: Decode, sound: F32, rate_hz: int, mode: str) -> None:
    found, layout = decode(encode(sound, rate_hz, mode))
    assert layout.start_known
    assert len(found) == len(sound)
    assert lag(found, sound) == 0


@pytest.mark.parametrize("rate_hz", [8000, 16000, 44100])
def test_a_delay_that_is_not_named_is_not_known(decode: Decode, sound: F32, rate_hz: int) -> None:
    """The decoder's own 529 samples are left out in any case; the encoder's 576 cannot be known."""
    found, layout = decode(uncounted(encode(sound, rate_hz)))
    assert not layout.start_known
    assert lag(found, sound) == 576


def test_a_variable_bit_rate_without_a_count_is_decoded_to_its_end(decode: Decode, sound: F32) -> None:
    """Silence first makes small frames, from which libsndfile takes the length of the file."""
    pcm = np.concatenate([sound * 1e-4, sound, sound, sound])
    whole = encode(pcm, 44100)
    found, _ = decode(id3(b"TIT2\0\0\0\5\0\0\0Info") + uncounted(whole))
    assert len(found) == (len(frames(whole)) - 1) * 1152 - 529
    assert lag(found[len(sound) :], pcm[len(sound) :]) == 576


@pytest.mark.parametrize("between", [b"", TAG, ape(b"x" * 20), lyrics(b"INFO" * 9), id3(b"Xing" * 30), bytes(5000)])
def test_joined_files_are_decoded_one_after_the_other(decode: Decode, sound: F32, between: bytes) -> None:
    found, layout = decode(encode(sound) + between + encode(sound[::-1], mode="CONSTANT") + TAG)
    assert layout.start_known
    assert len(found) == 2 * len(sound)
    assert lag(found[: len(sound)], sound) == lag(found[len(sound) :], sound[::-1]) == 0


def test_what_was_appended_without_a_count_is_decoded_too(decode: Decode, sound: F32) -> None:
    found, layout = decode(encode(sound) + uncounted(encode(sound[::-1])))
    assert not layout.start_known
    assert lag(found[: len(sound)], sound) == 0
    assert 2 * len(sound) < len(found) < 2 * len(sound) + 4 * 1152


def test_joined_files_of_two_rates_are_refused(refused: Refused, sound: F32) -> None:
    reason, detail = refused(encode(sound, 8000) + encode(sound, 16000))
    assert reason == "audio_unreadable"
    assert "changes from layer 3, 8000 Hz, 1 channel to layer 3, 16000 Hz, 1 channel after 6." in detail
    assert refused(encode(sound) + encode(np.stack([sound, sound], axis=1)))[0] == "audio_unreadable"


@pytest.mark.parametrize(
    "mp3",
    [
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole[:-1],
        lambda whole: b"".join(frames(whole)[:-1]),
        lambda whole: b"".join(frames(whole)[:-1]) + TAG,
        lambda whole: b"".join(frames(whole)[:-9]) + encode(np.zeros(8000, np.float32)),
        lambda whole: frames(whole)[0],
    ],
    ids=["half", "a byte less", "a frame less", "a frame less and a tag", "cut and joined", "only the count"],
)
def test_fewer_frames_than_the_file_counts_are_refused(
    refused: Refused, sound: F32, mp3: Callable[[bytes], bytes]
) -> None:
    reason, detail = refused(mp3(encode(sound)))
    assert reason == "audio_truncated"
    assert "the header declares 6.00 s and the file holds" in detail


@pytest.mark.parametrize("missing", [1, 30, -1, -3])
def test_a_last_frame_that_is_cut_is_refused(refused: Refused, sound: F32, missing: int) -> None:
    whole = uncounted(encode(sound))
    assert refused(whole[:-missing] if missing > 0 else whole + whole[:-missing])[0] == "audio_truncated"


def test_zeros_where_frames_should_be_are_refused(decode: Decode, refused: Refused, sound: F32) -> None:
    whole = encode(sound)
    assert refused(uncounted(whole) + bytes(10_000))[0] == "audio_truncated"
    assert len(decode(whole + bytes(10_000))[0]) == len(sound)


@pytest.mark.parametrize(
    "damage",
    [
        lambda parts: b"".join(parts[:20]) + b"junk" + b"".join(parts[20:]),
        lambda parts: b"".join(parts[:20]) + bytes(500) + b"".join(parts[20:]),
        lambda parts: b"".join(parts[:20]) + parts[20][:40] + b"".join(parts[21:]),
        lambda parts: b"".join(parts[1:]) + b"hello",
        lambda parts: b"".join(parts[1:]) + bytes([7]) * 9000,
    ],
    ids=["bytes too many", "zeros", "bytes too few", "bytes after it", "many bytes after it"],
)
def test_bytes_that_are_no_frame_and_no_tag_are_refused(
    refused: Refused, sound: F32, damage: Callable[[list[bytes]], bytes]
) -> None:
    reason, detail = refused(damage(frames(encode(sound))))
    assert reason == "audio_unreadable"
    assert "that are neither a frame nor a tag" in detail


@pytest.mark.parametrize(
    "tail",
    [TAG, ape(b"y" * 40), ape(b"y" * 40, header=False) + TAG, lyrics(b"Info") + TAG, b"LYRICSBEGINXingLYRICSEND" + TAG],
)
def test_tags_are_passed_over(decode: Decode, sound: F32, tail: bytes) -> None:
    """Frames and the words of headers within a tag are no frames and no headers."""
    whole = encode(sound)
    for mp3 in (id3(b"APIC" + whole[:900]) + whole + tail, id3(b"Info") + id3(b"Xing") + whole + tail):
        found, layout = decode(mp3)
        assert (len(found), len(layout.sections), layout.start_known) == (len(sound), 1, True)


def test_a_tag_that_is_longer_than_the_file_is_refused(refused: Refused, sound: F32) -> None:
    reason, detail = refused(id3(b"x", size=200_000_000) + encode(sound))
    assert reason == "audio_truncated"
    assert "a tag declares 200000010 bytes" in detail


def test_a_file_of_tags_alone_is_refused(refused: Refused) -> None:
    assert refused(id3(bytes(100)) + TAG)[0] == "audio_unreadable"


def test_a_recorder_of_a_broadcast_may_begin_within_a_frame(decode: Decode, sound: F32) -> None:
    parts = frames(encode(sound))[1:]
    found, layout = decode(parts[0][50:] + b"".join(parts[1:]))
    assert not layout.start_known
    assert len(found) == (len(parts) - 1) * 576 - 529


@pytest.mark.parametrize(("delay", "padding"), [(0, 1000), (4000, 1000), (576, 4095 * 16)])
def test_a_delay_that_cannot_be_is_not_believed(decode: Decode, sound: F32, delay: int, padding: int) -> None:
    whole = encode(sound[:1000] if padding > 4095 else sound)
    at = whole.index(b"LAME") + 21
    both = delay << 12 | min(padding, 4095)
    found, layout = decode(whole[:at] + both.to_bytes(3, "big") + whole[at + 3 :])
    assert not layout.start_known
    assert len(found) == (len(frames(whole)) - 1) * 576 - 529


def test_a_free_bit_rate_is_refused(refused: Refused, sound: F32) -> None:
    frame = bytearray(frames(encode(sound))[5])
    frame[2] &= 0x0F
    reason, detail = refused(bytes(frame) * 50)
    assert (reason, "a free bit rate" in detail) == ("audio_unreadable", True)
