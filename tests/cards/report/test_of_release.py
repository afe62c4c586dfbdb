"""What the page of a release says is so: of consent, of how the conversations were chosen, and of people."""

import re
from collections.abc import Callable
from typing import Any

from duologue_cards import write_report
from duologue_pipeline.release.card_files import release_tally
from tests.cards.conftest import sheet_of
from tests.cards.report.test_page import TALK
from tests.cards.test_documents import consent_of

Row = Callable[..., dict[str, Any]]
Build = Callable[..., Any]


def page_of(release: Any, *, among: int) -> str:
    sheet = sheet_of(release)
    return write_report(sheet, release_tally([release.index], [release.recordings]), [TALK], {}, among=among)


def allowed(page: str) -> dict[str, str]:
    """The table below the bars: purpose -> what is said."""
    rows = re.findall(r'<tr><th scope="row">([^<]*)</th><td>([^<]*)</td></tr>', page)
    return {name.replace("&#39;", "'"): told for name, told in rows}


def test_few_are_not_called_not_asked_and_the_moment_is_named(build: Build, row: Row) -> None:
    release = build(row("1"), row("2"))
    assert allowed(page_of(release, among=2))["being recorded"] == "not asked"
    assert "which asked for its own purpose only" in page_of(release, among=2)
    release.document["consent"] = consent_of(recording=2, training_inhouse=2, redistribution=1)
    page = page_of(release, among=2)
    assert allowed(page)["being recorded"] == "2 of 2"
    assert allowed(page)["passing the data on to others"] == "fewer than 5"
    assert allowed(page)["imitating the speaker's voice"] == "0 of 2"
    assert "as the ledger said for the moment 2026-02-21T10:00:00Z" in page


def test_no_line_ends_within_the_tag_of_a_language(build: Build, row: Row) -> None:
    page = page_of(build(row("1", language="en-US"), row("2", language="de-DE")), among=2)
    assert "en\N{NON-BREAKING HYPHEN}US" in page
    assert "de\N{NON-BREAKING HYPHEN}DE" in page


def test_a_speaker_of_the_bridge_is_in_two_splits(build: Build, row: Row) -> None:
    assert "speakers, none of them in train and in validation" in page_of(build(row("1")), among=1)


def test_the_turn_taking_of_people_was_not_measured_by_the_same_rules(build: Build, row: Row) -> None:
    people = [row(str(number), language="en", ftos_s=[-0.3, 0.1, 0.2, 0.6] * 10) for number in range(9)]
    page = page_of(build(*people), among=9)
    assert "Theirs come from word times" not in page_of(build(*(each | {"language": "de"} for each in people)), among=9)
    assert "Theirs come from word times, those here from voice activity." in page


def test_the_page_says_of_how_many_its_conversations_were_chosen(build: Build, row: Row) -> None:
    release = build(row("1"), row("2"))
    assert "and not by anybody, of all: the one" in page_of(release, among=2)
    assert "and not by anybody, of 1 of all 2, those of the first shards: the one" in page_of(release, among=1)


def test_synthetic_voices_are_not_called_people(build: Build, row: Row) -> None:
    page = page_of(build(row("1", route="synthetic", speech_a_s=50.0)), among=1)
    head, _, rest = page.partition('id="consent"')
    assert "voices, none of them in train and in validation" in head
    assert "imitating the voice" in allowed(rest)
    assert "voices by place" in allowed(rest)
    assert "How people" not in page
