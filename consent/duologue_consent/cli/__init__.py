"""Offers the ledger to a data steward, as ``duologue consent``."""

from typing import Final

__all__ = ["HELP"]

HELP: Final = "Record who allowed what, in a ledger that is only ever appended to."
"""What ``duologue`` says of the group, before any of its commands is loaded."""
