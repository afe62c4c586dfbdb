"""Looks through a WAV (RIFF, RIFX, RF64, BW64) or a Wave64.

Sources: Microsoft/IBM "Multimedia Programming Interface" (1991), EBU Tech 3306 (RF64), ITU-R BS.2088 (BW64), Sony
"Wave64" (the chunks of a WAV with GUIDs and sizes of 64 bits).
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from duologue_pipeline.ingest.containers.chunks import Grammar, chunked_layout
from duologue_pipeline.ingest.containers.look import Start
from duologue_pipeline.ingest.containers.wave_format import WaveFormat, read_wave_format
from duologue_pipeline.ingest.sections import Layout

__all__ = ["riff_layout"]

_RIFF: Final = Grammar(
    kind="WAV",
    start=Start(re.compile(rb"(?:RIFF|RF64)....WAVE", re.DOTALL), 12, b"WAVE"),
    outer=slice(4, 8),
    head_bytes=12,
    byte_order="little",
    name_bytes=4,
    size_bytes=4,
    inclusive=False,
    align=2,
    data=b"data",
    data_head=0,
    format=b"fmt ",
    trailers=re.compile(rb"LIST|[iI][dD]3 |bext|iXML|axml|cue |smpl|inst|plst|JUNK|junk|PAD |FLLR|fact|_PMX|afsp|DISP"),
    name=re.compile(rb"[ -~]{4}"),
)
_RIFX: Final = replace(_RIFF, start=Start(re.compile(rb"RIFX....WAVE", re.DOTALL), 12, b"WAVE"), byte_order="big")
_BW64: Final = replace(
    _RIFF, start=Start(re.compile(rb"BW64....WAVE", re.DOTALL), 12, b"WAVE"), is_decoded=False
)  # not by libsndfile 1.2
_GUID: Final = bytes.fromhex("f3acd3118cd100c04f8edb8a")  # of all chunks but the first, behind four letters
_WAVE64: Final = replace(
    _RIFF,
    kind="Wave64",
    start=Start(
        re.compile(
            re.escape(bytes.fromhex("726966662e91cf11a5d628db04c10000")) + rb".{8}wave" + re.escape(_GUID), re.DOTALL
        ),
        40,
        b"wave" + _GUID,
    ),
    outer=slice(16, 24),
    head_bytes=40,
    name_bytes=16,
    size_bytes=8,
    inclusive=True,
    align=8,
    data=b"data" + _GUID,
    format=b"fmt " + _GUID,
    trailers=re.compile(rb"(?:fact|levl|junk|bext|mark|summ|list).{12}", re.DOTALL),
    name=re.compile(rb"[ -~]{4}.{12}", re.DOTALL),
)


def riff_layout(path: Path, uri: str) -> Layout:
    """Looks through a WAV or Wave64 file and accounts for its bytes.

    Args:
        path: the file.
        uri: how the manifest names it, for messages.

    Raises:
        RejectError: as :func:`duologue_pipeline.ingest.containers.chunks.chunked_layout`.
    """
    return chunked_layout(path, uri, (_RIFF, _RIFX, _BW64, _WAVE64), _read_format)


def _read_format(chunks: Mapping[bytes, bytes], grammar: Grammar, uri: str) -> WaveFormat:
    return read_wave_format(chunks[grammar.format], grammar.byte_order, uri)
