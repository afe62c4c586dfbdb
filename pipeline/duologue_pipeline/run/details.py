"""Names the private file beside the ledger where a run writes what it found wrong, sentence by sentence."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from duologue_consent.ledger.location import Location
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.storage import exists, is_remote, join, local_path, read_bytes
from duologue_pipeline.records import Rejected
from duologue_pipeline.release.rejected import detail_lines, write_details
from duologue_pipeline.shards.write import ready_folder

__all__ = ["DETAILS", "begin_details", "details_path", "finish_details", "make_details_folder", "staged_details"]


DETAILS: Final = "refused.jsonl"
"""The file in the folder of a launch in which workers leave the sentences of what they refused, if it is none."""


def details_path(ledger: str, *, name: str, fingerprint: str) -> str:
    """Names the file of a run: ``LEDGER.refused/NAME-FINGERPRINT.jsonl``, beside the folder of the ledger's keys.

    Args:
        ledger: path or URL, as for ``--ledger``.
        name: of the dataset.
        fingerprint: of the run.
    """
    keys = Location(ledger if is_remote(ledger) else local_path(ledger)).keys.absolute()
    return str(keys.with_name(keys.name.removesuffix(".keys") + ".refused") / f"{name}-{fingerprint[:12]}.jsonl")


def make_details_folder(path: str) -> None:
    """Makes the folder of the file, for its owner only.

    Raises:
        UsageError: it cannot be made.
    """
    folder = Path(path).parent
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"{folder}: cannot be made ({error.strerror}); what a run finds wrong is written there, because it may name "
            "people: correct the rights of the folder in which the ledger lies"
        ) from None


def staged_details(out: str, launch: str) -> str:
    """Names the file in the folder of a launch in which workers leave the sentences of what they refused."""
    return join(ready_folder(out, launch), DETAILS)


def begin_details(path: str, refusals: Iterable[Rejected]) -> None:
    """Makes the private file, of what this process has refused, in place of one that an attempt before this one has left.

    Raises:
        UsageError: it cannot be written.
    """
    make_details_folder(path)
    write_details(detail_lines(refusals), path)


def finish_details(path: str, *, out: str, launch: str) -> None:
    """Adds to the private file what the workers of a launch have left of theirs; once, however often it is done.

    Raises:
        UsageError: it cannot be written.
    """
    staged = staged_details(out, launch)
    if exists(staged):
        make_details_folder(path)  # another machine may have begun it
        known = Path(path).read_text(encoding="ascii").splitlines() if exists(path) else []
        told = set(read_bytes(staged).decode("ascii").splitlines()) - set(known)
        write_details([*known, *told], path)
