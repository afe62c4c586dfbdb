"""Refuses recordings of a speaker who stands in the manifest under two ids that look alike."""

from collections.abc import Callable, Iterable, Mapping

from duologue_consent import Snapshot
from duologue_consent.decisions.names import escaped, look_alike_ids, named_by
from duologue_pipeline.errors import RejectError
from duologue_pipeline.records import ConsentBasis, Recording

__all__ = ["check_look_alikes", "mistakable_speakers"]


def mistakable_speakers(speaker_ids: Iterable[str], snapshot: Snapshot | None) -> dict[str, tuple[str, ...]]:
    """Finds the speakers of a manifest whose id looks like another one of it, and who may be one person.

    Args:
        speaker_ids: of the manifest.
        snapshot: the ledger; it says who was entered as another person.

    Returns:
        The id -> those that it may be mistaken for, sorted.
    """
    found = {}
    for speaker_id, others in look_alike_ids(speaker_ids).items():
        # Whom the ledger does not know is not told apart by it; the consent gate refuses them as unknown.
        known = (
            ()
            if snapshot is None
            else set(snapshot.look_alikes(speaker_id)) - set(snapshot.perhaps_the_same(speaker_id))
        )
        mistakable = tuple(other for other in others if other not in known)
        if mistakable:
            found[speaker_id] = mistakable
    return found


def check_look_alikes(
    recording: Recording,
    *,
    check: Callable[[Recording], ConsentBasis],
    mistakable: Mapping[str, tuple[str, ...]],
) -> ConsentBasis:
    """Asks for the consent of a recording whose speakers cannot be mistaken for others of the manifest.

    Args:
        recording: whose speakers are asked for.
        check: :func:`duologue_pipeline.consent.gate.check_consent` of one ledger, purpose and moment.
        mistakable: from :func:`mistakable_speakers`.

    Raises:
        RejectError: what ``check`` raises, or ``consent_look_alike``.
    """
    basis = check(recording)
    for name, track in zip("ab", recording.tracks, strict=True):
        others = mistakable.get(track.speaker_id)
        if others:
            raise RejectError(
                "consent_look_alike",
                f"speaker {name}, {escaped(track.speaker_id)}, looks like {named_by(others)} of another track of the manifest; "
                "write one id one way, or, where they are two people, enter their decisions with --new-person",
                {"track": name, "ids": len(others)},
            )
    return basis
