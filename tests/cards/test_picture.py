"""The picture: bars that add up, people beside them only where they are comparable, and the same bytes."""

import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

from duologue_cards import write_picture
from duologue_cards.picture import picture_text
from tests.cards.conftest import sheet_of

Row = Callable[..., dict[str, Any]]
Build = Callable[..., Any]
SVG = "{http://www.w3.org/2000/svg}"


def bars(text: str, colour: str) -> list[float]:
    """The heights of the bars of a colour, without the mark of the legend, which comes last."""
    found = ElementTree.fromstring(text).iter(f"{SVG}rect")
    return [float(each.attrib["height"]) for each in found if each.attrib["fill"] == colour][:-1]


def test_a_bar_is_a_bin_and_overlaps_have_a_colour_of_their_own(build: Build, row: Row) -> None:
    text = write_picture(sheet_of(build(row("1", ftos_s=[-0.35, -0.35, 0.15, 0.15, 0.15, 0.65]))))
    overlaps, gaps = bars(text, "#d55e00"), bars(text, "#0072b2")
    assert [round(each / min(gaps), 1) for each in overlaps] == [2.0]
    assert [round(each / min(gaps), 1) for each in gaps] == [3.0, 1.0]
    assert len(ElementTree.fromstring(text).findall(f"{SVG}polyline")) == 1


def test_people_of_another_language_are_not_drawn(build: Build, row: Row) -> None:
    sheet = sheet_of(build(row("1", language="de")))
    assert "polyline" not in write_picture(sheet)
    assert picture_text(sheet).endswith("People are not drawn beside them: the reference is of en.")


def test_without_a_floor_transfer_nothing_is_drawn_and_that_is_said(build: Build, row: Row) -> None:
    sheet = sheet_of(build(row("1", ftos_s=[], ftos_a_s=[], ftos_b_s=[])))
    assert bars(write_picture(sheet), "#0072b2") == []
    assert "nothing to draw" in write_picture(sheet)


def test_title_and_description_say_what_is_drawn_and_order_does_not_matter(build: Build, row: Row) -> None:
    one, two = row("1"), row("2", ftos_s=[0.4])
    text = write_picture(sheet_of(build(one, two)))
    assert text == write_picture(sheet_of(build(two, one)))
    root = ElementTree.fromstring(text)
    assert root.attrib["aria-labelledby"] == "title text"
    assert re.match(r"Floor-transfer offsets of 5 floor transfers: 20\.0 %", root.findtext(f"{SVG}desc") or "")
    assert "<script" not in text
