"""Says why a file cannot be had, in a way that a refusal can repeat."""

from collections.abc import Mapping
from typing import Final, Literal

from duologue_pipeline.errors import UsageError, Value

__all__ = ["FileFault", "FileMissing", "Kind", "StoreFaultError", "told", "too_large"]

Kind = Literal["missing", "forbidden", "not_a_file", "not_allowed", "over_limit", "unreachable", "changed"]
"""``not_allowed``: no place that duologue reads from; ``unreachable``: it may work another time."""


_TOLD: Final = 200


class FileFault(UsageError, OSError):
    """Says that a file cannot be read or written: a sentence with the remedy, its kind, and what of it may be published.

    Whoever can do without the file catches it as the OSError that it is; where nobody does, the command cannot be carried
    out, and the sentence is what the user is told.

    Args:
        detail: the sentence.
        kind: what kind of fault it is.
        values: numbers and words that may be published (:data:`duologue_pipeline.errors.Value`).
    """

    def __init__(self, detail: str, kind: Kind = "unreachable", values: Mapping[str, Value] | None = None) -> None:
        super().__init__(detail)
        self.kind = kind
        self.values = dict(values or {})

    def __str__(self) -> str:
        return str(self.args[0])


class FileMissing(FileFault, FileNotFoundError):
    """Says that there is no file of this name."""

    def __init__(self, detail: str, kind: Kind = "missing", values: Mapping[str, Value] | None = None) -> None:
        super().__init__(detail, kind, values)


class StoreFaultError(FileFault):
    """Says that a store or a server could not be reached, or failed, as often as it was asked. No file is at fault.

    Such a fault refuses no recording: what is in the store is not known. The kind is ``unreachable``.
    """

    def __init__(self, detail: str, values: Mapping[str, Value] | None = None) -> None:
        super().__init__(detail, "unreachable", values)


def too_large(shown: str, found: int, limit: int, *, remedy: str = "cut it into smaller files") -> FileFault:
    """Makes the fault of a file that is longer than what is read.

    Args:
        shown: the file, as for messages.
        found: its bytes, as far as they are known.
        limit: how many are read.
        remedy: what to do.
    """
    return FileFault(
        f"{shown}: has {found} bytes or more, and up to {limit} are read; {remedy}",
        "over_limit",
        {"found_bytes": found, "limit_bytes": limit},
    )


def told(error: BaseException) -> str:
    """Writes what a library says on one line, of bounded length."""
    return (" ".join(str(error).split()) or type(error).__name__)[:_TOLD]
