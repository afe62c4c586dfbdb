"""Says by how much a track may lie late whose encoder does not name its delay."""

from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.ingest import IngestRules

__all__ = ["most_delay_ms"]


def most_delay_ms(sample_rate_hz: int, *, known: bool) -> int:
    """Gives the most by which a track may lie late, in ms.

    An encoder of MP3 or AAC puts samples before the sound. Decoders leave them out where the file says how many they are; where
    it does not, they stay, and the sound comes late by a delay that no program can know.

    Args:
        sample_rate_hz: of the file.
        known: whether the file says it; then nothing is left of it.
    """
    return 0 if known else round(load_rules(IngestRules).mp3_delay_samples_most * 1000 / sample_rate_hz)
