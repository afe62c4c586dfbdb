"""Describes how models that write text and audio side by side fill their rows."""

from dataclasses import dataclass
from typing import Final

__all__ = ["KIMI_AUDIO", "MINI_OMNI", "SLAM_OMNI", "ParallelStyle"]

Marks = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class ParallelStyle:
    """Says what stands in the rows of :func:`~duologue_pipeline.views.parallel`.

    Ids of audio are given without the shift of their layer, ``audio_shift + layer * layer_stride``, which is added to codes and,
    where ``shifted_blank`` says so, to blanks and marks as well.

    Attributes:
        layers: how many audio rows there are.
        folded: whether one codebook is dealt out to the layers, code by code; else each layer is a codebook.
        layer_step: by how many positions each layer begins later than the one above.
        text_blank: where there is no text.
        text_end: behind the text of a turn.
        audio_blank: where there is no audio.
        audio_end: behind the codes of a turn of the model; None if nothing marks it in the row.
        audio_shift: added to ids of audio.
        layer_stride: added once more for each layer.
        shifted_blank: whether blanks and marks are shifted like codes.
        user_codes: whether the user's codes are written; else blanks hold the place of features.
        user_hz: positions a second of the user's speech.
        user_marks: (text id, audio id) of the positions before and after the user's speech.
        model_marks: the same of the model's.
    """

    layers: int
    folded: bool
    layer_step: int
    text_blank: int
    text_end: int
    audio_blank: int
    audio_end: int | None
    audio_shift: int
    layer_stride: int
    shifted_blank: bool
    user_codes: bool
    user_hz: float
    user_marks: tuple[Marks, Marks] = ((), ())
    model_marks: tuple[Marks, Marks] = ((), ())


_KIMI_BLANK: Final = 151666

KIMI_AUDIO: Final = ParallelStyle(
    layers=1,
    folded=False,
    layer_step=0,
    text_blank=_KIMI_BLANK,
    text_end=151667,
    audio_blank=_KIMI_BLANK,
    audio_end=151663,
    audio_shift=152064,
    layer_stride=0,
    shifted_blank=False,
    user_codes=True,
    user_hz=12.5,
    user_marks=(
        ((_KIMI_BLANK, 151670), (_KIMI_BLANK, 151661)),
        ((_KIMI_BLANK, 151663), (_KIMI_BLANK, 151676), (_KIMI_BLANK, 151645)),
    ),
    model_marks=(((_KIMI_BLANK, 151671),), ((_KIMI_BLANK, 151645),)),
)
"""Kimi-Audio, to be called with ``lead=6``: one codebook of 12.5 Hz.

Sources: MoonshotAI/Kimi-Audio@2607d51 kimia_infer/api/prompt_manager.py (marks, message of type audio), kimia.py:48 (the lead; a turn
of audio ends with media end or message end) and utils/special_tokens.py (names); their ids in the model's tokenizer, and the shift
152064 in its config.json, are taken from third parties' ports.
"""

MINI_OMNI: Final = ParallelStyle(
    layers=7,
    folded=False,
    layer_step=1,
    text_blank=151937,
    text_end=151936,
    audio_blank=4097,
    audio_end=4096,
    audio_shift=152000,
    layer_stride=4160,
    shifted_blank=True,
    user_codes=False,
    user_hz=50.0,
    user_marks=(((151938, 4098),), ((151936, 4096), (151939, 4099))),
)
"""Mini-Omni, to be called with ``lead=1``: layer i, from 0, begins i + 1 positions after the text.

Its seven layers are SNAC's; a release of another codec gives its own first seven codebooks.
Sources: gpt-omni/mini-omni@26c31d5 inference.py, utils/snac_utils.py; X-LANCE/SLAM-LLM@a68e78f examples/s2s/utils/snac_utils.py
``get_snac_answer_token``, s2s_config.py ``VocabConfig``.
"""

SLAM_OMNI: Final = ParallelStyle(
    layers=3,
    folded=True,
    layer_step=0,
    text_blank=151937,
    text_end=151936,
    audio_blank=4097,
    audio_end=4096,
    audio_shift=152000,
    layer_stride=0,
    shifted_blank=True,
    user_codes=False,
    user_hz=10.0,
    user_marks=(((151938, 4098),), ((151936, 4096), (151939, 4099))),
)
"""SLAM-Omni, to be called with its number of latency tokens as lead (0 in the script of three groups): one codebook in groups.

Source: X-LANCE/SLAM-LLM@a68e78f examples/s2s/utils/codec_utils.py ``get_group_answer_token``, speech_dataset_s2s.py, and
scripts/finetune/finetune_s2s_group.sh.
"""
