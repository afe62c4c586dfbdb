"""Writes the prompt of PersonaPlex in front of a conversation: a voice, and the role that the model is to play."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.views.sides import check_speaker, side_codes, whole_step
from duologue_pipeline.views.words import is_withdrawn, turns

__all__ = ["SILENCE", "SINE", "persona_prompt", "role_text", "voice_codes"]

SILENCE: Final = (948, 243, 1178, 546, 1736, 1030, 1978, 2008)
"""Mimi's frame of silence, in the model's rows where no voice sounds."""

SINE: Final = (430, 1268, 381, 1611, 1095, 1495, 56, 472)
"""Mimi's frame of a tone of 440 Hz, in the user's rows of the whole prompt."""

_CODEBOOKS: Final = len(SILENCE)
_ENTRIES: Final = 2048
_TEXT_PADDING: Final = 3
_LIKENESS: Final = "likeness"


def persona_prompt(
    text_ids: Sequence[int], voice_codes: npt.NDArray[Any] | None = None, silence_frames: int = 6
) -> npt.NDArray[np.int32]:
    """Gives the prompt of PersonaPlex, to be put in front of :func:`~duologue_pipeline.views.dual_stream`, undelayed like it.

    Frames from left to right, V of the voice, S of silence, one for each token of the text::

        row 0         3 .. 3        3 .. 3    t0 t1 .. tn   3 .. 3
        rows 1 .. 8   voice         silence   silence       silence
        rows 9 .. 16  sine          sine      sine          sine
                      V, if given   S         n + 1         S

    SILENCE and SINE are codes of Mimi: for a release of another codec they are noise. PersonaPlex brings its voice sample to
    -24 LUFS before it is encoded, which a release's codes are not. Its generator overwrites the first frame by the initial ids.

    Args:
        text_ids: ids of the role text, e.g. ``tokenizer.encode(role_text(sample, "a"))``; may be empty.
        voice_codes: integers [8, V], Mimi's codes of the voice (:func:`voice_codes`); no voice if None.
        silence_frames: S; PersonaPlex takes half a second, ``int(.5 * 12.5)``.

    Returns:
        int32 [17, V + S + len(text_ids) + S].

    Raises:
        UsageError: the voice is not Mimi's 8 codebooks of 2,048, the ids are no sequence of ids, or silence_frames is negative.

    Source: NVIDIA/personaplex@3428dfd moshi/moshi/models/lm.py ``step_system_prompts``, moshi/moshi/server.py.
    """
    text = np.asarray(text_ids)
    if text.size == 0:
        text = np.zeros(0, np.int32)
    if text.ndim != 1 or text.dtype.kind not in "iu" or (text < 0).any():
        raise UsageError("text_ids: expected a list of ids of 0 or more, as a text tokenizer gives them")
    silence_frames = whole_step(silence_frames, "silence_frames", least=0)
    voice = np.zeros((_CODEBOOKS, 0), np.int32) if voice_codes is None else np.asarray(voice_codes)
    if voice.ndim != 2 or len(voice) != _CODEBOOKS or voice.dtype.kind not in "iu":
        raise UsageError(
            f"voice_codes of shape {list(voice.shape)}: expected [{_CODEBOOKS}, frames]; PersonaPlex's prompt is made of "
            "Mimi's first 8 codebooks, so read a release of `--codec mimi`"
        )
    if voice.size and not (voice.min() >= 0 and voice.max() < _ENTRIES):
        raise UsageError(f"voice_codes: expected codes of 0 to {_ENTRIES - 1}, as Mimi gives them")
    begin, text_begin = voice.shape[1], voice.shape[1] + silence_frames
    text_end = text_begin + len(text)
    prompt = np.empty((1 + 2 * _CODEBOOKS, text_end + silence_frames), np.int32)
    prompt[0] = _TEXT_PADDING
    prompt[0, text_begin:text_end] = text
    prompt[1 : 1 + _CODEBOOKS, :begin] = voice
    prompt[1 : 1 + _CODEBOOKS, begin:] = np.array(SILENCE)[:, None]
    prompt[1 + _CODEBOOKS :] = np.array(SINE)[:, None]
    return prompt


def role_text(sample: Sample, speaker: str = "a") -> str:
    """Writes what PersonaPlex is told that is to speak as this speaker, between its two tags ``<system>``.

    It is the manifest's ``role_prompt`` of the speaker; without one, what the manifest says of role, topic and register.

    Returns:
        The text, e.g. ``<system> You work for a car repair shop. <system>``; "" where the manifest says nothing, or the
        speaker was taken out.

    Raises:
        UsageError: the speaker is neither ``a`` nor ``b``.

    Source of the tags: NVIDIA/personaplex@3428dfd moshi/moshi/server.py ``wrap_with_system_tags``.
    """
    side = check_speaker(speaker)
    about: Mapping[str, Any] = sample.metadata.get("conditions") or {}
    own: Mapping[str, str] = about.get(side) or {}
    if not own or is_withdrawn(sample, side):
        return ""
    told = own["role_prompt"].strip()
    if not told:
        parts = (
            ("You are {}.", own["role"]),
            ("The conversation is about {}.", about["topic"]),
            ("The register is {}.", about["register"]),
        )
        told = " ".join(sentence.format(value.strip()) for sentence, value in parts if value.strip())
    if not told or (told.startswith("<system>") and told.endswith("<system>")):
        return told
    return f"<system> {told} <system>"


def voice_codes(
    sample: Sample,
    speaker: str = "a",
    *,
    commitment: str | None = None,
    first_frame: int | None = None,
    frames: int = 125,
) -> npt.NDArray[np.int32]:
    """Gives codes of a speaker's own voice, for a prompt of the same speaker, where their consent allows it.

    A model that is prompted with a voice speaks in it. So the speaker must have granted the purpose ``likeness``, and the
    sample must carry the grant (``duologue run ... --purpose likeness``); a purpose of training alone does not cover it.

    Args:
        sample: in which the speaker is heard; it may be another than the one that is prompted.
        speaker: ``a`` or ``b``.
        commitment: who the speaker must be: ``speakers.a.commitment``, or that of b, in the sample that is prompted.
        first_frame: where the voice begins; at the longest turn of the speaker by default, or at 0 if there is none.
        frames: how many; fewer where the turn, or the sample, ends before.

    Returns:
        int32 [8, V], V of 1 to ``frames``.

    Raises:
        UsageError: the consent of the speaker does not carry ``likeness``, the speaker was taken out or is another one, the
            release is not of Mimi, or there are no such frames.
    """
    side = check_speaker(speaker)
    about = sample.metadata
    grants = about.get("consent", {}).get(side, {}).get("grants", [])
    if is_withdrawn(sample, side) or _LIKENESS not in {grant["purpose"] for grant in grants}:
        raise UsageError(
            f"{sample.key}: speaker {side} has not granted the purpose {_LIKENESS} in this release, so their voice may not be "
            "given to a model to speak in; prompt without voice_codes, or make the release with `--purpose likeness`"
        )
    if commitment not in (None, about["speakers"][side]["commitment"]):
        raise UsageError(
            f"{sample.key}: speaker {side} is not the one that the model speaks as; take a sample of the same speaker"
        )
    if about["codec"]["name"] != "mimi":
        raise UsageError(
            f"{sample.key}: the codec is {about['codec']['name']} and PersonaPlex's prompt is made of Mimi's codes; make the "
            "release with `--codec mimi`"
        )
    codes = side_codes(sample, side, _CODEBOOKS)
    frames = whole_step(frames, "frames")
    begin, end = first_frame, codes.shape[1]
    if begin is not None:
        begin = whole_step(begin, "first_frame", least=0)
    else:
        own = [turn for turn in turns(sample) if turn.speaker == side]
        longest = max(own, key=lambda turn: (turn.end_frame - turn.first_frame, -turn.first_frame), default=None)
        begin, end = (longest.first_frame, longest.end_frame) if longest else (0, end)
    if not 0 <= begin < end:
        raise UsageError(f"{sample.key}: first_frame {begin}: the sample has the frames 0 to {end - 1}")
    return np.ascontiguousarray(codes[:, begin : min(end, begin + frames)], np.int32)
