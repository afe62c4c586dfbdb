"""Pieces in windows of 30 s: which lie together, what the window holds, and to which piece a moment belongs."""

import numpy as np
import numpy.typing as npt
import pytest

from duologue_pipeline.words.asr_language import whisper_language
from duologue_pipeline.words.asr_windows import Window, windows_of

RATE_HZ = 16_000


def pieces(*lengths_s: float) -> list[npt.NDArray[np.float32]]:
    """Pieces of constant levels: .1, .2, ..."""
    return [np.full(round(s * RATE_HZ), 0.1 * (k + 1), np.float32) for k, s in enumerate(lengths_s)]


@pytest.mark.parametrize(
    ("lengths_s", "expected"),
    [
        ((), []),
        ((28.0,), [(0,)]),
        ((10.0, 10.0, 9.0), [(0, 1, 2)]),  # 30 s with the silence between them
        ((10.0, 10.0, 9.1), [(0, 1), (2,)]),
        ((28.0, 0.4, 0.4, 28.0), [(0, 1, 2), (3,)]),
    ],
)
def test_windows_hold_what_fits_in_order(lengths_s: tuple[float, ...], expected: list[tuple[int, ...]]) -> None:
    assert [window.places for window in windows_of(pieces(*lengths_s))] == expected


def test_apart_each_piece_has_its_window() -> None:
    assert windows_of(pieces(1.0, 2.0), apart=True) == [Window((0,), (0,)), Window((1,), (0,))]


def test_a_window_holds_its_pieces_with_silence_between() -> None:
    sounds = pieces(1.0, 2.0)
    (window,) = windows_of(sounds)
    sound = window.pcm(sounds)
    assert sound.dtype == np.float32
    assert sound.size == 3.5 * RATE_HZ
    assert [float(sound[round(at_s * RATE_HZ)]) for at_s in (0.99, 1.01, 1.49, 1.51)] == pytest.approx([0.1, 0, 0, 0.2])


def test_a_moment_belongs_to_the_piece_that_holds_it_or_the_nearest() -> None:
    sounds = pieces(1.0, 2.0)
    (window,) = windows_of(sounds)
    at = {at_s: window.piece_at(at_s, sounds) for at_s in (0.0, 0.99, 1.2, 1.3, 1.5, 3.4, 9.0)}
    assert at == {
        0.0: (0, 0.0),
        0.99: (0, 0.0),
        1.2: (0, 0.0),
        1.3: (1, 1.5),
        1.5: (1, 1.5),
        3.4: (1, 1.5),
        9.0: (1, 1.5),
    }


@pytest.mark.parametrize(
    ("tag", "code"),
    [("en-US", "en"), ("EN", "en"), ("cmn-Hans-CN", "zh"), ("nb", "no"), ("und", None), ("gsw-CH", None), (None, None)],
)
def test_a_language_by_whispers_code(tag: str | None, code: str | None) -> None:
    assert whisper_language(tag, {"en", "zh", "no"}) == code
