"""Reading a release: samples as numpy arrays and metadata, without Beam and without torch.

from duologue_pipeline.reader import open_dataset

for sample in open_dataset("out", split="train", purpose="training_inhouse"):
    sample.codes       # uint16 [2, codebooks, frames]
    sample.metadata    # the document of KEY.json
"""

import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import soundfile

from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.storage import absolute_uri, join, open_input, read_bytes
from duologue_pipeline.reader.watch import RevocationWatch
from duologue_pipeline.records import SPLITS

__all__ = ["Dataset", "PurposeError", "Sample", "open_dataset", "read_release"]


_LOOK_EVERY_S: Final = 0.5


class PurposeError(UsageError):
    """The release does not carry the purpose that the reader asked for."""


@dataclass(frozen=True)
class Sample:
    """A piece of a conversation.

    Attributes:
        key: name of the sample, the same in the shard and in ``index.parquet``.
        metadata: the document of ``KEY.json`` (schemas/sample.schema.json); times in it count from the sample's start.
        codes: uint16 [2, codebooks, frames], speaker ``a`` first, each below its codebook's cardinality.
        flac: the bytes of ``KEY.flac``, None where the release has no audio.
    """

    key: str
    metadata: dict[str, Any]
    codes: npt.NDArray[np.uint16]
    flac: bytes | None

    @cached_property
    def audio(self) -> tuple[npt.NDArray[np.float32], int] | None:
        """(float32 [2, T] in [-1, 1], sample rate in Hz), decoded when first asked for; None without audio."""
        if self.flac is None:
            return None
        pcm, sample_rate_hz = soundfile.read(io.BytesIO(self.flac), dtype="float32", always_2d=True)
        return np.ascontiguousarray(pcm.T), sample_rate_hz


class Dataset:
    """The samples of one split of a release, in the order of the shards; iterate it as often as you like.

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
        """How many samples the split holds; those that are left out by ``revocations.jsonl`` are counted."""
        return sum(shard["samples"] for shard in self._shards())

    def __iter__(self) -> Iterator[Sample]:
        """Gives the samples.

        Raises:
            ValueError: a shard is damaged.
            PurposeError: a new version, without the purpose, has taken the place of the release.
            UsageError: ``revocations.jsonl`` cannot be trusted.
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
            except OSError:
                if not self._renew():  # the shard is not gone because of a new version, but missing
                    raise
                continue
            finished.add(_stem(shard["path"]))
            given = set()

    def _shards(self) -> list[dict[str, Any]]:
        return [shard for shard in self.release["shards"] if shard["split"] == self.split]

    def _read(self, shard: dict[str, Any]) -> Iterator[Sample]:
        uri, samples = join(self._uri, shard["path"]), 0
        self._revoked.look(self.release)
        for sample in read_shard(uri):
            samples += 1
            self._revoked.look(self.release, at_most_every_s=_LOOK_EVERY_S)
            # The gate let only such samples in; a reader does not take that on trust.
            if self.purpose in sample.metadata["purposes"] and not self._revoked.strikes(shard["path"], sample.key):
                yield sample
        if samples != shard["samples"]:  # tarfile takes an archive that is cut between members for a whole one
            raise ValueError(
                f"{uri}: holds {samples} samples and dataset.json says {shard['samples']}; "
                f"the shard is damaged: fetch it again (`duologue shards verify {self._uri}` tells)"
            )

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
        UsageError: there is no complete release, no such split, or ``revocations.jsonl`` cannot be trusted.
    """
    root = absolute_uri(uri)
    release = read_release(root)
    if split not in SPLITS:
        raise UsageError(f"split {split!r}: expected one of {', '.join(SPLITS)}")
    _check_purpose(uri, release, purpose)
    return Dataset(root, release, split=split, purpose=purpose)


def read_release(uri: str) -> dict[str, Any]:
    """Reads the ``dataset.json`` of a release.

    Raises:
        UsageError: there is none, or it is not one of ours.
    """
    name = join(uri, "dataset.json")
    try:
        document = json.loads(read_bytes(name))
    except FileNotFoundError:
        raise UsageError(f"{name}: no such file; is {uri} the output folder of a complete run?") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{name}: cannot be read ({error})") from None
    if not isinstance(document, dict) or document.get("schema") != "release/1.0":
        raise UsageError(f"{name}: not a release manifest of version release/1.0")
    return document


def _check_purpose(uri: str, release: dict[str, Any], purpose: str) -> None:
    if purpose not in release["purposes"]:
        raise PurposeError(
            f"{uri}: this release may be used for {', '.join(release['purposes'])} and not for {purpose}; "
            f"make one with `duologue run ... --purpose {purpose}`: it will hold what its speakers allow"
        )


def _stem(path: str) -> str:
    """``train-00003`` of ``shards/train-00003-0123456789ab.tar``: what a rewritten shard has in common with the old one."""
    return path.rpartition("/")[2].rpartition("-")[0]


def read_shard(uri: str) -> Iterator[Sample]:
    """Reads one shard from beginning to end, as a stream.

    Raises:
        ValueError: a sample lacks its ``json`` or ``codes.npy``, or the archive is damaged.
    """
    for key, members in read_members(uri):
        if not {"json", "codes.npy"} <= members.keys():
            raise ValueError(f"{uri}: sample {key} has the members {', '.join(members)} and needs json and codes.npy")
        yield Sample(
            key=key,
            metadata=json.loads(members["json"]),
            codes=np.lib.format.read_array(io.BytesIO(members["codes.npy"]), allow_pickle=False),
            flac=members.get("flac"),
        )


def read_members(uri: str) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Groups the members of a shard by sample: (key, extension -> content), in the order of the archive.

    Raises:
        ValueError: the archive is damaged.
    """
    key, members = "", dict[str, bytes]()
    try:
        with open_input(uri) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
            for info in archive:
                found, _, extension = info.name.partition(".")
                if members and found != key:
                    yield key, members
                    members = {}
                content = archive.extractfile(info)
                key, members[extension] = found, content.read() if content else b""
    except tarfile.TarError as error:
        raise ValueError(f"{uri}: the archive is damaged ({error})") from None
    if members:
        yield key, members
