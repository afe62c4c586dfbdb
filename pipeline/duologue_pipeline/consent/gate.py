"""Checks the consent of both speakers of a recording, before any of its audio is opened."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from duologue_consent import Form, Recorded, Snapshot, recorded_between
from duologue_consent.decisions.policy import Grant
from duologue_pipeline.consent.forms import forms_of_run, how_to_leave_out
from duologue_pipeline.errors import RejectError
from duologue_pipeline.records import ConsentBasis, GrantRef, Recording, SpeakerConsent, Track

__all__ = ["check_consent", "recorded_of_row", "recording_time"]


def check_consent(
    recording: Recording,
    *,
    snapshot: Snapshot | None,
    purpose: str,
    as_of: datetime,
    ledger_name: str,
    include_audio: bool,
    words: str,
    asr: bool,
) -> ConsentBasis:
    """Finds the grants by which both speakers allow a purpose, in every form that the run writes.

    Args:
        recording: whose speakers are asked for.
        snapshot: the ledger's state, None where there is no ledger.
        purpose: what the run is for.
        as_of: the moment at which consent must be live; denials count whatever it is.
        ledger_name: for messages.
        include_audio, words, asr: what the run writes (:func:`duologue_pipeline.consent.forms.forms_of_run`).

    Returns:
        The forms that both speakers granted, and their grants; they travel with the recording into every sample.

    Raises:
        RejectError: a ``consent_*`` reason, of speaker ``a`` first. The detail names the speaker by track and
            commitment, not by id, because ``rejected.jsonl`` is published with the release.
    """
    if snapshot is None:
        raise RejectError(
            "consent_no_ledger",
            f"there is no consent ledger at {ledger_name}; make one with `duologue consent init LEDGER`, enter the "
            "speakers' consent with `duologue consent grant`, and give it with --ledger",
        )
    recorded_at = recording_time(recording, as_of)
    forms = forms_of_run(recording, include_audio=include_audio, words=words, asr=asr)
    run_without = how_to_leave_out(recording, asr=asr)
    a, b = (
        _speaker_consent(
            name,
            track,
            snapshot=snapshot,
            purpose=purpose,
            recorded_at=recorded_at,
            as_of=as_of,
            forms=forms,
            run_without=run_without,
        )
        for name, track in zip("ab", recording.tracks, strict=True)
    )
    return ConsentBasis(purpose=purpose, ledger_id=snapshot.ledger_id, forms=_words(forms), a=a, b=b)


def recording_time(recording: Recording, as_of: datetime) -> Recorded | None:
    """Reads from the manifest when the recording was made, as exactly as it says it; None where it does not say.

    Raises:
        RejectError: what it says is no time, or all of it lies in the future.
    """
    if recording.started_at is None:
        return None
    try:
        recorded_at = recorded_between(recording.started_at, recording.started_before)
    except ValueError as error:
        raise RejectError("consent_recording_time_unknown", f"started_at: {error}") from None
    if recorded_at.earliest > as_of:
        raise RejectError(
            "consent_recording_time_unknown",
            f"started_at {recording.started_at} lies in the future, so the recording was not made then; correct it",
        )
    return recorded_at


def recorded_of_row(row: Mapping[str, Any]) -> Recorded | None:
    """Reads from a row of ``recordings.parquet``, of any version, when the recording was made; None where it does not say.

    Raises:
        ValueError: what it says is no time.
    """
    return recorded_between(row["started_at"], row.get("started_before")) if row["started_at"] else None


def _speaker_consent(
    name: str,
    track: Track,
    *,
    snapshot: Snapshot,
    purpose: str,
    recorded_at: Recorded | None,
    as_of: datetime,
    forms: tuple[Form, ...],
    run_without: Mapping[Form, str],
) -> SpeakerConsent:
    commitment = snapshot.commitment(track.speaker_id)
    decision = snapshot.decide(
        track.speaker_id,
        purpose=purpose,
        recorded_at=recorded_at,
        as_of=as_of,
        forms=forms,
        jurisdiction=track.jurisdiction,
        run_without=run_without,
    )
    if decision.reason is not None:
        shown = decision.detail.replace(repr(track.speaker_id), f"{name} ({commitment[:12]})")
        raise RejectError(decision.reason, shown, {"track": name})
    return SpeakerConsent(commitment=commitment, grants=_grant_refs(decision.grants))


@lru_cache(maxsize=1 << 17)
def _grant_refs(grants: tuple[Grant, ...]) -> tuple[GrantRef, ...]:
    return tuple(GrantRef(grant.purpose, grant.event_sha256, grant.granted_at, grant.expires_at) for grant in grants)


@lru_cache
def _words(forms: tuple[Form, ...]) -> tuple[str, ...]:
    return tuple(map(str, forms))
