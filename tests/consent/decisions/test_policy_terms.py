"""What the terms of a record change: forms, minors, retention, invalidation, and the rules of jurisdictions."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duologue_consent import (
    ALL_FORMS,
    Action,
    AgeBand,
    ConsentEvent,
    Decider,
    Expression,
    Form,
    Guardian,
    Method,
    Notice,
    Purpose,
    State,
    Terms,
    decide,
)
from duologue_consent.decisions.examination import examine
from duologue_consent.decisions.jurisdictions.rules import Rule, load_rules, rules_for
from duologue_consent.decisions.standing import standing, standing_then
from duologue_pipeline.errors import REASONS
from tests.consent.decisions.test_policy import CASES

RECORDING, TRAINING, IDENTIFICATION = Purpose.RECORDING, Purpose.TRAINING_INHOUSE, Purpose.SPEAKER_IDENTIFICATION
AUDIO, TRANSCRIPT, TOKENS, ANNOTATIONS = ALL_FORMS
NOTICE = Notice("a" * 64)


def day(number: int) -> datetime:
    return datetime(2026, 3, 1, tzinfo=UTC) + timedelta(days=number)


def event(seq: int, action: str, purpose: Purpose, on: int, **terms: Any) -> ConsentEvent:
    """One decision; a grant covers all forms unless told otherwise."""
    if action == "grant":
        terms.setdefault("forms", ALL_FORMS)
    if action in ("revoke", "invalidate"):
        terms.setdefault("decided_by", Decider.AUTHORITY)
    return ConsentEvent(seq, "spk-17", purpose, Action(action), day(on), None, f"{seq:064x}", Terms(**terms))


def both(on: int = 1, purpose: Purpose = TRAINING, **terms: Any) -> tuple[ConsentEvent, ...]:
    """Recording and a purpose granted under the same terms."""
    return event(0, "grant", RECORDING, on, **terms), event(1, "grant", purpose, on, **terms)


def reason(history: Sequence[ConsentEvent], purpose: Purpose = TRAINING, **options: Any) -> str | None:
    """Why a recording of day 5 may not be used on day 10."""
    return decide(history, purpose, day(5), day(10), **options).reason


def test_every_reason_of_the_pipeline_is_reached_by_a_test() -> None:
    here = {
        "consent_form_not_covered",
        "consent_minor",
        "consent_retention_over",
        "consent_jurisdiction_requirement",
    }
    elsewhere = {"consent_no_ledger", "consent_look_alike", "consent_audio_of_refused"}  # asked beside the policy
    cases = {code for *_, code in CASES.values() if code is not None}
    assert cases | here == {code for code in REASONS if code.startswith("consent_")} - elsewhere


# --- forms ------------------------------------------------------------------------------------------------------------


def test_a_form_that_no_grant_names_is_not_covered() -> None:
    history = both(forms=(TOKENS, ANNOTATIONS))
    assert reason(history, forms=(TOKENS, ANNOTATIONS)) is None
    assert reason(history, forms=(TOKENS, TRANSCRIPT)) == "consent_form_not_covered"
    assert reason(history) == "consent_form_not_covered"  # all forms, if none are named


def test_who_asks_for_no_form_gets_no_yes() -> None:
    with pytest.raises(ValueError, match="no form was named, and who asks for nothing gets no yes"):
        decide((), TRAINING, day(5), day(10), forms=())


def test_recording_must_cover_the_form_as_well() -> None:
    history = (event(0, "grant", RECORDING, 1, forms=(TOKENS,)), event(1, "grant", TRAINING, 1))
    assert reason(history, forms=(TOKENS,)) is None
    assert reason(history, forms=(AUDIO,)) == "consent_form_not_covered"


def test_the_detail_says_how_to_do_without_the_form() -> None:
    history = both(forms=(TOKENS, ANNOTATIONS))
    detail = decide(history, RECORDING, day(5), day(10), forms=(TOKENS, AUDIO, TRANSCRIPT)).detail
    assert detail == (
        "Speaker 'spk-17', purpose recording: consent for recording as audio, transcript was given at "
        "2026-03-02T00:00:00Z for tokens, annotations and not for audio, transcript; if the speaker agreed to it, enter "
        "the decision again with its own --at and --form audio --form transcript, otherwise run without "
        "--include-audio and with --words none."
    )


def test_a_withdrawal_of_one_form_leaves_the_others() -> None:
    history = (*both(), event(2, "withdraw", TRAINING, 6, forms=(AUDIO,)))
    assert reason(history, forms=(TOKENS, TRANSCRIPT)) is None
    assert reason(history, forms=(TOKENS, AUDIO)) == "consent_withdrawn"
    assert standing(history, TRAINING, day(10), form=AUDIO).state is State.WITHDRAWN
    assert standing(history, TRAINING, day(10)).state is State.GIVEN


def test_a_later_grant_of_fewer_forms_replaces_the_earlier() -> None:
    history = (*both(), event(2, "grant", TRAINING, 6, forms=(TOKENS,)))
    assert reason(history, forms=(TOKENS,)) is None
    assert reason(history, forms=(AUDIO,)) == "consent_form_not_covered"


def test_a_grant_without_a_form_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="the grant names no form that it covers; name at least one of audio, transc"):
        event(0, "grant", TRAINING, 1, forms=())


# --- minors, retention ------------------------------------------------------------------------------------------------


def test_a_minor_is_refused_unless_a_guardian_is_on_record() -> None:
    assert reason(both(age_band=AgeBand.MINOR)) == "consent_minor"
    assert reason(both(age_years=15)) == "consent_minor"
    assert reason(both(age_band=AgeBand.MINOR, guardian=Guardian("papers 8"))) is None
    assert reason(both(age_band=AgeBand.ADULT)) is None
    assert reason(both()) is None


def test_who_was_a_minor_later_was_one_before() -> None:
    history = (*both(), event(2, "refuse", Purpose.LIKENESS, 3, age_band=AgeBand.MINOR))
    assert reason(history) == "consent_minor"
    assert decide(history, TRAINING, day(2), day(2)).allowed  # then nobody knew


def test_who_was_a_minor_before_may_be_an_adult_now() -> None:
    history = (event(0, "refuse", Purpose.LIKENESS, 0, age_band=AgeBand.MINOR), *both(age_band=AgeBand.ADULT))
    assert reason(history) is None


def test_a_guardian_who_decides_must_be_named() -> None:
    with pytest.raises(ValueError, match="decided_by is guardian and no guardian is named"):
        Terms(decided_by=Decider.GUARDIAN)


def test_the_recording_is_used_no_longer_than_its_retention() -> None:
    assert reason(both(retention_days=6)) is None
    assert reason(both(retention_days=5)) == "consent_retention_over"
    found = decide(both(retention_days=5), TRAINING, day(5), day(10)).detail
    assert "allows the recording to be kept for 5 days, until 2026-03-11T00:00:00Z; delete the recording or" in found


# --- invalidation -----------------------------------------------------------------------------------------------------


def test_an_invalidated_grant_never_was_valid() -> None:
    history = (*both(), event(2, "invalidate", TRAINING, 6))
    assert standing(both(), TRAINING, day(5)).state.iri == "https://w3id.org/dpv#ConsentGiven"
    assert standing_then(both(), TRAINING, day(5), form=TOKENS).state is State.GIVEN
    assert standing(history, TRAINING, day(5)).state is State.INVALIDATED
    assert standing_then(history, TRAINING, day(5), form=TOKENS).state is State.INVALIDATED


@pytest.mark.parametrize("at", [0, 1, 6, 99])
def test_an_invalidation_voids_what_is_in_the_log_before_it_whatever_it_is_dated(at: int) -> None:
    history = (*both(), event(2, "invalidate", TRAINING, at))
    assert standing_then(history, TRAINING, day(5), form=TOKENS).state is State.INVALIDATED
    assert reason(history) == "consent_invalidated"


def test_a_withdrawal_after_the_recording_does_not_change_how_it_stood_then() -> None:
    history = (*both(), event(2, "withdraw", TRAINING, 6))
    assert standing_then(history, TRAINING, day(5), form=TOKENS).state is State.GIVEN
    assert standing(history, TRAINING, day(5)).state is State.WITHDRAWN


FORM_SETS = st.sets(st.sampled_from(ALL_FORMS), min_size=1)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["grant", "withdraw", "refuse"]), st.integers(0, 12), FORM_SETS), max_size=6),
    st.tuples(st.sampled_from(["withdraw", "refuse", "revoke", "invalidate"]), st.integers(0, 12), FORM_SETS),
    st.integers(0, 12),
)
def test_a_denial_of_some_forms_ends_those_and_leaves_the_others_as_they_were(
    steps: list[tuple[str, int, set[Form]]], denial: tuple[str, int, set[Form]], now: int
) -> None:
    before = tuple(
        event(seq, action, TRAINING, at, forms=tuple(forms)) for seq, (action, at, forms) in enumerate(steps)
    )
    after = (*before, event(len(steps), denial[0], TRAINING, denial[1], forms=tuple(denial[2])))
    for form in ALL_FORMS:
        found = standing(after, TRAINING, day(now), form=form)
        if form in denial[2]:
            assert found.event is after[-1]
        else:
            assert found == standing(before, TRAINING, day(now), form=form)


@pytest.mark.parametrize("action", ["grant", "refuse", "withdraw"])
def test_others_cannot_decide_what_is_the_speakers(action: str) -> None:
    with pytest.raises(
        ValueError, match=f"{action} cannot be decided by controller; expected one of subject, guardian"
    ):
        event(0, action, TRAINING, 1, decided_by=Decider.CONTROLLER)


@pytest.mark.parametrize("action", ["revoke", "invalidate"])
def test_the_speaker_withdraws_and_does_not_revoke(action: str) -> None:
    with pytest.raises(
        ValueError, match=f"{action} cannot be decided by subject; expected one of controller, authority"
    ):
        event(0, action, TRAINING, 1, decided_by=Decider.SUBJECT)


# --- rules of jurisdictions -------------------------------------------------------------------------------------------

IDENTIFIED = {"method": Method.WRITTEN, "notice": NOTICE, "retention_days": 1095}


def test_bipa_asks_a_written_release_a_notice_and_a_retention_of_a_voiceprint() -> None:
    def found(**terms: Any) -> str | None:
        return reason(both(purpose=IDENTIFICATION, **terms), IDENTIFICATION, jurisdiction="US-IL")

    assert found(**IDENTIFIED) is None
    for name in IDENTIFIED:
        assert found(**{**IDENTIFIED, name: Terms.__dataclass_fields__[name].default}) == (
            "consent_jurisdiction_requirement"
        )
    assert found(**{**IDENTIFIED, "retention_days": 1096}) == "consent_jurisdiction_requirement"
    assert reason(both(), jurisdiction="US-IL") is None  # no voiceprint, no release


def test_the_detail_names_the_rule_its_source_and_the_cure() -> None:
    detail = decide(both(), TRAINING, day(5), day(10), jurisdiction="DE-BY").detail
    assert detail == (
        "Speaker 'spk-17', purpose training_inhouse: consent for recording, which training_inhouse needs, does not meet "
        "eu.gdpr.7.demonstrable (GDPR, Article 7(1) with recital 42): it names no notice and it names no controller; "
        "name the notice that was shown (--notice FILE) and the controller (--controller NAME); if the record is only "
        "incomplete, enter the decision again with its own --at and what is missing, otherwise leave the recording out."
    )


def test_gdpr_asks_explicit_consent_for_identification_and_recipients_for_redistribution() -> None:
    full: dict[str, Any] = {"notice": NOTICE, "controller": "Example Voice GmbH", "jurisdiction": "FR"}
    assert reason(both(**full)) is None
    assert reason(both(purpose=IDENTIFICATION, **full), IDENTIFICATION) == "consent_jurisdiction_requirement"
    explicit = full | {"expression": Expression.EXPLICIT}
    assert reason(both(purpose=IDENTIFICATION, **explicit), IDENTIFICATION) is None
    given = both(purpose=Purpose.REDISTRIBUTION, **full)
    assert reason(given, Purpose.REDISTRIBUTION) == "consent_jurisdiction_requirement"
    named = both(purpose=Purpose.REDISTRIBUTION, **full, recipients=("universities",))
    assert reason(named, Purpose.REDISTRIBUTION) is None


@pytest.mark.parametrize(
    ("jurisdiction", "years", "verified", "expected"),
    [
        ("FR", 14, False, "consent_jurisdiction_requirement"),
        ("FR", 14, True, None),
        ("FR", 15, False, None),
        ("DE", 15, False, "consent_jurisdiction_requirement"),
        ("HU", 15, False, "consent_jurisdiction_requirement"),  # lowered nothing: 16
        ("FR", None, False, "consent_jurisdiction_requirement"),  # a minor of unknown age is below every threshold
        ("GB-SCT", 12, False, "consent_jurisdiction_requirement"),
        ("GB-SCT", 13, False, None),
        ("US-NY", 12, False, "consent_jurisdiction_requirement"),
        ("US-NY", 13, False, None),
        ("JP", 15, False, "consent_jurisdiction_requirement"),
    ],
)
def test_below_the_age_of_the_jurisdiction_the_guardian_must_be_verified(
    jurisdiction: str, years: int | None, verified: bool, expected: str | None
) -> None:
    guardian = Guardian("papers 8", "parent", "identity card" if verified else None)
    history = both(
        age_band=AgeBand.MINOR, age_years=years, guardian=guardian, notice=NOTICE, controller="Example Voice GmbH"
    )
    assert reason(history, jurisdiction=jurisdiction) == expected


def test_the_jurisdictions_of_manifest_and_record_both_hold() -> None:
    history = both(jurisdiction="FR")
    assert reason(history) == "consent_jurisdiction_requirement"
    assert reason(history, jurisdiction="US-NY") == "consent_jurisdiction_requirement"
    assert reason(both(jurisdiction="US-NY"), jurisdiction="FR") == "consent_jurisdiction_requirement"


def test_an_unknown_place_and_an_unknown_age_warn() -> None:
    def warnings(**options: Any) -> tuple[str, ...]:
        return examine(both(**options.pop("terms", {})), TRAINING, day(5), day(10), **options).warnings

    assert warnings() == (
        "it is not known where the speaker was, so that only the base rule was applied",
        "it is not known whether the speaker was an adult; enter the decision with --age-band",
    )
    assert warnings(jurisdiction="AQ", terms={"age_band": AgeBand.ADULT}) == (
        "there are no rules for AQ in this version, so that only the base rule was applied",
    )


def test_a_rule_that_is_no_requirement_warns_with_its_source() -> None:
    found = examine(both(age_band=AgeBand.ADULT), TRAINING, day(5), day(10), jurisdiction="US-TX")
    assert found.findings == ()
    assert found.warnings == (
        (
            "us-tx.cubi.voice (Tex. Bus. & Com. Code § 503.001(a)): The section covers voiceprints. Do not compute any "
            "without the purpose speaker_identification."
        ),
    )


# --- any record -------------------------------------------------------------------------------------------------------

unhurried = settings(deadline=None)
maybe_notice = st.none() | st.just(NOTICE)
maybe_guardian = st.none() | st.just(Guardian("papers 8")) | st.just(Guardian("papers 8", None, "identity card"))
jurisdictions = st.none() | st.sampled_from(
    sorted({code for rule in load_rules() for code in rule.jurisdictions} | {"AQ", "DE-BY"})
)
forms = st.lists(st.sampled_from(ALL_FORMS), min_size=1, max_size=4, unique=True)


@st.composite
def terms(draw: st.DrawFn) -> dict[str, Any]:
    """Any particulars of a decision but its forms."""
    return {
        "method": draw(st.sampled_from(Method)),
        "expression": draw(st.sampled_from(Expression)),
        "notice": draw(maybe_notice),
        "controller": draw(st.none() | st.just("Example Voice GmbH")),
        "recipients": draw(st.sampled_from([(), ("universities",)])),
        "retention_days": draw(st.none() | st.integers(1, 2000)),
        "guardian": draw(maybe_guardian),
        "jurisdiction": draw(jurisdictions),
        "age_band": draw(st.sampled_from([AgeBand.ADULT, AgeBand.ADULT, AgeBand.UNKNOWN, AgeBand.MINOR])),
    }


@st.composite
def records(draw: st.DrawFn) -> tuple[ConsentEvent, ...]:
    """Grants of three purposes from the first day on, and up to three decisions of any kind after them."""
    granted = (RECORDING, TRAINING, IDENTIFICATION)
    events = [event(seq, "grant", purpose, 0, **draw(terms())) for seq, purpose in enumerate(granted)]
    for seq in range(3, 3 + draw(st.integers(0, 3))):
        action = draw(st.sampled_from(["grant", "grant", "grant", "refuse", "withdraw", "revoke", "invalidate"]))
        particulars = draw(terms()) | ({"forms": draw(forms)} if action == "grant" else {})
        events.append(event(seq, action, draw(st.sampled_from(granted)), draw(st.integers(0, 9)), **particulars))
    return tuple(events)


def no_rules(jurisdiction: str) -> tuple[Rule, ...]:
    return ()


@unhurried
@given(records(), jurisdictions, st.sampled_from([RECORDING, TRAINING, IDENTIFICATION]), forms, st.integers(0, 9))
def test_rules_of_jurisdictions_only_ever_forbid(
    record: tuple[ConsentEvent, ...], jurisdiction: str | None, purpose: Purpose, used: list[Form], recorded: int
) -> None:
    asked: dict[str, Any] = {"forms": used, "jurisdiction": jurisdiction}
    with_rules = decide(record, purpose, day(recorded), day(10), rules=rules_for, **asked)
    without = decide(record, purpose, day(recorded), day(10), rules=no_rules, **asked)
    assert without.allowed or not with_rules.allowed
    if not without.allowed:
        assert with_rules.reason == without.reason  # the jurisdiction adds to what is found and hides none of it


@unhurried
@given(records(), jurisdictions, st.sampled_from([RECORDING, TRAINING]), forms, forms, st.integers(0, 9))
def test_more_forms_never_allow_more(
    record: tuple[ConsentEvent, ...],
    jurisdiction: str | None,
    purpose: Purpose,
    used: list[Form],
    more: list[Form],
    recorded: int,
) -> None:
    fewer = decide(record, purpose, day(recorded), day(10), forms=used, jurisdiction=jurisdiction)
    larger = decide(record, purpose, day(recorded), day(10), forms={*used, *more}, jurisdiction=jurisdiction)
    assert fewer.allowed or not larger.allowed


@unhurried
@given(records(), st.sampled_from([RECORDING, TRAINING]), st.integers(0, 9), st.integers(0, 10))
def test_an_invalidation_at_the_end_forbids_every_recording_of_before(
    record: tuple[ConsentEvent, ...], purpose: Purpose, recorded: int, on: int
) -> None:
    invalidated = (*record, event(99, "invalidate", purpose, 10))
    regranted = (*invalidated, event(100, "grant", purpose, 10))
    assert not decide(invalidated, purpose, day(recorded), day(10)).allowed
    assert not decide(regranted, purpose, day(recorded), day(10)).allowed
