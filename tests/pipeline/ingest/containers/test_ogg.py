"""Ogg files with joined streams, holes, lost and damaged pages: the sound lies where it was, or the file is refused."""

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from duologue_pipeline.errors import RejectError
from duologue_pipeline.ingest.containers.ogg import ogg_layout
from duologue_pipeline.ingest.containers.ogg_packets import OpusPackets
from duologue_pipeline.ingest.containers.ogg_pages import OggPage, make_page, read_pages
from duologue_pipeline.ingest.sections import Layout
from tests.pipeline.ingest.containers.decoded import F32, first_channel, lag

SECONDS = 12
TAG = b"TAG" + bytes(125)


def make_sound(rate_hz: int) -> F32:
    """Noise bursts: each moment unlike every other."""
    rng = np.random.default_rng(1)
    envelope = np.repeat(rng.uniform(0.05, 1, SECONDS * 10), rate_hz // 10)
    smooth = np.convolve(rng.standard_normal(SECONDS * rate_hz), np.ones(4) / 4, "same")
    return (0.2 * envelope * smooth).astype(np.float32)


def encode(sound: F32, rate_hz: int, codec: str) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, sound, rate_hz, format="OGG", subtype=codec)
    return buffer.getvalue()


def pages_of(ogg: bytes) -> list[OggPage]:
    return list(read_pages(io.BytesIO(ogg), "call.ogg"))


def join(pages: Sequence[OggPage], *, numbered: bool = True) -> bytes:
    """The bytes of pages, numbered one after the other as a recorder does."""
    numbered_pages = [replace(page, sequence=k) if numbered else page for k, page in enumerate(pages)]
    return b"".join(page.at_time(page.granule) for page in numbered_pages)


@pytest.fixture(scope="module", params=[(8000, "OPUS"), (48000, "OPUS"), (16000, "VORBIS"), (44100, "VORBIS")])
def call(request: pytest.FixtureRequest) -> tuple[bytes, F32, int, str]:
    """A file, the sound in it, its rate and its codec."""
    rate_hz, codec = request.param
    sound = make_sound(rate_hz)
    return encode(sound, rate_hz, codec), sound, rate_hz, codec


@pytest.fixture(scope="module")
def opus() -> tuple[list[OggPage], F32]:
    """The pages of a file at 8 kHz: two of headers, then about one a second."""
    sound = make_sound(8000)
    return pages_of(encode(sound, 8000, "OPUS")), sound


@pytest.fixture
def decode(tmp_path: Path) -> Callable[[bytes], tuple[F32, Layout]]:
    def decode(ogg: bytes) -> tuple[F32, Layout]:
        path = tmp_path / "call.ogg"
        path.write_bytes(ogg)
        layout = ogg_layout(path, "call.ogg")
        return first_channel(path), layout

    return decode


Decode = Callable[[bytes], tuple[F32, Layout]]


@pytest.fixture
def refused(decode: Decode) -> Callable[[bytes], tuple[str, str]]:
    def refuse(ogg: bytes) -> tuple[str, str]:
        with pytest.raises(RejectError) as raised:
            decode(ogg)
        return raised.value.reason, raised.value.detail

    return refuse


Refused = Callable[[bytes], tuple[str, str]]


def test_one_stream(decode: Decode, call: tuple[bytes, F32, int, str]) -> None:
    ogg, sound, *_ = call
    for content in (ogg, ogg + TAG, ogg + bytes(3000), b"ID3\4\0\0\0\0\0\x0a" + bytes(10) + ogg):
        found, layout = decode(content)
        assert (len(found), lag(found, sound), layout.start_known) == (len(sound), 0, True)


def test_all_streams_of_a_chain_are_decoded(decode: Decode, call: tuple[bytes, F32, int, str]) -> None:
    ogg, sound, rate_hz, codec = call
    found, layout = decode(ogg + encode(sound[::-1], rate_hz, codec) + ogg)
    parts = np.split(found, 3)
    assert len(found) == 3 * len(sound)
    assert len(layout.sections) == 3
    assert [lag(part, of) for part, of in zip(parts, (sound, sound[::-1], sound), strict=True)] == [0, 0, 0]


def test_streams_that_differ_are_refused(refused: Refused, call: tuple[bytes, F32, int, str]) -> None:
    ogg, sound, rate_hz, codec = call
    for other in (
        encode(make_sound(24000), 24000, codec),
        encode(np.stack([sound, sound], axis=1), rate_hz, codec),
        encode(make_sound(12000), 12000, "VORBIS" if codec == "OPUS" else "OPUS"),
    ):
        reason, detail = refused(ogg + other)
        assert (reason, "joined streams that differ" in detail) == ("audio_unreadable", True)


def test_a_stream_without_its_last_page_is_refused(refused: Refused, call: tuple[bytes, F32, int, str]) -> None:
    """Cut between two pages or within one, alone or before another: there is nothing that says that it is whole."""
    ogg, *_ = call
    pages = pages_of(ogg)
    for cut in (join(pages[:-1]), ogg[: len(ogg) * 6 // 10], ogg[:-1], join(pages[:-1]) + ogg, join(pages[:2])):
        reason, detail = refused(cut)
        assert reason == "audio_truncated"
        assert "has no end" in detail


@pytest.mark.parametrize("gone", [(5,), (2,), (4, 7), (5, 6), (-2,)])
def test_what_was_never_sent_becomes_silence(
    decode: Decode, opus: tuple[list[OggPage], F32], gone: tuple[int, ...]
) -> None:
    pages, sound = opus
    at = [k % len(pages) for k in gone]
    found, _ = decode(join([page for k, page in enumerate(pages) if k not in at]))
    if at == [2]:  # the sound begins with the second page
        sound = sound[pages[2].granule // 6 :]
    for k in at:
        hole = slice((pages[k - 1].granule - 312) // 6, (pages[k].granule - 312) // 6)
        assert at == [2] or not found[hole].any()
    assert len(found) == len(sound)
    assert lag(found[:4000], sound[:4000]) == lag(found[-12000:], sound[-12000:]) == 0


def test_a_hole_of_one_packet(decode: Decode, opus: tuple[list[OggPage], F32]) -> None:
    """A recorder that writes a page a packet loses 20 ms in the middle of sound."""
    pages, sound = opus
    small = pages[:2]
    time = 0
    for page in pages[2:]:
        for packet, _ in page.packets():
            time += OpusPackets().samples(packet) or 0
            lacing = b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255])
            small.append(replace(page, lacing=lacing, body=packet, granule=time, last=False))
    small[-1] = replace(small[-1], last=True, granule=pages[-1].granule)
    assert decode(join(small))[0].size == len(sound)
    found, layout = decode(join(small[:100] + small[101:]))
    assert len(found) == len(sound)
    assert [section.silence_samples for section in layout.sections] == [0, 160]
    assert lag(found[:12000], sound[:12000]) == lag(found[-40000:], sound[-40000:]) == 0


def test_a_recorder_that_joined_late_begins_with_its_first_sample(
    decode: Decode, opus: tuple[list[OggPage], F32]
) -> None:
    """The pre-skip is left out in any case (RFC 7845, 4.2); libsndfile leaves it out only of a stream that begins at 0."""
    pages, sound = opus
    found, _ = decode(join(pages[:2] + pages[6:]))
    begins = pages[5].granule // 6
    assert len(found) == len(sound) - begins
    assert lag(found, sound[begins:]) == 0
    for later in (40, 960, 48000):
        found, _ = decode(join([replace(page, granule=page.granule + later * (k > 1)) for k, page in enumerate(pages)]))
        assert (len(found), lag(found, sound)) == (len(sound), 0)


def test_a_rate_that_the_header_leaves_open_is_48_khz(decode: Decode, opus: tuple[list[OggPage], F32]) -> None:
    pages, sound = opus
    head = pages[0].body[:12] + bytes(4) + pages[0].body[16:]
    assert len(decode(join([replace(pages[0], body=head), *pages[1:]]))[0]) == 6 * len(sound)


def test_a_vorbis_stream_with_a_hole_is_refused(refused: Refused) -> None:
    pages = pages_of(encode(make_sound(16000), 16000, "VORBIS"))
    middle = len(pages) // 2
    reason, detail = refused(join(pages[:middle] + pages[middle + 1 :]))
    assert reason == "audio_unreadable"
    assert "s of sound after" in detail
    assert "cut short" not in detail


def test_a_vorbis_stream_that_begins_before_its_time_is_refused(refused: Refused, decode: Decode) -> None:
    """As ffmpeg -ss with -c copy writes it: libsndfile would give what is cut off, and leave out as much of the end."""
    sound = make_sound(16000)
    pages = pages_of(encode(sound, 16000, "VORBIS"))
    earlier = [page if page.granule <= 0 else replace(page, granule=page.granule - 8000) for page in pages]
    first = next(k for k, page in enumerate(earlier) if page.granule != 0)
    assert earlier[first].granule > 0
    assert "time is before its beginning" in refused(join(earlier))[1]
    rounded = [page if page.granule <= 0 else replace(page, granule=page.granule - 64) for page in pages]
    assert len(decode(join(rounded))[0]) == len(sound) - 64


def test_lost_and_damaged_pages_are_refused(refused: Refused, call: tuple[bytes, F32, int, str]) -> None:
    ogg, *_ = call
    pages = pages_of(ogg)
    middle = len(pages) // 2
    assert "lacks pages" in refused(join(pages[:middle] + pages[middle + 1 :], numbered=False))[1]
    flipped = bytearray(ogg)
    flipped[pages[middle].stop - 9] ^= 1
    assert "its checksum is wrong" in refused(bytes(flipped))[1]
    assert "something else than a page" in refused(ogg[: pages[middle].start] + b"junk" + ogg[pages[middle].start :])[1]
    assert "something else than a page" in refused(ogg + b"junk" * 9)[1]


def test_times_that_run_backwards_are_refused(refused: Refused, opus: tuple[list[OggPage], F32]) -> None:
    pages, _ = opus
    early = [replace(page, granule=page.granule - 9600 * (k > 5)) for k, page in enumerate(pages)]
    assert "times that run backwards by 9600 samples" in refused(join(early))[1]
    assert "before its beginning" in refused(join([*pages[:2], replace(pages[2], granule=40), *pages[3:]]))[1]


def test_several_streams_at_once_are_refused(refused: Refused, call: tuple[bytes, F32, int, str]) -> None:
    pages = pages_of(call[0])
    both = [own for page in pages for own in (page, replace(page, serial=page.serial ^ 1))]
    reason, detail = refused(join(both, numbered=False))
    assert (reason, "several streams at once" in detail) == ("audio_unreadable", True)


def test_a_skeleton_beside_the_sound_is_passed_over(decode: Decode, call: tuple[bytes, F32, int, str]) -> None:
    ogg, sound, *_ = call
    pages = pages_of(ogg)
    bone = make_page([b"fishead\0" + bytes(56)], serial=1, sequence=0, first=True)
    end = replace(pages[0], first=False, last=True, serial=1, sequence=1, lacing=b"\0", body=b"").at_time(0)
    found, _ = decode(bone + ogg[: pages[0].stop] + end + ogg[pages[0].stop :])
    assert (len(found), lag(found, sound)) == (len(sound), 0)


@pytest.mark.parametrize("magic", [b"\x7fFLAC", b"Speex   ", b"\x80theora", b"what"])
def test_other_codecs_are_refused(refused: Refused, magic: bytes) -> None:
    reason, detail = refused(make_page([magic + bytes(60)], serial=1, sequence=0, first=True))
    assert reason == "audio_unreadable"
    assert "only Opus and Vorbis are read from Ogg" in detail
