"""Filled pauses by their sound: steady voice is one, moving voice, noise and short vowels are none."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
from scipy.signal import lfilter

from duologue_pipeline.activity.filled_pauses import RATE_HZ, filled_pauses, with_filled_pauses
from duologue_pipeline.records import Activity, Recording, Span, Track, Vocalisation
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.vocalisations import VocalisationsRules

Pcm = npt.NDArray[np.float32]

RULES = load_rules(VocalisationsRules)
FIRST, OTHER = RULES.first.confidence, RULES.other.confidence
SCHWA_HZ, HIGH_HZ = (550.0, 1400.0, 2500.0), (300.0, 2100.0, 2900.0)


def vowel(
    length_s: float,
    *,
    f0_hz: tuple[float, float] = (120, 118),
    start_hz: tuple[float, ...] = SCHWA_HZ,
    end_hz: tuple[float, ...] = SCHWA_HZ,
) -> Pcm:
    """Pulses through three resonances of 80 Hz, which all glide in steps of 10 ms; faded for 10 ms, peak .3."""
    hop = RATE_HZ // 100
    hops = round(length_s * 100)
    pulses = np.diff(np.floor(np.cumsum(np.linspace(*f0_hz, hops * hop)) / RATE_HZ), prepend=0.0)
    out = lfilter([1.0], [1.0, -0.95], pulses)
    for begin, end in zip(start_hz, end_hz, strict=True):
        state = np.zeros(2)
        for at, centre_hz in enumerate(np.linspace(begin, end, hops).tolist()):
            radius = np.exp(-np.pi * 80 / RATE_HZ)
            poles = [1.0, -2 * radius * np.cos(2 * np.pi * centre_hz / RATE_HZ), radius**2]
            part = slice(at * hop, (at + 1) * hop)
            out[part], state = lfilter([1.0], poles, out[part], zi=state)
    out[:hop] *= np.linspace(0, 1, hop)
    out[-hop:] *= np.linspace(1, 0, hop)
    return np.asarray(0.3 * out / np.abs(out).max(), np.float32)


def words(length_s: float) -> Pcm:
    """Speech that never stands still: 120 ms glides between two vowels, each with another pitch."""
    glides = [
        vowel(0.12, f0_hz=(140, 105), start_hz=SCHWA_HZ, end_hz=HIGH_HZ)
        if i % 2
        else vowel(0.12, f0_hz=(110, 145), start_hz=HIGH_HZ, end_hz=SCHWA_HZ)
        for i in range(round(length_s / 0.12))
    ]
    return np.concatenate(glides)


def track(*parts: Pcm, before_s: float = 0.2) -> tuple[Pcm, Span]:
    """The parts one after the other with faint noise all over and .2 s around them; the piece from 10 s on."""
    pcm = np.concatenate([np.zeros(round(before_s * RATE_HZ)), *parts, np.zeros(RATE_HZ // 5)]).astype(np.float32)
    pcm += 1e-4 * np.random.default_rng(1).standard_normal(pcm.size).astype(np.float32)
    return pcm, Span(10_000, 10_000 + pcm.size * 1000 // RATE_HZ)


def found_in(*parts: Pcm) -> list[Vocalisation]:
    """What is found if all the parts are one stretch of speech from 10.2 s on."""
    pcm, piece = track(*parts)
    return filled_pauses(pcm, piece, [Span(piece.start_ms + 200, piece.end_ms - 200)])


def test_a_steady_vowel_alone_is_a_filled_pause() -> None:
    assert found_in(vowel(0.3)) == [Vocalisation("filler", 10_200, 10_500, FIRST)]


def test_one_before_words_begins_with_their_stretch() -> None:
    (found,) = found_in(vowel(0.3), words(0.96))
    assert (found.start_ms, found.confidence) == (10_200, FIRST)
    assert found.end_ms == pytest.approx(10_500, abs=50)


def test_one_after_words_ends_with_their_stretch_and_is_told_with_less_confidence() -> None:
    (found,) = found_in(words(0.96), vowel(0.35))
    assert found.start_ms == pytest.approx(11_160, abs=50)
    assert (found.end_ms, found.confidence) == (11_510, OTHER)


@pytest.mark.parametrize(
    "part",
    [
        pytest.param(words(1.2), id="words"),
        pytest.param(vowel(0.1), id="a short vowel"),
        pytest.param(vowel(0.4, f0_hz=(160, 80)), id="falling pitch"),
        pytest.param(vowel(0.3, start_hz=SCHWA_HZ, end_hz=HIGH_HZ), id="a diphthong"),
        pytest.param(vowel(0.4, start_hz=HIGH_HZ, end_hz=HIGH_HZ), id="a close vowel"),
        pytest.param(0.1 * np.random.default_rng(2).standard_normal(2400).astype(np.float32), id="noise"),
        pytest.param(np.zeros(2400, np.float32), id="silence"),
    ],
)
def test_what_moves_or_has_no_voice_is_none(part: Pcm) -> None:
    assert found_in(part) == []


def test_a_shorter_one_counts_only_where_a_stretch_begins() -> None:
    assert len(found_in(vowel(0.2), words(0.96))) == 1
    assert found_in(words(0.96), vowel(0.2)) == []


def test_outside_of_speech_nothing_is_found() -> None:
    pcm, piece = track(vowel(0.4))
    assert filled_pauses(pcm, piece, [Span(11_000, 12_000)]) == []
    assert filled_pauses(pcm, piece, []) == []


@pytest.mark.parametrize("samples", [0, 1, 80, 500])
def test_a_piece_may_be_short(samples: int) -> None:
    assert filled_pauses(np.zeros(samples, np.float32), Span(0, 200), [Span(0, 200)]) == []


# --- a recording ----------------------------------------------------------------------------------------------------


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    """Two tracks at 16 kHz of 60 s with an "uh" at 50.2 s."""
    pcm, _ = track(vowel(0.3), before_s=50.2)
    pcm = np.repeat(np.pad(pcm, (0, 60 * RATE_HZ - pcm.size)), 2)
    for name in ("a", "b"):
        soundfile.write(tmp_path / f"{name}.wav", pcm, 2 * RATE_HZ)
    return Recording("r", Track("a", str(tmp_path / "a.wav")), Track("b", str(tmp_path / "b.wav")))


def test_only_those_without_words_are_listened_to(recording: Recording) -> None:
    speech = [Span(50_200, 50_500)]
    activity = with_filled_pauses(recording, Activity(speech, speech, "test"), ["b"])
    assert activity == Activity(
        speech, speech, "test", vocalisations_b=(Vocalisation("filler", 50_200, 50_500, FIRST),)
    )


def test_with_words_on_both_sides_nothing_is_decoded() -> None:
    nowhere = Recording("r", Track("a", "/nowhere.wav"), Track("b", "/nowhere.wav"))
    activity = Activity([Span(0, 1000)], [], "test")
    assert with_filled_pauses(nowhere, activity, []) is activity
