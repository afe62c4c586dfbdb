"""What the cards say of how well speakers are linked."""

import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest

from duologue_cards import leakage_bytes, make_sheet, parse_leakage, write_cards
from duologue_cards.leakage import leakage_entries, linked_in_words
from duologue_pipeline.labels.page import card_rules
from duologue_pipeline.release.card_files import release_tally

MEASURED: dict[str, Any] = json.loads(
    (files("duologue_schemas") / "examples/leakage/valid/measured.json").read_text("utf-8")
)


def figure(
    of: str = "tokens", by: str = "network", speech_s: int = 10, eer: float | None = 0.2, **more: Any
) -> dict[str, Any]:
    about = {"of": of, "by": by, "speech_s": speech_s, "eer": eer}
    if eer is None:
        return {**about, "unknown": "nobody", **more}
    return {
        **about,
        "interval": [eer - 0.05, eer + 0.05],
        "linked_speakers": 12,
        "pairs_of_one": 9,
        "pairs_of_two": 9,
        **more,
    }


def entries(*figures: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return leakage_entries({**MEASURED, "figures": list(figures)})


def test_the_lowest_error_over_the_most_speech_is_the_fact() -> None:
    found = entries(
        figure(eer=0.1, speech_s=3),
        figure(eer=0.3),
        figure(by="histogram", eer=0.2),
        figure(eer=0.01, codebook=2),
        figure(eer=0.02, control="channels"),
        figure(speech_s=30, eer=None),
    )["leakage_tokens_eer"]
    assert (found["value"], found["interval"], found["source"]) == (
        0.2,
        [pytest.approx(0.15), 0.25],
        "cards/leakage.json",
    )
    assert "10 s of speech each" in found["method"]
    assert "how often each token is used" in found["method"]


def test_what_is_unknown_has_the_reason() -> None:
    found = entries(figure(eer=None))
    assert found["leakage_tokens_eer"] == {"value": None, "unknown": "nobody"}
    assert "nobody has measured it" in leakage_entries({})["leakage_original_eer"]["unknown"]
    assert "is unknown: nobody has measured it" in linked_in_words(leakage_entries({}))


def test_the_sentence_tells_the_error_in_100() -> None:
    assert "an error of 20 in 100 (95 % interval 15 to 25" in linked_in_words(entries(figure()))


def test_it_is_read_as_it_is_written() -> None:
    assert parse_leakage(leakage_bytes(MEASURED), "x") == MEASURED


@pytest.mark.parametrize(
    "data", [b"{", b"[]", b'{"schema": "leakage/1.0"}', leakage_bytes({**MEASURED, "embeddings": [0.1]})]
)
def test_what_is_no_such_file_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"x: .*measure again"):
        parse_leakage(data, "x")


def test_facts_and_texts_of_a_release_have_it(build: Callable[..., Any], row: Callable[..., dict[str, Any]]) -> None:
    release = build(row("call-1"))
    sheet = make_sheet(
        release.document,
        release_tally([release.index], [release.recordings]),
        release.rejected,
        stated={},
        rules=card_rules(),
        leakage=MEASURED,
    )
    made = dict(write_cards(sheet))
    assert json.loads(made["cards/facts.json"])["facts"]["leakage_tokens_eer"]["value"] == 0.21
    assert json.loads(made["cards/leakage.json"]) == MEASURED
    for path in ("README.md", "cards/datasheet.md", "croissant.json"):
        assert b"an error of 21 in 100" in made[path], path
