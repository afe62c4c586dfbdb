"""Lays both sides into one sequence as OmniFlatten does: turn by turn, or chunk by chunk."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.views.sequence import (
    MODEL_SPEECH,
    MODEL_TEXT,
    USER_SPEECH,
    USER_TEXT,
    Tokens,
    frame_ids,
    join_tokens,
)
from duologue_pipeline.views.sides import FRAME_MS, FRAME_RATE_HZ, codebook_count, other_speaker, side_codes, whole_step
from duologue_pipeline.views.spans import active_steps
from duologue_pipeline.views.spoken_text import fill_slots, turn_ids, words_of
from duologue_pipeline.views.tokenizers import Tokenizer, check_ids, encode
from duologue_pipeline.views.words import turns

__all__ = ["flattened"]

Queue = list[tuple[int, list[int]]]


def flattened(
    sample: Sample,
    tokenizer: Tokenizer | None,
    *,
    speaker: str = "a",
    streams: Literal[4, 3, 2] = 4,
    text_chunk: int = 2,
    speech_chunk: int = 10,
    align: Literal["word", "turn"] = "word",
    codebooks: int = 1,
    silent_text: int,
    silent_speech: int | Sequence[int],
    silence: Literal["keep", "token"] = "keep",
) -> Tokens:
    """Flattens four, three or two streams into one, as OmniFlatten's stages of training do.

    ::

        4, by turns     user speech . . . | user text . . | model text . . | model speech . . . | user speech ...
        3, by chunks    10 user | 2 model text | 10 model || 10 user | 2 model text | 10 model || ...
        2, by chunks    10 user | 10 model || 10 user | 10 model || ...

    *Four*: a turn after the other by (start, end, speaker), the frames ``[start_ms // 80, ceil(end_ms / 80))`` of its
    speaker alone; what is said outside of turns (backchannels) is not in it. *Three and two*: ``ceil(T / speech_chunk)``
    chunks of time, of which the last is filled with ``silent_speech``; text that a chunk does not have is ``silent_text``.

    **Frames and seconds.** A release has 12.5 frames a second, so 10 frames are 800 ms; of OmniFlatten's own tokenizer (25 or
    50 a second) they are 400 or 200 ms. Take ``speech_chunk=5`` for 400 ms.

    **Overflow.** 2 tokens of text in 800 ms are 2.5 a second, people say 4 to 5: while the model speaks, text falls behind its
    speech, and catches up in its silences. What is left at the end of the sample is dropped; ``dropped`` of the result
    counts it. In 30-s samples of the packaged conversations, at two tokens a word, that is 36 % of the text (5 % at one token
    a word), and 5 % (1 %) with ``speech_chunk=5``.

    Text: ``align="turn"`` (the published way, "relaxed"): the words of a turn, joined by one space, may be written from the
    turn's first chunk on; words outside of turns are left out. ``align="word"``: each word by itself from its own chunk on,
    frame ``int(start_s * 12.5)``. What does not fit in a chunk waits.

    Source: arXiv 2410.17799, by notes of two readers; no code of it was published.

    Args:
        sample: the sample.
        tokenizer: a callable ``str -> ids`` or an object with ``encode``; None will do with ``streams=2``.
        speaker: whose side the model speaks, ``a`` or ``b``.
        streams: 4 (user speech and text, model text and speech), 3 (without the user's text), 2 (without text).
        text_chunk: tokens of text in a chunk, at least 1.
        speech_chunk: frames of speech in a chunk and on a side, at least 1.
        align: when text may be written.
        codebooks: how many of the frame are written, coarsest first, frame by frame.
        silent_text: id that fills the text of a chunk; used by three streams only.
        silent_speech: id that stands for a silent frame; or one a codebook, e.g. the release's ``codec.silence``.
        silence: ``token`` writes ``silent_speech`` for each frame whose middle lies in no activity of its speaker, ``keep`` its
            codes.

    Returns:
        ids int32 [L], kind uint8 [L] (0 user speech, 1 user text, 2 model text, 3 model speech). Three streams:
        L = chunks * (2 * speech_chunk * codebooks + text_chunk). Ids of speech are the codec's, without an offset.

    Raises:
        UsageError: an argument is none of these, there is no tokenizer, or the release has fewer codebooks.
    """
    if streams not in (4, 3, 2):
        raise UsageError(f"streams {streams}: expected 4, 3 or 2")
    if align not in ("word", "turn"):
        raise UsageError(f'align {align!r}: expected "word" or "turn"')
    text_chunk, speech_chunk = whole_step(text_chunk, "text_chunk"), whole_step(speech_chunk, "speech_chunk")
    user, silent = other_speaker(speaker), _silent_frame(sample, silent_speech, codebooks)
    heard = {each: _speech(sample, each, silent, silence) for each in (user, speaker)}
    if streams == 2:
        return _by_chunks(heard[user], heard[speaker], silent, speech_chunk, None)
    if tokenizer is None:
        raise UsageError(f"{streams} streams hold text: give a tokenizer, or take streams=2")
    if streams == 4:
        return _by_turns(sample, tokenizer, speaker, heard)
    chunks = -(-heard[user].shape[1] // speech_chunk)
    filler = check_ids("silent_text", silent_text)
    if len(filler) != 1:
        raise UsageError(f"silent_text {silent_text!r}: expected one id")
    queue = _queue(sample, tokenizer, speaker, align)
    in_slots = [(frame // speech_chunk * text_chunk, ids) for frame, ids in queue]
    text, dropped = fill_slots(in_slots, chunks * text_chunk, filler[0])
    rows = np.array(text, np.int32).reshape(chunks, text_chunk)
    return _by_chunks(heard[user], heard[speaker], silent, speech_chunk, rows, dropped)


def _silent_frame(sample: Sample, silent_speech: int | Sequence[int], codebooks: int) -> npt.NDArray[np.int32]:
    """Gives the codes of a silent frame: int32 [K, 1]."""
    count = codebook_count(sample, codebooks)
    given = np.array(check_ids("silent_speech", silent_speech), np.int32)
    if len(given) not in (1, count):
        raise UsageError(
            f"silent_speech has {len(given)} ids and a frame {count} codebooks; give one id, or one for each"
        )
    return np.broadcast_to(given[:, np.newaxis], (count, 1))


def _speech(
    sample: Sample, speaker: str, silent: npt.NDArray[np.int32], silence: Literal["keep", "token"]
) -> npt.NDArray[np.int32]:
    """Gives the codes of a side: int32 [K, T]."""
    codes = side_codes(sample, speaker, len(silent)).astype(np.int32)
    if silence == "keep":
        return codes
    if silence != "token":
        raise UsageError(f'silence {silence!r}: expected "keep" or "token"')
    return np.where(active_steps(sample, speaker, FRAME_MS), codes, silent)


def _queue(sample: Sample, tokenizer: Tokenizer, speaker: str, align: Literal["word", "turn"]) -> Queue:
    """Lists the model's text with the frame from which on it may be written."""
    words = words_of(sample, tokenizer, speaker)
    if align == "word":
        [said] = words.values()
        return [(int(word.start_s * FRAME_RATE_HZ), encode(tokenizer, word.text)) for word in said if word.text]
    own = [turn for turn in turns(sample) if turn.speaker == speaker]
    return [(turn.first_frame, turn_ids(tokenizer, turn, words)) for turn in own]


def _by_turns(sample: Sample, tokenizer: Tokenizer, speaker: str, heard: dict[str, npt.NDArray[np.int32]]) -> Tokens:
    words = words_of(sample, tokenizer, *heard)
    parts: list[tuple[npt.NDArray[np.int32] | list[int], int]] = []
    for turn in turns(sample):
        speech = frame_ids(heard[turn.speaker][:, turn.first_frame : turn.end_frame])
        text = turn_ids(tokenizer, turn, words)
        if turn.speaker == speaker:
            parts += [(text, MODEL_TEXT), (speech, MODEL_SPEECH)]
        else:
            parts += [(speech, USER_SPEECH), (text, USER_TEXT)]
    return join_tokens(parts)


def _by_chunks(
    user: npt.NDArray[np.int32],
    model: npt.NDArray[np.int32],
    silent: npt.NDArray[np.int32],
    speech_chunk: int,
    text: npt.NDArray[np.int32] | None,
    dropped: int = 0,
) -> Tokens:
    """Lays chunks side by side; ``text`` is int32 [chunks, text_chunk]."""
    codebooks, frames = user.shape
    chunks = -(-frames // speech_chunk)
    filling = np.repeat(silent, chunks * speech_chunk - frames, axis=1)
    sides = [
        (frame_ids(np.concatenate([side, filling], axis=1)).reshape(chunks, speech_chunk * codebooks), kind)
        for side, kind in ((user, USER_SPEECH), (model, MODEL_SPEECH))
    ]
    if text is not None:
        sides.insert(1, (text, MODEL_TEXT))
    kinds = np.repeat(np.array([kind for _, kind in sides], np.uint8), [rows.shape[1] for rows, _ in sides])
    ids = np.concatenate([rows for rows, _ in sides], axis=1)
    return Tokens(ids.reshape(-1), np.tile(kinds, chunks), dropped)
