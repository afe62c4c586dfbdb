"""The lexicons: all load, follow one schema, name their sources, and spell words as the rules see them."""

import json
from importlib.resources import files
from typing import Any

import jsonschema
import pytest

from duologue_pipeline.words.lexicon import (
    BACKCHANNEL_TYPES,
    LANGUAGES,
    NO_LEXICON,
    is_fragment,
    is_laughter,
    load_lexicon,
    normal_form,
)

TEXTS = {"type": "array", "items": {"type": "string", "minLength": 1}, "uniqueItems": True}
# A list names the page that it was compiled from and when that was read, or says that there is none.
SOURCE = {
    "type": "string",
    "pattern": r"https?://[^ ]+, (README, )?read \d{4}-\d{2}-\d{2}\)|no published list found$",
}
LIST: dict[str, Any] = {
    "type": "object",
    "properties": {"items": TEXTS, "source": SOURCE},
    "required": ["items", "source"],
    "additionalProperties": False,
}
CONDITIONS = {
    "type": "object",
    "properties": {
        "needs": {"type": "array", "items": {"enum": ["start", "break", "conjunction"]}},
        "not": {"type": "array", "items": {"enum": ["alone"]}},
        **{name: TEXTS for name in ("after", "before", "not_after", "not_before", "only_before")},
    },
    "additionalProperties": False,
}
SCHEMA = {
    "type": "object",
    "properties": {
        "language": {"enum": list(LANGUAGES)},
        "version": {"type": "string"},
        "spaces": {"type": "boolean"},
        "backchannels": {
            "type": "object",
            "properties": {
                **{name: TEXTS for name in (*BACKCHANNEL_TYPES, "only_while_other_speaks")},
                "source": SOURCE,
            },
            "required": [*BACKCHANNEL_TYPES, "only_while_other_speaks", "source"],
            "additionalProperties": False,
        },
        **{name: LIST for name in ("edit_terms", "emphatic")},
        "fillers": {**LIST, "properties": {**LIST["properties"], "before_break": TEXTS}},
        "laughter": {
            "type": "object",
            "properties": {"items": TEXTS, "marks": TEXTS, "source": SOURCE},
            "required": ["items", "marks", "source"],
            "additionalProperties": False,
        },
        "discourse_markers": {
            "type": "object",
            "properties": {"items": {"type": "object", "additionalProperties": CONDITIONS}, "source": SOURCE},
            "required": ["items", "source"],
        },
        "questions": {
            "type": "object",
            "properties": {"begin": TEXTS, "end": TEXTS, "source": SOURCE},
            "required": ["begin", "end", "source"],
        },
        "norms": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"name": {"type": "string"}, "value": {"type": "number"}, "source": SOURCE},
                "required": ["name", "value", "source"],
                "additionalProperties": False,
            },
        },
        "grammar": {
            "type": "object",
            "properties": {
                "source": SOURCE,
                "word_classes": {"type": "object", "additionalProperties": {"type": "string"}},
                "contractions": {"type": "object", "additionalProperties": {"type": "string"}},
                "retraces": {"type": "array", "items": {"type": "array", "minItems": 4, "maxItems": 4}},
                "abandoned": {"type": "array", "items": {"type": "array", "minItems": 3, "maxItems": 3}},
            },
            "required": ["source", "word_classes", "contractions", "retraces", "abandoned"],
        },
    },
    "required": [
        "language",
        "version",
        "spaces",
        "backchannels",
        "fillers",
        "edit_terms",
        "emphatic",
        "laughter",
        "discourse_markers",
        "questions",
        "norms",
    ],
    "additionalProperties": False,
}


def read(language: str) -> Any:
    return json.loads(
        files("duologue_pipeline.words").joinpath("lexicons", f"{language}.json").read_text(encoding="utf-8")
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_lexicon_follows_the_schema(language: str) -> None:
    jsonschema.validate(read(language), SCHEMA)
    assert read(language)["language"] == language


def test_every_file_is_a_language() -> None:
    folder = files("duologue_pipeline.words").joinpath("lexicons")
    found = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".json"))
    assert found == [f"{language}.json" for language in LANGUAGES]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_phrase_has_one_type(language: str) -> None:
    lexicon = load_lexicon(language)
    types = [phrase for kind in BACKCHANNEL_TYPES for phrase in lexicon.backchannels[kind]]
    assert sorted(phrase for phrase in set(types) if types.count(phrase) > 1) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_abandoned_pairs_name_word_classes(language: str) -> None:
    lexicon = load_lexicon(language)
    assert {name for pair in lexicon.abandoned for name in pair} <= lexicon.word_classes.keys()


@pytest.mark.parametrize(
    ("tag", "name"),
    [("en", "en"), ("en-US", "en"), ("EN_gb", "en"), ("zh-Hant-TW", "zh"), ("ja-JP", "ja"), ("ko", "ko")],
)
def test_the_primary_subtag_chooses(tag: str, name: str) -> None:
    assert load_lexicon(tag).name == name


@pytest.mark.parametrize("tag", ["", "pt-BR", "eng", "enx", None])
def test_an_unknown_language_gets_none_and_not_english(tag: str | None) -> None:
    assert load_lexicon(tag) is NO_LEXICON
    assert NO_LEXICON.name == "none"
    assert NO_LEXICON.backchannels == {}


@pytest.mark.parametrize(
    ("word", "normal"),
    [
        ("Yeah,", "yeah"),
        ("ＵＨ", "uh"),
        ("Uh-huh.", "uh-huh"),
        ("don’t", "dont"),
        ("we'll", "we'll"),
        ("th-", "th-"),
        ("th-,", "th-"),
        ("su[ch]-", "su-"),
        ("[laughter-very]", "very"),
        ("[laughter]", "[laughter]"),
        ("うん、", "うん"),
        ("¿Verdad?", "verdad"),
        ("-", ""),
        ("...", ""),
    ],
)
def test_the_normal_form_of(word: str, normal: str) -> None:
    assert normal_form(word) == normal


def laughs_in(language: str | None, word: str) -> bool:
    return is_laughter(word, normal_form(word), load_lexicon(language))


def test_fragments_and_laughter() -> None:
    assert is_fragment("th-")
    assert not is_fragment("uh-huh")
    assert [laughs_in("en", word) for word in ("[laughter]", "<laugh>", "Haha!", "ha", "laugh")] == [
        True,
        True,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("language", "laughs", "speaks"),
    [
        ("en", ["hahahaha", "hehe", "&=laughs", "{laughter}"], ["ha", "he", "banana", "[noise]"]),
        ("de", ["hihihi", "((lacht))", "<lachen>", "[Gelächter]"], ["lachen", "lacht"]),
        ("es", ["jajaja", "jeje", "(risas)", "(se ríe)"], ["ja", "risa"]),
        ("fr", ["héhé", "(rires)", "[rit]", "mdr"], ["rire", "hé"]),
        ("ja", ["はははは", "www", "（笑）", "〈笑い〉", "笑"], ["は", "笑顔"]),
        ("zh", ["哈哈哈哈", "呵呵", "[笑声]"], ["哈", "谢谢", "好笑"]),
        ("ko", ["ㅋㅋㅋㅋ", "하하", "(웃음)"], ["하", "네네"]),
        (None, ["[laughter]", "<Laugh>"], ["haha", "(risas)"]),
    ],
)
def test_laughter_in(language: str | None, laughs: list[str], speaks: list[str]) -> None:
    assert [word for word in laughs if not laughs_in(language, word)] == []
    assert [word for word in speaks if laughs_in(language, word)] == []


@pytest.mark.parametrize("language", ["ja", "zh"])
def test_languages_without_spaces_say_so(language: str) -> None:
    assert not load_lexicon(language).spaces
