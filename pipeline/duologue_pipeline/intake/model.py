"""Defines what an intake finds: recordings with two tracks, files that it refuses, and what the files of others are called by."""

from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

from duologue_pipeline.files.names import is_remote

__all__ = ["REFUSALS", "FoundRecording", "FoundTrack", "Intake", "RefusedFile"]

REFUSALS: Final[dict[str, str]] = {
    "not_matched": "The pattern does not name this file.",
    "not_a_file": "It is a link to nowhere, a folder elsewhere, or no regular file.",
    "name_not_text": "The file's name is not valid Unicode, so that no manifest can hold it.",
    "not_readable": "It is no audio that is read, or it is damaged.",
    "not_two_channels": "A stereo file holds each speaker on a channel of its own; this one has another number of channels.",
    "not_one_channel": "One file a side holds one voice; this one has several channels, and which is whose is not said.",
    "side_missing": "There is a file of one side, and none of the other.",
    "side_twice": "There are several files of one side of a recording.",
    "side_not_named": "The side is neither of the two that --left and --right name, or there are more than two.",
    "speaker_unknown": "No row of the map names the speaker.",
    "speaker_ambiguous": "Several rows or recordings answer to one name, with different speakers.",
    "speaker_on_both_sides": "The map gives one speaker for both sides.",
    "started_at_unknown": "When it was recorded is not in its name, its metadata or its row.",
    "words_without_recording": "No recording has the name of this transcript.",
    "words_ambiguous": "The transcript could belong to several recordings, or the track has several.",
    "words_not_read": "No format of transcripts has such a content, or the file is damaged.",
    "field_invalid": "A field does not follow the recording schema.",
    "id_twice": "Another row or recording has the same id.",
    "rejected_by_corpus": "The corpus itself, or what is known of it, says not to use this recording.",
}
"""Every reason for which a file, a row or a recording is refused, with what it means."""


@dataclass(frozen=True, kw_only=True)
class FoundTrack:
    """Holds one side of a recording.

    Attributes:
        uri: of the audio: an absolute local path, or an address in a store.
        speaker_id: who speaks, by the source; None where it is not known.
        channel: of the file, counted from 0.
        offset_s: where its first sample lies on the clock of the conversation.
        words_uri, words_channel, jurisdiction, role, role_prompt, age_band, sex, dialect, device: as in the manifest; None where
            they are not known.
    """

    uri: str
    speaker_id: str | None = None
    channel: int = 0
    offset_s: float = 0.0
    words_uri: str | None = None
    words_channel: str | None = None
    jurisdiction: str | None = None
    role: str | None = None
    role_prompt: str | None = None
    age_band: str | None = None
    sex: str | None = None
    dialect: str | None = None
    device: str | None = None


@dataclass(frozen=True, kw_only=True)
class FoundRecording:
    """Holds one recording as its source has it; what is None is not known and stays out of the manifest.

    Attributes:
        name: the source's own name of it, any text; its id is made of it (:mod:`duologue_pipeline.intake.ids`).
        a, b: its tracks.
        started_at, started_before: when it began, RFC 3339 or a date; with the second it began between the two.
        language, setting, topic, register, synthetic, corpus, license, route: as in the manifest.
        files: the files of the source that it is made of, for the account; the uris of its tracks and words where it is empty.
    """

    name: str
    a: FoundTrack
    b: FoundTrack
    started_at: str | None = None
    started_before: str | None = None
    language: str | None = None
    setting: str | None = None
    topic: str | None = None
    register: str | None = None
    synthetic: bool | None = None
    corpus: str | None = None
    license: str | None = None
    route: str | None = None
    files: tuple[str, ...] = ()

    @property
    def tracks(self) -> tuple[FoundTrack, FoundTrack]:
        """Gives both tracks, ``a`` first."""
        return self.a, self.b

    def heard_in(self, side: int) -> str:
        """Tells a person where the speaker of track 0 (a) or 1 (b) is heard: the file, and the channel where both are in it."""
        track = self.tracks[side]
        name = PurePosixPath(track.uri.partition("?")[0] if is_remote(track.uri) else track.uri).name
        if name.startswith(("=", "+", "-", "@")):  # a spreadsheet would reckon it
            name = f"./{name}"
        if self.a.uri != self.b.uri:
            return name
        return f"{name}, {('left channel', 'right channel')[track.channel] if track.channel < 2 else f'channel {track.channel}'}"


@dataclass(frozen=True, kw_only=True, order=True)
class RefusedFile:
    """Says why a file, or a row of a table, is in no recording: a line of ``refused.jsonl``.

    Attributes:
        file: its path below the folder, or ``row 17`` of a table.
        reason: a key of :data:`REFUSALS`.
        detail: what was found, and what to do.
        recording: the source's name of the recording that it would have been of; empty where there is none.
    """

    file: str
    reason: str
    detail: str
    recording: str = ""


@dataclass(frozen=True, kw_only=True)
class Intake:
    """Holds all that an intake found.

    Attributes:
        source: what was read, in a few words for the README, e.g. ``the folder calls``.
        unit: what the account counts: ``files`` or ``rows``.
        looked_at: how many of them there were.
        recordings, refused: what they gave.
        other: how many of them were used beside the recordings, by what for: ``{"the map of speakers": 1}``.
        notes: what the reader of the README should know, a sentence each.
        terms: what is known of the terms on which people were recorded; empty where nothing is.
    """

    source: str
    unit: str
    looked_at: int
    recordings: tuple[FoundRecording, ...]
    refused: tuple[RefusedFile, ...]
    other: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    terms: str = ""
