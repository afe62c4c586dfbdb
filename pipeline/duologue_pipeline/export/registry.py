"""Finds the formats of exports by their names."""

from difflib import get_close_matches
from importlib import import_module
from typing import Final

from duologue_pipeline.errors import UsageError
from duologue_pipeline.export.format import Format

__all__ = ["FORMATS", "find_format"]

FORMATS: Final[dict[str, str]] = {
    "moshi-finetune": "moshi_finetune:MoshiFinetune",
    "nu-dialogue": "nu_dialogue:NuDialogue",
    "csm": "csm:Csm",
    "dgslm": "dgslm:Dgslm",
}
"""Name -> module in ``export/formats`` and class. A module loads nothing heavy at its top: all are loaded for the help text."""


def find_format(name: str) -> Format:
    """Gives the format of a name.

    Raises:
        UsageError: there is none.
    """
    if name not in FORMATS:
        alike = get_close_matches(name, FORMATS, 1)
        hint = f"did you mean {alike[0]}?" if alike else f"expected one of {', '.join(FORMATS)}"
        raise UsageError(f"format {name!r}: there is no such format; {hint}")
    module, _, made = FORMATS[name].partition(":")
    found: Format = getattr(import_module(f"duologue_pipeline.export.formats.{module}"), made)()
    return found
