"""Which ids look alike: the right answer for what people, programs and attackers write, and no other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue_consent.decisions.names import by_skeleton, escaped, look_alike_ids, look_alikes, named_by, skeleton

ALIKE = {
    "composed and decomposed": ("Jos\u00e9", "Jose\u0301"),
    "composed, decomposed and in capitals": ("Zo\u00eb", "ZOE\u0308"),
    "marks in another order": ("a\u0323\u0307", "a\u0307\u0323"),
    "case": ("spk-a", "SPK-A"),
    "sharp s": ("Strau\u00df", "STRAUSS"),
    "dotted capital i": ("\u0130stanbul", "istanbul"),
    "dotless i": ("k\u0131m", "kim"),
    "blanks at the ends": ("spk-17", " spk-17\t"),
    "no-break blanks": ("Anna Maria", "Anna\u00a0Maria"),
    "several blanks": ("Anna Maria", "Anna \u2009 Maria"),
    "a blank between letters": ("Anna Maria", "AnnaMaria"),
    "a blank before a number": ("spk 17", "spk17"),
    "a blank beside a hyphen": ("spk - 17", "spk-17"),
    "ideographic blank": ("\u5c71 \u7530", "\u5c71\u3000\u7530"),
    "braille blank": ("a b", "a\u2800b"),
    "zero width": ("spk17", "spk\u200b17\ufeff"),
    "joiners": ("spk17", "s\u200dp\u200ck17"),
    "soft hyphen": ("spk17", "spk\u00ad17"),
    "direction marks": ("spk17", "\u202espk17\u202c"),
    "variation selector": ("spk17", "spk\ufe0f17"),
    "tags": ("spk17", "spk17\U000e0041"),
    "Hangul filler": ("spk17", "spk\u316417"),
    "grapheme joiner": ("\u00e1b", "a\u034f\u0301b"),
    "a control character": ("spk17", "spk\x0717"),
    "full width": ("spk-17", "\uff53\uff50\uff4b\uff0d\uff11\uff17"),
    "ligature": ("fina", "\ufb01na"),
    "mathematical letters": ("anna", "\U0001d41a\U0001d427\U0001d427\U0001d41a"),
    "hyphens": ("spk-17", "spk\u201117"),
    "minus": ("spk-17", "spk\u221217"),
    "dashes": ("spk\u201417", "spk\u201317"),
    "apostrophes": ("O'Neil", "O\u2019Neil"),
    "digits of another script": ("spk17", "spk\u0661\u0667"),
    "Cyrillic a": ("anna", "\u0430nn\u0430"),
    "Cyrillic capitals": ("HOPE", "\u041d\u041e\u0420\u0415"),
    "Cyrillic in both cases": ("\u0418\u0432\u0430\u043d", "\u0438\u0412\u0410\u041d"),
    "Cyrillic io": ("\u0451", "\u0435\u0308"),
    "Greek omicron": ("bob", "b\u03bfb"),
    "Greek capitals": ("KATE", "\u039a\u0391\u03a4\u0395"),
    "Armenian oh": ("bob", "b\u0585b"),
    "small capitals": ("anna", "\u1d00nn\u1d00"),
}
OTHERS = [
    ("1 11", "11 1"),
    ("1 11", "111"),
    ("spk-1", "spk_1"),
    ("spk-1", "spk-l"),
    ("O", "0"),
    ("Jos\u00e9", "Jose"),
    ("spk-1", "spk-11"),
    ("anna", "anne"),
    ("\u5c71\u7530", "\u5c71\u672c"),
]


@pytest.mark.parametrize("pair", ALIKE.values(), ids=ALIKE.keys())
def test_these_look_alike(pair: tuple[str, str]) -> None:
    assert skeleton(pair[0]) == skeleton(pair[1])
    assert look_alikes(pair[0], by_skeleton(pair)) == (pair[1],)


@pytest.mark.parametrize("pair", OTHERS)
def test_these_do_not(pair: tuple[str, str]) -> None:
    assert skeleton(pair[0]) != skeleton(pair[1])
    assert look_alike_ids(pair) == {}


@given(st.text(max_size=12))
def test_a_skeleton_is_its_own(text: str) -> None:
    assert skeleton(skeleton(text)) == skeleton(text)


@given(st.text(max_size=8))
def test_an_id_is_escaped_without_loss(text: str) -> None:
    shown = escaped(text)
    assert shown.isprintable()
    assert eval(shown, {}) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("J\u00fcrgen M\u00dcLLER", "'J\u00fcrgen M\u00dcLLER'"),
        ("Gro\u00df", "'Gro\u00df'"),
        ("\u7530\u4e2d \u82b1\u5b50", "'\u7530\u4e2d \u82b1\u5b50'"),
        ("\u7530\u4e2d\u3000\u82b1\u5b50", "'\u7530\u4e2d\\u3000\u82b1\u5b50'"),  # a wide blank
        ("\uf9b0", r"'\uf9b0'"),  # kanji of compatibility
        ("Jose\u0301", r"'Jose\u0301'"),
        ("\u1112\u1161\u11ab", r"'\u1112\u1161\u11ab'"),
        ("\ud55c", "'\ud55c'"),
        ("\u0410nn\u00e9", r"'\u0410nn\u00e9'"),  # a Cyrillic A
        ("\u212bsa", r"'\u212bsa'"),  # the sign of Angstrom
        ("a\u200bb", r"'a\u200bb'"),
        ("O\u2019Neil", r"'O\u2019Neil'"),
    ],
)
def test_a_name_is_readable_and_what_looks_like_another_letter_is_not_hidden(text: str, shown: str) -> None:
    assert escaped(text) == shown


def test_what_looks_alike_is_told_apart_by_its_escapes() -> None:
    assert named_by(("Jos\u00e9", "Jose\u0301", "a\U0001f600 ")) == "'Jos\u00e9' and 'Jose\\u0301' and 'a\\U0001f600 '"


def test_several_that_look_alike_name_each_other() -> None:
    assert look_alike_ids(["Anna", "anna", "ANNA", "anna", "ben"]) == {
        "ANNA": ("Anna", "anna"),
        "Anna": ("ANNA", "anna"),
        "anna": ("ANNA", "Anna"),
    }
