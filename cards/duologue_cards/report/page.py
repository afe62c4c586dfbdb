"""Writes the page: one HTML file that fetches nothing, and in which only its own scripts run."""

import hashlib
import json
from base64 import b64encode
from functools import cache
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from duologue_cards.printable import printable
from duologue_cards.report.content import Page
from duologue_cards.report.svg import Plot

__all__ = ["render_page"]

_VENDOR: Final = ("wavesurfer-8.0.1.min.js", "wavesurfer-timeline-8.0.1.min.js")
_SCRIPTS: Final = ("lanes.js", "player.js")
_LICENSE: Final = "LICENSE.wavesurfer"


def render_page(page: Page) -> str:
    """Writes the page; the same content gives the same bytes.

    What comes from outside is escaped by the template; what goes to the player is JSON in which no ``<`` stands. The content security
    policy names every script and the style by its hash. wavesurfer.js adds a style of its own, for which a nonce is named; it is taken
    from what is written and not from the sound, since a file cannot have a new one each time.
    """
    player = bool(page.conversations)
    scripts = [_text(f"vendor/{name}") for name in _VENDOR if player] + [
        _text(f"report/{name}") for name in _SCRIPTS if player
    ]
    style = "\n" + _text("report/page.css")
    data = json.dumps(list(page.conversations), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    data = data.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    silent = [{**each, "sound": None} for each in page.conversations]
    nonce = hashlib.sha256(json.dumps(silent, sort_keys=True).encode()).hexdigest()[:32]
    policy = [
        "default-src 'none'",
        "script-src " + (" ".join(map(_source, scripts)) or "'none'"),
        f"style-src {_source(style)} 'nonce-{nonce}'",
        "media-src blob:",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    return _template().render(
        page=page,
        policy="; ".join(policy),
        style=Markup(style),
        scripts=[Markup(script) for script in scripts],
        data=Markup(data),
        nonce=nonce,
        license=_text(f"vendor/{_LICENSE}").strip(),
    )


def _source(text: str) -> str:
    """Names a script or a style in the policy, by its SHA-256."""
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _text(path: str) -> str:
    return files("duologue_cards").joinpath(*path.split("/")).read_text(encoding="utf-8")


@cache
def _template() -> Any:
    environment = Environment(
        loader=FunctionLoader(lambda name: _text(f"templates/{name}")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=lambda value: printable(value) if type(value) is str else value,
    )
    environment.tests["plot"] = lambda part: isinstance(part, Plot)
    return environment.get_template("report.html.j2")
