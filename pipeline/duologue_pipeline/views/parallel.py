"""Lays a sample out as parallel rows of text and audio, turn after turn: Kimi-Audio, Mini-Omni, SLAM-Omni."""

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.views.parallel_styles import KIMI_AUDIO, Marks, ParallelStyle
from duologue_pipeline.views.sequence import MODEL_SPEECH, MODEL_TEXT, TAG, USER_SPEECH, Tokens
from duologue_pipeline.views.sides import FRAME_RATE_HZ, check_speaker, codebook_count, side_codes
from duologue_pipeline.views.tokenizers import Tokenizer, encode
from duologue_pipeline.views.words import own_words, turn_text, turns

__all__ = ["parallel"]

I32 = npt.NDArray[np.int32]
Kinds = npt.NDArray[np.uint8]


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
    if lead < 0:
        raise UsageError(f"lead {lead}: expected 0 or more positions")
    if layers is not None:
        style = replace(style, layers=layers)
    model = check_speaker(speaker)
    count = codebook_count(sample, 1 if style.folded else style.layers)
    words = {model: own_words(sample, model)}
    ids: list[I32] = []
    kinds: list[Kinds] = []
    for turn in turns(sample):
        codes = side_codes(sample, turn.speaker, count)[:, turn.first_frame : turn.end_frame].astype(np.int32)
        if turn.speaker == model:
            before, after = style.model_marks
            spoken = _answer(encode(tokenizer, turn_text(turn, words)), codes, lead, style)
        else:
            before, after = style.user_marks
            spoken = _question(codes, style)
        for part, kind in (_marks(before, style), spoken, _marks(after, style)):
            ids.append(part)
            kinds.append(kind)
    if not ids:
        return Tokens(np.zeros((1 + style.layers, 0), np.int32), np.zeros((1 + style.layers, 0), np.uint8))
    return Tokens(np.concatenate(ids, axis=1), np.concatenate(kinds, axis=1))


def _shifts(style: ParallelStyle) -> I32:
    return (style.audio_shift + style.layer_stride * np.arange(style.layers, dtype=np.int32)).astype(np.int32)


def _blanks(length: int, style: ParallelStyle) -> tuple[I32, Kinds]:
    ids = np.empty((1 + style.layers, length), np.int32)
    ids[0] = style.text_blank
    ids[1:] = (style.audio_blank + _shifts(style) * style.shifted_blank)[:, None]
    return ids, np.full(ids.shape, TAG, np.uint8)


def _marks(marks: Marks, style: ParallelStyle) -> tuple[I32, Kinds]:
    ids, kinds = _blanks(len(marks), style)
    for position, (text, audio) in enumerate(marks):
        ids[0, position] = text
        ids[1:, position] = audio + _shifts(style) * style.shifted_blank
    return ids, kinds


def _question(codes: I32, style: ParallelStyle) -> tuple[I32, Kinds]:
    if not style.user_codes:
        return _blanks(math.ceil(codes.shape[1] / FRAME_RATE_HZ * style.user_hz), style)
    ids, kinds = _blanks(_positions(codes.shape[1], style), style)
    _write(ids, kinds, codes, 0, USER_SPEECH, style)
    return ids, kinds


def _answer(text: list[int], codes: I32, lead: int, style: ParallelStyle) -> tuple[I32, Kinds]:
    text = [*text, style.text_end]
    frames, ends = codes.shape[1], style.audio_end is not None
    last = lead + style.layer_step * (style.layers - 1)
    ids, kinds = _blanks(max(len(text), last + _positions(frames + ends, style)), style)
    ids[0, : len(text)] = text
    kinds[0, : len(text)] = MODEL_TEXT
    _write(ids, kinds, codes, lead, MODEL_SPEECH, style)
    if style.audio_end is not None:
        for layer in [frames % style.layers] if style.folded else range(style.layers):
            at = lead + (frames // style.layers if style.folded else frames) + layer * style.layer_step
            ids[1 + layer, at] = style.audio_end + _shifts(style)[layer] * style.shifted_blank
            kinds[1 + layer, at] = MODEL_SPEECH
    return ids, kinds


def _positions(codes: int, style: ParallelStyle) -> int:
    """Counts the positions that so many codes of a codebook take in a row."""
    return -(-codes // style.layers) if style.folded else codes


def _write(ids: I32, kinds: Kinds, codes: I32, begin: int, kind: int, style: ParallelStyle) -> None:
    """Writes codes in the audio rows, the first layer from ``begin`` on; folded, code i is the layer i % layers."""
    for layer, shift in enumerate(_shifts(style)):
        row = codes[0, layer :: style.layers] if style.folded else codes[layer]
        at = begin + layer * style.layer_step
        ids[1 + layer, at : at + len(row)] = row + shift
        kinds[1 + layer, at : at + len(row)] = kind
