"""Finds audio that stands under more than one recording_id, by the hashes of the decoded tracks.

Whoever withdraws from the one is still heard in the other, and would be in both splits. So none of them is used, unless a run
asks to keep and mark them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from duologue_pipeline.errors import RejectError
from duologue_pipeline.files.storage import is_remote
from duologue_pipeline.ingest.audio import PairDecoder
from duologue_pipeline.ingest.content_hash import ContentHash
from duologue_pipeline.records import Ingested, Recording
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.ingest import IngestRules

__all__ = ["SAME_AUDIO_POLICIES", "hashes_of_refused", "mark_same_audio", "sharing", "track_hashes"]

SAME_AUDIO_POLICIES: Final = {
    "refuse": "all of them are refused",
    "mark": "they are kept in one split, and each names the others",
}
"""What is done with recordings that hold the same audio."""

_NAMED: Final = 10


def track_hashes(conversation: Ingested) -> tuple[tuple[str, str], ...]:
    """Gives the hash of each track with the recording_id that it is of."""
    recording_id = conversation.recording.recording_id
    hashes = {conversation.audio.a.samples_sha256, conversation.audio.b.samples_sha256}
    return tuple((each, recording_id) for each in sorted(hashes))


def hashes_of_refused(recording: Recording) -> tuple[tuple[str, str], ...]:
    """Decodes the local tracks of a recording that may not be used, only to hash them; nothing else is kept of them.

    Returns:
        The hash of each track with the recording_id; nothing of a track that lies elsewhere or cannot be read.
    """
    hashes = set[str]()
    for track in recording.tracks:
        if is_remote(track.uri):
            continue
        try:
            with PairDecoder(replace(recording, a=track, b=track)) as decoder:
                rate_hz = decoder.sample_rates_hz[0]
                content = ContentHash(round(load_rules(IngestRules).same_audio_min_s * rate_hz))
                for pcm, _ in decoder.blocks():
                    content.push(pcm)
            hashes.add(content.hexdigest())
        except RejectError:
            continue
    return tuple((each, recording.recording_id) for each in sorted(hashes))


def sharing(recording_ids: Iterable[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Tells each of the recordings that hold one track which the others are.

    Args:
        recording_ids: that hold it, in any order, each of them any number of times.

    Returns:
        (recording_id, the others sorted) of each; nothing where there is only one.
    """
    ordered = sorted(set(recording_ids))
    return tuple((each, tuple(other for other in ordered if other != each)) for each in ordered if len(ordered) > 1)


def mark_same_audio(conversation: Ingested, others: Sequence[str], *, policy: str) -> Ingested:
    """Notes which other recordings hold the audio of a recording, or refuses it.

    Args:
        conversation: the recording.
        others: the recording_ids, sorted; usually none.
        policy: a key of :data:`SAME_AUDIO_POLICIES`.

    Raises:
        RejectError: ``audio_same_as_other``.
    """
    if not others:
        return conversation
    if policy == "refuse":
        named = ", ".join(others[:_NAMED]) + (f" and {len(others) - _NAMED} more" if len(others) > _NAMED else "")
        raise RejectError(
            "audio_same_as_other",
            f"{conversation.recording.recording_id}: a track of it holds the same samples as one of {named}; keep one of them in "
            "the manifest, or keep and mark them with --same-audio mark",
            {"others": len(others)},
        )
    return replace(conversation, audio=replace(conversation.audio, same_audio=tuple(others)))
