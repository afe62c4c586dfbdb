"""Blocks of fixed size, read again as BayLing-Duplex reads its own output."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader import Sample
from duologue_pipeline.views import Tokens, clock_blocks
from tests.pipeline.views.build import make_sample
from tests.pipeline.views.conversations import drawn_samples, simulated_samples, two_tokens_a_word
from tests.pipeline.views.test_flattened import all_turns, frames_of, text_of

pytestmark = pytest.mark.filterwarnings("ignore:a sample has no transcript")

SILENCE, ASSISTANT, PAD, EPAD = 1, 2, 3, 4
MARKS: dict[str, Any] = {"listen": SILENCE, "begin": ASSISTANT, "pad": PAD, "end": EPAD}


def extract_segments(
    text_tokens: list[int], audio_tokens: list[int], y_ratio: int, z_ratio: int
) -> list[tuple[list[int], int, int | None, list[int]]]:
    """BayLing-Models/BayLing-Duplex@41669ac bayling_duplex/duplex.py ``_extract_segments`` and ``_build_segment``.

    Text, first block, last block (None: still open) and audio of each.
    """

    def build(start: int, end: int | None) -> tuple[list[int], int, int | None, list[int]]:
        start_block = start // y_ratio
        end_block = end // y_ratio if end is not None else None
        audio_end = (end_block + 1) * z_ratio if end_block is not None else len(audio_tokens)
        text = text_tokens[start + 1 : end if end is not None else len(text_tokens)]
        spoken = [i for i in text if i not in (SILENCE, ASSISTANT, PAD, EPAD)]
        return spoken, start_block, end_block, audio_tokens[start_block * z_ratio : audio_end]

    segments, current = [], None
    for place, token in enumerate(text_tokens):
        if token == ASSISTANT:
            current = place
        elif token == EPAD and current is not None:
            segments.append(build(current, place))
            current = None
    if current is not None:
        segments.append(build(current, None))
    return segments


def by_kind(tokens: Tokens, kind: int) -> list[int]:
    return tokens.ids[tokens.kind == kind].tolist()


@given(drawn_samples(), st.sampled_from("ab"), st.sampled_from([(10, 5), (2, 1), (1, 1), (3, 4)]), st.integers(1, 2))
def test_blocks_hold_both_sides_and_drop_a_rest(
    sample: Sample, speaker: str, sizes: tuple[int, int], codebooks: int
) -> None:
    frames, text = sizes
    tokens = clock_blocks(
        sample, two_tokens_a_word, speaker=speaker, frames=frames, text=text, codebooks=codebooks, **MARKS
    )
    blocks = sample.codes.shape[-1] // frames
    block = [*[0] * frames * codebooks, *[2] * text, *[3] * frames * codebooks]
    assert tokens.kind.tolist() == block * blocks
    assert tokens.ids.dtype == np.int32
    assert tokens.kind.dtype == np.uint8
    model = "ab".index(speaker)
    for side, kind in ((model, 3), (1 - model, 0)):
        rows = np.array(by_kind(tokens, kind)).reshape(blocks * frames, codebooks)
        assert rows.T.tolist() == sample.codes[side, :codebooks, : blocks * frames].tolist()


def naive_text(sample: Sample, speaker: str, frames: int, text: int) -> tuple[list[int], int]:
    """A model that walks slot by slot: what it has to say, when it may begin, and when its turn is over."""
    total = sample.codes.shape[-1]
    end_ms = round(sample.metadata["end_s"] * 1000)
    todo = [
        (frames_of(sample, t)[0] // frames, frames_of(sample, t)[-1] // frames, t[1] < end_ms, text_of(sample, t))
        for t in all_turns(sample)
        if t[2] == speaker and frames_of(sample, t)
    ]
    written: list[int] = []
    left: list[int] | None = None
    last_block, closes = 0, False
    for slot in range(total // frames * text):
        block, is_last = slot // text, slot % text == text - 1
        if left is None and todo and todo[0][0] <= block:
            _, last_block, closes, ids = todo.pop(0)
            left = list(ids)
            written.append(ASSISTANT)
        elif left is None:
            written.append(SILENCE)
        elif left:
            written.append(left.pop(0))
        elif closes and (block > last_block or (block == last_block and is_last)):
            written.append(EPAD)
            left = None
        else:
            written.append(PAD)
    return written, len(left or []) + sum(len(ids) for *_, ids in todo)


@given(drawn_samples(), st.sampled_from("ab"), st.sampled_from([(10, 5), (2, 1), (1, 1), (3, 4)]))
def test_text_is_said_as_soon_as_it_may_be(sample: Sample, speaker: str, sizes: tuple[int, int]) -> None:
    frames, text = sizes
    tokens = clock_blocks(sample, two_tokens_a_word, speaker=speaker, frames=frames, text=text, **MARKS)
    assert (by_kind(tokens, 2), tokens.dropped) == naive_text(sample, speaker, frames, text)


@pytest.mark.parametrize(("frames", "text"), [(10, 5), (2, 1)])
def test_every_turn_of_a_conversation_comes_back_with_its_sound(frames: int, text: int) -> None:
    for sample in simulated_samples(1000):
        for speaker in "ab":
            tokens = clock_blocks(sample, two_tokens_a_word, speaker=speaker, frames=frames, text=text, **MARKS)
            segments = extract_segments(by_kind(tokens, 2), by_kind(tokens, 3), text, frames)
            mine = [turn for turn in all_turns(sample) if turn[2] == speaker]
            assert len(segments) == len(mine)
            codes = sample.codes["ab".index(speaker), 0].tolist()
            for (said, first, last, audio), turn in zip(segments, mine, strict=True):
                assert said == text_of(sample, turn)[: len(said)]
                assert tokens.dropped or said == text_of(sample, turn)
                inside = frames_of(sample, turn)
                assert audio == codes[first * frames : first * frames + len(audio)]
                if first == inside[0] // frames and last is not None:
                    assert last >= inside[-1] // frames  # the segment holds the whole turn


def test_a_block_of_bayling_and_one_of_covo() -> None:
    sample = make_sample(frames=24, words=[("a", "x", 0.2, 0.3)], turns=[("a", 0.2, 1.0), ("b", 1.0, 1.9)])
    user, model = sample.codes[1, 0].tolist(), sample.codes[0, 0].tolist()
    bayling = clock_blocks(sample, lambda _: [11, 12], **MARKS)
    assert bayling.ids.tolist() == [
        *user[:10], 2, 11, 12, 3, 3, *model[:10],
        *user[10:20], 3, 3, 3, 3, 4, *model[10:20],
    ]  # fmt: skip
    covo = clock_blocks(sample, lambda _: [11, 12], frames=2, text=1, user_features=1, user_id=99, **MARKS)
    assert by_kind(covo, 0) == [99] * 12
    assert by_kind(covo, 2) == [1, 2, 11, 12, 3, 3, 4, 1, 1, 1, 1, 1]
    assert covo.ids[:4].tolist() == [99, 1, *model[:2]]


def test_a_turn_that_the_cut_goes_through_begins_at_once_and_stays_open() -> None:
    sample = make_sample(frames=6, words=[("a", "x", 0.0, 0.1)], turns=[("a", -1.0, 5.0)])
    assert by_kind(clock_blocks(sample, lambda _: [11], frames=2, text=2, **MARKS), 2) == [2, 11, 3, 3, 3, 3]
    assert clock_blocks(sample, lambda _: [11] * 9, frames=2, text=2, **MARKS).dropped == 4


def test_actions_end_their_block_and_are_learnt() -> None:
    sample = make_sample(frames=4)
    tokens = clock_blocks(sample, two_tokens_a_word, frames=2, text=1, user_features=2, actions=[[70, 71], []], **MARKS)
    codes = sample.codes[0, 0].tolist()
    assert tokens.ids.tolist() == [0, 0, 1, *codes[:2], 70, 71, 0, 0, 1, *codes[2:]]
    assert tokens.kind.tolist() == [0, 0, 2, 3, 3, 2, 2, 0, 0, 2, 3, 3]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"actions": [[1]]}, "^1 lists of actions for 5 blocks; give one a block, empty where there is none$"),
        (
            {"actions": [[], [1] * 11, [], [], []]},
            "^block 1 has 11 actions and may have 10; give the rest to later blocks$",
        ),
        ({"frames": 0}, "^frames 0: expected a whole number of at least 1$"),
        ({"text": 1.5}, r"^text 1\.5: expected"),
        ({"user_features": 0}, "^user_features 0: expected"),
        ({"pad": "[PAD]"}, "listen, begin, pad, end, user_id .*: expected ids, which are whole numbers"),
        ({"codebooks": 9}, "the release has 8 codebooks a frame and 9 are asked for"),
    ],
)
def test_what_is_no_layout_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        clock_blocks(make_sample(), two_tokens_a_word, **{**MARKS, **wrong})
