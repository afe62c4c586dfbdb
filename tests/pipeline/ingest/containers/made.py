"""Makes files of every container that is decoded apart, with FFmpeg's own encoders, and changes their bytes."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]

KINDS = {
    "m4a": ("ipod", "aac", 44100),
    "mp4": ("mp4", "aac", 48000),
    "mov": ("mov", "aac", 16000),
    "alac": ("ipod", "alac", 44100),
    "opus-mp4": ("mp4", "libopus", 48000),
    "mp3-mp4": ("mp4", "libmp3lame", 48000),
    "pcm-mov": ("mov", "pcm_s16le", 48000),
    "3gp": ("3gp", "libopencore_amrnb", 8000),
    "webm": ("webm", "libopus", 48000),
    "vorbis-webm": ("webm", "vorbis", 48000),
    "mka": ("matroska", "aac", 48000),
    "flac-mka": ("matroska", "flac", 48000),
    "amr": ("amr", "libopencore_amrnb", 8000),
    "wma": ("asf", "wmav2", 44100),
    "aac": ("adts", "aac", 44100),
}
"""Name -> container, encoder and sampling rate in Hz."""
_TYPES = {"flt": (np.float32, 1.0), "s16": (np.int16, 32767.0), "s32": (np.int32, 2147483000.0)}


def speech(rate_hz: int, seconds: float, channels: int = 1, seed: int = 3) -> F32:
    """float32 [T, channels] in [-1, 1]: tones that come and go, with noise, so that a delay shows."""
    rng, t = np.random.default_rng(seed), np.arange(round(rate_hz * seconds)) / rate_hz
    tracks = []
    for channel in range(channels):
        here = np.sin(2 * np.pi * (0.7 + 0.3 * channel) * t) > 0
        tone = 0.3 * np.sin(2 * np.pi * (200 + 150 * channel) * t + 3 * np.sin(10 * np.pi * t))
        tracks.append((tone + 0.05 * rng.standard_normal(len(t))) * here)
    return np.stack(tracks, axis=1).astype(np.float32)


def write(
    path: Path,
    kind: str,
    pcm: F32 | Sequence[F32],
    *,
    options: dict[str, str] | None = None,
    starts_s: float = 0.0,
    left_out: Callable[[float], bool] = lambda _: False,
    late_s: Callable[[float], float] = lambda _: 0.0,
    video: bool = False,
) -> Path:
    """Writes a file of one of :data:`KINDS`.

    Args:
        path: where.
        kind: of which kind.
        pcm: float32 [T, channels]; several: streams.
        options: of the container's writer.
        starts_s: the time of its first sample.
        left_out: whether the packet at a time, in seconds, is not sent.
        late_s: by how much the time of the packet at a time is late.
        video: whether there is a stream of pictures, too.
    """
    container, encoder, rate_hz = KINDS[kind]
    streams = [pcm] if isinstance(pcm, np.ndarray) else list(pcm)
    with av.open(str(path), "w", format=container, options=options or {}) as target:
        made: list[Any] = []
        if video:
            pictures: Any = target.add_stream("libvpx" if container == "webm" else "mpeg4", rate=5)
            pictures.width = pictures.height = 16
            pictures.pix_fmt = "yuv420p"
            for i in range(6):
                picture = av.VideoFrame.from_ndarray(np.zeros((24, 16), np.uint8), format="yuv420p")
                picture.pts, picture.time_base = i, Fraction(1, 5)
                made += pictures.encode(picture)
            made += pictures.encode(None)
        for sound in streams:
            made += _packets(target, encoder, rate_hz, sound, starts_s)
        for packet in sorted(made, key=lambda packet: float((packet.dts or 0) * packet.time_base)):
            time_s = float((packet.pts or 0) * packet.time_base)
            if packet.stream.type == "audio":
                if left_out(time_s):
                    continue
                move = round(late_s(time_s) / packet.time_base)
                packet.pts, packet.dts = packet.pts + move, packet.dts + move
            target.mux(packet)
    return path


def _packets(target: Any, encoder: str, rate_hz: int, pcm: F32, starts_s: float) -> list[Any]:
    layout = "mono" if pcm.shape[1] == 1 else "stereo"
    stream = target.add_stream(encoder, rate=rate_hz, layout=layout, options={"strict": "experimental"})
    if encoder.startswith("lib") or encoder in ("aac", "wmav2"):
        stream.bit_rate = 12200 if "amr" in encoder else 64000
    context = stream.codec_context
    context.open()
    name, step, packets = context.format.name, context.frame_size or 1024, list[Any]()
    kind, scale = _TYPES[name.rstrip("p")]
    for start in range(0, len(pcm), step):
        block = (pcm[start : start + step] * scale).astype(kind)
        planes = block.T if name.endswith("p") else block.reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(planes), format=name, layout=layout)
        frame.sample_rate, frame.time_base = rate_hz, Fraction(1, rate_hz)
        frame.pts = start + round(starts_s * rate_hz)
        packets += stream.encode(frame)
    return packets + stream.encode(None)
