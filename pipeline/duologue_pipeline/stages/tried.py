"""Turns a refusal into an element: here alone a RejectError becomes a :class:`~duologue_pipeline.records.Rejected`.

It knows no Beam: whoever looks at recordings without a run says of them what the run would say.
"""

import logging
import tempfile
from collections.abc import Callable
from typing import Any, Final

from duologue_pipeline.errors import RejectError, UsageError
from duologue_pipeline.files.faults import is_exhausted, storage_fault
from duologue_pipeline.files.names import shown
from duologue_pipeline.files.sealed import holds_secret, without_secrets
from duologue_pipeline.records import Ingested, Recording, Rejected, Tokenized
from duologue_pipeline.stages.internal_error import internal_error, is_of_the_recording

__all__ = ["LOG", "element_name", "exhausted_in", "tried"]

LOG: Final = logging.getLogger("duologue.stages")
"""Gets a line for each element: ``STAGE kept RECORDING`` or ``STAGE REASON RECORDING``, at level INFO."""


def tried(stage: str, work: Callable[..., Any], element: Any, *arguments: Any) -> Any:
    """Applies a stage's pure function to an element, and gives a Rejected where the function refuses the element or fails on it.

    Returns:
        What it gives, or a Rejected in place of the RejectError that it raises; ``internal_error`` in place of an error that
        can be laid to the element (:func:`duologue_pipeline.stages.internal_error.is_of_the_recording`). Others are raised.

    Raises:
        UsageError: the system is at its end (a full disk, too many open files), for which no recording is refused.
    """
    try:
        return work(element, *arguments)
    except RejectError as error:
        exhausted = exhausted_in(error)
        if exhausted is not None:
            raise exhausted from None
        return _rejected(stage, element, error)
    except Exception as error:
        if exhausted_in(error) is not None or not is_of_the_recording(error):
            raise
        refusal = internal_error(error)
        told = " ".join(f"{name} {value}" for name, value in refusal.values.items())
        LOG.error(
            "%s internal_error %s: %s", stage, element_name(element), told
        )  # the trace may name people: it is for the private file
        return _rejected(stage, element, refusal)


def _rejected(stage: str, element: Any, error: RejectError) -> Rejected:
    recording = _recording(element)
    detail = error.detail
    for track in recording.tracks if isinstance(recording, Recording) else ():
        for uri in (track.uri, track.words_uri):
            if uri is not None and holds_secret(uri):
                detail = detail.replace(uri, shown(uri))
    return Rejected(recording.recording_id, stage, error.reason, without_secrets(detail), error.values)


def exhausted_in(error: BaseException) -> UsageError | None:
    """Finds that the system was at its end in what led to an error."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and is_exhausted(cause):
            return storage_fault(cause, cause.filename or tempfile.gettempdir())
        cause = cause.__context__
    return None


def element_name(element: Any) -> str:
    """Names an element in the log: a recording by its id, a shard by its name."""
    if isinstance(element, Rejected):
        return str(element.recording_id)
    owner = getattr(element, "recording", element)
    name: str = owner.name if hasattr(owner, "name") else owner.recording_id
    return name


def _recording(element: Recording | Ingested | Tokenized) -> Recording | Tokenized:
    return element.recording if isinstance(element, Ingested) else element
