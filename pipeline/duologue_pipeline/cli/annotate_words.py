"""Reads what ``--words``, ``--words-a`` and ``--words-b`` of ``duologue annotate`` name: words files, or transcripts of other programs."""

from pathlib import Path
from typing import TYPE_CHECKING

from duologue_pipeline.errors import RejectError, UsageError
from duologue_pipeline.files.names import shown
from duologue_pipeline.read.files import recording_of_files
from duologue_pipeline.transcripts.formats import format_of, read_transcript
from duologue_pipeline.transcripts.model import TranscriptError
from duologue_pipeline.transcripts.own import is_of_both
from duologue_pipeline.transcripts.source import Source

if TYPE_CHECKING:
    from duologue_pipeline.words.files import Transcripts

__all__ = ["Labels", "labels_of_both", "transcript_alone"]

Labels = tuple[str | None, str | None]
"""Which stream of the transcript is whose, of a and of b: a channel counted from 0, or a name; None where it is not said."""


def labels_of_both(uri: str, given: Labels, *, shared_audio: bool) -> Labels:
    """Finds which streams of a transcript of both tracks are theirs.

    Args:
        uri: of the transcript.
        given: what the user said.
        shared_audio: whether both tracks are channels of one file: then the channels of the transcript are those of it.

    Returns:
        What the user said, or else the channels 0 and 1 where the file has channels and the tracks have files of their own.

    Raises:
        UsageError: the file cannot be read, or does not say whose its words are.
    """
    from duologue_pipeline.words.files import read_words_bytes

    try:
        source = Source(read_words_bytes(uri), shown(uri))
        document = source.document
        if format_of(source) in (None, "words") and document is not None:
            if not is_of_both(document):
                raise UsageError(f'{uri}: expected {{"a": [words], "b": [words]}}, found {_found(document)}')
            return given
        if any(given):
            return given
        transcript = read_transcript(source)
    except RejectError as error:
        raise UsageError(error.detail) from None
    except TranscriptError as error:
        raise UsageError(str(error)) from None
    if transcript.separation == "name":
        names = ", ".join(repr(stream.name) for stream in transcript.streams)
        raise UsageError(
            f"{uri}: whose words are whose? Say it with --words-channel-a NAME and --words-channel-b NAME; it has {names}"
        )
    by_channel = transcript.separation == "channel" and {0, 1} <= {stream.channel for stream in transcript.streams}
    return ("0", "1") if by_channel and not shared_audio else given


def transcript_alone(path: Path, labels: Labels) -> "Transcripts":
    """Reads the words of both speakers from a transcript without audio.

    Args:
        path: of the transcript.
        labels: what the user said of its streams.

    Raises:
        UsageError: it cannot be read, or does not say whose its words are.
    """
    from duologue_pipeline.words.files import read_transcripts

    uri = str(path)
    labels = labels_of_both(uri, labels, shared_audio=True)
    recording = recording_of_files(uri, words_a=uri, words_b=uri, words_channels=labels)  # the audio is never opened
    try:
        return read_transcripts(recording, policy="optional")
    except RejectError as error:
        raise UsageError(error.detail) from None


def _found(document: object) -> str:
    if isinstance(document, dict):
        return f"an object with {', '.join(map(repr, document)) or 'nothing'}"
    return f"a {type(document).__name__}"
