"""Rewrites one touched shard into a new one, in one pass and with one sample in memory.

Nothing here deletes or replaces a file of the release: new shards come under new names, in any order, any number of
times, and have the same bytes each time. ``RewrittenShard`` goes through JSON (``document``, ``from_document``), so that a
journal can keep it: once the old shards are gone it cannot be made again.
"""

import hashlib
import io
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

import soundfile

from duologue_pipeline.files.storage import is_remote, join, move, open_input, open_output
from duologue_pipeline.files.text import parse_json
from duologue_pipeline.records import SPEAKERS
from duologue_pipeline.shards.members import MemberError, first_key, group_members, read_members_of
from duologue_pipeline.shards.tar import write_members
from duologue_pipeline.tokens.sample_figures import sample_figures
from duologue_pipeline.withdrawal.plan import SamplePlan, ShardPlan, silenced_side
from duologue_pipeline.withdrawal.silence import silence_members
from duologue_pipeline.withdrawal.traces import UNREADABLE, sample_traces

__all__ = ["NewSample", "RewrittenShard", "rewrite_shard"]

_RECORD_BYTES: Final = 20 * tarfile.BLOCKSIZE
_COPY_BYTES: Final = 1 << 20


@dataclass(frozen=True)
class NewSample:
    """Says where a sample lies in the new shard.

    Attributes:
        key, offset, bytes: which one, and its place.
        figures: of a sample in which a speaker was silenced, its new figures in ``index.parquet``
            (:func:`duologue_pipeline.tokens.sample_figures.sample_figures`); None for one that stays as it was.
    """

    key: str
    offset: int
    bytes: int
    figures: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class RewrittenShard:
    """Says what became of a touched shard.

    Attributes:
        old_path, old_sha256, old_bytes: the shard as it was.
        path: of the new shard, ``shards/train-00003-<12 hex>.tar``; None where no sample is left and there is no file.
        split: of both.
        sha256, bytes: of the new file; "" and 0 where there is none.
        duration_s: of the new shard's samples.
        samples: its samples, in its order.
        traces: hashes of what was taken out (:mod:`duologue_pipeline.withdrawal.traces`), sorted.
    """

    old_path: str
    old_sha256: str
    old_bytes: int
    path: str | None
    split: str
    sha256: str
    bytes: int
    duration_s: float
    samples: tuple[NewSample, ...]
    traces: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """Gives the same as JSON values, for a journal."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Builds it from what :meth:`document` gave, also when that has been through JSON."""
        samples = tuple(NewSample(**sample) for sample in document["samples"])
        return cls(**{**document, "samples": samples, "traces": tuple(document["traces"])})


def rewrite_shard(root: str, shard: ShardPlan, *, silence: list[int] | None, staging: str) -> RewrittenShard:
    """Writes the shard that takes the place of a touched one, and leaves that one where it is.

    Each byte is written once: on a local disk to a file in ``staging``, which is renamed when its hash is known; on an
    object store, which cannot rename, the shard is gone through twice, the first time only for the hash.

    Args:
        root: the folder of the release.
        shard: what to do.
        silence: the codec's tokens of silence; may be None where no sample is silenced.
        staging: a folder on the same file system for the unfinished file.

    Returns:
        The new shard. The same call gives the same bytes under the same name.

    Raises:
        ValueError: the old shard is not what ``dataset.json`` and ``index.parquet`` say; nothing is left under a
            shard's name.
    """
    source = join(root, shard.path)
    if not shard.kept:
        rewriting = _Rewriting(source, shard, silence)
        for _ in rewriting.pieces():
            pass
        return rewriting.result("")
    stem = shard.path.rpartition("/")[2].rpartition("-")[0]
    if is_remote(root):
        first = _Rewriting(source, shard, silence)
        for _ in first.pieces():
            pass
        done = first.result(stem)
        second = _Rewriting(source, shard, silence)
        with open_output(join(root, str(done.path))) as out:
            for piece in second.pieces():
                out.write(piece)
        if second.result(stem) != done:
            raise ValueError(f"{source}: gave other bytes the second time; do not change it while it is rewritten")
        return done
    unfinished = join(staging, f"{stem}.tar")
    rewriting = _Rewriting(source, shard, silence)
    with open_output(unfinished) as out:
        for piece in rewriting.pieces():
            out.write(piece)
    done = rewriting.result(stem)
    move(unfinished, join(root, str(done.path)))
    return done


class _Rewriting:
    """Goes over a shard once: gives the pieces of the new one and, when they are through, what is to be said about it."""

    def __init__(self, source: str, shard: ShardPlan, silence: list[int] | None) -> None:
        self._source = source
        self._shard = shard
        self._silence = silence
        self._digest = hashlib.sha256()
        self._size = 0
        self._samples: list[NewSample] = []
        self._figures: Mapping[str, Any] | None = None
        self._traces: set[str] = set()
        self._duration_s = 0.0

    def pieces(self) -> Iterator[bytes]:
        """Gives the bytes of the new shard; none where no sample is left.

        Raises:
            ValueError: the old shard is damaged.
        """
        old = hashlib.sha256()
        position = 0
        with open_input(self._source) as stream:
            for sample in self._shard.samples:
                if sample.offset != position:
                    raise self._damaged(f"{sample.key} begins at byte {sample.offset}, expected {position}")
                start, self._figures = self._size, None
                for piece in self._sample(stream, sample, old):
                    yield self._count(piece)
                position += sample.bytes
                if sample.action != "drop":
                    self._samples.append(NewSample(sample.key, start, self._size - start, self._figures))
                    self._duration_s += sample.duration_s
            while rest := stream.read(_COPY_BYTES):
                old.update(rest)
        if old.hexdigest() != self._shard.sha256:
            raise self._damaged(f"its SHA-256 is {old.hexdigest()}, dataset.json says {self._shard.sha256}")
        if self._samples:
            yield self._count(bytes(2 * tarfile.BLOCKSIZE))
            yield self._count(bytes(-self._size % _RECORD_BYTES))

    def _sample(self, stream: Any, sample: SamplePlan, old: Any) -> Iterator[bytes]:
        """Takes the bytes of one sample from the stream and gives those that it leaves."""
        left = sample.bytes
        held = []
        while left:
            block = stream.read(min(left, _COPY_BYTES))
            if not block:
                raise self._damaged(f"it ends within {sample.key}")
            old.update(block)
            if left == sample.bytes and first_key(block) != sample.key:
                raise self._damaged(f"{sample.key} does not begin at byte {sample.offset}")
            left -= len(block)
            if sample.action == "keep":
                yield block
            else:
                held.append(block)
        if sample.action == "keep":
            return
        members = self._members(sample.key, b"".join(held))
        side = silenced_side(sample.action)
        try:
            self._traces.update(sample_traces(members, SPEAKERS if side is None else (side,)))
        except UNREADABLE as error:
            raise self._damaged(f"{sample.key} cannot be read ({error!r})") from None
        if side is not None:
            if not self._silence:
                raise ValueError(f"{self._source}: {sample.key}: the codec's tokens of silence are not known")
            buffer = io.BytesIO()
            try:
                silenced = silence_members(members, side, silence=self._silence)
                self._figures = sample_figures(parse_json(silenced["json"]))
            except (LookupError, TypeError, AttributeError, OverflowError, soundfile.LibsndfileError) as error:
                raise self._damaged(f"{sample.key} is not what a sample is ({error!r})") from None
            write_members(buffer, sample.key, silenced)
            yield buffer.getvalue()

    def _members(self, key: str, blocks: bytes) -> dict[str, bytes]:
        try:
            samples = list(group_members(read_members_of(io.BytesIO(blocks), max_bytes=len(blocks))))
        except MemberError as error:
            raise self._damaged(f"{key}: {error}") from None
        if [sample.key for sample in samples] != [key]:
            raise self._damaged(f"it has {', '.join(sample.key for sample in samples)} in the place of {key}")
        return samples[0].members

    def _count(self, piece: bytes) -> bytes:
        self._digest.update(piece)
        self._size += len(piece)
        return piece

    def _damaged(self, fault: str) -> ValueError:
        return ValueError(f"{self._source}: {fault}; the shard is damaged: put back the one that dataset.json names")

    def result(self, stem: str) -> RewrittenShard:
        """Says what came out, after :meth:`pieces`; ``stem`` is the name without hash."""
        sha256 = self._digest.hexdigest() if self._samples else ""
        return RewrittenShard(
            old_path=self._shard.path,
            old_sha256=self._shard.sha256,
            old_bytes=self._shard.bytes,
            path=f"shards/{stem}-{sha256[:12]}.tar" if self._samples else None,
            split=self._shard.split,
            sha256=sha256,
            bytes=self._size,
            duration_s=round(1000 * self._duration_s) / 1000,
            samples=tuple(self._samples),
            traces=tuple(sorted(self._traces)),
        )
