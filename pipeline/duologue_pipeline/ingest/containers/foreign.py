"""Names what is given for audio and is not read: other containers, archives, and the page that a server sends instead.

A link that has expired gives a web page, and whoever exported a folder may have packed it. Whoever is told that can mend it.
"""

import re
from typing import Final

from duologue_pipeline.errors import RejectError

__all__ = ["HEAD_BYTES", "WAVE_CODECS", "refuse_foreign"]

HEAD_BYTES: Final = 512
"""How many bytes of a file :func:`refuse_foreign` wants to see."""

WAVE_CODECS: Final = {
    0x0014: "G.723",
    0x0016: "G.728",
    0x0020: "Yamaha ADPCM",
    0x0022: "TrueSpeech",
    0x0042: "G.723.1",
    0x0045: "G.726",
    0x0057: "AMR-NB",
    0x0058: "AMR-WB",
    0x0064: "G.726",
    0x0065: "G.722",
    0x0083: "G.729",
    0x00FF: "AAC",
    0x0130: "ACELP",
    0x0160: "WMA",
    0x0161: "WMA",
    0x0162: "WMA",
    0x028F: "G.722",
    0x1600: "AAC",
    0x1610: "AAC",
    0x2000: "AC-3",
    0x2001: "DTS",
    0x566F: "Vorbis",
    0x674F: "Vorbis",
    0x704F: "Opus",
    0xA109: "Speex",
    0xF1AC: "FLAC",
}
"""Codecs of a WAVE that are not read, by their registered numbers."""

_CONVERT: Final = "convert it (ffmpeg -i IN -c:a flac OUT.flac)"
_UNPACK: Final = "unpack it"
_FETCH: Final = "the address gave this instead of the recording: see whether it has expired or wants a login"
_RAW: Final = "say what it is when you convert it (ffmpeg -f mulaw -ar 8000 -ac 1 -i IN OUT.wav)"

_KINDS: Final = tuple(
    (re.compile(pattern, re.DOTALL), word, name, remedy)
    for pattern, word, name, remedy in (
        (rb"#!SILK|\x02#!SILK", "silk", "a SILK file", "decode it to WAV"),
        (rb"wvpk", "wavpack", "a WavPack file (wv)", _CONVERT),
        (rb"MAC ", "monkeys-audio", "a Monkey's Audio file (ape)", _CONVERT),
        (rb"TTA[12]", "tta", "a True Audio file (tta)", _CONVERT),
        (rb"Creative Voice File\x1a", "voc", "a Creative Voice file (voc)", _CONVERT),
        (rb"FLV\x01", "flv", "a Flash video (flv)", _CONVERT),
        (rb"\.RMF", "realmedia", "a RealMedia file (rm)", _CONVERT),
        (rb"ajkg", "shorten", "a Shorten file (shn)", _CONVERT),
        (rb"\x1f\x8b\x08[\x00-\x1f]", "gzip", "a gzip archive", _UNPACK),
        (rb"PK\x03\x04", "zip", "a ZIP archive", _UNPACK),
        (rb"BZh[1-9]", "bzip2", "a bzip2 archive", _UNPACK),
        (rb"\xfd7zXZ\0", "xz", "an xz archive", _UNPACK),
        (rb"7z\xbc\xaf\x27\x1c", "7z", "a 7-Zip archive", _UNPACK),
        (rb"\x28\xb5\x2f\xfd", "zstd", "a Zstandard archive", _UNPACK),
        (rb".{257}ustar", "tar", "a tar archive", _UNPACK),
        (
            rb"version https://git-lfs",
            "git-lfs",
            "the pointer of a Git LFS file",
            "fetch the file itself (git lfs pull)",
        ),
        (rb"%PDF-", "pdf", "a PDF document", "name the recording"),
        (rb"(?i:(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html))", "html", "a web page (HTML)", _FETCH),
        (rb"(?:\xef\xbb\xbf)?\s*<\?xml|(?:\xef\xbb\xbf)?\s*<Error>", "xml", "an XML document", _FETCH),
        (rb"(?:\xef\xbb\xbf)?\s*[\[{]\s*[\"{\[\]}]", "json", "a JSON document", _FETCH),
        (rb"HTTP/\d", "http", "an answer of a web server with its header lines", "save the body alone"),
        (rb"\xff{64}|\xd5{64}", "raw", "samples without a header (mu-law or A-law by their looks)", _RAW),
    )
)


def refuse_foreign(head: bytes, uri: str) -> RejectError | None:
    """Knows by its first bytes what a file is that is none of the containers that are read.

    Args:
        head: the first :data:`HEAD_BYTES` of it, or all that there are.
        uri: how the manifest names it, for messages.

    Returns:
        The refusal, which names what it is; None if it is not known, and may be an MP3.
    """
    for pattern, word, name, remedy in _KINDS:
        if pattern.match(head):
            return RejectError(
                "audio_unreadable", f"{uri}: this is {name}, which is not read; {remedy}", {"container": word}
            )
    return None
