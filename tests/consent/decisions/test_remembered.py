"""Whoever is asked about many recordings gets the answers that each of them would get by itself."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from duologue_consent import ALL_FORMS, AgeBand, ConsentEvent, Form, Purpose, Snapshot
from duologue_consent.decisions.remembered import RememberingSnapshot
from tests.consent.decisions.test_policy_terms import both, day, event, forms, jurisdictions, records

PHASES = (Phase.explicit, Phase.reuse, Phase.generate)  # what fails is short enough to be read
ALIKE = "SPK-17"
"""Looks like spk-17, whose events the other tests make."""


def snapshot_of(events: tuple[ConsentEvent, ...], alike: tuple[ConsentEvent, ...] = ()) -> Snapshot:
    others = [replace(each, speaker_id=ALIKE, seq=each.seq + 100) for each in alike]
    decisions = sorted([*events, *others], key=lambda each: each.seq)
    return Snapshot.of(
        ledger_id="l", events=500, salt=b"s", decisions=decisions, pseudonyms={"spk-17": "1" * 64, ALIKE: "2" * 64}
    )


@st.composite
def histories(draw: st.DrawFn) -> tuple[ConsentEvent, ...]:
    """Decisions of an adult, mostly grants of all forms, of which some end or limit how long a recording is kept."""
    events = []
    for number in range(draw(st.integers(1, 4))):
        action = draw(st.sampled_from(["grant", "grant", "grant", "withdraw"]))
        on = draw(st.integers(-8, 9))
        kept = draw(st.none() | st.integers(1, 15)) if action == "grant" else None
        ends = draw(st.none() | st.integers(1, 12)) if action == "grant" else None
        named = ALL_FORMS if action == "grant" else ()
        covered = draw(st.just(named) | st.sampled_from([tuple(Form)[:1], tuple(Form)[1:]]))
        for place, purpose in enumerate((Purpose.RECORDING, Purpose.TRAINING_INHOUSE)):
            made = event(
                2 * number + place, action, purpose, on, retention_days=kept, age_band=AgeBand.ADULT, forms=covered
            )
            events.append(replace(made, expires_at=None if ends is None else made.at + timedelta(days=ends)))
    return tuple(events)


@settings(max_examples=300, deadline=None, phases=PHASES)
@given(
    histories(),
    histories() | st.just(()),
    st.lists(st.tuples(st.integers(-20, 20), st.integers(0, 16), forms), min_size=4, max_size=12),
)
def test_every_answer_is_that_of_a_snapshot_that_remembers_nothing(
    events: tuple[ConsentEvent, ...], alike: tuple[ConsentEvent, ...], questions: list[tuple[int, int, list[Form]]]
) -> None:
    plain = snapshot_of(events, alike)
    remembering = RememberingSnapshot.of_snapshot(plain)
    for half, later, used in [*questions, *questions]:
        asked: Any = {
            "purpose": Purpose.TRAINING_INHOUSE,
            "recorded_at": day(0) + timedelta(hours=12 * half),
            "as_of": day(8) + timedelta(hours=12 * later),
            "forms": used,
        }
        expected, found = plain.decide("spk-17", **asked), remembering.decide("spk-17", **asked)
        if expected.allowed:
            expected, found = replace(expected, detail=""), replace(found, detail="")
        assert found == expected


@settings(max_examples=100, deadline=None, phases=PHASES)
@given(records(), jurisdictions, forms, forms)
def test_places_and_forms_are_asked_for_anew(
    events: tuple[ConsentEvent, ...], jurisdiction: str | None, first: list[Form], second: list[Form]
) -> None:
    plain = snapshot_of(events)
    remembering = RememberingSnapshot.of_snapshot(plain)
    for used in (first, second, first):
        for place in (None, jurisdiction):
            asked: Any = {"purpose": "training_inhouse", "recorded_at": day(5), "as_of": day(10), "forms": used}
            expected = plain.decide("spk-17", jurisdiction=place, **asked)
            assert remembering.decide("spk-17", jurisdiction=place, **asked).reason == expected.reason


@pytest.mark.parametrize("days", [-5, 0, 5])
def test_the_very_moments_of_a_grant_and_of_its_retention_count_as_they_do_by_themselves(days: int) -> None:
    plain = snapshot_of(both(1, retention_days=6))
    remembering = RememberingSnapshot.of_snapshot(plain)
    for moment in (day(1), day(4), day(1) - timedelta(microseconds=1), day(4) + timedelta(microseconds=1), day(9)):
        for _ in range(2):
            asked: Any = {"purpose": "training_inhouse", "recorded_at": moment + timedelta(days=days), "as_of": day(10)}
            assert remembering.decide("spk-17", **asked).reason == plain.decide("spk-17", **asked).reason


def test_another_moment_or_purpose_is_another_question() -> None:
    events = tuple(replace(each, expires_at=day(20)) for each in both(1))
    remembering = RememberingSnapshot.of_snapshot(snapshot_of(events))

    def reason(on: int, purpose: str = "training_inhouse") -> str | None:
        return remembering.decide("spk-17", purpose=purpose, recorded_at=day(5), as_of=day(on)).reason

    assert [reason(10), reason(30), reason(10), reason(10, "redistribution")] == [
        None,
        "consent_expired",
        None,
        "consent_not_given",
    ]
