"""Lists every format of transcripts, and tells by its content which one a file has.

To add one: a function that recognises it and one that reads it, in a module of this folder, and a line in
:data:`FORMATS`. The order matters: the first that recognises a file reads it, so the stricter comes first.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from duologue_pipeline.transcripts.aws import is_aws, read_aws
from duologue_pipeline.transcripts.chat import is_chat, read_chat
from duologue_pipeline.transcripts.chunks import is_chunks, read_chunks
from duologue_pipeline.transcripts.columns import (
    is_ctm,
    is_fisher,
    is_ms98,
    is_stm,
    read_ctm,
    read_fisher,
    read_ms98,
    read_stm,
)
from duologue_pipeline.transcripts.deepgram import is_deepgram, read_deepgram
from duologue_pipeline.transcripts.model import Transcript, TranscriptError
from duologue_pipeline.transcripts.own import is_words_file, read_words_file
from duologue_pipeline.transcripts.services import (
    is_assemblyai,
    is_azure,
    is_google,
    read_assemblyai,
    read_azure,
    read_google,
)
from duologue_pipeline.transcripts.source import Source
from duologue_pipeline.transcripts.subtitles import is_srt, is_vtt, read_srt, read_vtt
from duologue_pipeline.transcripts.tiers import is_eaf, is_textgrid, read_eaf, read_textgrid
from duologue_pipeline.transcripts.whisper import is_whisper, is_whisperx, read_whisper
from duologue_pipeline.transcripts.word_lists import (
    is_moshi,
    is_nemo,
    is_nu_dialogue,
    is_seglst,
    read_moshi,
    read_nemo,
    read_nu_dialogue,
    read_seglst,
)

__all__ = ["FORMATS", "Format", "format_of", "read_transcript"]


@dataclass(frozen=True)
class Format:
    """Names a format: how it is recognised and read, and whose it is."""

    recognise: Callable[[Source], bool]
    read: Callable[[Source], Transcript]
    of: str


FORMATS: Final[Mapping[str, Format]] = {
    "words": Format(is_words_file, read_words_file, "duologue"),
    "whisperx": Format(is_whisperx, read_whisper, "WhisperX"),
    "whisper": Format(is_whisper, read_whisper, "openai-whisper, whisper-timestamped, faster-whisper, stable-ts"),
    "chunks": Format(is_chunks, read_chunks, "speech recognition of transformers, Full-Duplex-Bench"),
    "aws": Format(is_aws, read_aws, "Amazon Transcribe"),
    "deepgram": Format(is_deepgram, read_deepgram, "Deepgram"),
    "google": Format(is_google, read_google, "Google Speech-to-Text v1, v2"),
    "azure": Format(is_azure, read_azure, "Azure Speech, batch and fast"),
    "assemblyai": Format(is_assemblyai, read_assemblyai, "AssemblyAI"),
    "moshi": Format(is_moshi, read_moshi, "moshi-finetune"),
    "nu-dialogue": Format(is_nu_dialogue, read_nu_dialogue, "nu-dialogue, J-Moshi"),
    "seglst": Format(is_seglst, read_seglst, "SegLST of CHiME and meeteval"),
    "nemo": Format(is_nemo, read_nemo, "manifests of NVIDIA NeMo"),
    "textgrid": Format(is_textgrid, read_textgrid, "Praat"),
    "eaf": Format(is_eaf, read_eaf, "ELAN"),
    "chat": Format(is_chat, read_chat, "CHAT of TalkBank"),
    "vtt": Format(is_vtt, read_vtt, "WebVTT: Zoom, Teams, Meet"),
    "srt": Format(is_srt, read_srt, "SubRip"),
    "ms98": Format(is_ms98, read_ms98, "Switchboard, ms98"),
    "fisher": Format(is_fisher, read_fisher, "Fisher, CallHome, Hub5"),
    "ctm": Format(is_ctm, read_ctm, "NIST CTM"),
    "stm": Format(is_stm, read_stm, "NIST STM"),
}
"""Every format by its name, in the order in which they are tried."""


def format_of(source: Source) -> str | None:
    """Names the format of a file by its content, a key of :data:`FORMATS`; None where it has none of them.

    Raises:
        TranscriptError: the file is empty, damaged or in an encoding that cannot be told.
    """
    return next((name for name, each in FORMATS.items() if each.recognise(source)), None)


def read_transcript(source: Source, *, format: str = "auto") -> Transcript:
    """Reads a transcript of any format.

    Args:
        source: the file.
        format: a key of :data:`FORMATS`; ``auto`` tells it by the content.

    Raises:
        TranscriptError: no format has such a content, or the file is not as its format should be.
    """
    try:
        return _read(source, format)
    except OverflowError:
        raise TranscriptError(
            f"{source.name}: holds a number that is larger than any time or count of a recording; correct it, or make the file again"
        ) from None


def _read(source: Source, format: str) -> Transcript:
    if format != "auto":
        chosen = FORMATS[format]
        if not chosen.recognise(source):
            found = format_of(source)
            told = f"it looks like {found}" if found else "it looks like no format that is known"
            raise TranscriptError(f"{source.name}: is not {format} ({told}); leave --format out, or correct the file")
        return chosen.read(source)
    found = format_of(source)
    if found is not None:
        return FORMATS[found].read(source)
    beginning = " ".join(source.head.split())[:60]
    raise TranscriptError(
        f"{source.name}: is no transcript of a known format (it begins {beginning!r}); known are {', '.join(FORMATS)}"
    )
