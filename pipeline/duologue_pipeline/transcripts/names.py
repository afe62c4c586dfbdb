"""Names the formats of transcripts, for help texts that have to be quick."""

from typing import Final

__all__ = ["FORMAT_NAMES"]

FORMAT_NAMES: Final = (
    "words",
    "whisperx",
    "whisper",
    "chunks",
    "aws",
    "deepgram",
    "google",
    "azure",
    "assemblyai",
    "moshi",
    "nu-dialogue",
    "seglst",
    "nemo",
    "textgrid",
    "eaf",
    "chat",
    "vtt",
    "srt",
    "ms98",
    "fisher",
    "ctm",
    "stm",
)
"""The keys of :data:`duologue_pipeline.transcripts.formats.FORMATS`, in the order in which they are tried."""
