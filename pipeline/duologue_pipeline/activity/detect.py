"""Finds when each speaker of a recording is heard in person: voice activity of both tracks, without bleed.

Each track is listened to alone; then what is only the other speaker's copy in it is left out. That needs both tracks
and what isolation has measured.
"""

from duologue_pipeline.activity.bleed import without_bleed
from duologue_pipeline.activity.network import VadModel
from duologue_pipeline.activity.vad import SAMPLE_RATE_HZ, VadOfTracks
from duologue_pipeline.ingest.audio import conversation_blocks
from duologue_pipeline.records import Activity, IsolationReport, Recording
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.activity import ActivityRules

__all__ = ["detect_activity"]


def detect_activity(recording: Recording, isolation: IsolationReport, model: VadModel, *, duration_ms: int) -> Activity:
    """Finds when each speaker of a recording is heard in person, not as bleed.

    Args:
        recording: whose tracks are decoded.
        isolation: how much of each speaker is in the other's track.
        model: the voice activity detector.
        duration_ms: of the conversation.

    Returns:
        Spans of both, sorted, disjoint, not touching; no vocalisations yet.

    Raises:
        RejectError: an ``audio_*`` reason.
    """
    detector = VadOfTracks(model, 2)
    for blocks in conversation_blocks(recording, rate_hz=SAMPLE_RATE_HZ):
        detector.push(blocks)
    rules = load_rules(ActivityRules)
    heard = detector.finish(duration_ms=duration_ms)
    a_dbfs, b_dbfs = detector.levels_dbfs
    a = without_bleed(heard[0], a_dbfs, b_dbfs, isolation.a_from_b, rules)
    b = without_bleed(heard[1], b_dbfs, a_dbfs, isolation.b_from_a, rules)
    return Activity(a=tuple(a), b=tuple(b), rules=rules.version)
