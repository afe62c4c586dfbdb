"""Gives the arrays that trainers of speech language models take, from samples of a release: numpy only.

from duologue_pipeline.reader import open_dataset
from duologue_pipeline.views import dual_stream

for sample in open_dataset("out"):
    streams = dual_stream(sample, tokenizer)               # int32 [17, T]: Moshi, speaker a
    other = dual_stream(sample, tokenizer, speaker="b")

Shared by the views:
    sides      FRAME_MS, FRAME_RATE_HZ, check_speaker, other_speaker, frame_count, codebook_count (refuses what the release
               lacks, warns of the embedded codec), side_codes, milliseconds
    words      SpokenWord and own_words (those that begin in the sample), has_transcript, Turn and turns (clipped frames),
               turn_text
    tokenizers encode (a callable or an object with ``encode``), encode_lines, piece_tokenizer
    sequence   Tokens and the kinds of its tokens
"""

from duologue_pipeline.views.delays import undelay
from duologue_pipeline.views.dual import dual_stream, speaker_rows
from duologue_pipeline.views.parallel import parallel
from duologue_pipeline.views.parallel_styles import KIMI_AUDIO, MINI_OMNI, SLAM_OMNI, ParallelStyle
from duologue_pipeline.views.persona import persona_prompt, role_text, voice_codes
from duologue_pipeline.views.sequence import Tokens
from duologue_pipeline.views.turn_frames import turn_frames

__all__ = [
    "KIMI_AUDIO",
    "MINI_OMNI",
    "SLAM_OMNI",
    "ParallelStyle",
    "Tokens",
    "dual_stream",
    "parallel",
    "persona_prompt",
    "role_text",
    "speaker_rows",
    "turn_frames",
    "undelay",
    "voice_codes",
]
