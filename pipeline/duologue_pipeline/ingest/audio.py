"""Decodes the two tracks of a recording into pairs of blocks on one clock, at any rate, in bounded memory.

libsndfile (through ``soundfile``) reads WAV, FLAC, Ogg/Opus, Ogg/Vorbis, MP3, AIFF and NIST SPHERE; it takes much
damage in silence, so what was decoded is compared with what the headers declare.
"""

import hashlib
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from duologue_pipeline.errors import RejectError
from duologue_pipeline.files.storage import local_copy
from duologue_pipeline.ingest.mp3 import count_samples
from duologue_pipeline.records import Recording, Track

__all__ = ["BLOCK_S", "PairDecoder", "Pcm", "conversation_blocks"]

BLOCK_S = 10
"""Seconds of audio that are decoded at a time: what bounds the memory."""

Pcm = npt.NDArray[np.float32]

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


class _File:
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


def _to_float(block: npt.NDArray[Any]) -> Pcm:
    if block.dtype.kind == "f":
        return block
    return block.astype(np.float32) / np.float32(2.0 ** (8 * block.itemsize - 1))


class PairDecoder:
    """Decodes both tracks of a recording in step; a stereo file that holds both is decoded once.

    Use it as a context manager. ``a`` and ``b`` have their own native rates.

    Raises:
        RejectError: a file is missing or unreadable, or has no such channel.
    """

    def __init__(self, recording: Recording) -> None:
        self._tracks = recording.tracks
        self._stack = ExitStack()
        self._files: dict[str, _File] = {}

    def __enter__(self) -> Self:
        try:
            for track in self._tracks:
                self._open(track)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _open(self, track: Track) -> None:
        if track.uri not in self._files:
            try:
                path = self._stack.enter_context(local_copy(track.uri))
                file = _File(path, track.uri)
            except FileNotFoundError:
                raise RejectError(
                    "audio_missing", f"{track.uri}: no such file; uris in a manifest are relative to its folder"
                ) from None
            except OSError as error:
                raise RejectError("audio_missing", f"{track.uri}: cannot be opened ({error})") from None
            self._stack.callback(file.close)
            self._files[track.uri] = file
        channels = self._files[track.uri].channels
        if track.channel >= channels:
            raise RejectError(
                "audio_missing_channel",
                f"{track.uri}: the manifest asks for channel {track.channel} (counted from 0) "
                f"and the file has {channels}; correct `channel` or the file",
            )

    @property
    def sample_rates_hz(self) -> tuple[int, int]:
        """Gives the sampling rates of the files of ``a`` and ``b``, in Hz."""
        a, b = (self._files[track.uri].sample_rate_hz for track in self._tracks)
        return a, b

    def blocks(self) -> Iterator[tuple[Pcm, Pcm]]:
        """Decodes both tracks in blocks of :data:`BLOCK_S` seconds at their own rates, before any offset.

        Yields:
            (a, b): float32 [T_a] and [T_b] in [-1, 1], each at its own rate; a track that has ended gives
            empty blocks until the other ends too.

        Raises:
            RejectError: the data is damaged or ends before the declared length (found when the end is reached).
        """
        running = dict(self._files)
        while running:
            read = {uri: file.read(BLOCK_S * file.sample_rate_hz) for uri, file in running.items()}
            for uri, block in read.items():
                if len(block) == 0:
                    running.pop(uri).check_complete()
            if running:
                a, b = (
                    _to_float(np.ascontiguousarray(read[t.uri][:, t.channel])) if t.uri in read else _EMPTY
                    for t in self._tracks
                )
                yield a, b


_EMPTY: Pcm = np.zeros(0, dtype=np.float32)


class _Placer:
    """Moves one track onto the conversation's clock: applies its offset, then resamples it."""

    def __init__(self, offset_s: float, native_hz: int, rate_hz: int) -> None:
        samples = round(offset_s * native_hz)
        self._lead = max(0, samples)
        self._skip = max(0, -samples)
        self._native_hz = native_hz
        self._resampler = None if native_hz == rate_hz else soxr.ResampleStream(native_hz, rate_hz, 1, dtype="float32")

    def push(self, pcm: Pcm) -> Iterator[Pcm]:
        while self._lead:
            silence = np.zeros(min(self._lead, BLOCK_S * self._native_hz), dtype=np.float32)
            self._lead -= len(silence)
            yield self._resample(silence)
        skipped = min(self._skip, len(pcm))
        self._skip -= skipped
        yield self._resample(pcm[skipped:])

    def finish(self) -> Pcm:
        return _EMPTY if self._resampler is None else self._resampler.resample_chunk(_EMPTY, last=True)

    def _resample(self, pcm: Pcm) -> Pcm:
        return pcm if self._resampler is None or not len(pcm) else self._resampler.resample_chunk(pcm)


class _Queue:
    """Keeps the samples by which one track is ahead of the other."""

    def __init__(self) -> None:
        self._blocks: list[Pcm] = []
        self.length = 0

    def put(self, pcm: Pcm) -> None:
        if len(pcm):
            self._blocks.append(pcm)
            self.length += len(pcm)

    def take(self, count: int) -> Pcm:
        """Takes ``count`` samples from the front, filled up with zeros where there are fewer."""
        joined = np.concatenate([*self._blocks, np.zeros(max(0, count - self.length), dtype=np.float32)])
        rest = joined[count:]
        self._blocks, self.length = ([rest] if len(rest) else []), len(rest)
        return joined[:count]


def conversation_blocks(recording: Recording, *, rate_hz: int) -> Iterator[tuple[Pcm, Pcm]]:
    """Decodes a recording onto its own clock: offsets applied, both tracks resampled and equally long.

    The track that ends first is filled up with zeros. Resampling is soxr's "high quality" (passband to .913 of
    Nyquist, 125 dB of rejection), streamed.

    Args:
        recording: whose tracks are decoded.
        rate_hz: the sampling rate wanted, in Hz.

    Yields:
        (a, b): float32 [T] in [-1, 1] each at ``rate_hz``, T alike within a pair and otherwise of any size up to
        about :data:`BLOCK_S` seconds.

    Raises:
        RejectError: as :class:`PairDecoder`.
    """
    with PairDecoder(recording) as decoder:
        placers = [
            _Placer(track.offset_s, native_hz, rate_hz)
            for track, native_hz in zip(recording.tracks, decoder.sample_rates_hz, strict=True)
        ]
        queues = _Queue(), _Queue()
        for pair in decoder.blocks():
            for placer, queue, pcm in zip(placers, queues, pair, strict=True):
                for placed in placer.push(pcm):
                    queue.put(placed)
            ready = min(queue.length for queue in queues)
            if ready:
                yield queues[0].take(ready), queues[1].take(ready)
        for placer, queue in zip(placers, queues, strict=True):
            queue.put(placer.finish())
        while remaining := min(max(queue.length for queue in queues), BLOCK_S * rate_hz):
            yield queues[0].take(remaining), queues[1].take(remaining)
