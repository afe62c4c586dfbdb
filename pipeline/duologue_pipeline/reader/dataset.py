"""Reads the samples of a release as numpy arrays and metadata, without Beam and without torch.

from duologue_pipeline.reader import open_dataset

for sample in open_dataset("out", split="train", purpose="training_inhouse"):
    sample.codes       # uint16 [2, codebooks, frames]
    sample.metadata    # the document of KEY.json
"""

from collections.abc import Iterator
from typing import Any, Final

from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.inside import inside_size
from duologue_pipeline.files.storage import absolute_uri, join
from duologue_pipeline.reader.release import DamagedReleaseError, read_release
from duologue_pipeline.reader.shard import Sample, read_shard
from duologue_pipeline.reader.trust import sample_fault
from duologue_pipeline.reader.watch import RevocationWatch
from duologue_pipeline.records import SPLITS

__all__ = ["Dataset", "PurposeError", "open_dataset"]

_LOOK_EVERY_S: Final = 0.5


class PurposeError(UsageError):
    """Says that the release does not carry the purpose that the reader asked for."""


class _MissingFileError(DamagedReleaseError, FileNotFoundError):
    """Tells that a file of the release is not there."""


class Dataset:
    """Gives the samples of one split of a release, in the order of the shards; iterate it as often as you like.

    Samples that a speaker has withdrawn are left out from the moment that ``revocations.jsonl`` says so, also in the middle
    of an iteration: the file is looked at again at every shard, and every half second within one. Where a withdrawal has
    replaced the release meanwhile, the iteration goes on in the new version, with the same shard or the next one.

    Attributes:
        release: the document of ``dataset.json``, of the version that is being read.
        split: ``train`` or ``validation``.
        purpose: what the samples are read for.
    """

    def __init__(self, uri: str, release: dict[str, Any], *, split: str, purpose: str) -> None:
        self._uri = uri
        self.release = release
        self.split = split
        self.purpose = purpose
        self._revoked = RevocationWatch(uri)
        self._revoked.look(release)

    def __len__(self) -> int:
        """Counts the samples of the split; those that are left out by ``revocations.jsonl`` are counted too."""
        return sum(shard["samples"] for shard in self._shards())

    def __iter__(self) -> Iterator[Sample]:
        """Gives the samples.

        Raises:
            DamagedReleaseError: a shard is missing or damaged, a sample is not what the release says, or
                ``revocations.jsonl`` cannot be trusted. It is a UsageError and a ValueError as well.
            PurposeError: a new version, without the purpose, has taken the place of the release.
        """
        finished, given = set[str](), set[str]()  # shards by their names without hash; keys within the next one
        while True:
            shard = next((each for each in self._shards() if _stem(each["path"]) not in finished), None)
            if shard is None:
                return
            try:
                for sample in self._read(shard):
                    if sample.key not in given:
                        given.add(sample.key)
                        yield sample
            except OSError as error:
                if self._renew():
                    continue
                # The shard is not gone because of a new version, but missing or not to be read.
                kind = _MissingFileError if isinstance(error, FileNotFoundError) else DamagedReleaseError
                raise kind(f"{join(self._uri, shard['path'])}: cannot be read ({error.strerror or error})") from None
            finished.add(_stem(shard["path"]))
            given = set()

    def _shards(self) -> list[dict[str, Any]]:
        return [shard for shard in self.release["shards"] if shard["split"] == self.split]

    def _read(self, shard: dict[str, Any]) -> Iterator[Sample]:
        uri, samples = join(self._uri, shard["path"]), 0
        self._revoked.look(self.release)
        damage, keys = "", set[str]()
        found = self._samples(shard)
        while True:
            try:
                sample = next(found, None)
            except ValueError as error:
                damage = str(error).removeprefix(f"{uri}: ")
                break
            if sample is None:
                break
            samples += 1
            self._revoked.look(self.release, at_most_every_s=_LOOK_EVERY_S)
            damage = sample_fault(sample, self.release, split=self.split)
            if damage or sample.key in keys:
                damage = f"sample {sample.key}: {damage or 'is there twice'}"
                break
            keys.add(sample.key)
            # The gate let only such samples in; a reader does not take that on trust.
            if self.purpose in sample.metadata["purposes"] and not self._revoked.strikes(shard["path"], sample.key):
                yield sample
        if damage or samples != shard["samples"]:
            counted = f"holds {samples} samples and dataset.json says {shard['samples']}; "
            raise DamagedReleaseError(
                f"{uri}: {counted if samples != shard['samples'] else ''}the shard is damaged"
                f"{f' ({damage})' if damage else ''}: fetch it again (`duologue shards verify {self._uri}` tells)"
            )

    def _samples(self, shard: dict[str, Any]) -> Iterator[Sample]:
        inside_size(self._uri, shard["path"])
        yield from read_shard(join(self._uri, shard["path"]), max_bytes=shard["bytes"])

    def _renew(self) -> bool:
        """Goes over to the version that is there now; False where it is the same one."""
        release = read_release(self._uri)
        if release == self.release:
            return False
        _check_purpose(self._uri, release, self.purpose)
        self.release = release
        return True


def open_dataset(uri: str, split: str = "train", purpose: str = "training_inhouse") -> Dataset:
    """Opens a split of a release for a purpose.

    Args:
        uri: the output folder of a run: a path, ``s3://`` or ``gs://``.
        split: ``train`` or ``validation``.
        purpose: what the samples will be used for, e.g. ``training_inhouse``.

    Returns:
        The samples. No shard has been read yet.

    Raises:
        PurposeError: the release was not made for this purpose.
        DamagedReleaseError: ``dataset.json`` or ``revocations.jsonl`` is damaged or cannot be trusted.
        UsageError: there is no release, or no such split.
    """
    root = absolute_uri(uri)
    release = read_release(root)
    if split not in SPLITS:
        raise UsageError(f"split {split!r}: expected one of {', '.join(SPLITS)}")
    _check_purpose(uri, release, purpose)
    return Dataset(root, release, split=split, purpose=purpose)


def _check_purpose(uri: str, release: dict[str, Any], purpose: str) -> None:
    if purpose not in release["purposes"]:
        raise PurposeError(
            f"{uri}: this release may be used for {', '.join(release['purposes'])} and not for {purpose}; "
            f"make one with `duologue run ... --purpose {purpose}`: it will hold what its speakers allow"
        )


def _stem(path: str) -> str:
    """Gives what a rewritten shard's name shares with the old one: ``train-00003`` of ``shards/train-00003-0123456789ab.tar``."""
    return path.rpartition("/")[2].rpartition("-")[0]
