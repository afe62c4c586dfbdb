"""Reads a shard, a tar archive of samples, from beginning to end as a stream."""

import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from duologue_pipeline.files.storage import open_input

__all__ = ["Sample", "read_members", "read_shard"]


@dataclass(frozen=True)
class Sample:
    """Holds a piece of a conversation: its tokens, its audio, and what is known of it.

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
        """Decodes the audio when first asked for: (float32 [2, T] in [-1, 1], sample rate in Hz); None without audio."""
        if self.flac is None:
            return None
        pcm, sample_rate_hz = soundfile.read(io.BytesIO(self.flac), dtype="float32", always_2d=True)
        return np.ascontiguousarray(pcm.T), sample_rate_hz


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
