"""Lays user, text and model into blocks of fixed size and time: BayLing-Duplex, Covo-Audio-Chat-FD, DuplexSLA."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.views.sequence import MODEL_SPEECH, MODEL_TEXT, USER_SPEECH, Tokens, frame_ids, join_tokens
from duologue_pipeline.views.sides import codebook_count, frame_count, other_speaker, side_codes, whole_step
from duologue_pipeline.views.spans import sample_end_ms
from duologue_pipeline.views.spoken_text import turn_ids, words_of
from duologue_pipeline.views.tokenizers import Tokenizer, check_ids
from duologue_pipeline.views.words import turns

__all__ = ["clock_blocks"]


def clock_blocks(
    sample: Sample,
    tokenizer: Tokenizer,
    *,
    speaker: str = "a",
    frames: int = 10,
    text: int = 5,
    listen: int,
    begin: int,
    pad: int,
    end: int,
    codebooks: int = 1,
    user_features: int | None = None,
    user_id: int = 0,
    actions: Sequence[Sequence[int]] | None = None,
    most_actions: int = 10,
) -> Tokens:
    """Writes block after block a stretch of the user, slots of text, the same stretch of the model, and actions.

    ::

        BayLing-Duplex, 800 ms      10 user codes | 5 text | 10 model codes || ...
        Covo-Audio-Chat-FD, 160 ms   1 user feature | 1 text | 2 model frames || ...
        DuplexSLA, 160 ms            2 user features | 1 text | 2 model frames | 0-10 actions || ...

        turn of the model   ____________[. . . . . . . . . . . ]_______________
        text, 5 a block     L L L L L | B t t t t | t P P P P | P P P P E | L L L L L
        text, 1 a block     L L L L L   B t t t t   t P P P P   P P P P E   L L L L L

    L = ``listen`` while the model has no turn, B = ``begin`` in the first slot of the block in which its turn begins, then the
    tokens of the turn's words, joined by one space, P = ``pad``, and E = ``end`` in the last slot of the block in which its
    turn ends, so that the model's audio of a turn is that of the blocks from B to E. Text that is longer than its turn goes on
    behind it, E follows at once, and a next turn waits. A turn that ends behind the sample has no E; one that began before
    it begins in the first block with the words that are its own there. What has no slot is counted by ``dropped``.

    ================== ====== ==== ============= ========= ============= ======= ======
    model              frames text user_features listen    begin         pad     end
    ================== ====== ==== ============= ========= ============= ======= ======
    BayLing-Duplex     10     5    None: codes   [SILENCE] <|assistant|> [PAD]   [EPAD]
    Covo-Audio-Chat-FD 2      1    1             THINK     SHIFT         its pad BREAK
    DuplexSLA          2      1    2             yours     yours         yours   yours
    ================== ====== ==== ============= ========= ============= ======= ======

    Frames are of 80 ms: 10 are 800 ms, 2 are 160 ms, where Covo and DuplexSLA have 4 tokens of 40 ms. A rest of the sample that
    is no whole block is left out, as BayLing's own code does.

    Sources: BayLing-Models/BayLing-Duplex@41669ac bayling_duplex/duplex.py (``stream_audio_tokens``, ``_build_segment``; in
    which slot <|assistant|> stands in training is not in it, the first is our choice); arXiv 2602.09823, 2.5 (Covo: THINK in
    each chunk while listening, SHIFT at the user's end, BREAK at a barge-in or the end; here SHIFT stands where the model's turn
    begins); hyzhang24/DuplexSLA@1536826 README.md (user, text, audio and actions of a chunk are named in this order; there is no
    code).

    Args:
        sample: the sample.
        tokenizer: a callable ``str -> ids`` or an object with ``encode``.
        speaker: whose side the model speaks, ``a`` or ``b``.
        frames: of a block and a side, at least 1.
        text: slots of text in a block, at least 1.
        listen: id of a slot in which the model has no turn.
        begin: id in front of the text of a turn.
        pad: id behind the text of a turn.
        end: id of the end of a turn.
        codebooks: how many of a frame are written, coarsest first, frame by frame.
        user_features: how many placeholders stand for the user in a block, where the model takes features of their
            audio (:func:`duologue_pipeline.views.continuous.continuous`) and no codes; codes if None.
        user_id: id of a placeholder.
        actions: your ids for each block, e.g. of tools; none if None.
        most_actions: how many a block may have.

    Returns:
        ids int32 [L], kind uint8 [L]: 0 user speech, 2 model text, 3 model speech. Actions are 2: the model
        learns them. Without actions L = T // frames * (user + text + frames * codebooks).

    Raises:
        UsageError: an argument is none of these, or the release has fewer codebooks.
    """
    check_ids("listen, begin, pad, end, user_id", (listen, begin, pad, end, user_id))
    frames, text, user = whole_step(frames, "frames"), whole_step(text, "text"), other_speaker(speaker)
    count = codebook_count(sample, codebooks)
    blocks = frame_count(sample) // frames
    if user_features is None:
        heard = _rows(sample, user, count, frames)
    else:
        heard = np.full((blocks, whole_step(user_features, "user_features")), user_id, np.int32)
    slots, dropped = _text_slots(
        sample, tokenizer, speaker, blocks=blocks, frames=frames, text=text, marks=(listen, begin, pad, end)
    )
    sides = [(heard, USER_SPEECH), (slots, MODEL_TEXT), (_rows(sample, speaker, count, frames), MODEL_SPEECH)]
    if actions is None:
        kinds = np.repeat(np.array([kind for _, kind in sides], np.uint8), [rows.shape[1] for rows, _ in sides])
        return Tokens(np.concatenate([rows for rows, _ in sides], axis=1).reshape(-1), np.tile(kinds, blocks), dropped)
    _check_actions(actions, blocks, most_actions)
    parts: list[tuple[npt.NDArray[np.int32] | Sequence[int], int]] = []
    for block, own in enumerate(actions):
        parts += [(rows[block], kind) for rows, kind in sides]
        parts.append((own, MODEL_TEXT))
    return join_tokens(parts, dropped=dropped)


def _rows(sample: Sample, speaker: str, codebooks: int, frames: int) -> npt.NDArray[np.int32]:
    """Cuts the codes of a side into blocks: int32 [blocks, frames * codebooks]."""
    blocks = frame_count(sample) // frames
    codes = side_codes(sample, speaker, codebooks)[:, : blocks * frames]
    return frame_ids(codes).reshape(blocks, frames * codebooks)


def _text_slots(
    sample: Sample,
    tokenizer: Tokenizer,
    speaker: str,
    *,
    blocks: int,
    frames: int,
    text: int,
    marks: tuple[int, int, int, int],
) -> tuple[npt.NDArray[np.int32], int]:
    """Writes the text of all blocks, int32 [blocks, text], and counts the tokens that found no slot."""
    listen, begin, pad, end = marks
    words, end_ms = words_of(sample, tokenizer, speaker), sample_end_ms(sample)
    slots, free, dropped = np.full(blocks * text, listen, np.int32), 0, 0
    for turn in turns(sample):
        if turn.speaker != speaker:
            continue
        ids = turn_ids(tokenizer, turn, words)
        first = max(free, turn.first_frame // frames * text)
        behind = first + 1 + len(ids)
        # The last slot of the block that holds the turn's last frame, unless text still stands in it.
        last = max(behind, (turn.end_frame - 1) // frames * text + text - 1) if turn.end_ms < end_ms else len(slots)
        slots[first : first + 1] = begin
        fits = max(0, min(len(ids), len(slots) - first - 1))
        slots[first + 1 : first + 1 + fits] = ids[:fits]
        slots[behind:last] = pad
        slots[last : last + 1] = end
        free, dropped = last + 1, dropped + len(ids) - fits
    return slots.reshape(blocks, text), dropped


def _check_actions(actions: Sequence[Sequence[int]], blocks: int, most: int) -> None:
    if not isinstance(actions, Sequence | np.ndarray) or isinstance(actions, str):
        raise UsageError(f"actions {actions!r}: expected a list of ids for each of the {blocks} blocks, or None")
    if len(actions) != blocks:
        raise UsageError(
            f"{len(actions)} lists of actions for {blocks} blocks; give one a block, empty where there is none"
        )
    for block, own in enumerate(actions):
        if len(own) > most:
            raise UsageError(f"block {block} has {len(own)} actions and may have {most}; give the rest to later blocks")
