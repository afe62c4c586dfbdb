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
               text_of_turn
    tokenizers encode (a callable or an object with ``encode``), encode_lines, piece_tokenizer, check_ids
    sequence   Tokens and the kinds of its tokens, frame_ids, join_tokens
    spans      activity and events of a speaker in whole milliseconds, and which steps of a clock have their middle in them
    spoken_text words_of and told_words (warn where there is no transcript), turn_ids, fill_slots
"""

from duologue_pipeline.views.clock_blocks import clock_blocks
from duologue_pipeline.views.clock_chunks import clock_chunks, split_clock_chunks
from duologue_pipeline.views.continuous import continuous
from duologue_pipeline.views.delays import undelay
from duologue_pipeline.views.dual import dual_stream, speaker_rows
from duologue_pipeline.views.flattened import flattened
from duologue_pipeline.views.interleaved import interleaved
from duologue_pipeline.views.labels import activity_labels, dualturn_labels, vap_labels
from duologue_pipeline.views.minicpm import minicpm_units
from duologue_pipeline.views.nemo import nemo_turns
from duologue_pipeline.views.parallel import parallel
from duologue_pipeline.views.parallel_styles import KIMI_AUDIO, MINI_OMNI, SLAM_OMNI, ParallelStyle
from duologue_pipeline.views.persona import persona_prompt, role_text, voice_codes
from duologue_pipeline.views.sequence import Tokens
from duologue_pipeline.views.states import chunk_states, user_states
from duologue_pipeline.views.turn_frames import turn_frames
from duologue_pipeline.views.turnguide import turn_text

__all__ = [
    "KIMI_AUDIO",
    "MINI_OMNI",
    "SLAM_OMNI",
    "ParallelStyle",
    "Tokens",
    "activity_labels",
    "chunk_states",
    "clock_blocks",
    "clock_chunks",
    "continuous",
    "dual_stream",
    "dualturn_labels",
    "flattened",
    "interleaved",
    "minicpm_units",
    "nemo_turns",
    "parallel",
    "persona_prompt",
    "role_text",
    "speaker_rows",
    "split_clock_chunks",
    "turn_frames",
    "turn_text",
    "undelay",
    "user_states",
    "vap_labels",
    "voice_codes",
]
