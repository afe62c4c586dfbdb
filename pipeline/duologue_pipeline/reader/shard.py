"""Reads the samples of a shard, a tar archive: one by its bytes, or all of them as a stream."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import soundfile

from duologue_pipeline.files.arrays import parse_npy
from duologue_pipeline.files.storage import file_size, open_input
from duologue_pipeline.files.text import parse_json
from duologue_pipeline.reader.release import DamagedReleaseError
from duologue_pipeline.shards.members import MemberError, group_members, read_members_of

__all__ = ["AudioPiece", "Sample", "read_members", "read_sample"]

_MAX_JSON_BYTES: Final = 1 << 25
_BLOCK_SAMPLES: Final = 1 << 18
_SLACK_S: Final = 1.0
_REMEDY: Final = ": fetch it again (`duologue shards verify` tells what is damaged)"


@dataclass(frozen=True)
class Sample:
    """Holds a piece of a conversation: its tokens, its audio, and what is known of it.

    Attributes:
        key: name of the sample, the same in the shard and in ``index.parquet``.
        metadata: the document of ``KEY.json`` (schemas/sample.schema.json); times in it count from the sample's start.
        codes: uint16 [2, codebooks, frames], speaker ``a`` first, each below its codebook's cardinality.
        flac: the bytes of ``KEY.flac``, None where the release has no audio, and of a crop.
        shard: the file that it was read from.
        pieces: of a crop with audio, what it is cut from.
    """

    key: str
    metadata: dict[str, Any]
    codes: npt.NDArray[np.uint16]
    flac: bytes | None
    shard: str = ""
    pieces: "tuple[AudioPiece, ...]" = ()

    @cached_property
    def audio(self) -> tuple[npt.NDArray[np.float32], int] | None:
        """Decodes the audio when first asked for: (float32 [2, T] in [-1, 1], sample rate in Hz); None without audio.

        Raises:
            DamagedReleaseError: it cannot be decoded, is not of two tracks, or longer than the sample.
        """
        if self.pieces:
            return np.concatenate([piece.pcm for piece in self.pieces], axis=1), self.pieces[0].rate_hz
        if self.flac is None:
            return None
        try:
            with soundfile.SoundFile(io.BytesIO(self.flac)) as file:
                rate_hz, longest_s = file.samplerate, self.metadata["end_s"] - self.metadata["start_s"] + _SLACK_S
                if file.channels != 2:
                    raise ValueError(f"it has {file.channels} tracks, expected 2")
                blocks, samples = [np.zeros((0, 2), np.float32)], 0
                while len(block := file.read(_BLOCK_SAMPLES, dtype="float32", always_2d=True)):
                    blocks.append(block)
                    samples += len(block)
                    if samples > longest_s * rate_hz:
                        raise ValueError(f"it is longer than the sample, {longest_s - _SLACK_S:.3f} s")
        except (soundfile.LibsndfileError, ValueError, KeyError, TypeError) as error:
            raise DamagedReleaseError(
                f"{self.shard}: {self.key}.flac cannot be decoded ({error}); the shard is damaged: fetch it again"
            ) from None
        return np.ascontiguousarray(np.concatenate(blocks).T), rate_hz


@dataclass(frozen=True)
class AudioPiece:
    """Names a stretch of a sample's audio: milliseconds from its start, to its end where ``stop_ms`` is None."""

    sample: Sample
    start_ms: int
    stop_ms: int | None

    @property
    def pcm(self) -> npt.NDArray[np.float32]:
        """Decodes the stretch: float32 [2, T] in [-1, 1]."""
        audio = self.sample.audio
        assert audio is not None, "only of samples with audio"
        pcm, rate_hz = audio
        stop = None if self.stop_ms is None else round(self.stop_ms * rate_hz / 1000)
        return pcm[:, round(self.start_ms * rate_hz / 1000) : stop]

    @property
    def rate_hz(self) -> int:
        """Gives the sample rate."""
        audio = self.sample.audio
        assert audio is not None, "only of samples with audio"
        return audio[1]


def read_sample(data: bytes, key: str, uri: str) -> Sample:
    """Reads one sample of a shard.

    Args:
        data: its members as they lie in the shard, from its first header to the padding of its last member.
        key: its name.
        uri: the shard.

    Raises:
        DamagedReleaseError: it lacks its ``json`` or ``codes.npy``, is another sample, or cannot be read.
    """
    try:
        found = list(group_members(read_members_of(io.BytesIO(data), max_bytes=len(data))))
    except MemberError as error:
        raise DamagedReleaseError(f"{uri}: {key}: the archive is damaged ({error}){_REMEDY}") from None
    if [each.key for each in found] != [key]:
        keys = ", ".join(each.key for each in found) or "nothing"
        raise DamagedReleaseError(f"{uri}: holds {keys} where the index names the sample {key}{_REMEDY}")
    members, part = found[0].members, "json"
    if not {"json", "codes.npy"} <= members.keys():
        raise DamagedReleaseError(
            f"{uri}: sample {key} has the members {', '.join(members)} and needs json and codes.npy{_REMEDY}"
        )
    try:
        if len(members["json"]) > _MAX_JSON_BYTES:
            raise ValueError(f"it has {len(members['json'])} bytes, more than {_MAX_JSON_BYTES}")
        metadata = parse_json(members["json"])
        if type(metadata) is not dict:
            raise ValueError("it is no object")
        part = "codes.npy"
        codes = parse_npy(members["codes.npy"])
    except ValueError as error:
        raise DamagedReleaseError(f"{uri}: {key}.{part} cannot be read ({error}){_REMEDY}") from None
    return Sample(key=key, metadata=metadata, codes=codes, flac=members.get("flac"), shard=uri)


def read_members(uri: str, *, max_bytes: int | None = None) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Groups the members of a shard by sample: (key, extension -> content), in the order of the archive.

    Raises:
        DamagedReleaseError: the archive is damaged.
        OSError: it cannot be read.
    """
    longest = (file_size(uri) or 0) if max_bytes is None else max_bytes
    try:
        with open_input(uri) as stream:
            for sample in group_members(read_members_of(stream, max_bytes=longest)):
                yield sample.key, sample.members
    except MemberError as error:
        raise DamagedReleaseError(f"{uri}: the archive is damaged ({error}){_REMEDY}") from None
