"""The consent gate: what it asks, what it hands on, and what it never says."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from duologue_consent import ALL_FORMS, Action, AgeBand, Decider, Form, Ledger, Purpose, Snapshot, Terms
from duologue_pipeline.consent.gate import check_consent
from duologue_pipeline.errors import RejectError
from duologue_pipeline.records import ConsentBasis, GrantRef, Recording

RECORDED = datetime(2026, 3, 1, 10, tzinfo=UTC)
BEFORE = RECORDED - timedelta(days=30)
AFTER = RECORDED + timedelta(days=30)
NOW = RECORDED + timedelta(days=60)
BOTH = [Purpose.RECORDING, Purpose.TRAINING_INHOUSE]
Build = Callable[..., Any]


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """A ledger in which s-anna allows everything that the tests ask for."""
    ledger = Ledger.create(tmp_path / "consent.db", ledger_id="ledger-1", created_at=BEFORE)
    ledger.grant("s-anna", BOTH, at=BEFORE)
    return ledger


def check(
    recording: Recording,
    snapshot: Snapshot | None,
    purpose: str = "training_inhouse",
    *,
    include_audio: bool = False,
    words: str = "optional",
    asr: bool = False,
) -> ConsentBasis:
    return check_consent(
        recording,
        snapshot=snapshot,
        purpose=purpose,
        as_of=NOW,
        ledger_name="consent.db",
        include_audio=include_audio,
        words=words,
        asr=asr,
    )


def refusal(recording: Recording, snapshot: Snapshot | None, purpose: str = "training_inhouse") -> tuple[str, str]:
    with pytest.raises(RejectError) as raised:
        check(recording, snapshot, purpose)
    return raised.value.reason, raised.value.detail


def test_the_grants_of_both_speakers_travel_with_the_recording(ledger: Ledger, make_recording: Build) -> None:
    granted = ledger.grant("s-ben", BOTH, at=BEFORE, expires_at=NOW + timedelta(days=1))
    snapshot = ledger.snapshot()
    basis = check(make_recording(), snapshot)
    assert (basis.purpose, basis.ledger_id) == ("training_inhouse", "ledger-1")
    assert basis.a.commitment == snapshot.commitment("s-anna")
    assert basis.b.commitment == snapshot.commitment("s-ben")
    assert list(basis.b.grants) == [
        GrantRef(event.purpose, event.sha256, "2026-01-30T10:00:00Z", "2026-05-01T10:00:00Z") for event in granted
    ]


def test_no_audio_is_opened(ledger: Ledger, tmp_path: Path, make_recording: Build) -> None:
    recording = make_recording(tmp_path / "there is no such file.wav")
    assert refusal(recording, ledger.snapshot())[0] == "consent_unknown_speaker"
    ledger.grant("s-ben", BOTH, at=BEFORE)
    assert check(recording, ledger.snapshot()).purpose == "training_inhouse"


def test_without_a_ledger_nothing_passes(make_recording: Build) -> None:
    assert refusal(make_recording(), None) == (
        "consent_no_ledger",
        (
            "there is no consent ledger at consent.db; make one with `duologue consent init LEDGER`, enter the speakers' "
            "consent with `duologue consent grant`, and give it with --ledger"
        ),
    )


MINOR = Terms(forms=ALL_FORMS, age_band=AgeBand.MINOR)
COURT = Terms(decided_by=Decider.AUTHORITY)

REFUSALS: dict[str, Callable[[Ledger], Any]] = {
    "consent_unknown_speaker": lambda ledger: None,
    "consent_not_given": lambda ledger: ledger.grant("s-ben", [Purpose.RECORDING], at=BEFORE),
    "consent_refused": lambda ledger: ledger.refuse("s-ben", BOTH, at=BEFORE),
    "consent_withdrawn": lambda ledger: (ledger.grant("s-ben", BOTH, at=BEFORE), ledger.withdraw("s-ben", at=AFTER)),
    "consent_expired": lambda ledger: ledger.grant("s-ben", BOTH, at=BEFORE, expires_at=AFTER),
    "consent_after_recording": lambda ledger: ledger.grant("s-ben", BOTH, at=AFTER),
    "consent_form_not_covered": lambda ledger: ledger.grant("s-ben", BOTH, at=BEFORE, terms=Terms(forms=(Form.AUDIO,))),
    "consent_minor": lambda ledger: ledger.grant("s-ben", BOTH, at=BEFORE, terms=MINOR),
    "consent_retention_over": lambda ledger: ledger.grant(
        "s-ben", BOTH, at=BEFORE, terms=Terms(forms=ALL_FORMS, retention_days=59)
    ),
    "consent_jurisdiction_requirement": lambda ledger: ledger.grant(
        "s-ben", BOTH, at=BEFORE, terms=Terms(forms=ALL_FORMS, jurisdiction="DE")
    ),
    "consent_invalidated": lambda ledger: (
        ledger.grant("s-ben", BOTH, at=BEFORE),
        ledger.withdraw("s-ben", at=AFTER, terms=COURT, action=Action.INVALIDATE),
    ),
    "consent_revoked": lambda ledger: (
        ledger.grant("s-ben", BOTH, at=BEFORE),
        ledger.withdraw("s-ben", at=AFTER, terms=COURT, action=Action.REVOKE),
    ),
}


@pytest.mark.parametrize("reason", REFUSALS)
def test_each_refusal_has_its_reason_and_names_the_speaker_by_track_and_commitment_only(
    reason: str, ledger: Ledger, make_recording: Build
) -> None:
    REFUSALS[reason](ledger)
    snapshot = ledger.snapshot()
    found, detail = refusal(make_recording(), snapshot)
    assert found == reason
    assert "s-ben" not in detail
    assert f"b ({snapshot.commitment('s-ben')[:12]})" in detail


# --- forms and places -------------------------------------------------------------------------------------------------

TOKENS_ONLY = Terms(forms=(Form.TOKENS, Form.ANNOTATIONS))


def with_words(recording: Recording) -> Recording:
    return replace(recording, a=replace(recording.a, words_uri="words.json"))


def test_words_of_either_track_need_the_consent_of_both_to_a_transcript(ledger: Ledger, make_recording: Build) -> None:
    ledger.grant("s-ben", BOTH, at=BEFORE, terms=TOKENS_ONLY)
    snapshot, recording = ledger.snapshot(), with_words(make_recording())
    with pytest.raises(RejectError) as raised:
        check(recording, snapshot)
    assert raised.value.reason == "consent_form_not_covered"
    assert raised.value.detail.endswith("and --form transcript, otherwise run with --words none.")
    assert check(recording, snapshot, words="none").purpose == "training_inhouse"
    assert check(make_recording(), snapshot, words="optional").purpose == "training_inhouse"


def test_words_that_a_recogniser_will_hear_need_the_consent_of_both_to_a_transcript(
    ledger: Ledger, make_recording: Build
) -> None:
    ledger.grant("s-ben", BOTH, at=BEFORE, terms=TOKENS_ONLY)
    snapshot = ledger.snapshot()
    with pytest.raises(RejectError) as raised:
        check(make_recording(), snapshot, asr=True)
    assert raised.value.reason == "consent_form_not_covered"
    assert raised.value.detail.endswith("and --form transcript, otherwise run without --asr.")
    with pytest.raises(RejectError) as raised:
        check(with_words(make_recording()), snapshot, asr=True)
    assert raised.value.detail.endswith("and --form transcript, otherwise run with --words none.")
    assert check(make_recording(), snapshot, asr=True, words="none").forms == ("tokens", "annotations")


def test_the_forms_that_were_granted_travel_with_the_recording(ledger: Ledger, make_recording: Build) -> None:
    ledger.grant("s-ben", BOTH, at=BEFORE)
    snapshot = ledger.snapshot()
    assert check(make_recording(), snapshot).forms == ("tokens", "annotations")
    assert check(make_recording(), snapshot, asr=True).forms == ("transcript", "tokens", "annotations")
    assert check(make_recording(), snapshot, asr=True, include_audio=True).forms == ALL_FORMS


@pytest.mark.parametrize("days", [-1, 1, 30_000])
def test_a_withdrawal_counts_whenever_it_is_dated_and_whatever_moment_is_asked_for(
    days: int, ledger: Ledger, make_recording: Build
) -> None:
    ledger.grant("s-ben", BOTH, at=BEFORE)
    ledger.withdraw("s-ben", at=NOW + timedelta(days=days))
    assert refusal(make_recording(), ledger.snapshot())[0] == "consent_withdrawn"


def test_audio_is_asked_for_where_it_is_written(ledger: Ledger, make_recording: Build) -> None:
    ledger.grant("s-ben", BOTH, at=BEFORE, terms=TOKENS_ONLY)
    with pytest.raises(RejectError) as raised:
        check(make_recording(), ledger.snapshot(), include_audio=True)
    assert raised.value.detail.endswith("and --form audio, otherwise run without --include-audio.")


def test_the_rules_of_the_jurisdiction_in_the_manifest_hold(ledger: Ledger, make_recording: Build) -> None:
    ledger.grant("s-ben", BOTH, at=BEFORE)
    recording: Recording = make_recording()
    in_paris = replace(recording, b=replace(recording.b, jurisdiction="FR"))
    assert refusal(in_paris, ledger.snapshot())[0] == "consent_jurisdiction_requirement"
    in_chicago = replace(recording, b=replace(recording.b, jurisdiction="US-IL"))
    assert check(in_chicago, ledger.snapshot()).purpose == "training_inhouse"


@pytest.mark.parametrize("speaker_id", ["O'Brien", 'say "hi"', "tab\\t", "speaker", "b", "ü"])
def test_no_kind_of_id_is_let_through_into_a_detail(speaker_id: str, ledger: Ledger, make_recording: Build) -> None:
    ledger.refuse(speaker_id, BOTH, at=BEFORE)
    snapshot = ledger.snapshot()
    _, detail = refusal(make_recording(speakers=("s-anna", speaker_id)), snapshot)
    assert detail.startswith(f"Speaker b ({snapshot.commitment(speaker_id)[:12]}), purpose training_inhouse: ")
    assert repr(speaker_id) not in detail


def test_of_two_refusals_that_of_a_is_given(ledger: Ledger, make_recording: Build) -> None:
    ledger.withdraw("s-anna", at=AFTER)
    ledger.refuse("s-ben", BOTH, at=BEFORE)
    assert refusal(make_recording(), ledger.snapshot())[0] == "consent_withdrawn"


def test_each_purpose_is_asked_for_on_its_own(ledger: Ledger, make_recording: Build) -> None:
    ledger.grant("s-ben", [*BOTH, Purpose.REDISTRIBUTION], at=BEFORE)
    snapshot = ledger.snapshot()
    assert check(make_recording(), snapshot).purpose == "training_inhouse"
    assert refusal(make_recording(), snapshot, "redistribution")[0] == "consent_not_given"


@pytest.mark.parametrize("started_at", [None, "2027-01-01T00:00:00Z"])
def test_a_recording_without_a_credible_time_is_refused(
    started_at: str | None, ledger: Ledger, make_recording: Build
) -> None:
    ledger.grant("s-ben", BOTH, at=BEFORE)
    assert refusal(make_recording(started_at=started_at), ledger.snapshot())[0] == "consent_recording_time_unknown"


@pytest.mark.parametrize(
    ("started_at", "started_before", "reason"),
    [
        # consent is of 2026-01-30T10:00Z
        ("2026-02-01", None, None),
        ("2026-01-31", None, None),  # begins in UTC+14 in the very moment of the consent
        ("2026-01-30", None, "consent_after_recording"),
        ("2026-02-01", "2027-01-01", None),  # the year is not over; the recording is there, so it was made
        ("2026-01-01", "2026-12-01", "consent_after_recording"),
        ("2026-01-30T10:00:00Z", "2026-03-01", None),
        ("2026-01-30T09:59:59Z", "2026-03-01", "consent_after_recording"),
        ("2026-06-01", None, "consent_recording_time_unknown"),
    ],
)
def test_a_day_or_an_interval_is_judged_by_its_safer_end(
    started_at: str, started_before: str | None, reason: str | None, ledger: Ledger, make_recording: Build
) -> None:
    ledger.grant("s-ben", BOTH, at=BEFORE)
    recording = make_recording(started_at=started_at, started_before=started_before)
    if reason is None:
        assert check(recording, ledger.snapshot()).purpose == "training_inhouse"
    else:
        assert refusal(recording, ledger.snapshot())[0] == reason
