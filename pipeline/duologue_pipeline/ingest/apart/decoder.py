"""Reads the samples of a file that a process of its own decodes, and knows whether it was whole.

That process has limits of memory and time. If it dies, by a fault of the decoder in a hostile file, its recording is refused.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt

from duologue_pipeline.errors import RejectError
from duologue_pipeline.ingest.apart.messages import BEGIN, END, FAULT, PCM, SILENCE, read_messages
from duologue_pipeline.ingest.sections import Apart, Section
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.ingest import IngestRules

__all__ = ["ApartDecoder"]

_DTYPES: Final = {"u8": "u1", "s16": "<i2", "s32": "<i4", "flt": "<f4", "dbl": "<f8"}
_WORKER: Final = "duologue_pipeline.ingest.apart.worker"
_PIPE_BYTES: Final = 1 << 20
_TOLD_BYTES: Final = 1 << 14
_SILENCE_SAMPLES: Final = 1 << 16  # at a time
_SLACK_S: Final = 0.25  # by which a length that is not counted in samples may be wrong


class ApartDecoder:
    """Decodes one section of a file in another process.

    Args:
        path: the file.
        uri: how the manifest names it, for messages.
        section: what of it is decoded; it has an ``apart``.

    Attributes:
        format: ``APART``: it costs time.
        sample_rate_hz, channels: of what comes out.
        start_s: when its first sample lies on the file's own clock, in seconds.
        filled_samples: samples per channel of silence in place of what was never sent, so far.

    Raises:
        RejectError: it cannot be decoded.
    """

    format: Final = "APART"

    def __init__(self, path: Path, uri: str, section: Section, apart: Apart) -> None:
        self._uri, self._section, self._apart = uri, section, apart
        rules = load_rules(IngestRules)
        asked = {
            "path": str(path.absolute()),
            "demuxer": apart.demuxer,
            "decoders": apart.decoders,
            "timed": apart.timed,
            "rate_hz": apart.rate_hz,
            "channels": apart.channels,
            "start": section.start,
            "stop": section.stop,
            "gap_s": rules.gap_ms_least / 1000,
            "drift_ppm": rules.clock_drift_ppm_most,
            "most_s": rules.max_duration_s,
            "memory_bytes": rules.decoder_memory_bytes,
            "cpu_s": rules.decoder_cpu_s_most,
        }
        self._told = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close(); a pipe that nobody empties would stop it
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", _WORKER, json.dumps(asked)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._told,
            bufsize=_PIPE_BYTES,
            env=os.environ | {"PYTHONUNBUFFERED": "", "OMP_NUM_THREADS": "1"},
        )
        self._messages: Iterator[tuple[bytes, bytes]] = read_messages(_opened(self._process.stdout))
        self._rest: npt.NDArray[Any] | None = None
        self._silence = 0
        self._ended: dict[str, Any] | None = None
        self._read_samples = self.filled_samples = 0
        try:
            kind, content = self._message()
            if kind != BEGIN:
                raise RejectError("audio_empty", f"{uri}: its stream of sound holds no samples; export the track again")
        except BaseException:
            self.close()
            raise
        begun = json.loads(content)
        self.sample_rate_hz: int = begun["rate_hz"]
        self.channels: int = begun["channels"]
        self.start_s: float = max(0.0, begun["start_s"] - apart.early_s)
        self._planar: bool = begun["planar"]
        if begun["format"] not in _DTYPES:
            self.close()
            raise RejectError(
                "audio_unreadable", f"{uri}: its samples are of type {begun['format']}; convert it to FLAC"
            )
        self._dtype = np.dtype(_DTYPES[begun["format"]])
        self._most = self._most_samples()

    def _most_samples(self) -> int | None:
        """Gives how many samples there may be, where they are counted."""
        if self._section.samples is None:
            return None
        return self._section.samples * self.sample_rate_hz // (self._apart.rate_hz or self.sample_rate_hz)

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.communicate()
        self._told.close()

    def read(self, frames: int) -> npt.NDArray[Any]:
        """Reads up to ``frames`` samples: [T, channels], T is 0 only at the end.

        Raises:
            RejectError: it cannot be decoded on.
        """
        while True:
            while self._rest is None or not len(self._rest):
                if self._silence:
                    count = min(self._silence, _SILENCE_SAMPLES)
                    self._silence -= count
                    self._rest = np.zeros((count, self.channels), dtype=self._sample_type())
                elif self._ended is None:
                    self._rest = self._next()
                else:
                    return np.zeros((0, self.channels), dtype=self._sample_type())
            block, self._rest = self._rest[:frames], self._rest[frames:]
            left = len(block) if self._most is None else max(0, self._most - self._read_samples)
            self._read_samples += len(block)
            if self._most is not None and left < len(block):
                self._check_length()
            if left:
                return block[:left]

    def _next(self) -> npt.NDArray[Any] | None:
        kind, content = self._message()
        if kind == PCM:
            values = np.frombuffer(content, dtype=self._dtype)
            block = values.reshape(self.channels, -1).T if self._planar else values.reshape(-1, self.channels)
            return _plain(np.ascontiguousarray(block))
        if kind == SILENCE:
            self._silence = int.from_bytes(content, "little")
            self.filled_samples += self._silence
        elif kind == END:
            self._ended = json.loads(content)
        return None

    def _sample_type(self) -> np.dtype[Any]:
        return self._dtype if self._dtype.kind == "i" else np.dtype(np.float32)

    def _message(self) -> tuple[bytes, bytes]:
        message = next(self._messages, None)
        if message is None:
            raise self._died()
        kind, content = message
        if kind == FAULT:
            fault = json.loads(content)
            raise RejectError(fault["reason"], f"{self._uri}: {fault['detail']}", self._values())
        return message

    def _died(self) -> Exception:
        """Says why the process ended without a word."""
        code = self._process.wait()
        self._told.seek(0)
        told = self._told.read()[-_TOLD_BYTES:]
        if code >= 0:  # a fault of our own, with its trace
            return RuntimeError(
                f"{self._uri}: the process that decodes it ended with {code}: {told.decode(errors='replace')}"
            )
        if code == -signal.SIGXCPU:
            most = load_rules(IngestRules).decoder_cpu_s_most
            return RejectError(
                "audio_over_limit",
                f"{self._uri}: decoding it takes more than {most} s of a processor; convert it to FLAC",
                self._values() | {"limited": "cpu_s", "limit": most},
            )
        if code == -signal.SIGKILL:
            return RuntimeError(
                f"{self._uri}: the process that decodes it was killed from outside; is there too little memory?"
            )
        return RejectError(
            "audio_unreadable",
            f"{self._uri}: it makes the decoder crash ({signal.Signals(-code).name}); the file is damaged: export it again",
            self._values() | {"crash": signal.Signals(-code).name.lower()},
        )

    def _values(self) -> dict[str, int | float | str]:
        return {"container": self._apart.kind}

    def check_complete(self) -> None:
        """Compares what was decoded with what the file says that it holds.

        Raises:
            RejectError: ``audio_truncated`` or ``audio_unreadable``.
        """
        apart, ended = self._apart, self._ended or {}
        if apart.packets is not None and ended.get("packets") != apart.packets:
            raise RejectError(
                "audio_unreadable",
                f"{self._uri}: the file holds {apart.packets} packets of sound and {ended.get('packets')} could be read; "
                "the file is damaged: export it again",
                self._values() | {"packets": apart.packets, "read": int(ended.get("packets", 0))},
            )
        self._check_length()

    def _check_length(self) -> None:
        """Compares the length so far with that which is declared; the end has been reached, or more than it."""
        apart, found_s = self._apart, self._read_samples / self.sample_rate_hz
        if self._most is not None:
            expected_s, early_s, late_s = self._most / self.sample_rate_hz, 0.0, apart.padding_s
        elif apart.seconds is not None:
            expected_s = apart.seconds
            early_s = late_s = _SLACK_S + expected_s * load_rules(IngestRules).clock_drift_ppm_most / 1e6
        else:
            return
        values = self._values() | {"declared_s": round(expected_s, 2), "found_s": round(found_s, 2)}
        says = f"{self._uri}: its index tells of {expected_s:.2f} s of sound and"
        if found_s > expected_s + late_s:
            detail = f"{says} more could be decoded; the index is wrong or the file is damaged: export it again"
            raise RejectError("audio_unreadable", detail, values)
        if self._ended is not None and found_s < expected_s - early_s:
            detail = f"{says} {found_s:.2f} s could be decoded; the file is cut short: export it again"
            raise RejectError("audio_truncated", detail, values)


def _opened(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise ValueError("the process was started without a pipe")
    return stream


def _plain(block: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Gives samples as int16 or int32 of full scale, or as float32 in [-1, 1]."""
    if block.dtype.kind == "u":
        return (block.astype(np.float32) - 128) / 128
    return block if block.dtype.kind == "i" else block.astype(np.float32, copy=False)
