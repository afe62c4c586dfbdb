"""Finds what is wrong with the lines of a manifest as they are written, without opening what they name."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from duologue_pipeline.consent.decided_files import public_id
from duologue_pipeline.files.sealed import without_secrets
from duologue_pipeline.read.look_alikes import look_alike_faults
from duologue_pipeline.read.manifest import read_all_lines
from duologue_pipeline.validate.finding import Finding, split_told
from duologue_schemas import LineFault, validate_manifest_lines

__all__ = ["line_findings"]

_BOM: Final = "begins with a byte order mark"
_TRACKS: Final = ("tracks[0]", "tracks[1]")


@dataclass(frozen=True)
class _Lines:
    """Gives the lines of a manifest as often as they are asked for; none is held."""

    uri: str

    def __iter__(self) -> Iterator[bytes]:
        return read_all_lines(self.uri)


def line_findings(uri: str, *, speakers: bool) -> Iterator[Finding]:
    """Lists every fault of every line of a manifest, in the order of the lines.

    Args:
        uri: of the manifest; it is read twice.
        speakers: whether ids of speakers that look alike are told; where there is a ledger it says who is another person.

    Raises:
        UsageError: it cannot be read.
    """
    lines = _Lines(uri)
    faults = heapq.merge(validate_manifest_lines(lines), look_alike_faults(lines), key=lambda fault: fault.line)
    for fault in faults:
        of_speaker = fault.field.endswith("speaker_id") and "looks like" in fault.message
        if speakers or not of_speaker:
            yield _finding(fault, "consent_look_alike" if of_speaker else "manifest_invalid")


def _finding(fault: LineFault, reason: str) -> Finding:
    told, remedy = split_told(without_secrets(fault.message))
    track = next((name for name, place in zip("ab", _TRACKS, strict=True) if fault.field.startswith(place)), None)
    return Finding(
        level="warned" if fault.message.startswith(_BOM) else "refused",
        what="manifest",
        reason=reason,
        recording_id=public_id(fault.recording_id),
        track=track,
        line=fault.line,
        fault=f"{fault.field}: {told}" if fault.field else told,
        remedy=remedy,
    )
