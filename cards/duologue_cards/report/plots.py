"""Draws how people take turns in a release, beside people on the telephone, and how well its tracks are kept apart."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from markupsafe import Markup

from duologue_cards import phrases
from duologue_cards.phrases import percent, seconds
from duologue_cards.reference import CardRules, HumanTurnTaking
from duologue_cards.report.svg import WIDTH, Plot, element, picture, text

__all__ = ["FTO_HEIGHT", "Levels", "plot_bars", "plot_fto", "plot_isolation", "plot_overlap"]

FTO_HEIGHT: Final = 246
"""Units down the picture of the offsets."""

Levels = Mapping[tuple[float, bool], int]
"""Level of the other voice in dB, and whether it was heard -> how often; of one that was not, below what it must lie."""

_NAMED: Final = 12
"""Of so many values each is a dot with its figure."""
_DOTS: Final = 40
"""Of so many values each is a dot in a row of its own; more are bars, so that the page of a large release is no larger."""
_BARS: Final = 200.0
"""Units from the foot of the bars to the highest."""
_LOW_DB: Final = -100.0
_HIGH_DB: Final = 0.0
_LEFT: Final = 70.0
_RIGHT: Final = WIDTH - 20.0


def plot_fto(
    counts: Sequence[int],
    rules: CardRules,
    median_s: float | None,
    interval: tuple[float, float] | None,
    *,
    why_not: str | None,
    too_few: str | None = None,
) -> Plot:
    """Draws the floor-transfer offsets, split at zero, and the outline of those of people.

    Args:
        counts: floor transfers in the bins of the reference.
        rules: of which the figures of people are taken.
        median_s, interval: the median offset with its 95 % interval; None where unknown.
        why_not: why they cannot be held against people of the reference at all; then no outline is drawn.
        too_few: why they are too few to be held against the outline that is drawn.
    """
    reference = rules.turn_taking
    edges, total = reference.fto_edges_s, sum(counts)
    shares = [each / total if total else 0.0 for each in counts]
    human = [each / sum(reference.fto_counts) for each in reference.fto_counts]
    top, bottom = 30.0, 220.0
    highest = max([0.1, *shares, *(human if why_not is None else ())])

    def x(value_s: float) -> float:
        return _LEFT + (value_s - edges[0]) / (edges[-1] - edges[0]) * (_RIGHT - _LEFT)

    def y(share: float) -> float:
        return bottom - share / highest * (bottom - top)

    parts = []
    step = next((each for each in (0.05, 0.1) if highest <= 4 * each), 0.2)
    for place in range(math.floor(highest / step + 1e-9) + 1):
        share = step * place
        parts += [
            element("line", x1=_LEFT, x2=_RIGHT, y1=y(share), y2=y(share), class_="grid"),
            text(_LEFT - 8, y(share) + 4, f"{100 * share:.0f} %", anchor="end"),
        ]
    if interval:
        low, high = (min(max(each, edges[0]), edges[-1]) for each in interval)
        parts.append(
            element("rect", x=x(low), y=top, width=max(x(high) - x(low), 1.0), height=bottom - top, class_="band")
        )
    parts += [
        element(
            "rect",
            x=x(low) + 0.5,
            y=y(share),
            width=x(high) - x(low) - 1,
            height=bottom - y(share),
            class_="overlap" if high <= 0 else "gap",
        )
        for (low, high), share in zip(pairwise(edges), shares, strict=True)
        if share
    ]
    if why_not is None:
        steps = "".join(
            f"L{x(low):.1f} {y(share):.1f}L{x(high):.1f} {y(share):.1f}"
            for (low, high), share in zip(pairwise(edges), human, strict=True)
        )
        parts.append(
            element("path", d=f"M{x(edges[0]):.1f} {bottom:.1f}{steps}L{x(edges[-1]):.1f} {bottom:.1f}", class_="human")
        )
    parts += [
        element("line", x1=x(0), x2=x(0), y1=top - 12, y2=bottom, class_="axis"),
        text(x(edges[0]), top - 14, "← overlap"),
        text(x(edges[-1]), top - 14, "gap →", anchor="end"),
    ]
    if median_s is not None:
        at = x(min(max(median_s, edges[0]), edges[-1]))
        told_median = f"median {seconds(median_s)}"
        parts += [
            element("line", x1=at, x2=at, y1=top, y2=bottom, class_="median"),
            text(at + 5, top + 4, told_median) if median_s >= 0 else text(at - 5, top + 4, told_median, anchor="end"),
        ]
    parts += [
        text(x(value_s), bottom + 18, f"{value_s:+g} s" if value_s else "0", anchor="middle")
        for value_s in (-2, -1, 0, 1, 2)
    ]
    overlapped = _overlapped(counts, edges)
    told = "The floor never changes, so there is nothing to draw"
    if total and median_s is not None:
        around = f" (grey: its 95 % interval, {interval[0]:.2f} to {interval[1]:.2f})" if interval else ""
        told = (
            f"Floor-transfer offsets of {phrases.count(total, 'floor transfer')}: {percent(overlapped)} begin in overlap, before the "
            f"other has ended; the median is {seconds(median_s)}{around}"
        )
    people = (
        f"Line: people ({reference.of}), median {seconds(rules.people['fto_median_s'].value)}, "
        f"{percent(rules.people['overlapped_transfers_share'].value)} in overlap."
        if why_not is None
        else f"Not held against people: {why_not}."
    )
    if too_few is not None:
        people += f" Not held against it: {too_few}."
    rows = tuple(
        (f"{low:+.1f} to {high:+.1f} s", f"{count:,}", percent(share) if why_not is None else "not compared")
        for (low, high), count, share in zip(pairwise(edges), counts, human, strict=True)
        if count or share >= 0.001
    )
    return Plot(
        "Silence or overlap between turns (FTO)",
        picture("fto", FTO_HEIGHT, "Floor-transfer offsets", f"{told}. {people}", parts),
        f"{told}. {people}",
        ("offset", "floor transfers", "people"),
        rows,
    )


def plot_overlap(shares: Mapping[float, int], reference: HumanTurnTaking, *, why_not: str | None) -> Plot:
    """Draws the overlap of each conversation, of the time in which anybody speaks, on the range of calls of people.

    Args:
        shares: share of a conversation, 0 to 1 -> how many have it.
        reference: of people.
        why_not: why they cannot be held against people; then the range is not drawn.
    """
    one = min(reference.by_conversations, key=lambda row: row.conversations)
    total = sum(shares.values())
    highest = max([0.12, one.overlap_share_high, *shares]) * 1.08
    top = 14.0
    bottom = top + _height(total, 24.0)

    def x(share: float) -> float:
        return _LEFT + share / highest * (_RIGHT - _LEFT)

    parts = []
    if why_not is None:
        low, high = x(one.overlap_share_low), x(one.overlap_share_high)
        parts.append(element("rect", x=low, y=top, width=high - low, height=bottom - top, class_="band"))
    steps = _binned(shares)
    if total <= _DOTS:
        step = _row(total, 24.0)
        for place, share in enumerate(_each(shares, reverse=True)):
            at = top + step * (place + 0.5)
            parts.append(element("circle", cx=x(share), cy=at, r=5, class_="gap"))
            if total <= _NAMED:
                parts.append(text(x(share) + 10, at + 4, percent(share)))
    else:
        most = max(count for _, count in steps)
        for low_percent, count in steps:
            left, width = x(low_percent / 100), x(0.02) - x(0)
            height = _BARS * count / most
            parts.append(element("rect", x=left + 0.5, y=bottom - height, width=width - 1, height=height, class_="gap"))
    ticks = 0.04 if highest < 0.3 else 0.2
    parts.append(element("line", x1=_LEFT, x2=_RIGHT, y1=bottom, y2=bottom, class_="axis"))
    parts += [
        text(x(ticks * place), bottom + 18, f"{100 * ticks * place:.0f} %", anchor="middle")
        for place in range(int(highest / ticks) + 1)
    ]
    band = (
        f"Band: 95 % of single calls of people lie from {percent(one.overlap_share_low)} to {percent(one.overlap_share_high)}. "
        "Too little overlap can mean that an echo canceller cut it out."
        if why_not is None
        else f"Not held against people: {why_not}."
    )
    drawn = (
        f"Bars: {total:,} conversations, in steps of 2 %"
        if total > _DOTS
        else f"A dot is one of {total:,} conversations"
    )
    told = f"{'A dot is the conversation' if total == 1 else drawn}. {band}"
    return Plot(
        "Time in which both speak, of all speech",
        picture("overlap", round(bottom + 28), "Overlap by conversation", told, parts),
        told,
        ("overlap, of the time in which anybody speaks", "conversations"),
        tuple((percent(low / 100) + " to " + percent((low + 2) / 100), f"{count:,}") for low, count in steps),
    )


def plot_isolation(levels: Levels, *, warn_db: float, fail_db: float, directions: int) -> Plot:
    """Draws how loud the other voice is in each track, with the limits of the verdict; the range is always the same.

    Args:
        levels: of each direction of which something is known.
        warn_db, fail_db: above them a conversation is warned about, and fails.
        directions: of all conversations.
    """
    total = sum(levels.values())
    top = 26.0
    bottom = top + _height(total, 20.0)

    def x(level_db: float) -> float:
        return 20 + (min(max(level_db, _LOW_DB), _HIGH_DB) - _LOW_DB) / (_HIGH_DB - _LOW_DB) * (_RIGHT - 30)

    parts: list[Markup] = []
    for limit_db, name, side in ((warn_db, "warn", -1), (fail_db, "fail", 1)):
        parts += [
            element("line", x1=x(limit_db), x2=x(limit_db), y1=top - 4, y2=bottom, class_=f"limit {name}"),
            text(x(limit_db) + side * 4, top - 10, f"{name} {limit_db:g}", anchor="end" if side < 0 else "start"),
        ]
    steps = _by_ten_db(levels)
    if total <= _DOTS:
        step = _row(total, 20.0)
        for place, (level_db, heard) in enumerate(_each(levels)):
            at = top + step * (place + 0.5)
            parts += [
                element("line", x1=x(_LOW_DB), x2=x(level_db), y1=at, y2=at, class_="stem"),
                element("circle", cx=x(level_db), cy=at, r=5, class_=f"dot {'heard' if heard else 'below'}"),
            ]
            if total <= _NAMED:
                parts.append(text(x(level_db) + 9, at + 4, f"{'' if heard else '< '}{level_db:.0f} dB"))
    else:
        most = max(heard + below for heard, below in _shown(steps).values())
        for low_db, (heard, below) in _shown(steps).items():
            foot = bottom
            for look, count in (("heard", heard), ("below", below)):
                height = _BARS * count / most
                foot -= height
                width = x(low_db + 10) - x(low_db) - 2
                parts.append(element("rect", x=x(low_db) + 1, y=foot, width=width, height=height, class_=f"dot {look}"))
    parts.append(element("line", x1=x(_LOW_DB), x2=x(_HIGH_DB), y1=bottom, y2=bottom, class_="axis"))
    parts += [
        text(x(level_db), bottom + 18, f"{level_db:g}", anchor="middle")
        for level_db in (-80.0, -60.0, -40.0, -20.0, 0.0)
    ]
    parts.append(text(0.0, bottom + 18, f"≤ {_LOW_DB:g}"))
    heard_in = sum(count for (_, heard), count in levels.items() if heard)
    marks = "Bars in steps of 10 dB count voices" if total > _DOTS else "A dot is a voice"
    told = (
        f"{marks} in the other's track, in dB against the same voice in its own track: filled where it is heard "
        f"({heard_in:,}), open where it is not and would have been above this level ({total - heard_in:,}). "
        f"{directions - total:,} of {directions:,} cannot be judged."
    )
    return Plot(
        "The other voice in each track",
        picture("isolation", round(bottom + 28), "Level of the other voice in each track", told, parts),
        told,
        ("level of the other voice", "heard", "not heard above it"),
        tuple((f"{low:g} to {low + 10:g} dB", f"{heard:,}", f"{below:,}") for low, (heard, below) in steps.items()),
    )


def plot_bars(counts: Sequence[tuple[str, int | None, str]], of: int, told: str) -> Plot:
    """Draws for how many conversations both speakers allow each purpose.

    Args:
        counts: (purpose, conversations, the same in words); None where it is not said how many.
        of: all conversations.
        told: what stands below: who was asked, and when.
    """
    step, left = 30.0, 250.0
    bottom = step * len(counts)
    parts = []
    for place, (name, count, words) in enumerate(counts):
        at = step * place
        share = (count or 0) / of if of else 0.0
        parts += [
            text(left - 10, at + 19, name, anchor="end"),
            element("rect", x=left, y=at + 5, width=(_RIGHT - 90 - left), height=step - 10, class_="empty"),
            element("rect", x=left, y=at + 5, width=(_RIGHT - 90 - left) * share, height=step - 10, class_="allowed"),
            text(_RIGHT - 80, at + 19, words),
        ]
    return Plot(
        "What consent allows",
        picture("allowed", round(bottom + 4), "What consent allows", told, parts),
        told,
        ("purpose", "conversations"),
        tuple((name, words) for name, _, words in counts),
    )


def _overlapped(counts: Sequence[int], edges: Sequence[float]) -> float | None:
    total = sum(counts)
    below = sum(count for high, count in zip(edges[1:], counts, strict=True) if high <= 0)
    return below / total if total else None


def _row(count: int, widest: float) -> float:
    """Gives the height of the row of one dot."""
    return widest if count <= _NAMED else 13.5


def _height(count: int, widest: float) -> float:
    """Gives the height of a picture of so many dots, or of bars."""
    return _BARS if count > _DOTS else _row(count, widest) * max(count, 2)


def _each(values: Mapping[Any, int], *, reverse: bool = False) -> list[Any]:
    """Lists values in their order, each as often as it is there."""
    return [value for value in sorted(values, reverse=reverse) for _ in range(values[value])]


def _binned(shares: Mapping[float, int]) -> list[tuple[int, int]]:
    """Counts shares in steps of two per cent."""
    counts: dict[int, int] = {}
    for share, count in shares.items():
        low = min(int(100 * share // 2 * 2), 98)
        counts[low] = counts.get(low, 0) + count
    return sorted(counts.items())


def _by_ten_db(levels: Levels) -> dict[int, tuple[int, int]]:
    """Counts levels in steps of 10 dB: lower end of the step -> how many were heard, and how many not."""
    counts: dict[int, list[int]] = {}
    for (level_db, heard), count in levels.items():
        counts.setdefault(math.floor(level_db / 10) * 10, [0, 0])[not heard] += count
    return {low: (counts[low][0], counts[low][1]) for low in sorted(counts)}


def _shown(steps: Mapping[int, tuple[int, int]]) -> dict[int, tuple[int, int]]:
    """Puts what lies beyond the ends of the axis into its outermost steps."""
    found: dict[int, tuple[int, int]] = {}
    for low, (heard, below) in steps.items():
        place = min(max(low, int(_LOW_DB)), int(_HIGH_DB) - 10)
        so_far = found.get(place, (0, 0))
        found[place] = so_far[0] + heard, so_far[1] + below
    return found
