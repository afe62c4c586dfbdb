"""Reads one audio file forward, block by block: its sections one after the other, each of them whole.

What the sections are is found by :mod:`duologue_pipeline.ingest.containers`. libsndfile (through ``soundfile``) decodes
them, or a process of its own does (:mod:`duologue_pipeline.ingest.apart`); libsndfile takes much damage in silence, so what
comes out is counted and, where a FLAC has a checksum, compared with it.
"""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from duologue_pipeline.errors import RejectError
from duologue_pipeline.ingest.apart.decoder import ApartDecoder
from duologue_pipeline.ingest.containers.find import find_layout
from duologue_pipeline.ingest.containers.look import EXPECTED
from duologue_pipeline.ingest.sections import Section
from duologue_pipeline.ingest.stretch import Stretch

__all__ = ["TrackFile", "to_float"]

_UNKNOWN_LENGTH = 1 << 60  # libsndfile's "frames" where a FLAC header leaves the number open
_FLAC_BYTES = {"PCM_S8": 1, "PCM_16": 2, "PCM_24": 3}
_READ = frozenset(
    ["WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "FLAC", "NIST", "OGG", "MP3"]
)  # what is looked through before
_COMPRESSED = frozenset(["FLAC", "OGG", "MP3", ApartDecoder.format])
_BLOCK_SAMPLES = 1 << 16  # of silence, or of samples that are left out, at a time


class _ForwardFile(soundfile.SoundFile):  # type: ignore[misc]
    """Reads a sound file forward only, without seeking.

    ``SoundFile`` seeks after every read; that costs time, loses the end of a FLAC whose header leaves the length
    open, and fails beyond a length that the header overstates.
    """

    def seekable(self) -> bool:
        return False


class TrackFile:
    """Reads one audio file forward, block by block, all channels at once.

    Attributes:
        sample_rate_hz, channels: of all of its sections.
        start_known: whether the first sample lies where it was recorded, as in
            :class:`~duologue_pipeline.ingest.sections.Layout`.
        start_s: when its first sample lies on the file's own clock, in seconds; 0 where it has none.
        read_samples: samples per channel that have been read.
        filled_samples: how many of them are silence in place of what was never sent; counted once the file has been read.

    Raises:
        RejectError: the file is no audio that can be read, or its bytes are not accounted for.
    """

    def __init__(self, path: Path, uri: str) -> None:
        self.uri = uri
        self.path = path
        layout = find_layout(path, uri)
        self.start_known = layout.start_known
        self._sections = layout.sections
        self._next = 0
        decoder = _open_section(path, uri, self._sections[0])
        self._decoder: _Decoder | ApartDecoder | None = decoder
        self.sample_rate_hz = decoder.sample_rate_hz
        self.channels = decoder.channels
        self.start_s = decoder.start_s if isinstance(decoder, ApartDecoder) else 0.0
        self._silence = self._sections[0].silence_samples
        self.filled_samples = self._silence
        self.read_samples = 0

    @property
    def is_compressed(self) -> bool:
        """Tells whether decoding costs time: in these formats all that is read has to be computed and checked."""
        return self._decoder is not None and self._decoder.format in _COMPRESSED

    def close(self) -> None:
        """Closes the file."""
        if self._decoder is not None:
            if isinstance(self._decoder, ApartDecoder):
                self.filled_samples += self._decoder.filled_samples
            self._decoder.close()
            self._decoder = None

    def read(self, frames: int) -> npt.NDArray[Any]:
        """Reads up to ``frames`` samples of every channel: [T, channels], T < frames only at the end of the file.

        FLAC whose checksum is taken gives int16 or int32 of full scale, everything else is float32 in [-1, 1].

        Raises:
            RejectError: ``audio_unreadable`` or ``audio_truncated``: the data is damaged, or the section that ends
                here does not hold what its header declares.
        """
        blocks: list[npt.NDArray[Any]] = []
        missing = frames
        while missing and self._decoder is not None:
            if self._silence:
                block: npt.NDArray[Any] = np.zeros((min(missing, self._silence), self.channels), dtype=np.float32)
                self._silence -= len(block)
            else:
                block = self._decoder.read(missing)
                if not len(block):
                    self._decoder.check_complete()
                    self._open_next()
                    continue
            blocks.append(block)
            missing -= len(block)
            self.read_samples += len(block)
        if len(blocks) == 1:
            return blocks[0]
        if len({block.dtype for block in blocks}) > 1:
            blocks = [to_float(block) for block in blocks]
        return np.concatenate(blocks) if blocks else np.zeros((0, self.channels), dtype=np.float32)

    def _open_next(self) -> None:
        self.close()
        self._next += 1
        if self._next == len(self._sections):
            return
        section = self._sections[self._next]
        try:
            self._decoder = _open_section(self.path, self.uri, section)
        except OSError as error:
            raise RejectError(
                "audio_unreadable",
                f"{self.uri}: it could be read for {self.read_samples / self.sample_rate_hz:.2f} s and then not any more "
                f"({error}); see that nothing changes it during a run",
                {"found_s": round(self.read_samples / self.sample_rate_hz, 2)},
            ) from None
        self._silence = section.silence_samples
        self.filled_samples += self._silence
        if (self._decoder.sample_rate_hz, self._decoder.channels) != (self.sample_rate_hz, self.channels):
            raise RejectError(
                "audio_unreadable",
                f"{self.uri}: recordings of different kinds are joined in this file: {self.channels} channels at "
                f"{self.sample_rate_hz} Hz up to {self.read_samples / self.sample_rate_hz:.2f} s, then "
                f"{self._decoder.channels} at {self._decoder.sample_rate_hz} Hz; take them apart and convert them",
                {"rate_hz": self.sample_rate_hz, "then_rate_hz": self._decoder.sample_rate_hz},
            )


def _open_section(path: Path, uri: str, section: Section) -> "_Decoder | ApartDecoder":
    return _Decoder(path, uri, section) if section.apart is None else ApartDecoder(path, uri, section, section.apart)


class _Decoder:
    """Decodes one section of a file and knows whether it was whole."""

    def __init__(self, path: Path, uri: str, section: Section) -> None:
        self._path = path
        self._uri = uri
        self._section = section
        self._whole = not section.header and (section.start, section.stop) == (0, path.stat().st_size)
        self._source: str | Stretch = str(path) if self._whole else Stretch(path, section)
        try:
            self._file = _ForwardFile(self._source)
        except (soundfile.LibsndfileError, TypeError) as error:
            self._close_source()
            raise RejectError(
                "audio_unreadable",
                f"{uri}: not audio that libsndfile can read ({error}); "
                f"expected {EXPECTED}: check the file or convert it",
            ) from None
        if self._file.format not in _READ:
            self.close()
            raise RejectError(
                "audio_unreadable",
                f"{uri}: a file of format {self._file.format}, which is not read; expected {EXPECTED}: convert it",
            )
        self.format: str = self._file.format
        self.sample_rate_hz: int = self._file.samplerate
        self.channels: int = self._file.channels
        self._skip = section.skip_samples
        self._read_samples = 0
        self._expected_md5 = self._flac_md5()
        self._md5 = hashlib.md5(usedforsecurity=False) if self._expected_md5 else None

    def close(self) -> None:
        self._file.close()
        self._close_source()

    def _close_source(self) -> None:
        if isinstance(self._source, Stretch):
            self._source.close()

    def read(self, frames: int) -> npt.NDArray[Any]:
        while self._skip:
            skipped = self._decode(min(self._skip, _BLOCK_SAMPLES))
            self._skip -= len(skipped)
            if not len(skipped):
                return skipped
        block = self._decode(frames)
        self._read_samples += len(block)
        return block

    def _decode(self, frames: int) -> npt.NDArray[Any]:
        width = _FLAC_BYTES[self._file.subtype] if self._md5 is not None else 0
        kind = "float32" if self._md5 is None else "int32" if width > 2 else "int16"
        try:
            block = self._file.read(frames, dtype=kind, always_2d=True)
            if isinstance(self._source, Stretch) and self._source.fault is not None:
                raise self._source.fault
        except (soundfile.LibsndfileError, RuntimeError, OSError) as error:
            raise RejectError(
                "audio_unreadable",
                f"{self._uri}: decoding failed after {self._seconds(self._read_samples)} s ({error}); "
                "the file is damaged or cut short: export it again",
                {"found_s": round(self._read_samples / self.sample_rate_hz, 2)},
            ) from None
        if self._md5 is not None:
            # The checksum is over the samples that are declared, little-endian and of the file's own width, which are
            # the upper bytes here.
            declared = self._section.samples
            counted = block if declared is None else block[: max(0, declared - self._read_samples)]
            little = np.ascontiguousarray(counted).astype(block.dtype.newbyteorder("<"), copy=False)
            self._md5.update(np.ascontiguousarray(little.view(np.uint8).reshape(-1, block.itemsize)[:, -width:]).data)
        return block

    def _seconds(self, samples: int) -> str:
        return f"{samples / self.sample_rate_hz:.2f}"

    def check_complete(self) -> None:
        """Compares what was decoded with what the file's headers declare."""
        declared = self._declared_samples()
        values = {
            "declared_s": round(declared / self.sample_rate_hz, 2),
            "found_s": round(self._read_samples / self.sample_rate_hz, 2),
        }
        if declared > self._read_samples:
            raise RejectError(
                "audio_truncated",
                f"{self._uri}: the header declares {self._seconds(declared)} s and the file holds "
                f"{self._seconds(self._read_samples)} s; the file is cut short: export it again",
                values,
            )
        if self._md5 is not None and self._md5.hexdigest() != self._expected_md5:
            raise RejectError(
                "audio_unreadable",
                f"{self._uri}: the decoded samples do not match the FLAC header's MD5; the header lies about the "
                "length or the data is damaged (`flac --test` tells): encode it again",
                values,
            )
        if self._section.samples is not None and self._read_samples > declared:
            raise RejectError(
                "audio_unreadable",
                f"{self._uri}: the header declares {self._seconds(declared)} s and {self._seconds(self._read_samples)} "
                "s were decoded; the header is wrong or the data is damaged: export it again",
                values,
            )

    def _declared_samples(self) -> int:
        if self._section.samples is not None:
            return self._section.samples
        return int(self._file.frames) if self._file.frames < _UNKNOWN_LENGTH else 0

    def _flac_md5(self) -> str | None:
        """Reads the MD5 of the samples from a FLAC's STREAMINFO block (RFC 9639, 8.2), None where it has none."""
        if self._file.format != "FLAC" or self._file.subtype not in _FLAC_BYTES:
            return None
        with Stretch(self._path, self._section) as stretch:
            header = stretch.read(8 + 34) or b""
        digest = header[26:42]
        return digest.hex() if header[:4] == b"fLaC" and any(digest) else None


def to_float(block: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Scales a block of :meth:`TrackFile.read`, [T, channels], to float32 in [-1, 1]."""
    if block.dtype.kind == "f":
        return block
    scaled: npt.NDArray[np.float32] = block.astype(np.float32)
    scaled *= np.float32(2.0 ** (1 - 8 * block.itemsize))  # a power of two: nothing is rounded
    return scaled
