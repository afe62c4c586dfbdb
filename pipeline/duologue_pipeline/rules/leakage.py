"""Holds the rule set ``leakage``: how many speakers are compared, over how much speech, and what is trained to link them."""

from dataclasses import dataclass
from typing import ClassVar

from duologue_pipeline.rules.loader import RuleSet

__all__ = ["LeakageRules"]


@dataclass(frozen=True, kw_only=True)
class LeakageRules(RuleSet):
    """Sets how :func:`duologue_pipeline.leakage.measure.measure_leakage` compares speakers.

    Attributes:
        durations_s: of the speech that is compared, in whole seconds.
        fewest_speakers: with enough speech in two conversations, without which nothing is reported.
        most_speakers: are compared; those heard in two conversations come first.
        most_audio_speakers: of them are compared by audio, which takes longer.
        most_conversations: of one speaker.
        most_segments: of one speaker in one conversation, for each duration.
        most_speech_s: read of one speaker in one conversation.
        most_audio_speech_s: of it is decoded and embedded.
        most_impostors: pairs of different speakers from different conversations; more are drawn from.
        bootstraps: draws of speakers for an interval.
        permutations: of the speakers' names, for chance.
        directions: principal directions of histograms that are kept at most.
        within_class_shrinkage: how much of the within-speaker covariance is made round.
        network_width: values for a token.
        network_channels: values of a frame after the convolutions, and of an embedding.
        network_steps: of training.
        network_batch: pieces of speech in a step.
        network_crops_s: durations of the pieces that are trained on.
        network_rate: of learning, at the beginning.
        network_dropped_share: share of values that is dropped while training.
        network_scale: of the cosines before the softmax.
    """

    name: ClassVar[str] = "leakage"
    durations_s: tuple[int, ...]
    fewest_speakers: int
    most_speakers: int
    most_audio_speakers: int
    most_conversations: int
    most_segments: int
    most_speech_s: int
    most_audio_speech_s: int
    most_impostors: int
    bootstraps: int
    permutations: int
    directions: int
    within_class_shrinkage: float
    network_width: int
    network_channels: int
    network_steps: int
    network_batch: int
    network_crops_s: tuple[int, ...]
    network_rate: float
    network_dropped_share: float
    network_scale: float
