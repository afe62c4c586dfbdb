"""Units of a second, read again under the rules that MiniCPM-o 4.5 generates by."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader import Sample
from duologue_pipeline.views import Tokens, chunk_states, minicpm_units
from duologue_pipeline.views.states import LISTEN
from tests.pipeline.views.build import make_sample
from tests.pipeline.views.conversations import drawn_samples, simulated_samples, two_tokens_a_word
from tests.pipeline.views.test_flattened import all_turns, frames_of, pairs, text_of

pytestmark = pytest.mark.filterwarnings("ignore:a sample has no transcript")

UNIT, LISTENS, SPEAKS, CHUNK_EOS, TURN_EOS, UNIT_END, HEARD = 1, 2, 3, 4, 5, 6, 7
IDS: dict[str, Any] = {
    "unit": UNIT,
    "listen": LISTENS,
    "speak": SPEAKS,
    "chunk_eos": CHUNK_EOS,
    "turn_eos": TURN_EOS,
    "unit_end": UNIT_END,
}


def units_of(tokens: Tokens, features: int) -> list[list[int]]:
    """What the model decides in each unit; the edges and the sound are looked at."""
    found: list[list[int]] = []
    stream = pairs(tokens)
    while stream:
        assert stream[: 1 + features] == [(UNIT, 4), *[(HEARD, 0)] * features]
        end = stream.index((UNIT_END, 4))
        assert {kind for _, kind in stream[1 + features : end]} == {2}
        found.append([i for i, _ in stream[1 + features : end]])
        del stream[: end + 1]
    return found


@given(drawn_samples(), st.sampled_from("ab"), st.sampled_from([100, 333, 1000]), st.integers(1, 5))
def test_the_rules_of_its_generation_hold(sample: Sample, speaker: str, unit_ms: int, most: int) -> None:
    """``streaming_generate``: a unit listens or speaks, no more than so many tokens, and an open turn does not listen."""
    tokens = minicpm_units(
        sample,
        two_tokens_a_word,
        speaker=speaker,
        unit_ms=unit_ms,
        most=most,
        user_features=2,
        user_id=HEARD,
        **IDS,
    )
    units = units_of(tokens, 2)
    assert len(units) == -(-80 * sample.codes.shape[-1] // unit_ms)
    turn_ended, said = True, list[int]()
    for unit in units:
        if unit == [LISTENS]:
            assert turn_ended
            continue
        assert (unit[0], unit[-1]) == (SPEAKS, CHUNK_EOS)
        text = unit[1:-1]
        assert len(text) <= most
        assert LISTENS not in text
        turn_ended = text[-1:] == [TURN_EOS] if text or not turn_ended else turn_ended
        said += text
    mine = [turn for turn in all_turns(sample) if turn[2] == speaker and frames_of(sample, turn)]
    wanted = [i for turn in mine for i in text_of(sample, turn)]
    found = [i for i in said if i != TURN_EOS]
    assert found == wanted[: len(found)]
    assert tokens.dropped == len(wanted) - len(found)


def test_it_speaks_where_its_turns_are() -> None:
    for sample in simulated_samples(1000):
        for speaker in "ab":
            tokens = minicpm_units(sample, two_tokens_a_word, speaker=speaker, user_id=HEARD, **IDS)
            units = units_of(tokens, 10)
            states = chunk_states(sample, speaker=speaker, chunk_ms=1000)
            mine = [turn for turn in all_turns(sample) if turn[2] == speaker]
            for second, unit in enumerate(units):
                inside = any(start < 1000 * (second + 1) and end > 1000 * second for start, end, _ in mine)
                assert (unit != [LISTENS]) == inside  # 18 tokens a second are enough for people
                assert states[second] == LISTEN or states[second] == 5 or inside
            assert tokens.dropped == 0
            assert sum(i == TURN_EOS for i in tokens.ids) == len(mine)


def test_the_words_of_a_turn_stand_in_their_seconds() -> None:
    words = [("a", "one", 1.5, 1.7), ("a", "two", 1.8, 1.9), ("a", "three", 3.2, 3.5), ("a", "mhm", 4.5, 4.7)]
    sample = make_sample(frames=63, words=words, turns=[("a", 1.4, 3.6), ("b", 3.6, 5.0)])
    asked: list[str] = []

    def tokenizer(text: str) -> list[int]:
        asked.append(text)
        return [100 + len(asked)] * 2

    tokens = minicpm_units(sample, tokenizer, user_features=1, user_id=HEARD, **IDS)
    assert asked == ["one two", " three"]
    assert units_of(tokens, 1) == [
        [LISTENS],
        [SPEAKS, 101, 101, CHUNK_EOS],
        [SPEAKS, CHUNK_EOS],
        [SPEAKS, 102, 102, TURN_EOS, CHUNK_EOS],
        [LISTENS],
        [LISTENS],
    ]


def test_what_is_no_unit_is_refused() -> None:
    with pytest.raises(UsageError, match=r"^most 0: expected a whole number of at least 1$"):
        minicpm_units(make_sample(), two_tokens_a_word, most=0, **IDS)
    with pytest.raises(UsageError, match=r"^unit, listen, speak, .*: expected ids, which are whole numbers"):
        minicpm_units(make_sample(), two_tokens_a_word, **{**IDS, "speak": "<|speak|>"})
    with pytest.raises(UsageError, match=r"^unit_ms 1\.5: expected"):
        minicpm_units(make_sample(), two_tokens_a_word, unit_ms=1.5, **IDS)  # type: ignore[arg-type]
