"""Settlement: amounts written out, and that the sums are exact and no order matters."""

import random
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duologue_consent.lineage.settlement import (
    ReleaseHours,
    SettlementError,
    Use,
    claims_bytes,
    divide,
    release_hours,
    settle,
)

HOUR_MS = 3_600_000
MAY = datetime(2026, 5, 1, tzinfo=UTC)


def make_use(use_id: str = "use-1", release: str = "v1", **fields: Any) -> Use:
    values: dict[str, Any] = {
        "use_id": use_id,
        "release": release,
        "at": MAY,
        "rate_minor_per_hour": 1000,
        "currency": "EUR",
    }
    return Use(**values | fields)


def make_recording(recording_id: str, duration_s: float, a: str, b: str) -> dict[str, Any]:
    return {"recording_id": recording_id, "duration_s": duration_s, "speaker_a": a, "speaker_b": b}


def amounts(release: ReleaseHours, **fields: Any) -> dict[str, int]:
    return {claim.speaker: claim.amount_minor for claim in settle([release], [make_use(**fields)])}


def test_a_recorded_hour_counts_for_both_of_its_speakers() -> None:
    rows = [make_recording("call-1", 3600.0, "ann", "ben"), make_recording("call-2", 1800.0, "ann", "cleo")]
    assert release_hours("v1", rows).recorded_ms == {"ann": 5_400_000, "ben": 3_600_000, "cleo": 1_800_000}


def test_the_rate_is_per_recorded_hour() -> None:
    release = ReleaseHours("v1", {"ann": 3 * HOUR_MS // 2, "ben": HOUR_MS, "cleo": HOUR_MS // 2})
    assert amounts(release) == {"ann": 1500, "ben": 1000, "cleo": 500}


def test_the_units_left_over_go_to_the_largest_remainders() -> None:
    # exact: 33.33, 33.33, 33.33 of 100; 10 x 7/20 = 3.5, 10 x 9/20 = 4.5, 10 x 4/20 = 2.0
    assert sorted(divide(100, {"ann": 1, "ben": 1, "cleo": 1}, salt="use-1").values()) == [33, 33, 34]
    assert divide(10, {"ann": 70, "ben": 91, "cleo": 39}, salt="use-1") == {"ann": 3, "ben": 5, "cleo": 2}
    assert divide(10, {"ann": 70, "ben": 89, "cleo": 41}, salt="use-1") == {"ann": 4, "ben": 4, "cleo": 2}


def test_of_equal_remainders_nobody_is_favoured_by_name() -> None:
    winners = {
        next(name for name, part in divide(1, {"ann": 1, "ben": 1}, salt=f"use-{number}").items() if part)
        for number in range(20)
    }
    assert winners == {"ann", "ben"}


@pytest.mark.parametrize(("recorded_ms", "owed"), [(1_799_999, 0), (1_800_000, 1), (3_600_000, 1), (5_400_000, 2)])
def test_the_sum_is_rounded_once_half_up(recorded_ms: int, owed: int) -> None:
    assert amounts(ReleaseHours("v1", {"ann": recorded_ms}), rate_minor_per_hour=1) == {"ann": owed}


def test_who_has_withdrawn_keeps_the_claims_from_before() -> None:
    before = ReleaseHours("v1", {"ann": HOUR_MS, "ben": HOUR_MS})
    after = ReleaseHours("v2", {"ben": HOUR_MS})
    uses = [make_use("use-2", "v2", at=datetime(2026, 6, 1, tzinfo=UTC)), make_use("use-1", "v1")]
    assert [(each.use_id, each.speaker, each.amount_minor) for each in settle([before, after], uses)] == [
        ("use-1", "ann", 1000),
        ("use-1", "ben", 1000),
        ("use-2", "ben", 1000),
    ]


def test_the_claims_as_bytes() -> None:
    claims = settle([ReleaseHours("v1", {"ann": HOUR_MS})], [make_use()])
    assert claims_bytes(claims) == (
        b'{"amount_minor":1000,"at":"2026-05-01T00:00:00Z","currency":"EUR","recorded_ms":3600000,"release":"v1",'
        b'"speaker":"ann","use_id":"use-1"}\n'
    )


def test_a_release_without_speakers_owes_nothing() -> None:
    assert settle([ReleaseHours("v1", {})], [make_use()]) == ()
    assert amounts(ReleaseHours("v1", {"ann": 0})) == {"ann": 0}


def test_input_that_contradicts_itself_is_refused() -> None:
    release = ReleaseHours("v1", {"ann": HOUR_MS})
    for arguments, fault in [
        (([release], [make_use(), make_use(currency="USD")]), "use use-1 is told in two ways"),
        (([release, ReleaseHours("v1", {"ann": 1})], []), "release v1 is given with two different contents"),
        (([release], [make_use(release="v9")]), "use use-1 is of release v9, which is not given"),
    ]:
        with pytest.raises(SettlementError, match=fault):
            settle(*arguments)
    with pytest.raises(SettlementError, match="recording call-1 comes twice"):
        release_hours("v1", [make_recording("call-1", 1.0, "ann", "ben")] * 2)
    with pytest.raises(SettlementError, match="recording call-1 has a negative duration"):
        release_hours("v1", [make_recording("call-1", -1.0, "ann", "ben")])
    with pytest.raises(SettlementError, match="speaker ann has a negative duration"):
        ReleaseHours("v1", {"ann": -1})
    with pytest.raises(SettlementError, match="the rate is negative"):
        make_use(rate_minor_per_hour=-1)
    with pytest.raises(SettlementError, match="its time has no zone"):
        make_use(at=datetime(2026, 5, 1))
    with pytest.raises(SettlementError, match="7 units cannot be divided among nobody"):
        divide(7, {"ann": 0}, salt="use-1")


speakers = st.sampled_from(["ann", "ben", "cleo", "dan", "eve", "fay"])


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**9), st.dictionaries(speakers, st.integers(0, 10**10), min_size=1))
def test_the_parts_add_up_and_none_is_a_unit_away_from_the_exact_share(total: int, weights: dict[str, int]) -> None:
    if not any(weights.values()):
        total = 0
    parts = divide(total, weights, salt="use-1")
    whole = sum(weights.values()) or 1
    assert sum(parts.values()) == total
    assert all(abs(parts[name] * whole - total * weights[name]) < whole for name in weights)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_any_order_and_any_repetition_gives_the_same_bytes_and_the_sums_are_exact(data: st.DataObject) -> None:
    rows = [
        make_recording(
            f"call-{number}", data.draw(st.floats(0, 10_000)), *data.draw(st.permutations(["ann", "ben", "cleo"]))[:2]
        )
        for number in range(data.draw(st.integers(1, 6)))
    ]
    rates = data.draw(st.lists(st.integers(0, 100_000), min_size=1, max_size=4))
    uses = [make_use(f"use-{number}", rate_minor_per_hour=rate) for number, rate in enumerate(rates)]
    claims = settle([release_hours("v1", rows)], uses)
    for use in uses:
        total_ms = 2 * sum(round(row["duration_s"] * 1000) for row in rows)
        paid = sum(claim.amount_minor for claim in claims if claim.use_id == use.use_id)
        assert paid == (2 * use.rate_minor_per_hour * total_ms + HOUR_MS) // (2 * HOUR_MS)

    shuffle = random.Random(data.draw(st.integers())).sample
    again = settle([release_hours("v1", shuffle(rows, len(rows)))] * 2, shuffle(uses, len(uses)) + uses)
    assert claims_bytes(again) == claims_bytes(claims)
