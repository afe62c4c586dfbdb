"""Every picture has a name, a description and a table of the same figures, and says nothing that was not compared."""

import re
from xml.etree import ElementTree

import pytest

from duologue_cards.report.plots import plot_bars, plot_fto, plot_isolation, plot_overlap
from duologue_cards.report.svg import Plot
from duologue_pipeline.labels.page import card_rules

RULES = card_rules()
BINS = len(RULES.turn_taking.fto_counts)
COUNTS = [0] * (BINS // 2 - 1) + [3, 5, 2] + [0] * (BINS // 2 - 2)


def plots() -> list[Plot]:
    return [
        plot_fto(COUNTS, RULES.turn_taking, 0.05, (0.0, 0.1), why_not=None),
        plot_overlap({0.05: 2, 0.4: 1}, RULES.turn_taking, why_not=None),
        plot_isolation([(-62.0, False), (-18.0, True)], warn_db=-20.0, fail_db=-15.0, directions=4),
        plot_bars([("being recorded", None), ("training", 3)], 4),
    ]


@pytest.mark.parametrize("plot", plots(), ids=lambda plot: plot.title)
def test_a_picture_is_named_described_and_has_a_table(plot: Plot) -> None:
    root = ElementTree.fromstring(str(plot.svg))
    assert root.attrib["role"] == "img"
    named = {child.attrib["id"]: child.text for child in root if "id" in child.attrib}
    assert named[root.attrib["aria-labelledby"]]
    assert named[root.attrib["aria-describedby"]]
    assert plot.rows
    assert {len(row) for row in plot.rows} == {len(plot.head)}


def test_the_table_has_the_figures_of_the_picture() -> None:
    fto = plot_fto(COUNTS, RULES.turn_taking, 0.05, None, why_not=None)
    assert sum(int(row[1]) for row in fto.rows) == 10
    assert len(re.findall('class="overlap"', fto.svg)) + len(re.findall('class="gap"', fto.svg)) == 3


def test_another_language_is_not_compared() -> None:
    fto = plot_fto(COUNTS, RULES.turn_taking, 0.05, None, why_not="another language")
    assert 'class="human"' not in fto.svg
    assert "Not held against people: another language." in fto.caption
    assert {row[2] for row in fto.rows} == {"not compared"}
    assert 'class="band"' not in plot_overlap({0.05: 1}, RULES.turn_taking, why_not="another language").svg


def test_the_isolation_has_its_limits_and_says_what_was_heard() -> None:
    plot = plot_isolation([(-62.0, False), (-18.0, True)], warn_db=-20.0, fail_db=-15.0, directions=4)
    assert {"warn -20", "fail -15"} <= set(re.findall(r">((?:warn|fail) [^<]*)<", plot.svg))
    assert len(re.findall('class="dot heard"', plot.svg)) == 1
    assert "2 of 4 cannot be judged" in plot.caption


def test_the_range_of_the_isolation_does_not_depend_on_what_is_in_it() -> None:
    def limits(*levels: tuple[float, bool]) -> list[str]:
        drawn = plot_isolation(levels, warn_db=-20.0, fail_db=-15.0, directions=2).svg
        return re.findall(r'x1="([^"]*)"[^>]*class="limit', drawn)

    assert len(limits((-90.0, False))) == 2
    assert limits((-90.0, False)) == limits((-30.0, True), (-150.0, False))


def test_many_conversations_are_drawn_close_together() -> None:
    plot = plot_overlap({place / 1000: 5 for place in range(400)}, RULES.turn_taking, why_not=None)
    height = float(plot.svg.split('viewBox="0 0 560 ')[1].split('"')[0])
    assert height < 1100
