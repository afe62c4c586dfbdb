"""Looks into an audio file as far as an intake needs it: can it be opened, and how many channels does it have."""

from pathlib import Path

from duologue_pipeline.errors import RejectError
from duologue_pipeline.files.file_fault import FileFault
from duologue_pipeline.files.local import check_regular
from duologue_pipeline.ingest.decoded import open_samples

__all__ = ["channels_of"]


def channels_of(path: Path) -> int:
    """Counts the channels of an audio file, as a run would see it.

    Raises:
        ValueError: it is no audio that is read, or damaged; the message says how.
    """
    try:
        samples = open_samples(path, path.name, check_regular(str(path)))
    except (RejectError, FileFault, OSError) as error:
        told = error.detail if isinstance(error, RejectError) else str(error)
        raise ValueError(told.removeprefix(f"{path.name}: ").removeprefix(f"{path}: ")) from None
    try:
        return samples.channels
    finally:
        samples.close()
