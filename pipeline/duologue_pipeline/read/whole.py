"""Reads a manifest as a whole, once, in the process that launches a run, and holds it packed: a sixth of its size in the file."""

import pickle
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

from duologue_consent.decisions.names import skeleton
from duologue_pipeline.read.manifest import digest_of_lines, line_digest, parse_line, read_lines, unique_recordings
from duologue_pipeline.records import Recording, Rejected

__all__ = ["Manifest", "load_manifest"]

_BLOCK: Final = 1000

Parsed = Recording | Rejected


@dataclass(frozen=True)
class Manifest:
    """Holds the recordings of a manifest, and what is refused of it.

    Attributes:
        sha256: of its lines, whatever their order.
        lines: how many there are, without blank ones.
        recordings: how many of them are recordings, those with an id that another one has as well among them.
        speaker_ids: of all recordings.
    """

    sha256: str
    lines: int
    recordings: int
    speaker_ids: frozenset[str]
    _blocks: tuple[bytes, ...]
    _several: frozenset[str]

    def __iter__(self) -> Iterator[Parsed]:
        """Gives the recordings in the order of the lines, and at the end those that share an id, refused."""
        together: dict[str, list[Parsed]] = {}
        for each in chain.from_iterable(map(_unpacked, self._blocks)):
            seen = skeleton(each.recording_id) if isinstance(each, Recording) else None
            if seen in self._several:
                together.setdefault(seen, []).append(each)
            else:
                yield each
        for _, own in sorted(together.items()):
            yield from unique_recordings(own)


def load_manifest(uri: str) -> Manifest:
    """Reads a manifest.

    Args:
        uri: absolute; the uris in the manifest are resolved against its folder.

    Raises:
        UsageError: it cannot be read.
    """
    digests: list[bytes] = []
    blocks: list[bytes] = []
    held: list[Parsed] = []
    seen: set[str] = set()
    several: set[str] = set()
    speaker_ids: set[str] = set()
    recordings = 0
    for line in read_lines(uri):
        digests.append(line_digest(line))
        parsed = parse_line(line, manifest_uri=uri)
        if isinstance(parsed, Recording):
            recordings += 1
            alike = skeleton(parsed.recording_id)
            (several if alike in seen else seen).add(alike)
            speaker_ids.update(track.speaker_id for track in parsed.tracks)
        held.append(parsed)
        if len(held) == _BLOCK:
            blocks.append(_packed(held))
            held = []
    blocks.append(_packed(held))
    return Manifest(
        digest_of_lines(digests), len(digests), recordings, frozenset(speaker_ids), tuple(blocks), frozenset(several)
    )


def _packed(some: list[Parsed]) -> bytes:
    return zlib.compress(pickle.dumps(some, pickle.HIGHEST_PROTOCOL), 1)


def _unpacked(block: bytes) -> list[Parsed]:
    some: list[Parsed] = pickle.loads(zlib.decompress(block))  # of this process, never of a file
    return some
