"""Places the text of turns on the frames of the codes as NeMo's duplex speech-to-speech models do."""

import numpy as np
import numpy.typing as npt

from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.views.sides import FRAME_MS, frame_count
from duologue_pipeline.views.spoken_text import turn_ids, words_of
from duologue_pipeline.views.tokenizers import Tokenizer, check_ids
from duologue_pipeline.views.words import turns

__all__ = ["nemo_turns"]


def nemo_turns(
    sample: Sample, tokenizer: Tokenizer, *, speaker: str = "a", bos: int, eos: int, pad: int = 0
) -> npt.NDArray[np.int32]:
    """Writes the text channel of one side: each turn's whole text from its first frame on, its end where it ends.

    ::

        speech   ____________[turn . . . . . . . . . . . . . ]________[turn]____
        row      p p p p p p B t t t t t p p p p p p p p p p E p p p p B t E t t   (a text longer than its turn)

    B = ``bos`` at frame ``floor(start_ms / 80 + 1/2)`` (round half up), the tokens of the turn's words, joined by one space, one a
    frame behind it, E = ``eos`` at ``floor(end_ms / 80 + 1/2)``, over a token where the text is longer. A later turn is
    written over the text of an earlier one. What would lie behind the last frame is left out; a turn that ends behind it has
    no ``eos``.

    Source: NVIDIA/NeMo@8cfedd7 nemo/collections/speechlm2/data/s2s_dataset.py ``build_token_channel`` (target_tokens is the
    row of the model, source_tokens that of the user). There a turn that begins before the cut would wrap to its end; here it begins
    at frame 0, with the words that begin in the sample. NeMo makes the audio channel of ``target_audio`` itself, with ids
    codebook size +0/+1/+2 for BOS/EOS/delay and one frame late, so codes are handed to it undelayed.

    Args:
        sample: the sample.
        tokenizer: a callable ``str -> ids`` or an object with ``encode``.
        speaker: whose turns are written, ``a`` or ``b``; two calls give both roles.
        bos: id of the beginning of a turn.
        eos: id of the end of a turn.
        pad: id of all other frames; NeMo takes the tokenizer's pad, else its unk, else 0.

    Returns:
        int32 [T].

    Raises:
        UsageError: there is no such speaker, or the tokenizer gives no ids.
    """
    check_ids("bos, eos, pad", (bos, eos, pad))
    words = words_of(sample, tokenizer, speaker)
    row = np.full(frame_count(sample), pad, np.int32)
    for turn in turns(sample):
        if turn.speaker == speaker:
            first = _round_half_up(max(0, turn.start_ms))
            ids = [bos, *turn_ids(tokenizer, turn, words)][: max(0, len(row) - first)]
            row[first : first + len(ids)] = ids
            if (last := _round_half_up(turn.end_ms)) < len(row):
                row[last] = eos
    return row


def _round_half_up(ms: int) -> int:
    return (2 * ms + FRAME_MS) // (2 * FRAME_MS)
