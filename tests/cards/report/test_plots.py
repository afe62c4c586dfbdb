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
        plot_fto(COUNTS, RULES, 0.05, (0.0, 0.1), why_not=None),
        plot_overlap({0.05: 2, 0.4: 1}, RULES.turn_taking, why_not=None),
        plot_isolation({(-62.0, False): 1, (-18.0, True): 1}, warn_db=-20.0, fail_db=-15.0, directions=4),
        plot_bars([("being recorded", None, "not asked"), ("training", 3, "3 of 4")], 4, "as the ledger said"),
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
    fto = plot_fto(COUNTS, RULES, 0.05, None, why_not=None)
    assert sum(int(row[1]) for row in fto.rows) == 10
    assert len(re.findall('class="overlap"', fto.svg)) + len(re.findall('class="gap"', fto.svg)) == 3


def test_the_figures_of_people_are_those_of_the_rules() -> None:
    told = plot_fto(COUNTS, RULES, 0.05, None, why_not=None).caption
    assert "median 0.13 s, 33.5 % in overlap." in told


def test_another_language_is_not_compared() -> None:
    fto = plot_fto(COUNTS, RULES, 0.05, None, why_not="another language")
    assert 'class="human"' not in fto.svg
    assert "Not held against people: another language." in fto.caption
    assert {row[2] for row in fto.rows} == {"not compared"}
    assert 'class="band"' not in plot_overlap({0.05: 1}, RULES.turn_taking, why_not="another language").svg


@pytest.mark.parametrize(("counts", "highest"), [((9, 5, 2), "50 %"), ((18, 82, 0), "80 %"), ((1,) * 8, "10 %")])
def test_the_figures_beside_the_bars_reach_to_the_highest(counts: tuple[int, ...], highest: str) -> None:
    drawn = plot_fto([*counts, *[0] * (BINS - len(counts))], RULES, None, None, why_not="another language")
    ticks = [float(each) for each in re.findall(r">(\d+) %<", drawn.svg)]
    top = 100 * max(counts) / sum(counts)
    assert len(ticks) >= 3
    assert top - ticks[-1] < ticks[1] - ticks[0]
    assert ticks[-1] <= top + 1e-9


@pytest.mark.parametrize(("median_s", "anchor"), [(-0.33, "end"), (0.1, "start")])
def test_the_median_is_written_away_from_zero(median_s: float, anchor: str) -> None:
    drawn = plot_fto(COUNTS, RULES, median_s, None, why_not=None)
    (label,) = re.findall(r'<text[^>]*text-anchor="(\w+)"[^>]*>median', drawn.svg)
    assert label == anchor


def test_the_band_of_the_median_is_named() -> None:
    assert "(grey: its 95 % interval, 0.00 to 0.10)" in plots()[0].caption


def test_no_label_of_the_isolation_begins_outside_of_the_picture() -> None:
    drawn = plots()[2].svg
    assert re.search(r'<text x="0"[^>]*text-anchor="start"[^>]*>≤ -100<', drawn)


def test_the_isolation_has_its_limits_and_says_what_was_heard() -> None:
    plot = plot_isolation({(-62.0, False): 1, (-18.0, True): 1}, warn_db=-20.0, fail_db=-15.0, directions=4)
    assert {"warn -20", "fail -15"} <= set(re.findall(r">((?:warn|fail) [^<]*)<", plot.svg))
    assert len(re.findall('class="dot heard"', plot.svg)) == 1
    assert "2 of 4 cannot be judged" in plot.caption


def test_the_range_of_the_isolation_does_not_depend_on_what_is_in_it() -> None:
    def limits(*levels: tuple[float, bool]) -> list[str]:
        drawn = plot_isolation(dict.fromkeys(levels, 1), warn_db=-20.0, fail_db=-15.0, directions=2).svg
        return re.findall(r'x1="([^"]*)"[^>]*class="limit', drawn)

    assert len(limits((-90.0, False))) == 2
    assert limits((-90.0, False)) == limits((-30.0, True), (-150.0, False))


def test_many_conversations_are_bars_so_that_the_page_does_not_grow_with_the_release() -> None:
    def size(plot: Plot) -> tuple[int, float]:
        return len(plot.svg), float(plot.svg.split('viewBox="0 0 560 ')[1].split('"')[0])

    def drawn(each: int) -> list[Plot]:
        shares = {place / 1000: each for place in range(400)}
        levels = {(-130.0 + place / 10, place % 2 == 0): each for place in range(1400)}
        return [
            plot_overlap(shares, RULES.turn_taking, why_not=None),
            plot_isolation(levels, warn_db=-20.0, fail_db=-15.0, directions=1400 * each),
        ]

    for plot, larger in zip(drawn(1), drawn(10_000), strict=True):
        assert size(plot)[1] == size(larger)[1] < 300
        assert size(larger)[0] < size(plot)[0] + 500
        counted = sum(int(cell.replace(",", "")) for row in plot.rows for cell in row[1:])
        assert counted == (400 if "overlap" in plot.head[0] else 1400)


def test_bars_of_the_isolation_hold_every_level_and_the_outermost_what_lies_beyond() -> None:
    plot = plot_isolation({(-130.0, True): 30, (-95.0, False): 20}, warn_db=-20.0, fail_db=-15.0, directions=50)
    heights = dict(re.findall(r'height="([0-9.]+)" class="(dot \w+)"', plot.svg))
    assert heights == {"120": "dot heard", "80": "dot below"}
    assert [row for row in plot.rows] == [("-130 to -120 dB", "30", "0"), ("-100 to -90 dB", "0", "20")]
