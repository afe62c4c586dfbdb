"""Tokenizes what is said in a turn, and lays queues of text into slots."""

import warnings
from collections.abc import Iterable, Mapping, Sequence

from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.records import Speaker
from duologue_pipeline.views.sides import check_speaker
from duologue_pipeline.views.tokenizers import Tokenizer, encode
from duologue_pipeline.views.words import SpokenWord, Turn, has_transcript, own_words, turn_text

__all__ = ["fill_slots", "turn_ids", "words_of"]


def words_of(sample: Sample, *speakers: str) -> dict[Speaker, list[SpokenWord]]:
    """Lists the words of some speakers, and warns where it is not known what one says.

    Returns:
        speaker -> :func:`duologue_pipeline.views.words.own_words`; without a transcript there are none.
    """
    words = {}
    for name in speakers:
        speaker = check_speaker(name)
        if not has_transcript(sample, speaker):
            warnings.warn(
                f"{sample.key}: speaker {speaker} has no transcript, so the view has no text where {speaker} speaks; leave such "
                "samples out, or take a view without text",
                stacklevel=3,
            )
        words[speaker] = own_words(sample, speaker)
    return words


def turn_ids(tokenizer: Tokenizer, turn: Turn, words: Mapping[Speaker, list[SpokenWord]]) -> list[int]:
    """Tokenizes the words of a turn in one go, joined by one space; none where there are none.

    Raises:
        UsageError: the tokenizer gives no ids.
    """
    text = turn_text(turn, words)
    return encode(tokenizer, text) if text else []


def fill_slots(queue: Iterable[tuple[int, Sequence[int]]], slots: int, filler: int) -> tuple[list[int], int]:
    """Writes tokens into slots in the order of the queue, each as early as it may.

    Args:
        queue: (first slot that the tokens may stand in, their ids), in the order of writing.
        slots: how many there are.
        filler: what stands in a slot that no token takes.

    Returns:
        The ids of the slots, and how many tokens found none.
    """
    filled, free, dropped = [filler] * slots, 0, 0
    for earliest, ids in queue:
        first = max(free, earliest)
        fits = max(0, min(len(ids), slots - first))
        filled[first : first + fits] = ids[:fits]
        free, dropped = first + len(ids), dropped + len(ids) - fits
    return filled, dropped
