"""The same sound gives the same bytes, at any sampling rate."""

import io

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from duologue_cards.report.sound import encode, sound_address


def tone(rate_hz: int, seconds: float = 1.0) -> npt.NDArray[np.float32]:
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    pcm: npt.NDArray[np.float32] = np.array([np.sin(2 * np.pi * 440 * times) / 2, np.zeros_like(times)], np.float32)
    return pcm


@pytest.mark.parametrize(
    ("rate_hz", "format", "kind"),
    [
        (8000, "opus", "audio/ogg"),
        (24000, "opus", "audio/ogg"),
        (16000, "mp3", "audio/mpeg"),
        (44100, "opus", "audio/mpeg"),
        (96000, "opus", "audio/ogg"),
        (16001, "opus", "audio/ogg"),
    ],
)
def test_every_rate_is_encoded_the_same_each_time(rate_hz: int, format: str, kind: str) -> None:
    pcm = tone(rate_hz)
    found, data = encode(pcm, rate_hz, format)  # type: ignore[arg-type]
    assert (found, data) == encode(pcm, rate_hz, format)  # type: ignore[arg-type]
    assert found == kind
    heard, heard_hz = soundfile.read(io.BytesIO(data))
    middle = heard[round(0.3 * heard_hz) : round(0.7 * heard_hz)]
    assert np.abs(middle[:, 0]).max() == pytest.approx(0.5, abs=0.1)
    assert np.abs(middle[:, 1]).max() < 0.05
    strongest = np.argmax(np.abs(np.fft.rfft(middle[:, 0]))) * heard_hz / len(middle)
    assert strongest == pytest.approx(440, abs=5)


def test_an_address_holds_the_sound_or_there_is_none() -> None:
    address = sound_address((tone(8000, 0.1), 8000), "opus")
    assert address
    assert address.startswith("data:audio/ogg;base64,T2dnUw")
    assert sound_address(None, "opus") is None
    assert sound_address((np.zeros((2, 0), np.float32), 8000), "opus") is None
