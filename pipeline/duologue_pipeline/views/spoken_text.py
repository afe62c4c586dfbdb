"""Tokenizes what is said in a turn, and lays queues of text into slots."""

import warnings
from collections.abc import Iterable, Mapping, Sequence

from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.records import Speaker
from duologue_pipeline.views.sides import check_speaker
from duologue_pipeline.views.tokenizers import Tokenizer, check_unmarked, encode
from duologue_pipeline.views.words import SpokenWord, Turn, has_transcript, own_words, text_of_turn

__all__ = ["fill_slots", "told_words", "turn_ids", "words_of"]


def words_of(sample: Sample, tokenizer: Tokenizer, *speakers: str) -> dict[Speaker, list[SpokenWord]]:
    """Lists the words of some speakers for a tokenizer that puts nothing around them: :func:`told_words`.

    Raises:
        UsageError: there is no such speaker, or the tokenizer puts special tokens around each text.
    """
    check_unmarked(tokenizer)
    return told_words(sample, *speakers)


def told_words(sample: Sample, *speakers: str) -> dict[Speaker, list[SpokenWord]]:
    """Lists the words of some speakers, and warns where it is not known what one says.

    Args:
        sample: that they speak in.
        speakers: ``a``, ``b`` or both.

    Returns:
        speaker -> :func:`duologue_pipeline.views.words.own_words`; without a transcript there are none.

    Raises:
        UsageError: there is no such speaker.
    """
    words = {}
    for name in speakers:
        speaker = check_speaker(name)
        if not has_transcript(sample, speaker):
            # The same text for each sample, so that Python shows it once.
            warnings.warn(
                f"a sample has no transcript of speaker {speaker}, so this view has no text where {speaker} speaks; leave such "
                "samples out (transcripts in their metadata), or take a view without text",
                stacklevel=3,
            )
        words[speaker] = own_words(sample, speaker)
    return words


def turn_ids(tokenizer: Tokenizer, turn: Turn, words: Mapping[Speaker, list[SpokenWord]]) -> list[int]:
    """Tokenizes the words of a turn in one go, joined by one space; none where there are none.

    Raises:
        UsageError: the tokenizer gives no ids.
    """
    text = text_of_turn(turn, words)
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
