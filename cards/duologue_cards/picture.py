"""Draws cards/picture.svg: when people take the floor in a release, beside people on the telephone.

The picture of README.md, and the only one beside the report. It is SVG made of text, so that the same facts give the same bytes and no
library draws; it has title and description inside, and README.md says the same in words (``picture_text``).
"""

from collections.abc import Sequence
from html import escape
from typing import Final

from duologue_cards import phrases
from duologue_cards.sheet import Sheet

__all__ = ["PICTURE", "picture_text", "write_picture"]

PICTURE: Final = "cards/picture.svg"
"""Where it lies in a release."""

_WIDTH, _HEIGHT = 720, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 44, 52
_OVERLAP, _GAP, _PEOPLE, _INK = (
    "#d55e00",
    "#0072b2",
    "#000000",
    "#333333",
)  # told apart by the colour-blind (Okabe & Ito 2008)


def write_picture(sheet: Sheet) -> str:
    """Writes the text of cards/picture.svg."""
    edges_s = sheet.reference.fto_edges_s
    ours = _shares(sheet.evidence.fto_counts)
    people = _shares(sheet.reference.fto_counts) if _has_people(sheet) else []
    highest = max([*ours, *people, 0.01])
    parts = [
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        *_grid(edges_s, highest),
        *_bars(ours, edges_s, highest),
        *_outline(people, edges_s, highest),
        *_legend(bool(people)),
    ]
    text = escape(picture_text(sheet))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}" '
        f'role="img" aria-labelledby="title text" font-family="sans-serif" font-size="13" fill="{_INK}">\n'
        f'<title id="title">When people take the floor</title>\n<desc id="text">{text}</desc>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def picture_text(sheet: Sheet) -> str:
    """Says in words what the picture shows."""
    evidence = sheet.evidence
    if not sum(evidence.fto_counts):
        return "The floor never changes in this release, so there is nothing to draw."
    text = (
        f"Floor-transfer offsets of {phrases.count(evidence.transfers, 'floor transfer')}: "
        f"{phrases.percent(evidence.overlapped_share.value)} begin in overlap, before the other has ended; the median is "
        f"{phrases.seconds(evidence.fto_median_s.value)}."
    )
    if _has_people(sheet):
        return f"{text} The line shows the same of {sheet.reference.of}."
    return f"{text} People are not drawn beside them: the reference is of {sheet.reference.language}."


def _has_people(sheet: Sheet) -> bool:
    return list(sheet.evidence.languages) == [sheet.reference.language]


def _shares(counts: Sequence[int]) -> list[float]:
    return [count / (sum(counts) or 1) for count in counts]


def _x(time_s: float, edges_s: Sequence[float]) -> float:
    return _LEFT + (time_s - edges_s[0]) / (edges_s[-1] - edges_s[0]) * (_WIDTH - _LEFT - _RIGHT)


def _y(share: float, highest: float) -> float:
    return _HEIGHT - _BOTTOM - share / highest * (_HEIGHT - _TOP - _BOTTOM)


def _grid(edges_s: Sequence[float], highest: float) -> list[str]:
    """Draws the axes: whole seconds below, the share of floor transfers at the left."""
    bottom = _HEIGHT - _BOTTOM
    lines = []
    for time_s in range(round(edges_s[0]), round(edges_s[-1]) + 1):
        x = _x(time_s, edges_s)
        dash = "" if time_s == 0 else ' stroke-dasharray="2 4"'
        lines.append(f'<line x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{bottom}" stroke="#bbbbbb"{dash}/>')
        lines.append(f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{time_s}</text>')
    for share in (0.0, highest):
        lines.append(
            f'<text x="{_LEFT - 6}" y="{_y(share, highest) + 4:.1f}" text-anchor="end">{100 * share:.0f} %</text>'
        )
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    lines.append(
        f'<text x="{middle:.1f}" y="{_HEIGHT - 12}" text-anchor="middle">'
        "share of floor transfers, by seconds from the end of one speaker to the beginning of the other</text>"
    )
    return lines


def _bars(shares: Sequence[float], edges_s: Sequence[float], highest: float) -> list[str]:
    bars = []
    for share, low_s, high_s in zip(shares, edges_s, edges_s[1:], strict=False):
        if share:
            x, y = _x(low_s, edges_s), _y(share, highest)
            colour = _OVERLAP if (low_s + high_s) / 2 < 0 else _GAP
            width, height = _x(high_s, edges_s) - x - 1, _HEIGHT - _BOTTOM - y
            bars.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}"/>')
    return bars


def _outline(shares: Sequence[float], edges_s: Sequence[float], highest: float) -> list[str]:
    if not shares:
        return []
    points = [
        f"{_x(edge_s, edges_s):.1f},{_y(share, highest):.1f}"
        for share, low_s, high_s in zip(shares, edges_s, edges_s[1:], strict=False)
        for edge_s in (low_s, high_s)
    ]
    return [f'<polyline points="{" ".join(points)}" fill="none" stroke="{_PEOPLE}" stroke-width="1.5"/>']


def _legend(has_people: bool) -> list[str]:
    """Names the marks above the plot."""
    rows = [(_OVERLAP, "begins in overlap"), (_GAP, "begins after a gap")]
    parts = [
        f'<rect x="{_LEFT + 160 * place}" y="16" width="12" height="12" fill="{colour}"/>'
        f'<text x="{_LEFT + 160 * place + 18}" y="27">{text}</text>'
        for place, (colour, text) in enumerate(rows)
    ]
    if has_people:
        x = _LEFT + 320
        parts.append(
            f'<line x1="{x}" y1="22" x2="{x + 20}" y2="22" stroke="{_PEOPLE}" stroke-width="1.5"/>'
            f'<text x="{x + 26}" y="27">people on the telephone</text>'
        )
    return parts
