"""Draws cards/picture.svg: when people take the floor in a release, beside people on the telephone.

The picture of README.md, and the only one beside the report, which shows the same one: here it stands alone, so it has its colours in
it. It is SVG made of text, so that the same facts give the same bytes; what it says in words stands below it in README.md.
"""

from typing import Final

from duologue_cards.report.plots import FTO_HEIGHT, plot_fto
from duologue_cards.report.svg import WIDTH, Plot
from duologue_cards.sheet import Sheet

__all__ = ["PICTURE", "picture_text", "plot_of_release", "write_picture"]

PICTURE: Final = "cards/picture.svg"
"""Where it lies in a release."""

# Overlap and gap are told apart by the colour-blind (Okabe & Ito 2008); the classes are those of report/page.css.
_STYLE: Final = (
    "text{fill:#333;font:13px sans-serif}.grid{stroke:#ccc}.axis{stroke:#333}.band{fill:#e3e7ec}.gap{fill:#0072b2}.overlap{fill:#d55e00}"
    ".human{fill:none;stroke:#000;stroke-width:2}.median{stroke:#333;stroke-width:1.5;stroke-dasharray:5 3}"
)


def plot_of_release(sheet: Sheet) -> Plot:
    """Draws the floor-transfer offsets of a release, with those of people where they speak its language."""
    median = sheet.evidence.fto_median_s
    return plot_fto(
        sheet.evidence.fto_counts,
        sheet.rules,
        median.value,
        median.interval,
        why_not=sheet.of_others,
        too_few=sheet.compared if sheet.of_others is None else None,
    )


def write_picture(sheet: Sheet) -> str:
    """Writes the text of cards/picture.svg."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {FTO_HEIGHT}" width="{WIDTH}" height="{FTO_HEIGHT}">\n'
        f'<style>{_STYLE}</style>\n<rect width="{WIDTH}" height="{FTO_HEIGHT}" fill="#fff"/>\n{plot_of_release(sheet).svg}\n</svg>\n'
    )


def picture_text(sheet: Sheet) -> str:
    """Says in words what the picture shows."""
    return plot_of_release(sheet).caption
