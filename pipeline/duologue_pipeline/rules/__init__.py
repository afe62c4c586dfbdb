"""The versioned rule sets: every threshold of the pipeline lives in one JSON file here, and outputs name its version."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["load_rules"]


@cache
def load_rules(name: str) -> dict[str, Any]:
    """Reads the rule set of a stage, e.g. ``load_rules("events")``.

    Returns:
        The parsed file: ``version`` (``"1.0"``), ``source`` and the parameters, each with its unit in its name.
        It is shared; treat it as read-only.
    """
    rules: dict[str, Any] = json.loads(files(__package__).joinpath(f"{name}.json").read_text(encoding="utf-8"))
    return rules
