"""Lays a sample out as parallel rows of text and audio, turn after turn: Kimi-Audio, Mini-Omni, SLAM-Omni."""

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.views.parallel_styles import KIMI_AUDIO, Marks, ParallelStyle
from duologue_pipeline.views.sequence import MODEL_SPEECH, MODEL_TEXT, TAG, USER_SPEECH, Tokens
from duologue_pipeline.views.sides import FRAME_RATE_HZ, check_speaker, codebook_count, side_codes, whole_step
from duologue_pipeline.views.spoken_text import words_of
from duologue_pipeline.views.tokenizers import Tokenizer, encode
from duologue_pipeline.views.words import text_of_turn, turns

__all__ = ["parallel"]

I32 = npt.NDArray[np.int32]
Kinds = npt.NDArray[np.uint8]
Codes = npt.NDArray[np.uint16]


def parallel(
    sample: Sample,
    tokenizer: Tokenizer,
    lead: int = 6,
    *,
    speaker: str = "a",
    style: ParallelStyle = KIMI_AUDIO,
    layers: int | None = None,
) -> Tokens:
    """Gives the turns of a sample as rows of one length: the model's text leads its audio, and the user's audio stands alone.

    A turn of the user and one of the model, text blank ``.``, audio blank ``-``, ends ``E``, marks ``<`` ``>``, ``lead=3``::

        text row     . . . . . . .   .  t t t E . . . .  .
        audio rows   < < u u u > >   <  - - - c c c c E  >

    Overlapping turns follow one another by their start: these models take turns, and what is said at once is lost as time (but
    not as codes). Backchannels are not turns and are left out. After a withdrawal a sample has no turns.

    Kinds are one an id: 0 user speech, 2 the model's text and its end, 3 the model's codes and their end, 4 all else. SLAM-Omni's own
    labels put loss on the audio blanks of the model's turn as well.

    Args:
        sample: is left as it is.
        tokenizer: a callable str -> ids, or an object with ``encode``.
        lead: by how many positions the text of a turn is before its audio.
        speaker: ``a`` or ``b``: whose side the model speaks.
        style: KIMI_AUDIO, MINI_OMNI, SLAM_OMNI, or one of your own.
        layers: audio rows, another number than the style's.

    Returns:
        Tokens of two dimensions, row 0 text, then the audio rows: ids int32 [1 + layers, L], kind uint8 [1 + layers, L].

    Raises:
        UsageError: the release has fewer codebooks than layers, or lead is negative.

    Sources: those of the styles. Kimi-Audio's own ``audio-text`` messages carry no end of text and fail where the text is longer
    than the audio; here the text ends as its generator ends it, and the longer row decides.
    """
    lead = whole_step(lead, "lead", least=0)
    if not isinstance(style, ParallelStyle):
        raise UsageError(f"style {style!r}: expected a ParallelStyle, such as KIMI_AUDIO")
    style = replace(style, layers=whole_step(style.layers if layers is None else layers, "layers"))
    model = check_speaker(speaker)
    count = codebook_count(sample, 1 if style.folded else style.layers)
    words = words_of(sample, tokenizer, model)
    parts = []
    length = 0
    for turn in turns(sample):
        codes = side_codes(sample, turn.speaker, count)[:, turn.first_frame : turn.end_frame]
        text = None
        if turn.speaker == model:
            text = [*encode(tokenizer, text_of_turn(turn, words)), style.text_end]
        marks = style.user_marks if text is None else style.model_marks
        spoken = _length(text, codes.shape[1], lead, style)
        parts.append((text, codes, marks, spoken))
        length += len(marks[0]) + spoken + len(marks[1])
    ids, kinds = _blanks(length, style)
    at = 0
    for text, codes, (before, after), spoken in parts:
        begin, end = at + len(before), at + len(before) + spoken
        _write_marks(ids[:, at:begin], before, style)
        if text is not None:
            _write_answer(ids[:, begin:end], kinds[:, begin:end], text, codes, lead, style)
        elif style.user_codes:
            _write_codes(ids[:, begin:end], kinds[:, begin:end], codes, 0, 0, USER_SPEECH, style)
        at = end + len(after)
        _write_marks(ids[:, end:at], after, style)
    return Tokens(ids, kinds)


def _shift(layer: int, style: ParallelStyle) -> int:
    return style.audio_shift + style.layer_stride * layer


def _mark_shift(layer: int, style: ParallelStyle) -> int:
    return _shift(layer, style) if style.shifted_blank else 0


def _blanks(length: int, style: ParallelStyle) -> tuple[I32, Kinds]:
    ids = np.full((1 + style.layers, length), style.text_blank, np.int32)
    for layer in range(style.layers):
        ids[1 + layer] = style.audio_blank + _mark_shift(layer, style)
    return ids, np.full(ids.shape, TAG, np.uint8)


def _positions(codes: int, style: ParallelStyle) -> int:
    """Counts the positions that so many codes of a codebook take in a row."""
    return -(-codes // style.layers) if style.folded else codes


def _length(text: list[int] | None, frames: int, lead: int, style: ParallelStyle) -> int:
    """Counts the positions of what is said in a turn of so many frames; ``text`` is None for the user."""
    if text is None:
        if style.user_codes:
            return _positions(frames, style)
        return math.ceil(frames / FRAME_RATE_HZ * style.user_hz)
    last = lead + style.layer_step * (style.layers - 1)
    return max(len(text), last + _positions(frames + (style.audio_end is not None), style))


def _write_marks(ids: I32, marks: Marks, style: ParallelStyle) -> None:
    for position, (text, audio) in enumerate(marks):
        ids[0, position] = text
        for layer in range(style.layers):
            ids[1 + layer, position] = audio + _mark_shift(layer, style)


def _write_answer(ids: I32, kinds: Kinds, text: list[int], codes: Codes, lead: int, style: ParallelStyle) -> None:
    ids[0, : len(text)] = text
    kinds[0, : len(text)] = MODEL_TEXT
    _write_codes(ids, kinds, codes, lead, style.layer_step, MODEL_SPEECH, style)
    if style.audio_end is None:
        return
    frames = codes.shape[1]
    for layer in [frames % style.layers] if style.folded else range(style.layers):
        at = lead + (frames // style.layers if style.folded else frames) + layer * style.layer_step
        ids[1 + layer, at] = style.audio_end + _mark_shift(layer, style)
        kinds[1 + layer, at] = MODEL_SPEECH


def _write_codes(ids: I32, kinds: Kinds, codes: Codes, begin: int, step: int, kind: int, style: ParallelStyle) -> None:
    """Writes codes in the audio rows, layer i from ``begin + i * step`` on; folded, code i is of the layer i % layers."""
    for layer in range(style.layers):
        row = codes[0, layer :: style.layers] if style.folded else codes[layer]
        at = begin + layer * step
        np.add(row, _shift(layer, style), out=ids[1 + layer, at : at + len(row)], dtype=np.int32)
        kinds[1 + layer, at : at + len(row)] = kind
