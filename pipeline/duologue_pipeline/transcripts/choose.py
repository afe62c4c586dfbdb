"""Chooses the stream of a transcript that belongs to a track: by channel or by name, never by who speaks first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from duologue_pipeline.files.sealed import hashed_name
from duologue_pipeline.transcripts.model import Stream, Transcript, TranscriptError

__all__ = ["DIARIZED", "Wanted", "stream_of"]

DIARIZED: Final = (
    "the speakers were told apart by a machine (diarization), which mixes up who speaks where it matters, in overlap; "
    "transcribe each track apart, or with channels kept apart"
)
"""Why a transcript of a mix is not used for two tracks."""


@dataclass(frozen=True)
class Wanted:
    """Says which stream is wanted.

    Attributes:
        label: a channel counted from 0, or the name of a tier or a speaker, as a person said it, or its hash
            (:func:`duologue_pipeline.files.sealed.hashed_name`); None where nobody did.
        channel: of the track in its audio file.
        shared: whether both tracks of the conversation name the same transcript.
        shared_audio: whether both tracks lie in the same audio file: then the channels of the transcript are those of it.
        recordings: what a file that holds several recordings may call this one.
    """

    label: str | None = None
    channel: int = 0
    shared: bool = False
    shared_audio: bool = False
    recordings: tuple[str, ...] = ()


def stream_of(transcript: Transcript, wanted: Wanted, *, name: str) -> Stream:
    """Chooses the stream of a track.

    Args:
        transcript: of one or both tracks.
        wanted: which.
        name: of the file, for messages.

    Raises:
        TranscriptError: it cannot be told; the message says what the streams are and what to write.
    """
    streams = _of_recording(transcript.streams, wanted, name)
    if wanted.label is not None:
        return _labelled(streams, wanted.label, name)
    if transcript.separation == "diarized" and (wanted.shared or len(streams) > 1):
        raise TranscriptError(f"{name}: {DIARIZED}")
    if len(streams) == 1 and not wanted.shared and not _contradicts(streams[0], wanted):
        return streams[0]
    if transcript.separation == "track" and wanted.shared:
        raise TranscriptError(
            f"{name}: has the words of both tracks in one stream, and does not say whose they are (was the audio mixed down?); "
            "transcribe with channels kept apart, or each track by itself"
        )
    if transcript.separation == "channel" and wanted.shared_audio:
        found = [stream for stream in streams if stream.channel == wanted.channel]
        if len(found) == 1:
            return found[0]
    raise TranscriptError(
        f"{name}: which of its streams belongs to this track is not said; it has {_listed(streams)}: name one with "
        "words_channel in the manifest, or --words-channel-a or -b of `duologue annotate`"
    )


def _of_recording(streams: Sequence[Stream], wanted: Wanted, name: str) -> list[Stream]:
    """Takes the streams of one recording; a file that names but one needs not name it as the manifest does."""
    named = sorted({stream.recording for stream in streams})
    if len(named) <= 1:
        return list(streams)
    chosen = [each for each in named if each in wanted.recordings]
    if len(chosen) != 1:
        raise TranscriptError(
            f"{name}: holds {len(named)} recordings ({', '.join(named[:3])}, ...) and none of them is called "
            f"{' or '.join(wanted.recordings) or 'as this one'}; split it with `duologue words import`"
        )
    return [stream for stream in streams if stream.recording == chosen[0]]


def _labelled(streams: Sequence[Stream], label: str, name: str) -> Stream:
    hashed = hashed_name(label)
    found = [stream for stream in streams if stream.name and hashed_name(stream.name) == hashed]
    if not found and label.isdecimal():
        found = [stream for stream in streams if stream.channel == int(label)]
    if len(found) != 1:
        told = "of the name that words_channel gives" if label == hashed else repr(label)
        raise TranscriptError(f"{name}: has no stream {told}; it has {_listed(streams)}")
    return found[0]


def _contradicts(stream: Stream, wanted: Wanted) -> bool:
    """Tells whether the only stream says that it is another channel of the audio file in which both tracks lie."""
    return wanted.shared_audio and stream.channel is not None and stream.channel != wanted.channel


def _listed(streams: Sequence[Stream]) -> str:
    labels = [repr(stream.name) if stream.name else stream.label for stream in streams]
    return ", ".join(labels[:8]) + (", ..." if len(labels) > 8 else "") if any(labels) else "one without a name"
