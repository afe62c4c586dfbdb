"""Gives the arrays that trainers of speech language models take, from samples of a release: numpy only.

Shared by the views:
    sides      FRAME_MS, FRAME_RATE_HZ, check_speaker, other_speaker, frame_count, codebook_count (refuses what the release
               lacks, warns of the embedded codec), side_codes, milliseconds
    words      SpokenWord and own_words (those that begin in the sample), has_transcript, Turn and turns (clipped frames),
               turn_text
    tokenizers encode (a callable or an object with ``encode``), encode_lines, piece_tokenizer
    sequence   Tokens and the kinds of its tokens
"""

from duologue_pipeline.views.sequence import Tokens

__all__ = ["Tokens"]
