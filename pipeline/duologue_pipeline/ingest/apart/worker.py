"""Decodes one file in a process of its own, within limits of memory and time, and writes its samples to standard output.

It is started by :mod:`duologue_pipeline.ingest.apart.decoder` as ``python -m`` and gets what it is to do as JSON: the fields
of :class:`duologue_pipeline.ingest.sections.Apart`, the file and the limits. FFmpeg opens nothing but that file, and only as
the container and with the decoders that were found beforehand: no playlist, no address, no other file.
"""

import json
import resource
import sys
from pathlib import Path
from typing import IO, Any, Final

from duologue_pipeline.ingest.apart.messages import BEGIN, END, FAULT, PCM, SILENCE, write_json, write_message
from duologue_pipeline.ingest.apart.timeline import Timeline, TimelineError

__all__ = ["main"]

_ENOUGH_SAMPLES: Final = 1 << 14  # per channel, that are sent at once
_SHORTEN_END_BYTES: Final = 8  # its end lies in the last word of four bytes; without two of them it has none
_BY_NAME: Final = {"amrnb": "libopencore_amrnb", "amrwb": "libopencore_amrwb"}
"""Decoders that take more than FFmpeg's own: these know the frames of silence of a telephone."""


class _FaultError(Exception):
    """Ends the work: a reason, and a sentence."""


def main() -> None:
    """Decodes what the first argument asks for."""
    asked = json.loads(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (asked["memory_bytes"],) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (asked["cpu_s"], asked["cpu_s"] + 5))
    out = sys.stdout.buffer
    try:
        _decode_shorten(asked, out) if asked["demuxer"] == "shorten" else _decode(asked, out)
    except BrokenPipeError:  # the other side has heard enough
        sys.stdout = None
    except _FaultError as fault:
        reason, detail = fault.args
        write_json(out, FAULT, {"reason": reason, "detail": detail})
    except MemoryError:
        detail = f"decoding it takes more than {asked['memory_bytes'] >> 20} MiB of memory"
        write_json(out, FAULT, {"reason": "audio_over_limit", "detail": detail})


class _Sender:
    """Collects decoded blocks and sends them in larger ones."""

    def __init__(self, out: IO[bytes], asked: dict[str, Any]) -> None:
        self._out, self._asked = out, asked
        self._form: tuple[int, int, str] | None = None
        self._planes: list[list[memoryview | bytes]] = []
        self._held = 0
        self.timeline = Timeline(1, gap_s=0, drift_ppm=0, most_s=0)

    @property
    def seconds(self) -> float:
        return self.timeline.samples / self._form[0] if self._form else 0.0

    def take(self, frame: Any, begins_s: float | None) -> None:
        """Takes one frame of decoded sound."""
        form = frame.sample_rate, len(frame.layout.channels), frame.format.name
        if self._form is None:
            self._begin(form, begins_s)
        elif form != self._form:
            before, after = (f"{hz} Hz, {channels} channels ({name})" for hz, channels, name in (self._form, form))
            detail = f"its sound changes from {before} to {after} after {self.seconds:.2f} s; convert it"
            raise _FaultError("audio_unreadable", detail)
        try:
            silence = self.timeline.place(begins_s, frame.samples)
        except TimelineError as error:
            raise _FaultError("audio_unreadable", f"its sound {error}; convert it, or cut it into recordings") from None
        if silence:
            self.flush()
            write_message(self._out, SILENCE, silence.to_bytes(8, "little"))
        size = frame.samples * frame.format.bytes * (1 if frame.format.is_planar else form[1])
        for plane, held in zip(frame.planes, self._planes, strict=False):
            held.append(bytes(memoryview(plane)[:size]))
        self._held += frame.samples
        if self._held >= _ENOUGH_SAMPLES:
            self.flush()

    def _begin(self, form: tuple[int, int, str], begins_s: float | None) -> None:
        rate_hz, channels, name = self._form = form
        planar = name.endswith("p")
        self._planes = [[] for _ in range(channels if planar else 1)]
        limits = {name: self._asked[name] for name in ("gap_s", "drift_ppm", "most_s")}
        self.timeline = Timeline(rate_hz, **limits)
        document = {"rate_hz": rate_hz, "channels": channels, "format": name.rstrip("p"), "planar": planar}
        write_json(self._out, BEGIN, document | {"start_s": begins_s or 0.0})

    def flush(self) -> None:
        """Sends what is held."""
        if self._held:
            write_message(self._out, PCM, *(part for plane in self._planes for part in plane))
            for plane in self._planes:
                plane.clear()
            self._held = 0


def _decode(asked: dict[str, Any], out: IO[bytes]) -> None:
    import av
    from av.error import FFmpegError
    from av.stream import Discard

    av.logging.set_level(None)
    options = {"protocol_whitelist": "file", "codec_whitelist": ",".join(asked["decoders"])}
    sender, packets = _Sender(out, asked), 0
    try:
        with av.open(f"file:{asked['path']}", format=asked["demuxer"], options=options) as container:
            streams = container.streams.audio
            if len(streams) != 1:
                detail = f"it holds {len(streams)} streams of sound that can be read, expected 1"
                raise _FaultError("audio_unreadable", detail)
            stream = streams[0]
            codec = stream.codec_context.name
            decoder: Any = stream.codec_context
            if codec not in asked["decoders"]:
                raise _FaultError("audio_unreadable", f"its sound is coded as {codec}, which is not read; convert it")
            if codec in _BY_NAME:
                decoder = av.CodecContext.create(_BY_NAME[codec], "r")
                decoder.sample_rate, decoder.layout = stream.sample_rate, "mono"
            decoder.thread_count = 1
            decoder.options = {"err_detect": "crccheck+bitstream+buffer+explode"}
            for other in container.streams:
                if other.index != stream.index:
                    other.discard = Discard.all  # pictures are not even read
            seconds = float(stream.time_base or 0)
            for packet in container.demux(stream):
                packets += packet.size > 0
                if packet.is_corrupt:
                    raise _FaultError("audio_unreadable", f"a packet after {sender.seconds:.2f} s is damaged")
                for frame in decoder.decode(packet):
                    begins = frame.pts if asked["timed"] else None
                    sender.take(frame, None if begins is None else begins * seconds)
    except (FFmpegError, ValueError, IndexError) as error:
        detail = (
            f"decoding failed after {sender.seconds:.2f} s ({error}); the file is damaged or cut short: export it again"
        )
        raise _FaultError("audio_unreadable", detail) from None
    sender.flush()
    timeline = sender.timeline
    write_json(out, END, {"packets": packets, "filled": timeline.filled, "gaps": timeline.gaps})


def _decode_shorten(asked: dict[str, Any], out: IO[bytes]) -> None:
    import desphere_native

    with Path(asked["path"]).open("rb") as handle:
        handle.seek(asked["start"])
        stream = handle.read(asked["stop"] - asked["start"])
    try:
        channels, _, pcm = desphere_native.shorten_to_pcm(stream)
    except ValueError as error:
        raise _FaultError(
            "audio_unreadable", f"its Shorten stream cannot be decoded ({error}); export it again"
        ) from None
    if channels != asked["channels"]:
        detail = (
            f"its header declares {asked['channels']} channel(s), its Shorten stream has {channels}; export it again"
        )
        raise _FaultError("audio_unreadable", detail)
    try:
        desphere_native.shorten_to_pcm(stream[:-_SHORTEN_END_BYTES])
    except ValueError:
        pass  # so it ends where the file does
    else:
        raise _FaultError(
            "audio_unreadable", "bytes follow the end of its Shorten stream; cut them off if they are no sound"
        )
    document = {"rate_hz": asked["rate_hz"], "channels": channels, "format": "s16", "planar": False, "start_s": 0.0}
    write_json(out, BEGIN, document)
    view, step = memoryview(pcm), 2 * channels * _ENOUGH_SAMPLES
    for start in range(0, len(view), step):
        write_message(out, PCM, view[start : start + step])
    write_json(out, END, {"packets": 0, "filled": 0, "gaps": 0})


if __name__ == "__main__":
    main()
