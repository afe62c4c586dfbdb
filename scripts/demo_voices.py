"""Speaks for the embedded sample: the engines of ``duologue simulate``, changed in rate and vocal tract."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import soxr

from duologue_pipeline.simulate.synthesis import synthesise

__all__ = ["Spoken", "Voice", "speak"]

# The letter-to-sound rules read "mhm" as three letter names; each form is said as words of the lexicon instead.
SPOKEN_FORMS = {"mhm": "um hum", "uh-huh": "uh huh", "hmm": "hum"}


@dataclass(frozen=True)
class Voice:
    """Names a voice, and says how it is changed.

    ``name`` is ``flite:NAME`` or ``festival:NAME``. ``stretch`` above 1 speaks slower. ``tract`` above 1 scales pitch
    and formants up by resampling, as a shorter vocal tract does, and leaves the speaking rate as ``stretch`` sets it.
    """

    name: str
    stretch: float = 1.0
    tract: float = 1.0


@dataclass(frozen=True)
class Spoken:
    """Holds synthesised words.

    ``pcm`` is float64 [T] in [-1, 1]; ``word_times_s`` holds start and end of each word in its seconds.
    """

    pcm: npt.NDArray[np.float64]
    word_times_s: Sequence[tuple[float, float]]


@cache
def speak(words: tuple[str, ...], voice: Voice, rate_hz: int) -> Spoken:
    """Speaks the words without a pause between them.

    Args:
        words: as they stand in the transcript, without punctuation.
        voice: who says them.
        rate_hz: of the result.

    Raises:
        RuntimeError: the engine is not installed, or has given more or fewer words than it was asked for.
    """
    spoken = [SPOKEN_FORMS.get(word, word).split() for word in words]
    text = " ".join(part for parts in spoken for part in parts)
    # Playing back faster (tract above 1) shortens the speech by the same factor, so it is said slower before.
    (said,) = synthesise(voice.name, [text], stretch=voice.stretch * voice.tract)
    times_s = list(said.word_times_s)
    word_times_s = []
    for parts in spoken:
        mine, times_s = times_s[: len(parts)], times_s[len(parts) :]
        word_times_s.append((mine[0][0] / voice.tract, mine[-1][1] / voice.tract))
    resampled = soxr.resample(said.pcm, said.sample_rate_hz * voice.tract, rate_hz, quality="VHQ")
    return Spoken(resampled, word_times_s)
