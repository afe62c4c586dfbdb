"""Reads one audio file forward, block by block, and compares what was decoded with what its headers declare.

libsndfile (through ``soundfile``) reads WAV, FLAC, Ogg/Opus, Ogg/Vorbis, MP3, AIFF and NIST SPHERE; it takes much
damage in silence.
"""

import hashlib
import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from duologue_pipeline.errors import RejectError
from duologue_pipeline.ingest.mp3 import count_samples

__all__ = ["TrackFile", "to_float"]

_UNKNOWN_LENGTH = 1 << 60  # libsndfile's "frames" where a FLAC header leaves the number open
_SHORTENED = re.compile(r"^\s*(?:data|SSND|Data Size)\s*:\s*(\d+) \(should be (\d+)\)", re.MULTILINE)
_RF64_SAMPLES = re.compile(r"does not match value from 'ds64' chunk of (\d+)")
_STREAMED_BYTES = 0x7FFFF000  # a WAV written to a pipe declares (about) this much or more
_MP3_SLACK_SAMPLES = 2 * 1152  # encoder and decoder count the padding at the ends differently
_MP3_COUNTED = re.compile(rb"Xing|Info|VBRI")  # the header of a file that says how many frames it has
_FLAC_BYTES = {"PCM_S8": 1, "PCM_16": 2, "PCM_24": 3}


class _ForwardFile(soundfile.SoundFile):  # type: ignore[misc]
    """Reads a sound file forward only, without seeking.

    ``SoundFile`` seeks after every read; that costs time, loses the end of a FLAC whose header leaves the length
    open, and fails beyond a length that the header overstates.
    """

    def seekable(self) -> bool:
        return False


class TrackFile:
    """Reads one audio file forward, block by block, all channels at once."""

    def __init__(self, path: Path, uri: str) -> None:
        self.uri = uri
        self.path = path
        try:
            self._file = _ForwardFile(str(path))
        except (soundfile.LibsndfileError, TypeError) as error:
            if path.stat().st_size == 0:
                raise RejectError("audio_empty", f"{uri}: the file has 0 bytes; export the track again") from None
            raise RejectError(
                "audio_unreadable",
                f"{uri}: not audio that libsndfile can read ({error}); "
                "expected WAV, FLAC, MP3, Ogg/Opus or NIST SPHERE: check the file or convert it",
            ) from None
        self.sample_rate_hz: int = self._file.samplerate
        self.channels: int = self._file.channels
        self.read_samples = 0
        self._md5 = hashlib.md5(usedforsecurity=False) if self._flac_md5() else None

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def read(self, frames: int) -> npt.NDArray[Any]:
        """Reads up to ``frames`` samples of every channel: [T, channels], T = 0 at the end of the file.

        A FLAC whose checksum is taken gives int16 or int32 of full scale, everything else is float32 in [-1, 1].
        """
        try:
            if self._md5 is None:
                block = self._file.read(frames, dtype="float32", always_2d=True)
            else:
                width = _FLAC_BYTES[self._file.subtype]
                block = self._file.read(frames, dtype="int32" if width > 2 else "int16", always_2d=True)
                # The checksum is over little-endian samples of the file's own width, which are the upper bytes here.
                little = np.ascontiguousarray(block).astype(block.dtype.newbyteorder("<"), copy=False)
                self._md5.update(
                    np.ascontiguousarray(little.view(np.uint8).reshape(-1, block.itemsize)[:, -width:]).data
                )
        except (soundfile.LibsndfileError, RuntimeError) as error:
            raise RejectError(
                "audio_unreadable",
                f"{self.uri}: decoding failed after {self.read_samples / self.sample_rate_hz:.2f} s ({error}); "
                "the file is damaged or cut short: export it again",
            ) from None
        self.read_samples += len(block)
        return block

    def check_complete(self) -> None:
        """Compares what was decoded with what the file's headers declare.

        Raises:
            RejectError: ``audio_truncated`` or ``audio_unreadable``.
        """
        declared = self._declared_samples()
        slack = _MP3_SLACK_SAMPLES if self._file.format == "MP3" else 0
        if slack and declared > self._file.frames + slack:
            raise RejectError(
                "audio_unreadable",
                f"{self.uri}: an MP3 of {declared / self.sample_rate_hz:.2f} s with a variable bit rate and no Xing header, "
                f"of which libsndfile reads {self.read_samples / self.sample_rate_hz:.2f} s; convert it to FLAC or WAV",
            )
        if declared - self.read_samples > slack:
            raise RejectError(
                "audio_truncated",
                f"{self.uri}: the header declares {declared / self.sample_rate_hz:.2f} s and the file holds "
                f"{self.read_samples / self.sample_rate_hz:.2f} s; the file is cut short: export it again",
            )
        if "without an End-Of-Stream flag" in self._file.extra_info:
            raise RejectError(
                "audio_truncated",
                f"{self.uri}: the Ogg stream has no end after {self.read_samples / self.sample_rate_hz:.2f} s; "
                "the file is cut short: export it again",
            )
        if self._md5 is not None and self._md5.hexdigest() != self._flac_md5():
            raise RejectError(
                "audio_unreadable",
                f"{self.uri}: the decoded samples do not match the FLAC header's MD5; the header lies about the "
                "length or the data is damaged (`flac --test` tells): encode it again",
            )

    def _declared_samples(self) -> int:
        if self._file.format == "NIST":
            with self.path.open("rb") as handle:
                found = re.search(rb"^sample_count -i (\d+)", handle.read(1024), re.MULTILINE)
            return int(found.group(1)) if found else 0
        if self._file.format == "MP3":
            with self.path.open("rb") as handle:
                counted = _MP3_COUNTED.search(handle.read(1 << 16))
            return int(self._file.frames) if counted else count_samples(self.path)
        shortened = _SHORTENED.search(self._file.extra_info)
        if shortened and int(shortened.group(2)) < int(shortened.group(1)) < _STREAMED_BYTES:
            # libsndfile has set `frames` to what is there; scale it back to what was meant to be there.
            return int(self._file.frames) * int(shortened.group(1)) // max(1, int(shortened.group(2)))
        if rf64 := _RF64_SAMPLES.search(self._file.extra_info):
            return int(rf64.group(1))
        return int(self._file.frames) if self._file.frames < _UNKNOWN_LENGTH else 0

    def _flac_md5(self) -> str | None:
        """Reads the MD5 of the samples from a FLAC's STREAMINFO block (RFC 9639, 8.2), None where it has none."""
        if self._file.format != "FLAC" or self._file.subtype not in _FLAC_BYTES:
            return None
        with self.path.open("rb") as handle:
            header = handle.read(8 + 34)
        digest = header[26:42]
        return digest.hex() if header[:4] == b"fLaC" and any(digest) else None


def to_float(block: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Scales a block of :meth:`TrackFile.read`, [T, channels], to float32 in [-1, 1]."""
    if block.dtype.kind == "f":
        return block
    return block.astype(np.float32) / np.float32(2.0 ** (8 * block.itemsize - 1))
