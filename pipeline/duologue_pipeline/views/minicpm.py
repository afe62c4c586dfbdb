"""Lays a sample into units of a second as MiniCPM-o 4.5 does: hear, decide, and say a little text."""

from itertools import groupby

import numpy as np
import numpy.typing as npt

from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.views.sequence import MODEL_TEXT, TAG, USER_SPEECH, Tokens, join_tokens
from duologue_pipeline.views.sides import whole_step
from duologue_pipeline.views.spans import sample_end_ms, step_count
from duologue_pipeline.views.spoken_text import words_of
from duologue_pipeline.views.tokenizers import Tokenizer, check_ids, encode
from duologue_pipeline.views.words import SpokenWord, Turn, turns

__all__ = ["minicpm_units"]


def minicpm_units(
    sample: Sample,
    tokenizer: Tokenizer,
    *,
    speaker: str = "a",
    unit_ms: int = 1000,
    most: int = 18,
    user_features: int = 10,
    user_id: int = 0,
    unit: int,
    listen: int,
    speak: int,
    chunk_eos: int,
    turn_eos: int,
    unit_end: int,
) -> Tokens:
    """Writes unit after unit what stands for the user's sound, the model's decision, and the text of that second.

    ::

        model's turn   ______________[word word word word word ]_____________
        unit          |   0   |   1   |   2   |   3   |   4   |
        0    <unit> . . . <|listen|> </unit>
        1    <unit> . . . <|speak|> text of that second <|chunk_eos|> </unit>
        3    <unit> . . . <|speak|> the last text <|turn_eos|> <|chunk_eos|> </unit>

    A unit in which a turn of the model is open speaks, also where it has nothing to say; ``<|listen|>`` is not allowed
    before ``<|turn_eos|>``. The words of a turn stand in the unit in which they begin, joined by one space (with one in front
    in all units but a turn's first); what does not fit waits, and the turn stays open for so long. A turn that ends behind the
    sample has no ``<|turn_eos|>``; one that began before it is open from the first unit on. ``dropped`` counts tokens that
    found no place.

    Source: OpenBMB/minicpm-o-4_5-pytorch-simple-demo@c7e1660 MiniCPMO45/modeling_minicpmo.py ``streaming_generate``: up to 20
    tokens a unit with ``<|speak|>`` and ``<|chunk_eos|>``, so 18 between them; ``<|turn_eos|>`` does not end a unit. Its first unit
    has 35 ms more sound; here all units are alike. How it was trained is not published.

    Args:
        sample: the sample.
        tokenizer: a callable ``str -> ids`` or an object with ``encode``.
        speaker: whose side the model speaks, ``a`` or ``b``.
        unit_ms: length of a unit.
        most: tokens of text and ``turn_eos`` in a unit, at least 1.
        user_features: how many placeholders stand for the sound of a unit.
        user_id: id of a placeholder.
        unit: id of ``<unit>``.
        listen: id of ``<|listen|>``.
        speak: id of ``<|speak|>``.
        chunk_eos: id of ``<|chunk_eos|>``.
        turn_eos: id of ``<|turn_eos|>``.
        unit_end: id of ``</unit>``.

    Returns:
        ids int32 [L], kind uint8 [L]: 0 the user's placeholders, 2 what the model decides and says, 4 the units' edges.
        ceil(80 T / unit_ms) units.

    Raises:
        UsageError: an argument is none of these, or the tokenizer gives no ids.
    """
    check_ids(
        "unit, listen, speak, chunk_eos, turn_eos, unit_end, user_id",
        (unit, listen, speak, chunk_eos, turn_eos, unit_end, user_id),
    )
    unit_ms, most = whole_step(unit_ms, "unit_ms"), whole_step(most, "most")
    heard = np.full(whole_step(user_features, "user_features"), user_id, np.int32)
    units = step_count(sample, unit_ms)
    texts: list[list[int]] = [[] for _ in range(units)]
    speaks, free, dropped = np.zeros(units, np.bool_), 0, 0
    [words] = words_of(sample, tokenizer, speaker).values()
    for turn in turns(sample):
        if turn.speaker != speaker:
            continue
        queue = _said(turn, words, tokenizer, unit_ms)
        if ended := turn.end_ms < sample_end_ms(sample):
            queue.append(((turn.end_ms - 1) // unit_ms, [turn_eos]))
        for earliest, ids in queue:
            free = max(free, earliest * most)
            for token in ids:
                if free < units * most:
                    texts[free // most].append(token)
                elif token != turn_eos:
                    dropped += 1
                free += 1
        speaks[max(0, turn.start_ms) // unit_ms : (free - 1) // most + 1 if ended else units] = True
    parts: list[tuple[npt.NDArray[np.int32] | list[int], int]] = []
    for text, speaking in zip(texts, speaks, strict=True):
        decided = [speak, *text, chunk_eos] if speaking else [listen]
        parts += [([unit], TAG), (heard, USER_SPEECH), (decided, MODEL_TEXT), ([unit_end], TAG)]
    return join_tokens(parts, dropped=dropped)


def _said(turn: Turn, words: list[SpokenWord], tokenizer: Tokenizer, unit_ms: int) -> list[tuple[int, list[int]]]:
    """Tokenizes the words of a turn, unit by unit: (unit in which they begin, their ids)."""
    own = [word for word in words if word.text and turn.start_ms <= word.start_ms < turn.end_ms]
    said: list[tuple[int, list[int]]] = []
    for unit, of_unit in groupby(own, lambda word: word.start_ms // unit_ms):
        text = " ".join(word.text for word in of_unit)
        said.append((unit, encode(tokenizer, f" {text}" if said else text)))
    return said
