"""Turns what ends a run from outside (a disk, a lost lock, a worker that died) into a sentence that says what to do."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from duologue_pipeline.consent.forms import FormNotGrantedError
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.conditional import ConflictError
from duologue_pipeline.files.faults import storage_fault, usage_error_in

__all__ = ["faults_as_usage"]

_NOT_GRANTED: Final = re.compile(
    rf"\b{FormNotGrantedError.__name__}: (?P<said>.*?)(?: \[while running|$)", re.MULTILINE
)
"""What is left of the error once Beam has carried it from a worker: at most a line in the text of another one."""


_NO_CODE: Final = re.compile(r"No module named 'duologue")


@contextmanager
def faults_as_usage(out: str) -> Iterator[None]:
    """Raises a UsageError in place of what the user can do something about; errors of the program go on as they are.

    Args:
        out: the output folder.
    """
    try:
        yield
    except ConflictError as error:
        raise UsageError(f"{error} meanwhile; run the command again") from None
    except Exception as error:  # Beam makes others of those of its workers
        fault = usage_error_in(error, out)
        if fault is None and (found := _NOT_GRANTED.search(f"{type(error).__name__}: {error}")):
            fault = UsageError(found["said"])
        if fault is None and _NO_CODE.search(str(error)):
            fault = UsageError(
                "the workers have no duologue: start them in the image of docker/, or install the same version where they run "
                "(docs/runners.md), and run the command again"
            )
        if fault is None and isinstance(error, OSError):
            fault = storage_fault(error, error.filename or out)
        if fault is None:
            raise
        raise fault from None
