"""Describes a file of audio as sections: stretches of its bytes that a decoder reads from beginning to end.

A file need not be one piece of audio. Two MP3s or FLACs may have been joined byte by byte, an Ogg file may be chained, a
packet may never have been sent, and a header may speak of another length than the file has. So each container is looked
through once, before it is decoded, and every byte of it is a part of a section or of a known chunk or tag
(:mod:`duologue_pipeline.ingest.containers`).
"""

from dataclasses import dataclass

__all__ = ["Layout", "Section"]


@dataclass(frozen=True)
class Section:
    """Marks a stretch of a file that a decoder reads by itself.

    Attributes:
        start, stop: its bytes in the file, ``[start, stop)``.
        header: bytes that take the place of the file's own header; they are read before the stretch. Empty: none.
        silence_samples: silence before it, in samples per channel at its sampling rate: what was never sent.
        skip_samples: decoded samples per channel that are left out at its beginning: the delay of an encoder.
        samples: samples per channel that must come out after that; None where nothing says how many.
    """

    start: int
    stop: int
    header: bytes = b""
    silence_samples: int = 0
    skip_samples: int = 0
    samples: int | None = None


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
