"""Names the codings of sound that are decoded apart, and those whose encoder comes late."""

from typing import Final

__all__ = ["DECODERS", "DELAYED"]

DECODERS: Final = (
    "aac",
    "ac3",
    "adpcm_ima_qt",
    "adpcm_ima_wav",
    "adpcm_ms",
    "alac",
    "amrnb",
    "amrwb",
    "eac3",
    "flac",
    "g722",
    "gsm",
    "gsm_ms",
    "mp3",
    "mp3float",
    "opus",
    "libopus",
    "pcm_alaw",
    "pcm_f32be",
    "pcm_f32le",
    "pcm_f64be",
    "pcm_f64le",
    "pcm_mulaw",
    "pcm_s16be",
    "pcm_s16le",
    "pcm_s24be",
    "pcm_s24le",
    "pcm_s32be",
    "pcm_s32le",
    "pcm_s8",
    "pcm_u8",
    "speex",
    "vorbis",
    "wmalossless",
    "wmapro",
    "wmav1",
    "wmav2",
    "wmavoice",
)
"""FFmpeg's decoders that a file may ask for; any other is code that nobody needs for speech."""

DELAYED: Final = frozenset([b"mp4a", b".mp3", b"ac-3", b"ec-3"])
"""Codings of MPEG-4 whose encoder puts samples before the sound, and says how many in an edit list or not at all."""
