"""Names the program and its version, as every output does."""

from importlib.metadata import version
from typing import Final

__all__ = ["MADE_BY"]

MADE_BY: Final = f"duologue {version('duologue')}"
"""What wrote a file, e.g. ``duologue 0.1.0``."""
