"""Tells an error of one recording that nobody foresaw from one of the machine, and makes a refusal of the former.

A mistake in a program that one odd file brings to light costs that recording and not the run. What the machine, a store, a
model or consent lacks is nobody's recording: it is raised, the runner tries again, and at last the run ends.
"""

import re
import traceback
from pathlib import Path
from typing import Any, Final

from duologue_pipeline.consent.forms import FormNotGrantedError
from duologue_pipeline.errors import RejectError, UsageError
from duologue_pipeline.files.conditional import ConflictError
from duologue_pipeline.files.faults import memory_fault
from duologue_pipeline.rules import RulesError

__all__ = ["internal_error", "is_of_the_recording"]

_RAISED: Final = (
    UsageError,
    FormNotGrantedError,
    ConflictError,
    RulesError,
    OSError,
    MemoryError,
    ImportError,
    EOFError,  # of another process that has died
)
_LIBRARIES_OF_OTHER_MACHINES: Final = (
    "boto3",
    "botocore",
    "google",
    "grpc",
    "requests",
    "sqlalchemy",
    "urllib3",
    "apache_beam",
)
_DEVICE: Final = re.compile(
    r"\b(CUDA|cuDNN|CUBLAS|NCCL|HIP)\b.*(error|memory|failed)|device-side assert", re.IGNORECASE
)
_LONGEST: Final = 32


def is_of_the_recording(error: Exception) -> bool:
    """Tells whether an error can be laid to the recording that was worked on, so that the others may go on."""
    if isinstance(error, _RAISED) or memory_fault(error) is not None:
        return False
    if type(error).__module__.partition(".")[0] in _LIBRARIES_OF_OTHER_MACHINES:
        return False
    return not (isinstance(error, RuntimeError) and _DEVICE.search(str(error)))


def internal_error(error: Exception) -> RejectError:
    """Makes the refusal ``internal_error``: kind and place of the error may be published, its text and trace may not."""
    kind = re.sub(r"[^a-z0-9_.-]", "", type(error).__name__.lower())[:_LONGEST]
    values: dict[str, Any] = {"error": kind or "error"}
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if "duologue_pipeline" in path.parts:
            values |= {"module": path.stem.lower()[:_LONGEST], "line": frame.lineno or 0}
            break
    trace = "".join(traceback.format_exception(error))
    return RejectError(
        "internal_error",
        f"duologue failed on this recording, and nobody foresaw it: please report it with this trace, without what may not be "
        f"told:\n{trace}",
        values,
    )
