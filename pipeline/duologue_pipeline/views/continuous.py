"""Gives one side's sound as features and what the model does meanwhile, for models without a codec."""

from typing import Literal

import numpy as np
import numpy.typing as npt

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.records import SPEAKERS
from duologue_pipeline.views.mel import SAMPLE_RATE_HZ, log_mel, resample
from duologue_pipeline.views.sides import FRAME_MS, check_speaker, frame_count, other_speaker, whole_step
from duologue_pipeline.views.states import chunk_states

__all__ = ["continuous"]


def continuous(
    sample: Sample,
    *,
    speaker: str = "a",
    hears: Literal["user", "model"] = "user",
    bins: int = 80,
    block_ms: int = 80,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
    """Gives log-mel features of one side every 10 ms, and the model's state in each block.

    ::

        features  | 8 x [bins] | 8 x [bins] | 8 x [bins] | ...      10 ms each, of the user's sound
        states    |   LISTEN   |   START    |   SPEAK    | ...      80 ms each, of the model

    The features are Whisper's (:func:`duologue_pipeline.views.mel.log_mel`), of the audio resampled to 16 kHz and padded by zeros to
    the end of the last frame of the codes; the states those of :func:`duologue_pipeline.views.states.chunk_states`. Everything is
    numpy: the same numbers with torch and without.

    SALMONN-omni takes two streams, the environment and its own speech: a second call with ``hears="model"`` gives the other.
    It has blocks of 80 ms, ``<think>`` to stay in a state and ``<shift>`` to change it: ``<shift>`` stands where a model
    begins (START) or ends (STOP, INTERRUPTED) its turn. Source: notes on SALMONN-omni, whose code is not published;
    features: openai/whisper whisper/audio.py.

    Args:
        sample: of a release with audio.
        speaker: whose side the model speaks, ``a`` or ``b``.
        hears: whose sound the features are of.
        bins: mel bands, 80, or 128 as Whisper large-v3.
        block_ms: length of a block.

    Returns:
        features float32 [8 T, bins], states uint8 [ceil(80 T / block_ms)].

    Raises:
        UsageError: the sample has no audio, or an argument is none of these.
        DamagedReleaseError: the audio cannot be decoded.
    """
    if hears not in ("user", "model"):
        raise UsageError(f'hears {hears!r}: expected "user" or "model"')
    states = chunk_states(sample, speaker=speaker, chunk_ms=block_ms)
    bins, heard = whole_step(bins, "bins"), other_speaker(speaker) if hears == "user" else check_speaker(speaker)
    if sample.audio is None:
        raise UsageError(f"{sample.key}: the release has no audio; make it with `duologue run ... --include-audio`")
    audio, rate_hz = sample.audio
    wanted = frame_count(sample) * FRAME_MS * SAMPLE_RATE_HZ // 1000
    signal = resample(audio[SPEAKERS.index(heard)], rate_hz, SAMPLE_RATE_HZ)[:wanted]
    return log_mel(np.pad(signal, (0, wanted - len(signal))), bins), states
