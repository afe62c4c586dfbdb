"""Draws parts of inline SVG pictures that have a name, a description and a table of what they show."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

__all__ = ["WIDTH", "Plot", "element", "number", "picture", "text"]

WIDTH: Final = 560
"""Units across a picture; it is as wide as its place on the page."""


@dataclass(frozen=True)
class Plot:
    """Holds a picture with what it shows in words and numbers.

    Attributes:
        title: its heading.
        svg: the picture.
        caption: what stands below.
        head, rows: the table of the same figures.
    """

    title: str
    svg: Markup
    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def element(name: str, content: str = "", **attributes: object) -> Markup:
    """Writes an element; ``_`` in the name of an attribute is a hyphen, and one at its end is left out."""
    written = "".join(
        Markup(' {}="{}"').format(
            key.rstrip("_").replace("_", "-"), number(value) if isinstance(value, float) else value
        )
        for key, value in attributes.items()
    )
    return Markup("<{0}{1}>{2}</{0}>").format(name, Markup(written), content)


def text(x: float, y: float, content: str, *, anchor: str = "start", class_: str = "label") -> Markup:
    """Writes a text: ``anchor`` is start, middle or end."""
    return element("text", content, x=x, y=y, text_anchor=anchor, class_=class_)


def picture(name: str, height: int, title: str, description: str, parts: Iterable[Markup]) -> Markup:
    """Puts parts together to a picture.

    Args:
        name: unlike that of any other picture of the page.
        height: in units, of which :data:`WIDTH` go across.
        title: its name, for those who hear the page.
        description: what it shows, in a sentence.
        parts: from back to front.
    """
    body: Sequence[Markup] = [
        element("title", title, id=f"{name}-title"),
        element("desc", description, id=f"{name}-desc"),
        *parts,
    ]
    return element(
        "svg",
        Markup("\n").join(body),
        viewBox=f"0 0 {WIDTH} {height}",
        role="img",
        aria_labelledby=f"{name}-title",
        aria_describedby=f"{name}-desc",
    )


def number(value: float) -> str:
    """Writes a coordinate: two decimals at most."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
