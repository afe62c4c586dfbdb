"""The rule of consent as a table of named cases, and what holds for any history."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duologue_consent import Action, ConsentEvent, Grant, Purpose, Snapshot, State, decide
from duologue_consent.decisions.standing import standing
from duologue_consent.decisions.terms import Terms
from duologue_consent.decisions.vocabulary import ALL_FORMS, Decider

RECORDING, TRAINING, LIKENESS = Purpose.RECORDING, Purpose.TRAINING_INHOUSE, Purpose.LIKENESS
Step = tuple[str, Purpose, int] | tuple[str, Purpose, int, int]


def day(number: int) -> datetime:
    """The moment from which all cases count: day 0 is 2026-03-01T00:00:00Z."""
    return datetime(2026, 3, 1, tzinfo=UTC) + timedelta(days=number)


def make_history(*steps: Step, speaker_id: str = "spk-17", first_seq: int = 1) -> tuple[ConsentEvent, ...]:
    """Events from (action, purpose, day of effect, day of expiry if any), in the order of appending."""
    return tuple(
        ConsentEvent(
            seq=seq,
            speaker_id=speaker_id,
            purpose=step[1],
            action=Action(step[0]),
            at=day(step[2]),
            expires_at=day(step[3]) if len(step) == 4 else None,
            sha256=f"{seq:064x}",
            terms=Terms(
                forms=ALL_FORMS if step[0] == "grant" else (),
                decided_by=Decider.AUTHORITY if step[0] in ("revoke", "invalidate") else Decider.SUBJECT,
            ),
        )
        for seq, step in enumerate(steps, start=first_seq)
    )


BOTH_DAY_1: tuple[Step, ...] = (("grant", RECORDING, 1), ("grant", TRAINING, 1))
RECORDED, NOW = 5, 10

# (history, day of the recording, day of the question, the reason for no; None for yes)
CASES: dict[str, tuple[Sequence[Step], int | None, int, str | None]] = {
    "both given before the recording": (BOTH_DAY_1, RECORDED, NOW, None),
    "given at the very moment of the recording": (BOTH_DAY_1, 1, NOW, None),
    "expires after now": ([("grant", RECORDING, 1), ("grant", TRAINING, 1, 11)], RECORDED, NOW, None),
    "refused first, then given, then recorded": ([("refuse", TRAINING, 0), *BOTH_DAY_1], RECORDED, NOW, None),
    "given again, in force then and now": (
        [*BOTH_DAY_1, ("withdraw", TRAINING, 7), ("grant", TRAINING, 8)],
        RECORDED,
        NOW,
        None,
    ),
    "withdrawn, dated after now": ([*BOTH_DAY_1, ("withdraw", TRAINING, 11)], RECORDED, NOW, "consent_withdrawn"),
    "refused, dated after now, and given before": (
        [("refuse", TRAINING, 11), *BOTH_DAY_1],
        RECORDED,
        NOW,
        "consent_refused",
    ),
    "withdrawal entered late, from before the grant": (
        [("grant", RECORDING, 1), ("grant", TRAINING, 3), ("withdraw", TRAINING, 2)],
        RECORDED,
        NOW,
        "consent_withdrawn",
    ),
    "withdrawal entered late, and the grant entered again": (
        [("grant", RECORDING, 1), ("grant", TRAINING, 3), ("withdraw", TRAINING, 2), ("grant", TRAINING, 3)],
        RECORDED,
        NOW,
        None,
    ),
    "given in the moment of the withdrawal, entered after it": (
        [*BOTH_DAY_1, ("withdraw", TRAINING, 6), ("grant", TRAINING, 6)],
        RECORDED,
        NOW,
        None,
    ),
    "given between two denials, entered after both": (
        [*BOTH_DAY_1, ("withdraw", TRAINING, 6), ("refuse", TRAINING, 8), ("grant", TRAINING, 7)],
        RECORDED,
        NOW,
        "consent_refused",
    ),
    "withdrawal of another purpose": (
        [*BOTH_DAY_1, ("grant", LIKENESS, 1), ("withdraw", LIKENESS, 2)],
        RECORDED,
        NOW,
        None,
    ),
    "grant entered late with its true time": ([("grant", TRAINING, 1), ("grant", RECORDING, 1)], RECORDED, NOW, None),
    "unknown speaker": ([], RECORDED, NOW, "consent_unknown_speaker"),
    "unknown speaker and time": ([], None, NOW, "consent_unknown_speaker"),
    "unknown time": (BOTH_DAY_1, None, NOW, "consent_recording_time_unknown"),
    "unknown time and withdrawn": (
        [*BOTH_DAY_1, ("withdraw", TRAINING, 2)],
        None,
        NOW,
        "consent_recording_time_unknown",
    ),
    "purpose never asked": ([("grant", RECORDING, 1)], RECORDED, NOW, "consent_not_given"),
    "recording never asked": ([("grant", TRAINING, 1)], RECORDED, NOW, "consent_not_given"),
    "only other purposes asked": ([("grant", LIKENESS, 1)], RECORDED, NOW, "consent_not_given"),
    "given only after now": ([("grant", RECORDING, 1), ("grant", TRAINING, 11)], RECORDED, NOW, "consent_not_given"),
    "refused": ([("grant", RECORDING, 1), ("refuse", TRAINING, 1)], RECORDED, NOW, "consent_refused"),
    "refused after it was given": ([*BOTH_DAY_1, ("refuse", TRAINING, 6)], RECORDED, NOW, "consent_refused"),
    "withdrawn": ([*BOTH_DAY_1, ("withdraw", TRAINING, 6)], RECORDED, NOW, "consent_withdrawn"),
    "withdrawn at this very moment": ([*BOTH_DAY_1, ("withdraw", TRAINING, NOW)], RECORDED, NOW, "consent_withdrawn"),
    "withdrawn in the same moment, appended later": (
        [*BOTH_DAY_1, ("withdraw", TRAINING, 1)],
        RECORDED,
        NOW,
        "consent_withdrawn",
    ),
    "recording withdrawn ends the purpose": (
        [*BOTH_DAY_1, ("withdraw", RECORDING, 6)],
        RECORDED,
        NOW,
        "consent_withdrawn",
    ),
    "grant entered after the withdrawal with an earlier time": (
        [("grant", RECORDING, 1), ("withdraw", TRAINING, 6), ("grant", TRAINING, 1)],
        RECORDED,
        NOW,
        "consent_withdrawn",
    ),
    "expired": ([("grant", RECORDING, 1), ("grant", TRAINING, 1, 6)], RECORDED, NOW, "consent_expired"),
    "expires at this very moment": (
        [("grant", RECORDING, 1), ("grant", TRAINING, 1, NOW)],
        RECORDED,
        NOW,
        "consent_expired",
    ),
    "given after the recording": (
        [("grant", RECORDING, 1), ("grant", TRAINING, 6)],
        RECORDED,
        NOW,
        "consent_after_recording",
    ),
    "recording given after the recording": (
        [("grant", RECORDING, 6), ("grant", TRAINING, 1)],
        RECORDED,
        NOW,
        "consent_after_recording",
    ),
    "given again, but withdrawn at the recording": (
        [*BOTH_DAY_1, ("withdraw", TRAINING, 4), ("grant", TRAINING, 6)],
        RECORDED,
        NOW,
        "consent_withdrawn",
    ),
    "given now, but refused at the recording": (
        [("grant", RECORDING, 1), ("refuse", TRAINING, 4), ("grant", TRAINING, 6)],
        RECORDED,
        NOW,
        "consent_refused",
    ),
    "given again, but expired at the recording": (
        [("grant", RECORDING, 1), ("grant", TRAINING, 1, 4), ("grant", TRAINING, 6)],
        RECORDED,
        NOW,
        "consent_expired",
    ),
    "ended by the controller": ([*BOTH_DAY_1, ("revoke", TRAINING, 6)], RECORDED, NOW, "consent_revoked"),
    "ended by the controller, given again, recorded before": (
        [*BOTH_DAY_1, ("revoke", TRAINING, 6), ("grant", TRAINING, 7)],
        RECORDED,
        NOW,
        None,
    ),
    "found invalid": ([*BOTH_DAY_1, ("invalidate", TRAINING, 6)], RECORDED, NOW, "consent_invalidated"),
    "found invalid, given again, recorded before": (
        [*BOTH_DAY_1, ("invalidate", TRAINING, 6), ("grant", TRAINING, 7)],
        RECORDED,
        NOW,
        "consent_invalidated",
    ),
    "found invalid, given again, recorded after": (
        [*BOTH_DAY_1, ("invalidate", TRAINING, 3), ("grant", TRAINING, 4)],
        RECORDED,
        NOW,
        None,
    ),
    "found invalid, dated after now": (
        [*BOTH_DAY_1, ("invalidate", TRAINING, 11)],
        RECORDED,
        NOW,
        "consent_invalidated",
    ),
    "found invalid after now, given again later still, recorded before": (
        [*BOTH_DAY_1, ("invalidate", TRAINING, 9), ("grant", TRAINING, 9)],
        RECORDED,
        NOW,
        "consent_invalidated",
    ),
    "withdrawn comes before refused": (
        [("grant", RECORDING, 1), ("refuse", RECORDING, 2), ("grant", TRAINING, 1), ("withdraw", TRAINING, 2)],
        RECORDED,
        NOW,
        "consent_withdrawn",
    ),
    "refused comes before expired": (
        [("grant", RECORDING, 1, 6), ("refuse", TRAINING, 1)],
        RECORDED,
        NOW,
        "consent_refused",
    ),
    "expired comes before not given": ([("grant", RECORDING, 1, 6)], RECORDED, NOW, "consent_expired"),
    "not given comes before after the recording": ([("grant", RECORDING, 6)], RECORDED, NOW, "consent_not_given"),
}


@pytest.mark.parametrize("name", CASES)
def test_training_inhouse(name: str) -> None:
    steps, recorded, now, reason = CASES[name]
    recorded_at = None if recorded is None else day(recorded)

    decision = decide(make_history(*steps), TRAINING, recorded_at, day(now), speaker_id="spk-17")

    assert decision.reason == reason
    assert decision.allowed is (reason is None)
    assert bool(decision.grants) is decision.allowed
    assert "'spk-17'" in decision.detail
    assert "training_inhouse" in decision.detail


def test_recording_needs_only_itself() -> None:
    assert decide(make_history(("grant", RECORDING, 1)), RECORDING, day(5), day(10)).allowed


def test_a_yes_names_the_grants_it_rests_on_recording_first() -> None:
    history = make_history(("grant", TRAINING, 1, 20), ("grant", RECORDING, 2))
    assert decide(history, TRAINING, day(5), day(10)).grants == (
        Grant("recording", f"{2:064x}", "2026-03-03T00:00:00Z", None),
        Grant("training_inhouse", f"{1:064x}", "2026-03-02T00:00:00Z", "2026-03-21T00:00:00Z"),
    )


def test_a_yes_after_a_second_grant_names_the_grant_then_and_the_grant_now() -> None:
    history = make_history(*BOTH_DAY_1, ("withdraw", TRAINING, 7), ("grant", TRAINING, 8))
    grants = decide(history, TRAINING, day(5), day(10)).grants
    assert [(grant.purpose, grant.granted_at) for grant in grants] == [
        ("recording", "2026-03-02T00:00:00Z"),
        ("training_inhouse", "2026-03-02T00:00:00Z"),
        ("training_inhouse", "2026-03-09T00:00:00Z"),
    ]


DETAILS = {
    "unknown speaker": (
        "Speaker 'spk-17', purpose training_inhouse: the ledger has no event of this speaker; if the speaker agreed "
        "before the recording was made, enter it with `duologue consent grant --at TIME`, otherwise leave the "
        "recording out."
    ),
    "unknown time": (
        "Speaker 'spk-17', purpose training_inhouse: it is not known when the recording was made, so that no consent "
        "can be shown to precede it; give started_at in its manifest line."
    ),
    "recording never asked": (
        "Speaker 'spk-17', purpose training_inhouse: consent for recording, which training_inhouse needs, has not been "
        "given; if the speaker agreed before the recording was made, enter it with "
        "`duologue consent grant --at TIME`, otherwise leave the recording out."
    ),
    "withdrawn": (
        "Speaker 'spk-17', purpose training_inhouse: consent for training_inhouse was withdrawn at "
        "2026-03-07T00:00:00Z; leave the recording out."
    ),
    "expired": (
        "Speaker 'spk-17', purpose training_inhouse: consent for training_inhouse expired at 2026-03-07T00:00:00Z; "
        "ask the speaker and enter a new grant with `duologue consent grant`, or leave the recording out."
    ),
    "given after the recording": (
        "Speaker 'spk-17', purpose training_inhouse: consent for training_inhouse was given after the recording was "
        "made at 2026-03-06T00:00:00Z; if the speaker agreed before the recording was made, enter it with "
        "`duologue consent grant --at TIME`, otherwise leave the recording out."
    ),
    "given again, but withdrawn at the recording": (
        "Speaker 'spk-17', purpose training_inhouse: consent for training_inhouse was withdrawn at "
        "2026-03-05T00:00:00Z, before the recording was made at 2026-03-06T00:00:00Z; leave the recording out, a "
        "later grant does not cover it."
    ),
    "withdrawal entered late, from before the grant": (
        "Speaker 'spk-17', purpose training_inhouse: consent for training_inhouse was withdrawn at "
        "2026-03-03T00:00:00Z; if the grant of 2026-03-04T00:00:00Z was given after that, enter it again with its own "
        "--at, otherwise leave the recording out."
    ),
    "both given before the recording": (
        "Speaker 'spk-17', purpose training_inhouse: consent was in force when the recording was made at "
        "2026-03-06T00:00:00Z and is at 2026-03-11T00:00:00Z."
    ),
}


@pytest.mark.parametrize("name", DETAILS)
def test_the_detail_says_what_was_found_and_what_to_do(name: str) -> None:
    steps, recorded, now, _ = CASES[name]
    recorded_at = None if recorded is None else day(recorded)
    assert decide(make_history(*steps), TRAINING, recorded_at, day(now), speaker_id="spk-17").detail == DETAILS[name]


def test_of_two_equal_faults_that_of_recording_is_told() -> None:
    history = make_history(*BOTH_DAY_1, ("withdraw", TRAINING, 6), ("withdraw", RECORDING, 7))
    assert "recording, which training_inhouse needs, was withdrawn at 2026-03-08" in (
        decide(history, TRAINING, day(5), day(10)).detail
    )


def test_an_expired_grant_stands_as_expired_even_where_an_earlier_one_has_no_end() -> None:
    history = make_history(("grant", TRAINING, 1), ("grant", TRAINING, 2, 4))
    assert standing(history, TRAINING, day(3)).state is State.GIVEN
    assert standing(history, TRAINING, day(4)).state is State.EXPIRED


def test_events_of_two_speakers_are_a_mistake_of_the_caller() -> None:
    mixed = make_history(*BOTH_DAY_1) + make_history(("grant", LIKENESS, 1), speaker_id="spk-42", first_seq=3)
    with pytest.raises(ValueError, match="of 2 speakers"):
        decide(mixed, TRAINING, day(5), day(10))


def test_an_unknown_purpose_is_told_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="unknown purpose 'training'; the purposes are recording, training_inhouse,"):
        decide(make_history(*BOTH_DAY_1), "training", day(5), day(10))


@pytest.mark.parametrize(("recorded_at", "as_of"), [(datetime(2026, 3, 5), day(10)), (day(5), datetime(2026, 3, 10))])
def test_times_without_a_zone_are_refused(recorded_at: datetime, as_of: datetime) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        decide(make_history(*BOTH_DAY_1), TRAINING, recorded_at, as_of)


# --- any history ----------------------------------------------------------------------------------------------------

unhurried = settings(deadline=None)  # a busy machine is no fault
days = st.integers(0, 12)
purposes = st.sampled_from([RECORDING, TRAINING, LIKENESS])
grants = st.one_of(
    st.tuples(st.just("grant"), purposes, days),
    st.tuples(st.just("grant"), purposes, days, st.integers(1, 9)).map(
        lambda step: (step[0], step[1], step[2], step[2] + step[3])
    ),
)
denials = st.tuples(st.sampled_from(["refuse", "withdraw", "revoke"]), purposes, days)
histories = st.lists(st.one_of(grants, grants, denials), max_size=8)  # invalidations: test_policy_terms.py


def holds_now(history: Sequence[ConsentEvent], purpose: Purpose, moment: datetime) -> bool:
    """The rule of now once more, by replaying the events in the order of the log: a denial clears all that was given."""
    floor = datetime.min.replace(tzinfo=UTC)
    live: list[ConsentEvent] = []
    for event in sorted((event for event in history if event.purpose == purpose), key=lambda event: event.seq):
        if event.action != "grant":
            floor, live = max(floor, event.at), []
        elif event.at >= floor:
            live.append(event)
    begun = [event for event in live if event.at <= moment]
    last = max(begun, key=lambda event: (event.at, event.seq), default=None)
    return last is not None and (last.expires_at is None or moment < last.expires_at)


def held_then(history: Sequence[ConsentEvent], purpose: Purpose, moment: datetime) -> bool:
    """The rule of then once more, by replaying the events in the order of their effect."""
    live_until: datetime | None = None
    for event in sorted((event for event in history if event.at <= moment), key=lambda event: (event.at, event.seq)):
        if event.purpose == purpose:
            never = datetime.max.replace(tzinfo=UTC)
            live_until = (event.expires_at or never) if event.action == "grant" else None
    return live_until is not None and moment < live_until


@unhurried
@given(histories, purposes, days, days)
def test_the_answer_is_that_of_a_replay(steps: list[Step], purpose: Purpose, recorded: int, now: int) -> None:
    history = make_history(*steps)
    expected = all(
        holds_now(history, needed, day(now)) and held_then(history, needed, day(recorded))
        for needed in {RECORDING, purpose}
    )
    assert decide(history, purpose, day(recorded), day(now)).allowed is expected


@unhurried
@given(histories, st.lists(denials, max_size=4), purposes, days, days)
def test_without_a_new_grant_no_stays_no(
    steps: list[Step], more: list[Step], purpose: Purpose, recorded: int, now: int
) -> None:
    if not decide(make_history(*steps), purpose, day(recorded), day(now)).allowed:
        assert not decide(make_history(*steps, *more), purpose, day(recorded), day(now)).allowed


all_denials = st.one_of(denials, st.tuples(st.just("invalidate"), purposes, days))


@unhurried
@given(histories, all_denials, days, days)
def test_a_denial_that_is_appended_ends_it_now_whatever_it_is_dated(
    steps: list[Step], denial: tuple[str, Purpose, int], recorded: int, now: int
) -> None:
    history, purpose = make_history(*steps, denial), denial[1]
    assert standing(history, purpose, day(now)).state not in (State.GIVEN, State.EXPIRED, State.NOT_COVERED)
    assert not decide(history, purpose, day(recorded), day(now)).allowed
    if purpose is RECORDING:
        assert not decide(history, TRAINING, day(recorded), day(now)).allowed


@unhurried
@given(histories, st.lists(all_denials, min_size=1, max_size=3), purposes, days, days)
def test_no_moment_of_the_question_is_from_before_a_denial(
    steps: list[Step], more: list[Step], purpose: Purpose, recorded: int, now: int
) -> None:
    history = make_history(*steps, *more)
    denied = {step[1] for step in more}
    early, late = (decide(history, purpose, day(recorded), day(moment)) for moment in (now, 99))
    assert not (early.allowed or late.allowed) or not denied & {RECORDING, purpose}


@unhurried
@given(histories, grants, purposes, days, days)
def test_a_grant_that_is_appended_changes_nothing_while_it_is_dated_before_a_denial(
    steps: list[Step], grant: Step, purpose: Purpose, recorded: int, now: int
) -> None:
    history = make_history(*steps, ("refuse", grant[1], grant[2] + 1))
    added = make_history(*steps, ("refuse", grant[1], grant[2] + 1), grant)
    assert standing(added, grant[1], day(now)) == standing(history, grant[1], day(now))
    assert decide(added, grant[1], day(recorded), day(now)).allowed is False


@unhurried
@given(histories, st.lists(denials, max_size=4), days, st.sampled_from([RECORDING, TRAINING]))
def test_after_a_withdrawal_only_a_new_grant_makes_yes(
    steps: list[Step], more: list[Step], recorded: int, withdrawn: Purpose
) -> None:
    history = make_history(*steps, ("withdraw", withdrawn, 12), *more)
    assert not decide(history, TRAINING, day(recorded), day(12)).allowed


@unhurried
@given(histories, histories, purposes, days, days)
def test_events_of_another_speaker_change_nothing(
    steps: list[Step], others: list[Step], purpose: Purpose, recorded: int, now: int
) -> None:
    own = make_history(*steps)
    theirs = make_history(*others, speaker_id="spk-42", first_seq=len(own) + 1)
    alone, together = (
        Snapshot.of(
            ledger_id="test", salt=b"salt", events=0, decisions=events, pseudonyms={"spk-17": "0", "spk-42": "1"}
        ).decide("spk-17", purpose=purpose, recorded_at=day(recorded), as_of=day(now))
        for events in (own, own + theirs)
    )
    assert together == alone


@unhurried
@given(st.permutations(make_history(*CASES["withdrawn comes before refused"][0], ("grant", TRAINING, 6))), days)
def test_the_order_in_which_events_are_passed_is_nothing(history: list[ConsentEvent], recorded: int) -> None:
    in_order = sorted(history, key=lambda event: event.seq)
    assert decide(history, TRAINING, day(recorded), day(10)) == decide(in_order, TRAINING, day(recorded), day(10))


def test_of_one_moment_the_event_appended_last_counts() -> None:
    given_then_refused = make_history(("grant", RECORDING, 1), ("refuse", RECORDING, 1))
    first, second = given_then_refused
    refused_then_given = (replace(first, seq=2), replace(second, seq=1))
    assert standing(given_then_refused, RECORDING, day(1)).state is State.REFUSED
    assert standing(refused_then_given, RECORDING, day(1)).state is State.GIVEN
