"""Finds audio that stands under more than one recording_id, by the hashes of the decoded tracks.

Whoever withdraws from the one is still heard in the other, and would be in both splits. So none of the local files is used,
unless a run asks to keep and mark them. Copies at addresses of a store or a server are kept and marked: a mirror is common
there, and who wrote the manifest may not be able to change it. Whatever is marked is in one split, and a withdrawal from one
takes out all (:mod:`duologue_pipeline.withdrawal.same_audio`).
"""

import bisect
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

__all__ = ["SAME_AUDIO_POLICIES", "Holder", "check_same_audio", "hashes_of_refused", "sharing", "track_hashes"]

SAME_AUDIO_POLICIES: Final = {
    "refuse": "local files that hold it are refused, all of them; a copy in a store or on a server is kept and marked",
    "refuse-all": "all of them are refused, wherever they lie",
    "mark": "they are kept in one split, and each names the others",
}
"""What is done with recordings that hold the same audio."""

Holder = tuple[str, bool]
"""A recording_id, and whether the track lies in a local file."""

_NAMED: Final = 10
_MOST: Final = 32  # a track that ten thousand recordings hold must not make a hundred million pairs


def track_hashes(conversation: Ingested) -> tuple[tuple[str, Holder], ...]:
    """Gives the hash of each track with the recording_id that it is of, and whether it lies in a local file."""
    recording, audio = conversation.recording, conversation.audio
    hashes = {(audio.a.samples_sha256, not is_remote(recording.a.uri))}
    hashes.add((audio.b.samples_sha256, not is_remote(recording.b.uri)))
    return tuple((each, (recording.recording_id, local)) for each, local in sorted(hashes))


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


def sharing(holders: Iterable[Holder]) -> tuple[tuple[str, tuple[Holder, ...]], ...]:
    """Tells each of the recordings that hold one track which the others are.

    Args:
        holders: of the track, in any order, each of them any number of times.

    Returns:
        (recording_id, the others sorted) of each, an other with whether both lie in local files; of a group of more than
        33 each names 32 others, and all are joined by a chain of names. Nothing where there is only one.
    """
    local: dict[str, bool] = {}
    for recording_id, is_local in holders:
        local[recording_id] = local.get(recording_id, False) or is_local
    ordered = sorted(local)
    if len(ordered) <= 1:
        return ()
    here = [each for each in ordered if local[each]]
    return tuple((each, _others(each, ordered, here if local[each] else [])) for each in ordered)


def _others(own: str, ordered: Sequence[str], here: Sequence[str]) -> tuple[Holder, ...]:
    """Names the others of a group; of a large one those that follow in their order, so that a chain of names joins all."""
    found = dict.fromkeys(_following(own, here), True)
    found |= {each: each in found for each in _following(own, ordered)}
    return tuple(sorted(found.items()))


def _following(own: str, ordered: Sequence[str]) -> list[str]:
    place = bisect.bisect_left(ordered, own)
    most = min(_MOST, len(ordered) - 1)
    return [ordered[(place + step) % len(ordered)] for step in range(1, most + 1)]


def check_same_audio(recording_id: str, others: Sequence[Holder], *, policy: str) -> tuple[str, ...]:
    """Tells which other recordings hold the audio of a recording, or refuses it.

    Args:
        recording_id: of the recording.
        others: the recording_ids, sorted, each with whether both lie in local files; usually none.
        policy: a key of :data:`SAME_AUDIO_POLICIES`.

    Returns:
        Their ids, sorted.

    Raises:
        RejectError: ``audio_same_as_other``.
    """
    ids = tuple(dict.fromkeys(other for other, _ in others))
    if policy == "refuse-all" or (policy == "refuse" and any(both_local for _, both_local in others)):
        named = ", ".join(ids[:_NAMED]) + (f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else "")
        raise RejectError(
            "audio_same_as_other",
            f"{recording_id}: a track of it holds the same samples as one of {named}; keep one of them in "
            "the manifest, or keep and mark them with --same-audio mark",
            {"others": len(ids)},
        )
    return ids
