"""What both speakers allow beside what a run asks for: by purpose, by form, by place, and few are not counted out."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from duologue_cards import Tally
from duologue_consent import ALL_FORMS, Form, Ledger, Notice, Purpose, Terms, parse_time
from duologue_pipeline.consent.coverage import (
    NOTICED,
    Coverage,
    coverage_document,
    coverage_moment,
    samples_ms,
    tally_uses,
)
from duologue_pipeline.records import ConsentBasis, GrantRef, Recording, SpeakerConsent, Track

AT = parse_time("2026-01-01T00:00:00Z")
RECORDED = parse_time("2026-02-01T00:00:00Z")
NOTICE = Terms(forms=ALL_FORMS, notice=Notice("0" * 64))


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Ann allows all of recording, training and redistribution, bob redistribution as tokens only."""
    made = Ledger.create(tmp_path / "consent.db", created_at=AT - timedelta(days=1))
    made.grant("ann", [Purpose.RECORDING, Purpose.TRAINING_INHOUSE, Purpose.REDISTRIBUTION], at=AT, terms=NOTICE)
    made.grant("bob", [Purpose.RECORDING, Purpose.TRAINING_INHOUSE], at=AT)
    made.grant("bob", [Purpose.REDISTRIBUTION], at=AT, terms=Terms(forms=(Form.TOKENS,)))
    return made


def row(ledger: Ledger, name: str = "call-1", **fields: Any) -> dict[str, Any]:
    snapshot = ledger.snapshot()
    return {
        "recording_id": name,
        "speaker_a": snapshot.commitment("ann"),
        "speaker_b": snapshot.commitment("bob"),
        "jurisdiction_a": "BR",
        "jurisdiction_b": None,
        "started_at": "2026-02-01T00:00:00Z",
        "words_a": False,
        "words_b": False,
    } | fields


def coverage(ledger: Ledger) -> Coverage:
    return Coverage(ledger.snapshot(), parse_time("2026-03-01T00:00:00Z"))


def test_only_what_both_allow_is_covered_form_by_form(ledger: Ledger) -> None:
    found = coverage(ledger).of_row(row(ledger), ["training_inhouse"], include_audio=False)
    assert found == {
        *(f"{purpose}/{form}" for purpose in ("recording", "training_inhouse") for form in Form),
        "recording",
        "training_inhouse",
        "redistribution/tokens",
    }


def test_whoever_was_taken_out_is_not_asked_and_whom_nobody_knows_allows_nothing(ledger: Ledger) -> None:
    alone = coverage(ledger).of_row(row(ledger, speaker_b="withdrawn"), ["training_inhouse"], include_audio=True)
    assert {"redistribution", "redistribution/audio", NOTICED} <= alone
    assert coverage(ledger).of_row(row(ledger, speaker_b="f" * 64), ["training_inhouse"], include_audio=True) == set()


def test_a_grant_without_notice_is_told(ledger: Ledger) -> None:
    assert NOTICED not in coverage(ledger).of_row(row(ledger), ["training_inhouse"], include_audio=False)
    ledger.grant("bob", [Purpose.RECORDING, Purpose.TRAINING_INHOUSE], at=AT + timedelta(days=1), terms=NOTICE)
    assert NOTICED in coverage(ledger).of_row(row(ledger), ["training_inhouse"], include_audio=False)


def test_what_passed_the_gate_is_covered_at_whatever_moment_one_asks(ledger: Ledger) -> None:
    snapshot = ledger.snapshot()
    a, b = (
        SpeakerConsent(snapshot.commitment(name), (GrantRef("training_inhouse", "0" * 64, "2026-01-01T00:00:00Z"),))
        for name in ("ann", "bob")
    )
    basis = ConsentBasis("training_inhouse", snapshot.ledger_id, ("tokens", "annotations"), a, b)
    recording = Recording("call-1", Track("ann", "a.wav"), Track("bob", "b.wav"))
    early = Coverage(snapshot, AT - timedelta(hours=1)).of_basis(recording, basis, RECORDED)
    assert early.uses == ("training_inhouse", "training_inhouse/annotations", "training_inhouse/tokens")
    assert replace(early, uses=()) == basis


def test_the_moment_comes_from_the_ledger_and_not_from_a_clock(ledger: Ledger) -> None:
    snapshot = ledger.snapshot()
    assert coverage_moment(snapshot, None) == snapshot.latest
    assert coverage_moment(snapshot, RECORDED) == RECORDED


def documented(
    ledger: Ledger, count: int, people: dict[str | None, int], later: bool = False, **uses: int
) -> dict[str, Any]:
    """``consent.coverage`` of so many conversations; of each purpose, or purpose/form, so many allow it."""
    rows = [row(ledger, f"call-{n}") for n in range(count)]
    names = [each["recording_id"] for each in rows]
    allowed = {
        name: {use.replace("__", "/") for use, many in uses.items() if place < many} for place, name in enumerate(names)
    }
    tally = tally_uses(rows, dict.fromkeys(names, 1500), allowed)
    tally.update({("recordings", "train"): count, **{("jurisdiction", place): many for place, many in people.items()}})
    document = coverage_document(tally, checked_at="2026-03-01T00:00:00Z", events=9, later=later)["consent"]
    found: dict[str, Any] = document["coverage"]
    return found


def test_cells_of_few_stay_empty_unless_they_are_all(ledger: Ledger) -> None:
    found = documented(ledger, 6, {"BR": 6, None: 6}, recording=6, recording__audio=6, likeness=1, likeness__audio=1)
    recording, likeness = found["recording"], found["likeness"]
    assert (recording["recordings"], recording["duration_s"]) == (6, 9.0)
    assert recording["jurisdictions"]["BR"] == {"recordings": 6, "duration_s": 9.0}
    assert likeness["fewer_than"] == 5
    assert "recordings" not in likeness
    assert likeness["forms"]["audio"] == {"fewer_than": 5}
    assert likeness["forms"]["tokens"] == {"recordings": 0, "duration_s": 0.0}
    assert likeness["jurisdictions"]["BR"] == {"kept_back": True}
    assert coverage_document(Tally(), checked_at=None, events=0) == {}


@pytest.mark.parametrize(
    ("uses", "told"),
    [
        ({"likeness": 20}, 20),  # all
        ({"likeness": 15}, 15),
        ({"likeness": 16}, None),  # four are left who do not allow it
        ({"recording": 15, "likeness": 12}, None),  # three allow the one and not the other
        ({"recording": 15, "likeness": 10}, 10),
        ({"likeness": 0}, 0),
    ],
)
def test_a_count_is_told_where_its_difference_to_another_tells_of_few(
    ledger: Ledger, uses: dict[str, int], told: int | None
) -> None:
    found = documented(ledger, 20, {"BR": 20}, **dict[str, Any](uses))["likeness"]
    assert found.get("recordings") == told
    assert found.get("kept_back", False) is (told is None)


def test_a_form_is_not_told_where_few_allow_it_and_not_the_others(ledger: Ledger) -> None:
    found = documented(ledger, 20, {"BR": 20}, likeness=8, likeness__audio=8, likeness__tokens=10)["likeness"]
    assert found["forms"]["audio"]["recordings"] == 8
    assert found["forms"]["tokens"] == {"kept_back": True}


def test_no_place_is_told_where_one_has_few_speakers(ledger: Ledger) -> None:
    found = documented(ledger, 20, {"BR": 17, "CL": 4}, recording=20)["recording"]
    assert found["jurisdictions"] == {"BR": {"kept_back": True}, "CL": {"kept_back": True}}


def test_after_a_withdrawal_a_count_is_told_only_where_it_is_all_or_none(ledger: Ledger) -> None:
    found = documented(ledger, 20, {"BR": 20}, later=True, recording=20, likeness=10, redistribution=3)
    assert found["recording"]["recordings"] == 20
    assert found["likeness"]["kept_back"] is True
    assert found["redistribution"]["kept_back"] is True
    assert found["speaker_identification"]["recordings"] == 0
    assert found["recording"]["jurisdictions"] == {"BR": {"kept_back": True}}


def test_samples_are_summed_by_recording() -> None:
    index = pa.table({"recording_id": ["a", "b", "a"], "start_s": [0.0, 0.0, 2.0], "end_s": [2.0, 1.5, 3.25]})
    assert samples_ms(index, index) == {"a": 6500, "b": 3000}
