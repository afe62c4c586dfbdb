"""Simulates two-track conversations whose truth is known: who speaks when, and what is wrong with the recording.

:func:`simulate_conversation` makes one from a :class:`ConversationSpec` and a :class:`VoiceBank`; docs/simulate.md says
how, and what stands in the truth.
"""

from duologue_pipeline.simulate.conversation import FAULT_NAMES, Simulated, simulate_conversation
from duologue_pipeline.simulate.corpus import random_specs
from duologue_pipeline.simulate.spec import (
    Bleed,
    Clipping,
    ConversationSpec,
    Curve,
    Drift,
    Dropouts,
    Duplicate,
    Fault,
    MonoMix,
    Offset,
    OverSuppression,
    Separated,
    Side,
    Swap,
    constant,
)
from duologue_pipeline.simulate.voices import Clip, NoiseBank, VoiceBank, VoiceClips

__all__ = [
    "FAULT_NAMES",
    "Bleed",
    "Clip",
    "Clipping",
    "ConversationSpec",
    "Curve",
    "Drift",
    "Dropouts",
    "Duplicate",
    "Fault",
    "MonoMix",
    "NoiseBank",
    "Offset",
    "OverSuppression",
    "Separated",
    "Side",
    "Simulated",
    "Swap",
    "VoiceBank",
    "VoiceClips",
    "constant",
    "random_specs",
    "simulate_conversation",
]
