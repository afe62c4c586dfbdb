"""The learned reparandum model: numpy computes what training did, and nothing is seen where it must not be."""

from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from train_repair_model import Maker, Network, Told, fluent, stream, told, write

from duologue_pipeline.words import repair_model
from duologue_pipeline.words.lexicon import load_lexicon
from duologue_pipeline.words.repair_model import APART, reparandum_probabilities

FORMS = load_lexicon("en").full_forms
TEXT = [
    "well",
    "i",
    "was",
    "they",
    "were",
    "in",
    "the",
    "ho-",
    "house",
    "you",
    "know",
    "and",
    "it's",
    "it",
    "is",
    "a",
    "big",
    "bizarrerie",
]


def probabilities(text: list[str], *, begins: tuple[int, ...] = (0,)) -> np.ndarray:
    starts = [i in begins for i in range(len(text))]
    return reparandum_probabilities(text, [False] * len(text), starts, full_forms=FORMS)


def test_the_network_of_the_package_is_the_one_that_was_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Random weights, written and read: the same probabilities but for float16."""
    torch.manual_seed(1)
    vocabulary = {word: i for i, word in enumerate(["i", "was", "they", "in", "the"])}
    network = Network(len(vocabulary)).eval()
    (tmp_path / "repair_weights").mkdir()
    write(network, vocabulary, tmp_path / "repair_weights" / repair_model.WEIGHTS_FILE)
    monkeypatch.setattr(repair_model, "files", lambda package: tmp_path)
    repair_model._weights.cache_clear()
    try:
        found = reparandum_probabilities(
            TEXT, [i == 3 for i in range(len(TEXT))], [False] * len(TEXT), full_forms=FORMS
        )
    finally:
        repair_model._weights.cache_clear()
    turn = [Told(word, after_edit=i == 3) for i, word in enumerate(TEXT)]
    inputs = [column[None] for column in stream([turn, turn], vocabulary, marks=False, joined=0.0)[:5]]
    with torch.no_grad():
        expected = network(*inputs)[0].sigmoid().numpy()[len(TEXT) + APART :][: len(TEXT)]
    assert np.ptp(expected) > 0.01
    np.testing.assert_allclose(found, expected, atol=0.005)


def test_nothing_is_seen_across_a_beginning() -> None:
    whole = probabilities(TEXT, begins=(0, 5, 6))
    parts = np.concatenate([probabilities(TEXT[:5]), probabilities(TEXT[5:6]), probabilities(TEXT[6:])])
    np.testing.assert_array_equal(whole, parts)


def test_no_words_have_no_probabilities() -> None:
    assert probabilities([], begins=()).shape == (0,)


def test_the_weights_are_small() -> None:
    path = Path(repair_model.__file__).parent / "repair_weights" / repair_model.WEIGHTS_FILE
    assert path.stat().st_size < 1_000_000


@pytest.mark.parametrize(
    ("text", "taken_back"),
    [
        ("and then they were we were going home", "they were"),
        ("it has always been in the in a small town", "in the"),
        ("i think that was it was a big house", "that was"),
        ("we went to the big house in the town", ""),
        ("i think i know what you mean", ""),
    ],
)
def test_likely_words(text: str, taken_back: str) -> None:
    words = text.split()
    likely = probabilities(words) > 0.5
    assert " ".join(word for word, yes in zip(words, likely, strict=True) if yes) == taken_back


def test_a_transcript_is_read_without_edit_terms_and_with_its_marks() -> None:
    assert told(["we", "uh", "think", "#", "now", "|", "they", "they", "know", "#"]) == (
        [
            Told("we", sentence=True),
            Told("think", after_edit=True),
            Told("now", broken=True),
            Told("they", sentence=True, taken_back=True),
            Told("they"),
            Told("know"),
        ],
        True,
    )


def test_fluent_stretches_end_six_words_before_speech_is_broken_off() -> None:
    turn = told(["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "#", "n", "o", "p", "q"])
    assert [" ".join(each.word for each in stretch) for stretch in fluent([turn])] == ["a b c d e f g", "n o p q"]


def test_a_disfluency_put_in_leaves_the_stretch_as_it_was() -> None:
    """Without what is taken back the words are those of the stretch, in every one of 300."""
    stretches = [told(line.split())[0] for line in ("i was in the house with them", "they were in a big town there")]
    maker = Maker(stretches, Random(3))
    made = [(stretch, maker.make(stretch)) for _ in range(150) for stretch in stretches]
    assert all(
        [each.word for each in with_them if not each.taken_back] == [each.word for each in stretch]
        for stretch, with_them in made
    )
    assert sum(any(each.taken_back for each in with_them) for _, with_them in made) > 30
