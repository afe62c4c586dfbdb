"""Looks through a NIST SPHERE file: a header of text, often 1024 bytes, and then the samples."""

import re
from io import BufferedReader
from pathlib import Path
from typing import Final

from duologue_pipeline.errors import RejectError
from duologue_pipeline.ingest.containers.look import (
    after_id3v2,
    at,
    check_files,
    is_tag_or_padding,
    refuse_unaccounted,
)
from duologue_pipeline.ingest.sections import Apart, Layout, Section
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.ingest import IngestRules

__all__ = ["sphere_layout"]

_START: Final = re.compile(rb"NIST_1A\n *(\d{1,7})\n")
_FIELD: Final = re.compile(rb"^(\w+) -(?:i|r|s\d+) (\S+) *$", re.MULTILINE)
_MOST_HEADER: Final = 1 << 20
_KNOWN_HEADER: Final = 1024  # bytes: what libsndfile expects
_SHORTEN: Final = re.compile(r"(pcm|ulaw|mu-law),embedded-shorten-v2\.00")
_SHORTEN_BYTES: Final = 32  # what decoding takes a sample, at most: 24 were measured


def sphere_layout(path: Path, uri: str) -> Layout:
    """Looks through a SPHERE file and accounts for its bytes.

    Args:
        path: the file.
        uri: how the manifest names it, for messages.

    Raises:
        RejectError: ``audio_unreadable``: its header makes no sense, it is compressed, or bytes follow the samples that
            it declares. That it ends before them shows when it is decoded.
    """
    size = path.stat().st_size
    sections: list[Section] = []
    with path.open("rb") as handle:
        place = after_id3v2(handle, 0)
        plain = place == 0
        while not sections or (place < size and not is_tag_or_padding(handle, place, size)):
            check_files(uri, len(sections) + 1)
            section = _one(handle, place, size, uri)
            sections.append(section)
            plain = plain and section.start - place == _KNOWN_HEADER
            place = section.stop
    if plain and len(sections) == 1 and sections[0].stop == size and sections[0].apart is None:
        return Layout((Section(0, size, samples=sections[0].samples),))
    return Layout(tuple(sections))


def _one(handle: BufferedReader, place: int, size: int, uri: str) -> Section:
    def refuse(fault: str, remedy: str = "the header is wrong: export the track again") -> RejectError:
        return RejectError("audio_unreadable", f"{uri}: {fault}; {remedy}", {"container": "sphere"})

    found = _START.match(at(handle, place, 32))
    header_bytes = int(found.group(1)) if found else 0
    if not 16 < header_bytes <= _MOST_HEADER or place + header_bytes > size:
        raise refuse(f"its SPHERE header says that it has {header_bytes} bytes")
    text = at(handle, place, header_bytes).partition(b"end_head")[0]
    fields = {name.decode(): value.decode("ascii", "replace") for name, value in _FIELD.findall(text)}
    coding = fields.get("sample_coding", "pcm")
    shortened = _SHORTEN.fullmatch(coding) is not None
    if coding not in ("pcm", "ulaw", "alaw", "mu-law") and not shortened:
        raise refuse(f"its samples are coded as {coding}", "decompress it (sph2pipe) or convert it to FLAC")
    numbers = {
        name: int(fields[name]) if re.fullmatch(r"\d{1,15}", fields.get(name, "")) else default
        for name, default in (("channel_count", 1), ("sample_count", 0), ("sample_rate", 0), ("sample_n_bytes", 0))
    }
    channels, width = numbers["channel_count"], numbers["sample_n_bytes"] or (1 if coding != "pcm" else 2)
    if not 1 <= channels <= 0xFFFF or not 1 <= width <= 4 or not 1 <= numbers["sample_rate"] < 1 << 31:
        raise refuse(f"its header says {channels} channels of {width} bytes at {numbers['sample_rate']} Hz")
    if channels > 1 and fields.get("channels_interleaved", "TRUE").upper() == "FALSE":
        raise refuse(
            "its channels follow one after the other (channels_interleaved)", "interleave them, or give two files"
        )
    start = place + header_bytes
    if shortened:
        return _shortened(start, size, numbers["sample_count"], channels, numbers["sample_rate"], uri)
    frame_bytes = channels * width
    declared = numbers["sample_count"] or (size - start) // frame_bytes
    stop = min(size, start + declared * frame_bytes)
    if not (size - stop < frame_bytes or _START.match(at(handle, stop, 32)) or is_tag_or_padding(handle, stop, size)):
        raise refuse_unaccounted(uri, stop, size, declared / numbers["sample_rate"])
    if size - stop < frame_bytes:
        stop = size  # a sample that was not written to its end
    header = _header(coding, channels, declared, numbers["sample_rate"], width, fields.get("sample_byte_format", "01"))
    return Section(start, stop, header, samples=declared)


def _shortened(start: int, size: int, samples: int, channels: int, rate_hz: int, uri: str) -> Section:
    """Gives the section of samples that are compressed with Shorten: all that is left of the file."""
    most_bytes = load_rules(IngestRules).decoder_memory_bytes
    if samples * channels * _SHORTEN_BYTES > most_bytes:
        most_s = most_bytes // (_SHORTEN_BYTES * channels * rate_hz)
        raise RejectError(
            "audio_over_limit",
            f"{uri}: {samples / rate_hz:.0f} s are compressed with Shorten, and up to {most_s} s of this kind fit into memory; "
            "decompress it (sph2pipe)",
            {"limited": "seconds", "found": samples // rate_hz, "limit": most_s},
        )
    if not samples:
        raise RejectError(
            "audio_unreadable",
            f"{uri}: its header does not say how many samples are compressed with Shorten; decompress it (sph2pipe)",
            {"container": "sphere"},
        )
    return Section(
        start,
        size,
        samples=samples,
        apart=Apart(kind="sphere", demuxer="shorten", timed=False, rate_hz=rate_hz, channels=channels),
    )


def _header(coding: str, channels: int, samples: int, rate_hz: int, width: int, byte_format: str) -> bytes:
    lines = (
        "NIST_1A",
        f"   {_KNOWN_HEADER}",
        f"channel_count -i {channels}",
        f"sample_count -i {samples}",
        f"sample_rate -i {rate_hz}",
        f"sample_n_bytes -i {width}",
        f"sample_byte_format -s{len(byte_format)} {byte_format}",
        f"sample_sig_bits -i {8 * width}",
        f"sample_coding -s{len(coding)} {coding}",
        "end_head",
        "",
    )
    return "\n".join(lines).encode().ljust(_KNOWN_HEADER)
