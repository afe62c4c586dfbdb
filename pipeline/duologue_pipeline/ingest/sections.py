"""Describes a file of audio as sections: stretches of its bytes that a decoder reads from beginning to end.

A file need not be one piece of audio. Two MP3s or FLACs may have been joined byte by byte, an Ogg file may be chained, a
packet may never have been sent, and a header may speak of another length than the file has. So each container is looked
through once, before it is decoded, and every byte of it is a part of a section or of a known chunk or tag
(:mod:`duologue_pipeline.ingest.containers`).
"""

from dataclasses import dataclass

__all__ = ["Apart", "Layout", "Section"]


@dataclass(frozen=True)
class Apart:
    """Says how a section is decoded in a process of its own (:mod:`duologue_pipeline.ingest.apart`).

    Attributes:
        kind: of container, in one word.
        demuxer: FFmpeg's name of it; ``shorten`` for desphere.
        decoders: FFmpeg's names of those that may be used.
        timed: whether the times of its packets say where the sound lies.
        packets: packets of sound that must be read; None where they are not counted.
        seconds: of sound that must come out, about; None where nothing says how long it is.
        rate_hz: the rate in which ``Section.samples`` are counted; 0: that of what comes out.
        channels: that must come out; 0: those that come.
        padding_s: how much more than these may come out: the last packet is filled up, and that is left out.
        early_s: by how much the sound begins before its first time says so.
    """

    kind: str
    demuxer: str
    decoders: tuple[str, ...] = ()
    timed: bool = True
    packets: int | None = None
    seconds: float | None = None
    rate_hz: int = 0
    channels: int = 0
    padding_s: float = 0.0
    early_s: float = 0.0


@dataclass(frozen=True)
class Section:
    """Marks a stretch of a file that a decoder reads by itself.

    Attributes:
        start, stop: its bytes in the file, ``[start, stop)``.
        header: bytes that take the place of the file's own header; they are read before the stretch. Empty: none.
        silence_samples: silence before it, in samples per channel at its sampling rate: what was never sent.
        skip_samples: decoded samples per channel that are left out at its beginning: the delay of an encoder.
        samples: samples per channel that must come out after that; None where nothing says how many.
        apart: how it is decoded in a process of its own; None: by libsndfile.
    """

    start: int
    stop: int
    header: bytes = b""
    silence_samples: int = 0
    skip_samples: int = 0
    samples: int | None = None
    apart: Apart | None = None


@dataclass(frozen=True)
class Layout:
    """Says how a file is decoded: its sections in order, and whether it is known where its audio begins.

    Attributes:
        sections: of one sampling rate and as many channels each.
        start_known: whether the delay of the encoder is known, so that the first sample lies where it was recorded;
            False for an MP3 that does not say it.
    """

    sections: tuple[Section, ...]
    start_known: bool = True
