"""The picture: bars that add up, people beside them only where they are comparable, and the same bytes."""

import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

from duologue_cards import write_picture, write_report
from duologue_cards.picture import picture_text, plot_of_release
from duologue_pipeline.release.card_files import release_tally
from tests.cards.conftest import sheet_of

Row = Callable[..., dict[str, Any]]
Build = Callable[..., Any]
SVG = "{http://www.w3.org/2000/svg}"


def bars(text: str, kind: str) -> list[float]:
    """The heights of the bars of a kind: overlap or gap."""
    found = ElementTree.fromstring(text).iter(f"{SVG}rect")
    return [float(each.attrib["height"]) for each in found if each.get("class") == kind]


def lines(text: str) -> int:
    """How many outlines of people are drawn."""
    return sum(each.get("class") == "human" for each in ElementTree.fromstring(text).iter(f"{SVG}path"))


def test_a_bar_is_a_bin_and_overlaps_have_a_colour_of_their_own(build: Build, row: Row) -> None:
    text = write_picture(sheet_of(build(row("1", ftos_s=[-0.35, -0.35, 0.15, 0.15, 0.15, 0.65]))))
    overlaps, gaps = bars(text, "overlap"), bars(text, "gap")
    assert [round(each / min(gaps), 1) for each in overlaps] == [2.0]
    assert [round(each / min(gaps), 1) for each in gaps] == [3.0, 1.0]
    assert lines(text) == 1


def test_people_of_another_language_are_not_drawn(build: Build, row: Row) -> None:
    sheet = sheet_of(build(row("1", language="de")))
    assert lines(write_picture(sheet)) == 0
    assert picture_text(sheet).endswith("Not held against people: the reference is of en, and the languages are: de.")


def test_the_picture_beside_the_readme_is_the_one_of_the_page(build: Build, row: Row) -> None:
    """Both draw people where they speak the language, and both say where there is too little to hold against them."""
    sheet = sheet_of(build(row("1")))
    tally = release_tally([(made := build(row("1"))).index], [made.recordings])
    page = write_report(sheet, tally, [], {}, among=1)
    assert str(plot_of_release(sheet).svg) in page
    assert str(plot_of_release(sheet).svg) in write_picture(sheet)
    assert "too few" in picture_text(sheet)
    assert lines(write_picture(sheet)) == 1


def test_without_a_floor_transfer_nothing_is_drawn_and_that_is_said(build: Build, row: Row) -> None:
    sheet = sheet_of(build(row("1", ftos_s=[], ftos_a_s=[], ftos_b_s=[])))
    assert bars(write_picture(sheet), "gap") == []
    assert "nothing to draw" in write_picture(sheet)


def test_title_and_description_say_what_is_drawn_and_order_does_not_matter(build: Build, row: Row) -> None:
    one, two = row("1"), row("2", ftos_s=[0.4])
    text = write_picture(sheet_of(build(one, two)))
    assert text == write_picture(sheet_of(build(two, one)))
    root = ElementTree.fromstring(text).find(f"{SVG}svg")
    assert root is not None
    assert root.attrib["aria-labelledby"] == "fto-title"
    told = root.findtext(f"{SVG}desc") or ""
    assert re.match(
        r"Floor-transfer offsets of 5 floor transfers: 20\.0 % begin in overlap, .* median is 0\.20 s", told
    )
    assert "<script" not in text
