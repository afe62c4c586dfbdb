"""Disfluencies from words: every kind as a sentence with its tags written out, and what holds for any words."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.disfluency_heldout import read_sides
from benchmarks.disfluency_tasks import read_sentences
from duologue_pipeline.records import Word
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.disfluency import DisfluencyRules
from duologue_pipeline.words.disfluency import TAGS, Disfluency, find_disfluencies, tag_words
from duologue_pipeline.words.lexicon import LANGUAGES, NO_LEXICON, Lexicon, load_lexicon
from duologue_pipeline.words.track import track_words

SHORT = {
    "filler": "F",
    "edit_term": "E",
    "reparandum": "RM",
    "interregnum": "IM",
    "repair": "RR",
    "partial": "P",
    "backchannel": "B",
    "laughter": "L",
}
HELDOUT = (
    Path(__file__).resolve().parents[3].parent
    / "shared/data/disfluency_dev/swbd_disf_heldout_partial_data_timings.tsv.gz"
)


def say(text: str, *, start_ms: int = 0) -> list[Word]:
    """Words of 200 ms one after the other; ``..`` is a silence of 800 ms, ``~word`` is drawn out to 700 ms."""
    words = []
    for token in text.split():
        if token == "..":
            start_ms += 800
            continue
        end_ms = start_ms + (700 if token.startswith("~") else 200)
        words.append(Word(token.lstrip("~"), start_ms, end_ms))
        start_ms = end_ms
    return words


def tagged(text: str, language: str | None = "en") -> str:
    """The words with their tags by the short names above."""
    words = say(text)
    tags = tag_words(track_words(words, load_lexicon(language)))
    return " ".join("/".join([w.word, *(SHORT[tag] for tag in each)]) for w, each in zip(words, tags, strict=True))


def kinds(text: str) -> list[str]:
    return [each.kind for each in find_disfluencies(track_words(say(text), load_lexicon("en")))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("we bought a new house", "we bought a new house"),
        ("we uh bought a house", "we uh/F/E bought a house"),
        ("Uh, we bought it", "Uh,/F/E we bought it"),
        ("sorry we bought it", "sorry/E we bought it"),
        ("i i think so", "i/RM i/RR think so"),
        ("i i i think so", "i/RM i/RM/RR i/RR think so"),
        ("in the in the end", "in/RM the/RM in/RR the/RR end"),
        ("i was i was late", "i/RM was/RM i/RR was/RR late"),
        ("to the uh to the school", "to/RM the/RM uh/F/E/IM to/RR the/RR school"),
        ("they you know they left", "they/RM you/E/IM know/E/IM they/RR left"),
        ("we i mean we left", "we/RM i/E/IM mean/E/IM we/RR left"),
        ("the th- the school", "the/RM th-/RM/P the/RR school/RR"),
        ("every sch- school day", "every sch-/RM/P school/RR day"),
        ("the of- the arresting officer", "the/RM of-/RM/P the/RR arresting/RR officer"),
        ("in the in a town", "in/RM the/RM in/RR a/RR town"),
        ("books in uh books on fish", "books/RM in/RM uh/F/E/IM books/RR on/RR fish"),
        ("it's uh it was late", "it's/RM uh/F/E/IM it/RR was late"),
        ("i i'm late", "i/RM i'm/RR late"),
        ("a an apple", "a/RM an/RR apple"),
        ("he has a of course a car", "he has a/RM of course a car"),
        ("and they i think so", "and they/RM i think so"),
        ("i don't [laughter] i don't know", "i/RM don't/RM [laughter]/IM/L i/RR don't/RR know"),
        ("very very good", "very very good"),
        ("yeah yeah right right", "yeah yeah right right"),
        ("i think i know", "i think i know"),
        ("one of the people and one of the cars", "one of the people and one of the cars"),
        ("and then they were uh we were going home", "and then they/RM were/RM uh/F/E/IM we/RR were/RR going home"),
    ],
)
def test_tags_of(text: str, expected: str) -> None:
    assert tagged(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("it's you know big", "it's you/E know/E big"),
        ("do you know him", "do you know him"),
        ("i mean it", "i/E mean/E it"),
        ("that is what i mean", "that is what i mean"),
        ("well we left", "well/E we left"),
        ("it works very well today", "it works very well today"),
        ("he sat .. like over there", "he sat like/E over there"),
        ("they look like him", "they look like him"),
        ("he left .. actually we stayed", "he left actually/E we stayed"),
        ("and actually we left", "and actually we left"),
        ("it actually works", "it actually works"),
        ("see we left", "see/E we left"),
        ("see if he left", "see if he left"),
        ("so um we left", "so um/F/E we left"),
        ("oh we left", "oh/E we left"),
        ("we left .. .. oh .. .. we did", "we left oh we did"),
    ],
)
def test_a_discourse_marker_is_told_from_the_same_words_by_context(text: str, expected: str) -> None:
    assert tagged(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "four four seven one one two",
        "a hundred a hundred and ten",
        "a a r o n",
        "it is i i t",
        "thank you thank you so much",
        "go go go the signal is green",
        "it talked and talked and talked",
        "we talked and talked and talked",
        "on and on and on",
        "it grew and grew and grew",
        "i want a bed .. a desk .. and a chair",
    ],
)
def test_nothing_is_taken_back_of_what_is_said_again_on_purpose(text: str) -> None:
    assert tagged(text) == text.replace(".. ", "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("four uh four people", "four/RM uh/F/E/IM four/RR people"),
        ("i i want a ticket", "i/RM i/RR want a ticket"),
        ("and i and i and i left", "and/RM i/RM and/RM/RR i/RM/RR and/RR i/RR left"),
        ("and people uh and people", "and/RM people/RM uh/F/E/IM and/RR people/RR"),
    ],
)
def test_numbers_after_an_edit_term_and_pronouns_are_repairs_still(text: str, expected: str) -> None:
    assert tagged(text) == expected


@pytest.mark.parametrize("text", ["my name is j o h n", "at o h s u", "w e l l"])
def test_spelled_letters_are_no_edit_term(text: str) -> None:
    assert tagged(text) == text


def test_so_many_words_of_sentences_of_services_are_taken_back_wrongly() -> None:
    """Most of these are words that grammar doubles ("that that"), of which nine in ten in talk are taken back."""
    wrong = Counter[str]()
    for kind, words, taken_back in read_sentences():
        tags = tag_words(track_words(words, load_lexicon("en")))
        wrong[kind] += sum("reparandum" in each and not true for each, true in zip(tags, taken_back, strict=True))
    assert wrong == {
        "numbers": 2,
        "spelled": 8,
        "lists": 15,
        "emphasis": 3,
        "doubled": 17,
        "service": 3,
        "englishes": 4,
        "restarts": 5,
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("uh we left", ["filler"]),
        ("the .. house", ["hesitation"]),
        ("~the house", ["hesitation"]),
        ("we left .. and came back", []),
        ("the uh the house", ["repetition"]),
        ("th- the house", ["repetition"]),
        ("in the in a town", ["self_correction"]),
        ("bu- we left", ["false_start"]),
        ("he has a of course a car", ["false_start"]),
        ("and then they were uh we were going home", ["self_correction"]),
        ("you can because they have a uh i dont know what it is", ["false_start"]),
    ],
)
def test_kinds_of(text: str, expected: list[str]) -> None:
    assert kinds(text) == expected


def test_the_parts_of_a_self_correction() -> None:
    assert find_disfluencies(track_words(say("go in the uh in a town"), load_lexicon("en"))) == [
        Disfluency("self_correction", 200, 1200, reparandum=(1, 3), interregnum=(3, 4), repair=(4, 6), edit_terms=(3,))
    ]


def test_a_silent_hesitation_lies_between_the_words() -> None:
    assert find_disfluencies(track_words(say("the .. house"), load_lexicon("en"))) == [
        Disfluency("hesitation", 200, 1000)
    ]


def test_a_restart_does_not_reach_across_a_long_silence() -> None:
    words = [*say("in the"), *say("in the house", start_ms=4000)]
    assert [tag for each in tag_words(track_words(words, load_lexicon("en"))) for tag in each] == []


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("de", "wir äh wir gehen", "wir/RM äh/F/E/IM wir/RR gehen"),
        ("ja", "えーと 今日 今日 は", "えーと/F/E 今日/RM 今日/RR は"),
        ("zh", "我 呃 我 不 去", "我/RM 呃/F/E/IM 我/RR 不 去"),
        ("es", "yo eh yo creo", "yo/RM eh/F/E/IM yo/RR creo"),
        ("fr", "je euh je pense", "je/RM euh/F/E/IM je/RR pense"),
        ("ko", "저는 음 저는 가요", "저는/RM 음/F/E/IM 저는/RR 가요"),
        ("xx", "uh foo foo ba- bar [laughter]", "uh foo/RM foo/RR ba-/RM/P bar/RR [laughter]/L"),
    ],
)
def test_other_languages(language: str, text: str, expected: str) -> None:
    assert tagged(text, language) == expected


ANY_WORDS = st.lists(
    st.sampled_from(
        [
            "i",
            "the",
            "a",
            "to",
            "in",
            "was",
            "is",
            "i'm",
            "uh",
            "um",
            "you",
            "know",
            "mean",
            "well",
            "like",
            "th-",
            "the-",
            "yeah",
            "[laughter]",
            ",",
            "house",
        ]
    ),
    max_size=25,
)


@given(text=ANY_WORDS, language=st.sampled_from([*LANGUAGES, None]), pause_ms=st.integers(0, 400))
def test_of_any_words(text: Sequence[str], language: str | None, pause_ms: int) -> None:
    """One set of tags a word, in the order of TAGS; spans within the words and in order; the same every time."""
    lexicon: Lexicon = load_lexicon(language)
    words = [Word(word, i * (200 + pause_ms), i * (200 + pause_ms) + 200) for i, word in enumerate(text)]
    tags = tag_words(track_words(words, lexicon))
    assert len(tags) == len(words)
    assert all(list(each) == [tag for tag in TAGS if tag in each] for each in tags)
    assert tags == tag_words(track_words(words, lexicon))
    found = find_disfluencies(track_words(words, lexicon))
    assert found == find_disfluencies(track_words(words, lexicon))
    taken_back = set()
    for each in found:
        assert each.start_ms < each.end_ms
        parts = [part for part in (each.reparandum, each.interregnum, each.repair) if part]
        assert all(0 <= start < end <= len(words) for start, end in parts)
        assert all(before[1] == after[0] for before, after in pairwise(parts))
        taken_back |= set(range(*each.reparandum)) if each.reparandum else set()
    assert {i for i, each in enumerate(tags) if "reparandum" in each} <= taken_back


def test_without_the_model_the_rules_stand_alone() -> None:
    words, english = say("and then they were uh we were going home the the home"), load_lexicon("en")
    rules = replace(load_rules(DisfluencyRules), model_word_probability=2)
    taken_back = [
        i for i, each in enumerate(tag_words(track_words(words, english), rules=rules)) if "reparandum" in each
    ]
    assert taken_back == [9]


def test_no_words() -> None:
    assert tag_words(track_words([], NO_LEXICON)) == []
    assert find_disfluencies(track_words([], NO_LEXICON)) == []


@pytest.mark.skipif(not HELDOUT.exists(), reason="the disfluency development data lie beside the checkout, not in it")
def test_reparanda_on_switchboard_are_found_as_documented() -> None:
    right = found = true = 0
    for words, human in read_sides(HELDOUT):
        for tags, given_tags in zip(human, tag_words(track_words(words, load_lexicon("en"))), strict=True):
            right += "<rm" in tags and "reparandum" in given_tags
            found += "reparandum" in given_tags
            true += "<rm" in tags
    assert 2 * right / (found + true) >= 0.78
