"""Containers that are decoded in a process of their own: what comes out, where it lies, and what is refused."""

import re
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from duologue_pipeline.errors import RejectError
from duologue_pipeline.ingest.track_file import TrackFile, to_float
from tests.pipeline.ingest.containers.decoded import lag
from tests.pipeline.ingest.containers.made import F32, KINDS, speech, write

LIVE_WEBM = {"live": "1"}
FRAGMENTS = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "frag_duration": "300000"}


def read(path: Path, block: int = 10_007) -> tuple[F32, TrackFile]:
    file = TrackFile(path, path.name)
    blocks = [np.zeros((0, file.channels), np.float32)]
    while len(some := file.read(block)):
        blocks.append(to_float(some))
    file.close()
    return np.concatenate(blocks), file


def refusal(path: Path) -> tuple[str, str]:
    with pytest.raises(RejectError) as raised:
        read(path)
    return raised.value.reason, raised.value.detail


@pytest.mark.parametrize(
    ("kind", "longer", "late", "known"),
    [
        ("m4a", 0, 0, True),
        ("mp4", 0, 0, True),
        ("mov", 0, 0, True),
        ("alac", 0, 0, True),
        ("opus-mp4", 0, 0, True),
        ("mp3-mp4", 0, 0, True),
        ("pcm-mov", 0, 0, True),
        ("webm", 0, 0, True),
        ("vorbis-webm", 1, 0, True),
        ("mka", 1024, 0, True),
        ("flac-mka", 0, 0, True),
        ("3gp", 0, 3, True),  # an edit leaves that out
        ("amr", 160, 53, True),  # the encoder looks 5 ms ahead
        ("aac", 2048, 1024, False),
    ],
)
def test_sound_comes_out_whole_and_in_its_place(kind: str, longer: int, late: int, known: bool, tmp_path: Path) -> None:
    rate_hz = KINDS[kind][2]
    sound = speech(rate_hz, 1.7, 1 if kind in ("amr", "3gp") else 2)
    found, file = read(write(tmp_path / "call", kind, sound))
    assert (file.sample_rate_hz, file.channels, file.start_known) == (rate_hz, sound.shape[1], known)
    assert 0 <= len(found) - len(sound) <= longer
    assert lag(found[:, 0], sound[:, 0]) == late
    assert (file.start_s, file.filled_samples) == (0.0, 0)
    assert np.sqrt(np.mean(found**2)) == pytest.approx(np.sqrt(np.mean(sound**2)), rel=0.15)


def test_windows_media_comes_with_a_delay_that_is_not_known(tmp_path: Path) -> None:
    sound = speech(44100, 1.7)
    found, file = read(write(tmp_path / "call", "wma", sound))
    assert not file.start_known
    assert abs(len(found) - len(sound)) <= 2048


# --- where the sound lies -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["webm", "mka", "mp4"])
def test_packets_that_were_never_sent_become_silence_in_their_place(kind: str, tmp_path: Path) -> None:
    sound = speech(48000, 3.0)
    whole, _ = read(write(tmp_path / "whole", kind, sound))
    found, file = read(write(tmp_path / "call", kind, sound, left_out=lambda at_s: 1.0 <= at_s < 1.5))
    assert file.filled_samples == pytest.approx(24000, abs=1100)
    assert len(found) == pytest.approx(len(whole), abs=400)
    assert not found[50_000:71_000].any()
    assert lag(found[76_000:, 0], whole[76_000:, 0]) == pytest.approx(0, abs=50)


def test_somebody_who_joins_late_has_a_file_that_begins_late(tmp_path: Path) -> None:
    sound = speech(48000, 2.0)
    for kind in ("webm", "opus-mp4"):
        found, file = read(write(tmp_path / kind, kind, sound, starts_s=7.5))
        assert file.start_s == pytest.approx(7.5, abs=0.01)
        assert abs(len(found) - len(sound)) < 1000


def test_the_jitter_of_a_browser_is_no_gap(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    jitter_s = rng.uniform(-0.009, 0.009, 400)
    path = write(
        tmp_path / "call", "webm", speech(48000, 4.0), late_s=lambda at_s: 0.02 + 0.5 * jitter_s[int(at_s * 50) % 400]
    )
    found, file = read(path)
    assert (len(found), file.filled_samples) == (192_000, 0)


@pytest.mark.parametrize(
    ("options", "known", "longer"), [({"movflags": "faststart"}, True, 0), (FRAGMENTS, False, 2048)]
)
def test_an_index_lies_where_it_will(options: dict[str, str], known: bool, longer: int, tmp_path: Path) -> None:
    sound = speech(48000, 2.0)
    found, file = read(write(tmp_path / "call", "mp4", sound, options=options, video=True))
    assert (file.start_known, 0 <= len(found) - len(sound) <= longer) == (known, True)


# --- edit lists -----------------------------------------------------------------------------------------------------


def with_edits(content: bytes, *edits: tuple[int, int, int]) -> bytes:
    """Puts other edits (ms, unit of the track, speed) into an MPEG-4 file whose index lies behind the sound."""
    rows = b"".join(struct.pack(">IihH", duration, begins, speed, 0) for duration, begins, speed in edits)
    elst = struct.pack(">I4sII", 16 + len(rows), b"elst", 0, len(edits)) + rows
    edts = struct.pack(">I4s", 8 + len(elst), b"edts") + elst if edits else b""
    at = content.index(b"edts") - 4
    (size,) = struct.unpack_from(">I", content, at)
    changed = bytearray(content[:at] + edts + content[at + size :])
    for name in (b"moov", b"trak"):
        place = changed.index(name) - 4
        struct.pack_into(">I", changed, place, struct.unpack_from(">I", changed, place)[0] + len(edts) - size)
    return bytes(changed)


def with_gapless(content: bytes, told: str) -> bytes:
    """Adds what iTunes tells of the delay to the index."""

    def box(name: bytes, inner: bytes) -> bytes:
        return struct.pack(">I4s", 8 + len(inner), name) + inner

    own = box(b"mean", bytes(4) + b"com.apple.iTunes") + box(b"name", bytes(4) + b"iTunSMPB")
    own += box(b"data", struct.pack(">II", 1, 0) + told.encode())
    handler = box(b"hdlr", bytes(8) + b"mdirappl" + bytes(9))
    udta = box(b"udta", box(b"meta", bytes(4) + handler + box(b"ilst", box(b"----", own))))
    changed = bytearray(content.replace(b"udta", b"free"))
    at = changed.index(b"moov") - 4
    (size,) = struct.unpack_from(">I", changed, at)
    changed[at + size : at + size] = udta
    struct.pack_into(">I", changed, at, size + len(udta))
    return bytes(changed)


@pytest.fixture(scope="module")
def mp4(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write(tmp_path_factory.mktemp("mp4") / "call.mp4", "mp4", speech(48000, 3.0)).read_bytes()


GAPLESS = " 00000000 00000400 00000180 0000000000023280"


@pytest.mark.parametrize(
    ("edits", "told", "samples", "late", "known", "start_s"),
    [
        ([(3000, 1024, 1)], "", 144_000, 0, True, 0.0),
        ([], "", 145_024, 1024, False, 0.0),
        ([(1000, 25_024, 1)], "", 48_000, -24_000, True, 0.0),
        ([(500, -1, 1), (3000, 1024, 1)], "", 144_000, 0, True, 0.5),
        ([], GAPLESS, 144_000, 0, True, 0.0),
        ([(3022, 0, 1)], GAPLESS, 144_000, 0, True, 0.0),
        ([(3000, 1024, 1)], GAPLESS, 144_000, 0, True, 0.0),
        ([], GAPLESS.replace("23280", "FFFFF"), 144_000, 0, True, 0.0),
    ],
)
def test_edit_lists_say_what_is_played(
    edits: list[tuple[int, int, int]],
    told: str,
    samples: int,
    late: int,
    known: bool,
    start_s: float,
    mp4: bytes,
    tmp_path: Path,
) -> None:
    content = with_edits(mp4, *edits)
    (tmp_path / "call").write_bytes(with_gapless(content, told) if told else content)
    found, file = read(tmp_path / "call")
    assert (len(found), file.start_known, file.start_s) == (samples, known, start_s)
    assert lag(found[:, 0], speech(48000, 3.0)[:, 0]) == late


@pytest.mark.parametrize(
    ("edits", "reason", "said"),
    [
        ([(1500, 1024, 2)], "audio_unreadable", "plays the sound at another speed or holds it"),
        ([(1500, 1024, 0)], "audio_unreadable", "plays the sound at another speed or holds it"),
        ([(1000, 1024, 1), (1000, 73_024, 1)], "audio_unreadable", "puts its sound together of 2 pieces"),
        ([(1000, 1024, 1), (500, -1, 1)], "audio_unreadable", "puts its sound together of 1 pieces"),
        ([(1000, -7, 1)], "audio_unreadable", "puts its sound together of 0 pieces"),
        ([(9000, 1024, 1)], "audio_truncated", "its edit list plays 9.00 s and its index has 3.00 s"),
        ([(1000, 481_024, 1)], "audio_truncated", "its edit list plays 1.00 s and its index has 0.00 s"),
    ],
)
def test_edit_lists_that_are_refused(
    edits: list[tuple[int, int, int]], reason: str, said: str, mp4: bytes, tmp_path: Path
) -> None:
    (tmp_path / "call").write_bytes(with_edits(mp4, *edits))
    found, detail = refusal(tmp_path / "call")
    assert found == reason
    assert said in detail


# --- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["mp4", "webm"])
def test_streams_that_nobody_can_choose_are_refused(kind: str, tmp_path: Path) -> None:
    sound = speech(48000, 1.0)
    assert "2 streams of sound" in refusal(write(tmp_path / "two", kind, [sound, sound]))[1]
    assert "a video without sound" in refusal(write(tmp_path / "none", kind, [], video=True))[1]
    assert len(read(write(tmp_path / "both", kind, sound, video=True))[0]) == 48_000


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("mp4", {}),
        ("mp4", {"movflags": "faststart"}),
        ("mp4", FRAGMENTS),
        ("webm", {}),
        ("webm", LIVE_WEBM),
        ("mka", {}),
        ("wma", {}),
        ("aac", {}),
        ("amr", {}),
    ],
)
@pytest.mark.parametrize("share", [0.3, 0.8, 0.99])
def test_a_file_that_is_cut_short_is_refused(kind: str, options: dict[str, str], share: float, tmp_path: Path) -> None:
    path = write(tmp_path / "call", kind, speech(KINDS[kind][2], 2.0), options=options)
    content = path.read_bytes()
    cut = int(share * len(content))
    if kind == "amr":
        cut += (cut - 6) % 32 == 0  # not between two frames: there nothing shows it
    path.write_bytes(content[:cut])
    assert refusal(path)[0] == "audio_truncated"


@pytest.mark.parametrize(
    ("kind", "change", "said"),
    [
        ("mp4", lambda content: content.replace(b"mp4a", b"enca"), "encrypted (DRM)"),
        ("mp4", lambda content: content.replace(b"mp4a", b"drms"), "encrypted (DRM)"),
        ("mp4", lambda content: content + b"\0\0\0\5what is this?", "bytes at"),
        ("mp4", lambda content: content + content, "a second index"),
        ("webm", lambda content: content + content, "is followed by another one"),
        ("webm", lambda content: content + b"\0\0what is this?", "no element"),
        ("wma", lambda content: content + b"what is this? it is no object", "bytes after its data that are no index"),
        ("aac", lambda content: content + b"what is this?", "no frame after the"),
        ("amr", lambda content: content + b"what is this?", "no frame after"),
    ],
)
def test_bytes_that_nothing_accounts_for_are_refused(
    kind: str, change: Callable[[bytes], bytes], said: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "call", kind, speech(KINDS[kind][2], 2.0))
    path.write_bytes(change(path.read_bytes()))
    reason, detail = refusal(path)
    assert reason == "audio_unreadable"
    assert said in detail


def test_sound_that_the_index_does_not_name_is_refused(tmp_path: Path) -> None:
    content = write(tmp_path / "call", "mp4", speech(48000, 3.0)).read_bytes()
    at = content.index(b"mdat") - 4
    (size,) = struct.unpack_from(">I", content, at)
    for grown, refused in ((4096, False), (5000, True)):
        more = b"\x5a" * grown
        changed = bytearray(content[: at + size] + more + content[at + size :])
        struct.pack_into(">I", changed, at, size + grown)
        (tmp_path / "call").write_bytes(changed)
        if refused:
            assert "5000 bytes among its sound that its index does not name" in refusal(tmp_path / "call")[1]
        else:
            assert len(read(tmp_path / "call")[0]) == 144_000


def test_a_stream_that_changes_midway_is_refused(tmp_path: Path) -> None:
    mono = write(tmp_path / "mono", "aac", speech(44100, 1.0)).read_bytes()
    stereo = write(tmp_path / "stereo", "aac", speech(44100, 1.0, 2)).read_bytes()
    (tmp_path / "call").write_bytes(mono + stereo)
    assert "changes its rate, profile or channels" in refusal(tmp_path / "call")[1]


def test_what_a_file_is_says_its_content_and_not_its_name(tmp_path: Path) -> None:
    sound = speech(48000, 1.0)
    path = write(tmp_path / "call.webm", "mp4", sound)
    assert len(read(path)[0]) == len(read(path.rename(tmp_path / "call.wav"))[0]) == len(sound)


def test_rows_of_gsm_frames_are_known_by_their_content(tmp_path: Path) -> None:
    sound = speech(8000, 2.0)
    soundfile.write(tmp_path / "call", sound[:, 0], 8000, format="RAW", subtype="GSM610")
    found, file = read(tmp_path / "call")
    assert (file.sample_rate_hz, file.start_known, len(found)) == (8000, True, 16_000)
    assert lag(found[:, 0], sound[:, 0]) == 0
    content = (tmp_path / "call").read_bytes()
    (tmp_path / "call").write_bytes(content[:-10])
    assert refusal(tmp_path / "call")[0] == "audio_truncated"
    (tmp_path / "call").write_bytes(content[:3300] + b"\0" + content[3300:])
    assert refusal(tmp_path / "call") == (
        "audio_unreadable",
        "call: a file of GSM with no frame after 2.00 s (byte 3300); export it again",
    )


@pytest.mark.parametrize(("head", "rate_hz"), [(b"#!AMR\n", 8000), (b"#!AMR-WB\n", 16000)])
def test_frames_of_a_telephone_that_sent_nothing_are_silence(head: bytes, rate_hz: int, tmp_path: Path) -> None:
    (tmp_path / "call").write_bytes(head + b"\x7c" * 50)
    found, file = read(tmp_path / "call")
    assert (file.sample_rate_hz, len(found)) == (rate_hz, rate_hz)
    assert np.abs(found).max() < 0.01


def element(name: int, content: bytes) -> bytes:
    """An element of a Matroska file."""
    return name.to_bytes((name.bit_length() + 7) // 8, "big") + (1 << 28 | len(content)).to_bytes(4, "big") + content


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (element(0x6D80, element(0x6240, element(0x5035, b""))), "is encrypted (DRM)"),
        (b"", "holds no packets"),
    ],
)
def test_an_encrypted_webm_is_refused(more: bytes, said: str, tmp_path: Path) -> None:
    track = element(0xD7, b"\1") + element(0x83, b"\2") + element(0x86, b"A_OPUS") + more
    segment = element(0x18538067, element(0x1654AE6B, element(0xAE, track)))
    (tmp_path / "call").write_bytes(element(0x1A45DFA3, element(0x4282, b"webm")) + segment)
    assert said in refusal(tmp_path / "call")[1]


def test_a_webm_whose_times_run_back_is_refused(tmp_path: Path) -> None:
    """Two recordings that were put into one, as by joining clusters."""
    options = {"cluster_time_limit": "500"}
    content = bytearray(write(tmp_path / "call", "webm", speech(48000, 3.0), options=options).read_bytes())
    clusters = [match.start() for match in re.finditer(rb"\x1f\x43\xb6\x75", content)]
    time = content.index(b"\xe7\x82", clusters[-1]) + 2
    content[time : time + 2] = (700).to_bytes(2, "big")
    (tmp_path / "call").write_bytes(content)
    assert "has times that run back by" in refusal(tmp_path / "call")[1]
