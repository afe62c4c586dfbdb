"""The tokenizer that Moshi and J-Moshi use, sentencepiece itself, with a model that is trained here."""

import io
from typing import Any

import pytest
import sentencepiece
from hypothesis import given
from hypothesis import strategies as st

from duologue_pipeline.views import dual_stream
from tests.pipeline.views.build import make_sample
from tests.pipeline.views.references import kyutai_text, nu_text

WORDS = ["no", "warranty", "New York", "I", "über", "Ça", "uh-huh", "it's", "twenty-one", "😀"]
words = st.lists(
    st.tuples(st.sampled_from(WORDS), st.integers(0, 90), st.sampled_from([0, 40, 80, 240, 1000])), max_size=30
).map(
    lambda said: [
        (text, at * 0.04, at * 0.04 + long / 1000) for text, at, long in sorted(said, key=lambda each: each[1])
    ]
)


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    """A model of 300 pieces with bytes for what it does not know, as Kyutai's has."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(WORDS[:-1] * 20),
        model_writer=model,
        vocab_size=300,
        byte_fallback=True,
        normalization_rule_name="identity",
        hard_vocab_limit=False,
        minloglevel=2,
    )
    return sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())


@given(said=words, placement=st.sampled_from(["drop", "shift"]))
def test_drop_and_shift_are_those_of_kyutais_interleaver(tokenizer: Any, said: Any, placement: Any) -> None:
    sample = make_sample(words=[("a", *word) for word in said], frames=50)
    said = [(text, round(start, 3), round(end, 3)) for text, start, end in said]
    row = dual_stream(sample, tokenizer, placement=placement)[0]
    assert row.tolist() == kyutai_text(said, tokenizer.encode, 4.0, shift=placement == "shift")


@given(said=words)
def test_spread_is_that_of_nu_dialogues_script(tokenizer: Any, said: Any) -> None:
    sample = make_sample(words=[("a", *word) for word in said], frames=50)
    expected = nu_text(said, tokenizer, 50) if said else [3] * 50
    assert dual_stream(sample, tokenizer, placement="spread")[0].tolist() == expected
