"""Words of German, Spanish, French and Japanese: what is said on purpose, and what transcripts cut and spell otherwise.

The sentences are ours. Words follow each other without a pause; ``..`` is a silence.
"""

import unicodedata

import pytest

from duologue_pipeline.records import Word
from duologue_pipeline.words.backchannels import backchannel_ipus
from duologue_pipeline.words.disfluency import tag_words
from duologue_pipeline.words.lexicon import load_lexicon, normal_form, phrase_end
from duologue_pipeline.words.track import track_words


def say(text: str, *, start_ms: int = 0) -> list[Word]:
    words = []
    for token in text.split():
        if token != "..":
            words.append(Word(token, start_ms, start_ms + 200))
        start_ms += 800 if token == ".." else 200
    return words


def tags(language: str, text: str) -> dict[str, str]:
    """The words that have a tag, each with its first."""
    words = say(text)
    tagged = tag_words(track_words(words, load_lexicon(language)))
    return {word.word: each[0] for word, each in zip(words, tagged, strict=True) if each}


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "das ist sehr sehr schön"),
        ("de", "ja ja das stimmt"),
        ("de", "nein nein so nicht"),
        ("de", "das ist halt so"),
        ("de", "er hat das eh schon gewusst"),
        ("de", "ich weiß dass die die wohnung nehmen"),
        ("de", "wenn sie sie sehen"),
        ("de", "das ist viel viel besser"),
        ("de", "immer immer wieder"),
        ("de", "ich meine das ernst"),
        ("de", "die nummer ist zwei zwei fünf fünf"),
        ("es", "es muy muy bonito"),
        ("es", "no no de verdad"),
        ("es", "sí sí ya lo sé"),
        ("es", "este coche es nuevo"),
        ("es", "vino con este amigo"),
        ("es", "digo la verdad"),
        ("es", "sabes nadar"),
        ("es", "más más"),
        ("es", "el número es cinco cinco dos dos"),
        ("es", "¿ y tú ?"),
        ("fr", "c'est très très loin"),
        ("fr", "oui oui je sais"),
        ("fr", "nous nous sommes perdus"),
        ("fr", "vous vous trompez"),
        ("fr", "il faut faire vite vite"),
        ("fr", "il y en a plein plein"),
        ("fr", "quoi faire"),
        ("fr", "bon appétit"),
        ("fr", "l' homme qui l' a vu"),
        ("fr", "le code est deux deux neuf neuf"),
        ("ja", "はいはい わかりました"),
        ("ja", "どんどん 進みます"),
        ("ja", "ど ん ど ん 進 み ま す"),
        ("ja", "い い 天 気 で す"),
        ("ja", "こ こ に あ り ま す"),
        ("ja", "まだ まだ です"),
        ("ja", "あの 人 は 友達 です"),
        ("ja", "その 本 を 読みました"),
        ("ja", "なんか 食べた"),
        ("ja", "これ は 違う"),
        ("ja", "雨 じゃない"),
    ],
)
def test_what_is_said_on_purpose_is_no_disfluency(language: str, text: str) -> None:
    assert tags(language, text) == {}


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("de", "wir wir gehen", {"wir": "repair"}),
        ("de", "ich äh gehe", {"äh": "filler"}),
        ("de", "montag ich meine dienstag", {"ich": "edit_term", "meine": "edit_term"}),
        ("es", "yo yo no sé", {"yo": "repair"}),
        ("es", "quiero este .. un coche", {"este": "filler"}),
        ("es", "o sea que no", {"o": "edit_term", "sea": "edit_term"}),
        ("fr", "j'ai euh vu", {"euh": "filler"}),
        ("fr", "l' l' homme", {"l'": "repair"}),
        ("fr", "lundi enfin mardi", {"enfin": "edit_term"}),
        ("ja", "あの .. 昨日", {"あの": "filler"}),
        ("ja", "その えーと 本", {"その": "filler", "えーと": "filler"}),
        ("ja", "あの その .. 本", {"あの": "filler", "その": "filler"}),
        ("es", "pues este este .. quiero", {"este": "filler", "pues": "edit_term"}),
        ("ja", "それ で で", {"で": "repair"}),
        ("ja", "あのー 昨日", {"あのー": "filler"}),
        ("ja", "ｴｰﾄ 昨日", {"ｴｰﾄ": "filler"}),
        ("ja", "エート 昨日", {"エート": "filler"}),
        ("ja", "え っ と 昨日", {"え": "filler", "っ": "filler", "と": "filler"}),
        ("ja", "月曜 じゃ なく て 火曜", {"じゃ": "edit_term", "なく": "edit_term", "て": "edit_term"}),
        ("ja", "昨日 昨日 は", {"昨日": "repair"}),
    ],
)
def test_disfluencies(language: str, text: str, expected: dict[str, str]) -> None:
    assert tags(language, text) == expected
    apart = unicodedata.normalize("NFD", text)  # letters and their accents written apart
    assert tags(language, apart) == {unicodedata.normalize("NFD", word): tag for word, tag in expected.items()}


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "ach so"),
        ("de", "Achso ."),
        ("es", "¿ sí ?"),
        ("es", "¡Claro!"),
        ("fr", "d' accord"),
        ("fr", "c' est ça"),
        ("fr", "d’accord"),
        ("ja", "そう です ね"),
        ("ja", "そ う で す ね 。"),
        ("ja", "ハイ"),
        ("ja", "ﾊｲ"),
    ],
)
def test_backchannels_however_they_are_cut_and_spelt(language: str, text: str) -> None:
    lexicon = load_lexicon(language)
    other = track_words([Word("x", 300 * k, 300 * k + 290) for k in range(10)], lexicon)
    own = track_words(say(text, start_ms=1500), lexicon)
    assert [each.type for each in backchannel_ipus(own, other)] == ["acknowledgement"]


@pytest.mark.parametrize(
    ("words", "at", "end"),
    [
        (("d", "accord"), 0, 2),
        (("daccord",), 0, 1),
        (("oui", "daccord"), 1, 2),
        (("daccordo",), 0, None),
        (("d",), 0, None),
        (("d", "a", "c", "c", "o", "r", "d"), 0, None),
        ((), 0, None),
    ],
)
def test_a_phrase_is_found_however_it_is_cut_and_no_word_is_cut_for_it(
    words: tuple[str, ...], at: int, end: int | None
) -> None:
    assert phrase_end(words, at, ("daccord",)) == end
    assert phrase_end(("sino",), 0, ("si",)) is None


def test_kana_are_compared_as_hiragana() -> None:
    assert [normal_form(word) for word in ("ハイ", "ﾊｲ", "はい", "エーット", "ヴ")] == [
        "はい",
        "はい",
        "はい",
        "えーっと",
        "ゔ",
    ]
