"""What is given for audio and is not read: it is named, with what helps."""

from collections.abc import Callable

import pytest

from duologue_pipeline.errors import RejectError
from duologue_pipeline.ingest.containers.foreign import refuse_foreign

Refused = Callable[[bytes], tuple[str, str]]
REST = bytes(range(1, 200)) * 20


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"wvpk\x10\0\0\0", "WavPack"),
        (b"\x1f\x8b\x08\x00", "gzip"),
        (b"PK\x03\x04\x14\0", "ZIP"),
        (b"a.wav".ljust(257, b"\0") + b"ustar", "tar"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:", "Git LFS"),
        (b"<!DOCTYPE html><html><title>Sign in</title>", "web page"),
        (b"\xef\xbb\xbf\n <HTML>", "web page"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code>", "XML"),
        (b'{"error": {"code": 403}}', "JSON"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: audio/wav\r\n\r\nRIFF", "web server"),
        (b"\xff" * 160, "samples without a header"),
        (b"\xd5" * 8000, "samples without a header"),  # the silence of A-law, and no GSM
    ],
)
def test_what_is_no_audio_that_is_read_is_named(refused: Refused, head: bytes, name: str) -> None:
    reason, detail = refused(head + REST)
    assert reason == "audio_unreadable"
    assert detail.startswith("call: this is ")
    assert name in detail


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\0\0\0\x1cftypM4A ", "MPEG-4"),
        (b"\0\0\0\x08wide\0\0\0\x10mdat", "MPEG-4"),
        (b"\x1aE\xdf\xa3\x9fB\x86\x81\x01", "WebM"),
        (b"\xff\xf1\x60\x80\x2f\x5f\xfc", "AAC"),
        (b"#!AMR\n", "AMR"),
        (b"#!AMR_MC1.0\n", "AMR"),
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9", "Windows Media"),
        (b"ID3\x04\0\0\0\0\0\x0a" + bytes(10) + b"\xff\xf1\x60\x80", "AAC"),
    ],
)
def test_what_is_read_and_damaged_is_named(refused: Refused, head: bytes, name: str) -> None:
    reason, detail = refused(head + REST)
    assert reason in ("audio_unreadable", "audio_truncated")
    assert name in detail


def test_what_may_be_an_mp3_is_left_to_its_reader() -> None:
    assert refuse_foreign(b"", "call") is None
    assert refuse_foreign(b"\xff\xf3\x64\xc4" + REST, "call") is None
    assert refuse_foreign(bytes(512), "call") is None


def test_the_published_value_is_a_word() -> None:
    refusal = refuse_foreign(b"wvpk\x10\0\0\0", "a@b.org.wv")
    assert isinstance(refusal, RejectError)
    assert refusal.values == {"container": "wavpack"}


@pytest.mark.parametrize(("codec", "name"), [(0x028F, "G.722"), (0x45, "G.726"), (0xFF, "AAC"), (0xF1AC, "FLAC")])
def test_a_wav_of_a_codec_that_is_not_read_says_which(
    refused: Refused, make_wav: Callable[..., bytes], codec: int, name: str
) -> None:
    content = bytearray(make_wav())
    at = content.index(b"fmt ") + 8
    content[at : at + 2] = codec.to_bytes(2, "little")
    assert f"coded as {name}, which is not read" in refused(bytes(content))[1]
