"""Finds the formats of exports by their names."""

from difflib import get_close_matches
from importlib import import_module
from typing import Final

from duologue_pipeline.errors import UsageError
from duologue_pipeline.export.format import Format

__all__ = ["FORMATS", "HELD_OUT_FORMATS", "find_format", "is_held_out"]

FORMATS: Final[dict[str, str]] = {
    "moshi-finetune": "moshi_finetune:MoshiFinetune",
    "lhotse": "lhotse:Lhotse",
    "nemo-duplex": "nemo_duplex:NemoDuplex",
    "energon": "energon:Energon",
    "hf": "hf:HuggingFace",
    "d2": "d2:D2",
    "multitalk": "multitalk:MultiTalk",
    "vap": "vap:Vap",
    "dualturn": "dualturn:DualTurn",
    "textgrid": "textgrid:TextGrid",
    "rttm": "rttm:Rttm",
    "ctm": "ctm:Ctm",
    "eaf": "eaf:Eaf",
    "nu-dialogue": "nu_dialogue:NuDialogue",
    "csm": "csm:Csm",
    "dgslm": "dgslm:Dgslm",
    "full-duplex-bench": "full_duplex_bench:FullDuplexBench",
    "turnbench": "turnbench:TurnBench",
}
"""Name -> module in ``export/formats`` and class. A module loads nothing heavy at its top: all are loaded for the help text."""

HELD_OUT_FORMATS: Final = frozenset({"full-duplex-bench", "turnbench"})
"""Formats that test models: they are made of held-out conversations alone (:mod:`duologue_pipeline.export.held_out`)."""


def is_held_out(name: str) -> bool:
    """Tells whether a format is made of held-out conversations alone."""
    return name in HELD_OUT_FORMATS


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
