"""Lays the model's turns out as text and speech in alternation, between the user's turns."""

import numpy as np
import numpy.typing as npt

from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.views.sequence import MODEL_SPEECH, MODEL_TEXT, USER_SPEECH, Tokens, frame_ids, join_tokens
from duologue_pipeline.views.sides import codebook_count, side_codes, whole_step
from duologue_pipeline.views.spoken_text import turn_ids, words_of
from duologue_pipeline.views.tokenizers import Tokenizer
from duologue_pipeline.views.words import turns

__all__ = ["interleaved"]


def interleaved(
    sample: Sample, tokenizer: Tokenizer, *, speaker: str = "a", text: int = 13, speech: int = 26, codebooks: int = 1
) -> Tokens:
    """Writes turn after turn: the user's as speech, the model's as text and speech in alternation.

    ::

        user's turn       model's turn
        speech . . . .  | 13 text | 26 speech | 13 text | 26 speech | 4 text | 26 speech | 26 speech | 9 speech |

    Turns by (start, end, speaker), with the frames ``[start_ms // 80, ceil(end_ms / 80))`` of their speaker; the text of a turn
    is that of its words, joined by one space. Where text or speech runs out the rest of the other follows. What is said outside
    of turns (backchannels) is not in it. Tags around audio (``<|begin_of_audio|>``) are the trainer's own: ``kind`` says where.

    ============================ ===== ====== ========= ===============================================================
    model                        text  speech codebooks source
    ============================ ===== ====== ========= ===============================================================
    GLM-4-Voice (12.5 Hz)        13    26     1         THUDM/GLM-4-Voice@eb00ce9 web_demo.py (its prompt says 13, 26)
    Step-Audio 2 ("TA4", 25 Hz)  1     4      1         its README; 4 frames of 40 ms are 2 of ours
    LLaMA-Omni 2, its decoder    3     10     1         ictnlp/LLaMA-Omni2@c8afa90 llama_omni2/model/speech_generator
    Chroma (12.5 Hz)             1     2      8         FlashLabs-AI-Corp/FlashLabs-Chroma@6551fcb modeling_chroma.py
    ============================ ===== ====== ========= ===============================================================

    Audio ids are the codec's. GLM-4-Voice writes ``<|audio_0|>`` + id; ids of codebook k are not told apart from those of
    another but by their place. LLaMA-Omni 2 puts ``<sep>`` between the last text and the last units.

    Args:
        sample: the sample.
        tokenizer: a callable ``str -> ids`` or an object with ``encode``.
        speaker: whose side the model speaks, ``a`` or ``b``.
        text: tokens of text in a group, at least 1.
        speech: frames of speech in a group, at least 1.
        codebooks: how many of a frame are written, coarsest first, frame by frame.

    Returns:
        ids int32 [L], kind uint8 [L]: 0 user speech, 2 model text, 3 model speech.

    Raises:
        UsageError: an argument is none of these, or the release has fewer codebooks.
    """
    text, speech = whole_step(text, "text"), whole_step(speech, "speech")
    count, words = codebook_count(sample, codebooks), words_of(sample, tokenizer, speaker)
    parts: list[tuple[npt.NDArray[np.int32] | list[int], int]] = []
    for turn in turns(sample):
        codes = side_codes(sample, turn.speaker, count)[:, turn.first_frame : turn.end_frame]
        if turn.speaker != speaker:
            parts.append((frame_ids(codes), USER_SPEECH))
            continue
        ids = turn_ids(tokenizer, turn, words)
        for group in range(max(-(-len(ids) // text), -(-codes.shape[1] // speech))):
            parts.append((ids[group * text : (group + 1) * text], MODEL_TEXT))
            parts.append((frame_ids(codes[:, group * speech : (group + 1) * speech]), MODEL_SPEECH))
    return join_tokens(parts)
