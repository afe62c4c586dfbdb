"""Finds whose side a model may learn to speak in a sample, where it must be known what that side says."""

from duologue_pipeline.export.format import Context
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.records import Speaker
from duologue_pipeline.views.words import has_transcript, is_withdrawn

__all__ = ["heard_sides", "told_sides", "why_unheard", "why_untold"]


def told_sides(sample: Sample, context: Context) -> list[Speaker]:
    """Lists the sides that the model speaks and of which there is a transcript."""
    return [side for side in context.model_sides(sample) if has_transcript(sample, side)]


def heard_sides(sample: Sample, context: Context) -> list[Speaker]:
    """Lists the sides that the model speaks and that were not silenced."""
    return [side for side in context.model_sides(sample) if not is_withdrawn(sample, side)]


def why_untold(sample: Sample, context: Context) -> str:
    """Gives the reason why :func:`told_sides` is empty."""
    return why_unheard(sample, context) if not heard_sides(sample, context) else "no_transcript"


def why_unheard(sample: Sample, context: Context) -> str:
    """Gives the reason why :func:`heard_sides` is empty."""
    return "silenced" if context.model_sides(sample) else "no_model_side"
