"""Reads a manifest as a whole, once, in the process that launches a run, and holds its lines packed: a tenth of their size."""

import codecs
import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
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
        for line, is_valid in zip(_lines(packed), valid, strict=True):
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


@dataclass(frozen=True)
class _Checked:
    """Holds what was found in a block: which lines are valid, the hash of each, and of the valid ones what their ids look like."""

    valid: bytes
    digests: list[bytes]
    ids: list[str]
    speaker_ids: set[str]


def _one_by_one(work: Callable[[int], _Checked], count: int) -> Iterable[_Checked]:
    return map(work, range(count))


def load_manifest(
    uri: str, *, each: Callable[[Callable[[int], _Checked], int], Iterable[_Checked]] = _one_by_one
) -> Manifest:
    """Reads a manifest and checks its lines.

    Args:
        uri: absolute; the uris in the manifest are resolved against its folder.
        each: does the work on numbers from 0, as many as it is told, and gives the results in their order. Other processes may
            do it (:func:`duologue_pipeline.run.forked.forked_map`).

    Raises:
        UsageError: it cannot be read.
    """
    blocks = list(_packed_blocks(read_lines(uri)))
    digests: list[bytes] = []
    valid: list[bytes] = []
    seen: set[str] = set()
    several: set[str] = set()
    speaker_ids: set[str] = set()
    recordings = 0
    for checked in each(lambda number: _check(_lines(blocks[number]), uri), len(blocks)):
        digests += checked.digests
        valid.append(checked.valid)
        recordings += len(checked.ids)
        speaker_ids |= checked.speaker_ids
        for alike in checked.ids:
            (several if alike in seen else seen).add(alike)
    return Manifest(
        uri,
        digest_of_lines(digests),
        len(digests),
        recordings,
        frozenset(speaker_ids),
        tuple(zip(blocks, valid, strict=True)),
        frozenset(several),
    )


def _check(lines: Iterable[bytes], uri: str) -> _Checked:
    valid, digests, ids, speaker_ids = bytearray(), list[bytes](), list[str](), set[str]()
    for line in lines:
        digests.append(line_digest(line))
        document = valid_document(line, manifest_uri=uri)
        valid.append(not isinstance(document, Rejected))
        if not isinstance(document, Rejected):
            ids.append(skeleton(document["recording_id"]))
            speaker_ids.update(track["speaker_id"] for track in document["tracks"])
    return _Checked(bytes(valid), digests, ids, speaker_ids)


def _packed_blocks(lines: Iterable[bytes]) -> Iterator[bytes]:
    rest = iter(lines)
    while block := list(islice(rest, _BLOCK)):
        yield zlib.compress(b"\n".join(block), _FAST)


def _lines(packed: bytes) -> list[bytes]:
    return zlib.decompress(packed).split(b"\n")


def _document(line: bytes) -> Any:
    """Reads a line again that was read strictly before."""
    text = line.removeprefix(codecs.BOM_UTF8)
    try:
        return orjson.loads(text)
    except ValueError:  # a number of more than 64 bits in a field of its maker's own
        return json.loads(text)
