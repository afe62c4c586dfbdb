"""Reads a manifest as a whole, once, in the process that launches a run, and holds its lines packed: a tenth of their size."""

import codecs
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import orjson

from duologue_consent.decisions.names import skeleton
from duologue_pipeline.read.manifest import (
    digest_of_lines,
    line_digest,
    parse_line,
    read_lines,
    recording_of,
    unique_recordings,
    valid_document,
)
from duologue_pipeline.records import Recording, Rejected

__all__ = ["Manifest", "load_manifest", "settle_shared"]

_BLOCK: Final = 1000
_FAST: Final = 1  # of zlib: lines of a manifest are alike, and more work makes them hardly smaller


@dataclass(frozen=True)
class Manifest:
    """Holds the lines of a manifest.

    Attributes:
        uri: against which its uris are resolved.
        sha256: of its lines, whatever their order.
        lines: how many there are, without blank ones.
        recordings: how many of them are recordings, those with an id that another one has as well among them.
        speaker_ids: of all recordings.
    """

    uri: str
    sha256: str
    lines: int
    recordings: int
    speaker_ids: frozenset[str]
    _blocks: tuple[tuple[bytes, bytes], ...]
    """A thousand lines each, packed, and whether each of them was found valid."""
    _several: frozenset[str]
    """What is seen of the recording_ids that several lines have."""

    @property
    def parts(self) -> int:
        """Counts the parts that can be read by themselves, of a thousand lines each."""
        return len(self._blocks)

    def part(self, number: int) -> tuple[list[Recording | Rejected], list[Recording]]:
        """Reads a part: the recordings in the order of the lines and what is refused, and the recordings that share an id."""
        packed, valid = self._blocks[number]
        own: list[Recording | Rejected] = []
        sharing: list[Recording] = []
        for line, is_valid in zip(zlib.decompress(packed).split(b"\n"), valid, strict=True):
            if not is_valid:
                own.append(parse_line(line, manifest_uri=self.uri))
                continue
            recording = recording_of(_document(line), manifest_uri=self.uri)
            shares = bool(self._several) and skeleton(recording.recording_id) in self._several
            (sharing if shares else own).append(recording)
        return own, sharing

    def __iter__(self) -> Iterator[Recording | Rejected]:
        """Gives the recordings in the order of the lines, and what is refused; at the end those that share an id."""
        together: list[Recording] = []
        for number in range(self.parts):
            own, sharing = self.part(number)
            yield from own
            together += sharing
        yield from settle_shared(together)


def settle_shared(recordings: Iterable[Recording]) -> Iterator[Recording | Rejected]:
    """Refuses recordings that share an id (:func:`duologue_pipeline.read.manifest.unique_recordings`).

    Args:
        recordings: all of a manifest that do, in the order of its lines.
    """
    together: dict[str, list[Recording | Rejected]] = {}
    for recording in recordings:
        together.setdefault(skeleton(recording.recording_id), []).append(recording)
    for _, own in sorted(together.items()):
        yield from unique_recordings(own)


def load_manifest(uri: str) -> Manifest:
    """Reads a manifest and checks its lines.

    Args:
        uri: absolute; the uris in the manifest are resolved against its folder.

    Raises:
        UsageError: it cannot be read.
    """
    digests: list[bytes] = []
    blocks: list[tuple[bytes, bytes]] = []
    held: list[bytes] = []
    valid = bytearray()
    seen: set[str] = set()
    several: set[str] = set()
    speaker_ids: set[str] = set()
    recordings = 0
    for line in read_lines(uri):
        digests.append(line_digest(line))
        document = valid_document(line, manifest_uri=uri)
        is_valid = not isinstance(document, Rejected)
        if isinstance(document, dict):
            recordings += 1
            alike = skeleton(document["recording_id"])
            (several if alike in seen else seen).add(alike)
            speaker_ids.update(track["speaker_id"] for track in document["tracks"])
        held.append(line.removeprefix(codecs.BOM_UTF8) if is_valid else line)
        valid.append(is_valid)
        if len(held) == _BLOCK:
            blocks.append(_packed(held, valid))
            held, valid = [], bytearray()
    if held:
        blocks.append(_packed(held, valid))
    return Manifest(
        uri,
        digest_of_lines(digests),
        len(digests),
        recordings,
        frozenset(speaker_ids),
        tuple(blocks),
        frozenset(several),
    )


def _document(line: bytes) -> Any:
    """Reads a line again that was read strictly before."""
    try:
        return orjson.loads(line)
    except ValueError:  # a number of more than 64 bits in a field of its maker's own
        return json.loads(line)


def _packed(lines: list[bytes], valid: bytearray) -> tuple[bytes, bytes]:
    return zlib.compress(b"\n".join(lines), _FAST), bytes(valid)
