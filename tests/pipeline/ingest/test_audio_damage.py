"""Files that are cut short, damaged, or whose headers lie: refused, with a message that says how it shows."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from duologue_pipeline.ingest.measure import measure_audio
from duologue_pipeline.records import Recording

Build = Callable[..., Any]


def with_flac_total(flac: bytes, samples: int) -> bytes:
    """The file with another "total samples" in its STREAMINFO block: the lower 36 bits of bytes 18 to 26."""
    field = int.from_bytes(flac[18:26], "big") >> 36 << 36 | samples
    return flac[:18] + field.to_bytes(8, "big") + flac[26:]


def with_flac_md5(flac: bytes, md5: bytes) -> bytes:
    """The file with another MD5 in its STREAMINFO block."""
    return flac[:26] + md5 + flac[42:]


SHORTENED = r"the header declares 12\.00 s and the file holds 7\.\d\d s"
ENDLESS = r"the Ogg stream has no end after [67]\.\d\d s"


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("call.wav", {"subtype": "PCM_16"}, SHORTENED),
        ("call.wav", {"subtype": "PCM_24"}, SHORTENED),
        ("call.wav", {"subtype": "FLOAT"}, SHORTENED),
        ("call.wav", {"subtype": "ULAW"}, SHORTENED),
        ("call.aiff", {"subtype": "PCM_16"}, SHORTENED),
        ("call.au", {"subtype": "PCM_16"}, SHORTENED),
        ("call.rf64", {"subtype": "PCM_16"}, SHORTENED),
        ("call.sph", {"format": "NIST", "subtype": "PCM_16"}, SHORTENED),
        ("call.sph", {"format": "NIST", "subtype": "ULAW"}, SHORTENED),
        ("call.mp3", {}, SHORTENED),
        ("call.ogg", {"subtype": "OPUS"}, ENDLESS),
        ("call.ogg", {"subtype": "VORBIS"}, ENDLESS),
    ],
)
def test_a_truncated_file_is_refused(
    name: str,
    kind: dict[str, Any],
    message: str,
    tmp_path: Path,
    noise: Build,
    encoded: Build,
    make_recording: Build,
    refusal: Build,
) -> None:
    whole = encoded(noise(12.0), **{"format": Path(name).suffix[1:], **kind})
    (tmp_path / name).write_bytes(whole[: len(whole) * 6 // 10])
    reason, detail = refusal(make_recording(tmp_path / name))
    assert reason == "audio_truncated"
    assert re.fullmatch(rf"{name}: {message}; the file is cut short: export it again", detail)


@pytest.mark.parametrize("name", ["call.ogg", "call.flac"])
def test_a_file_that_ends_in_its_header_is_refused(
    name: str, tmp_path: Path, noise: Build, encoded: Build, make_recording: Build, refusal: Build
) -> None:
    (tmp_path / name).write_bytes(encoded(noise(1.0), format=Path(name).suffix[1:])[:50])
    assert refusal(make_recording(tmp_path / name))[0] == "audio_unreadable"


@pytest.mark.parametrize(("missing_bytes", "block_s"), [(1, 10), (1000, 10), (100_000, 0)])
def test_a_truncated_flac_is_refused(
    missing_bytes: int,
    block_s: int,
    tmp_path: Path,
    noise: Build,
    encoded: Build,
    make_recording: Build,
    refusal: Build,
) -> None:
    (tmp_path / "call.flac").write_bytes(encoded(noise(12.0), format="FLAC")[:-missing_bytes])
    assert refusal(make_recording(tmp_path / "call.flac")) == (
        "audio_unreadable",
        (
            f"call.flac: decoding failed after {block_s}.00 s (Error : flac decoder lost sync.); "
            "the file is damaged or cut short: export it again"
        ),
    )


def test_an_mp3_with_a_hole_is_refused(
    tmp_path: Path, noise: Build, encoded: Build, make_recording: Build, refusal: Build
) -> None:
    damaged = bytearray(encoded(noise(12.0, 16000), 16000, format="MP3"))
    damaged[40000:44000] = bytes(4000)
    (tmp_path / "call.mp3").write_bytes(damaged)
    assert refusal(make_recording(tmp_path / "call.mp3"))[0] == "audio_unreadable"


def test_a_wav_that_was_streamed_and_declares_no_length_is_accepted(
    tmp_path: Path, noise: Build, encoded: Build, make_recording: Build
) -> None:
    wav = encoded(noise(2.0), format="WAV")
    unknown = (0xFFFFFFFF).to_bytes(4, "little")
    (tmp_path / "call.wav").write_bytes(wav[:4] + unknown + wav[8:40] + unknown + wav[44:])
    assert measure_audio(make_recording(tmp_path / "call.wav")).duration_ms == 2000


@pytest.mark.parametrize("subtype", ["PCM_S8", "PCM_16", "PCM_24"])
@pytest.mark.parametrize("seconds", [2.0, 12.0])
class TestFlacHeaders:
    """What STREAMINFO says of the length may be wrong both ways, within the first block and beyond it."""

    @pytest.fixture
    def flac(self, subtype: str, seconds: float, noise: Build, encoded: Build) -> bytes:
        return encoded(noise(seconds), format="FLAC", subtype=subtype)

    @pytest.fixture
    def recording(self, tmp_path: Path, make_recording: Build) -> Callable[[bytes], Recording]:
        def write(content: bytes) -> Recording:
            (tmp_path / "call.flac").write_bytes(content)
            recording: Recording = make_recording(tmp_path / "call.flac")
            return recording

        return write

    def test_as_it_was_written_it_is_accepted(self, flac: bytes, seconds: float, recording: Build) -> None:
        assert measure_audio(recording(flac)).duration_ms == seconds * 1000

    def test_a_length_overstated_is_refused(
        self, flac: bytes, seconds: float, recording: Build, refusal: Build
    ) -> None:
        assert refusal(recording(with_flac_total(flac, round(seconds * 8000) + 8000))) == (
            "audio_truncated",
            (
                f"call.flac: the header declares {seconds + 1:.2f} s and the file holds {seconds:.2f} s; "
                "the file is cut short: export it again"
            ),
        )

    @pytest.mark.parametrize("less", [1, 8000])
    def test_a_length_understated_is_refused(
        self, less: int, flac: bytes, seconds: float, recording: Build, refusal: Build
    ) -> None:
        assert refusal(recording(with_flac_total(flac, round(seconds * 8000) - less))) == (
            "audio_unreadable",
            (
                "call.flac: the decoded samples do not match the FLAC header's MD5; the header lies about the length or "
                "the data is damaged (`flac --test` tells): encode it again"
            ),
        )

    def test_a_wrong_md5_is_refused(self, flac: bytes, recording: Build, refusal: Build) -> None:
        reason, detail = refusal(recording(with_flac_md5(flac, b"another checksum")))
        assert reason == "audio_unreadable"
        assert "do not match the FLAC header's MD5" in detail

    def test_an_unknown_length_is_accepted(self, flac: bytes, seconds: float, recording: Build) -> None:
        assert measure_audio(recording(with_flac_total(flac, 0))).duration_ms == seconds * 1000

    def test_an_unknown_md5_is_accepted(self, flac: bytes, seconds: float, recording: Build) -> None:
        assert measure_audio(recording(with_flac_md5(flac, bytes(16)))).duration_ms == seconds * 1000
