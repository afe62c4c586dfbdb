"""Ids that look alike at every command: a yes needs a word, a no finds whom it is for, and all is named."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from duologue_consent import Ledger, Purpose
from duologue_consent.cli.app import app
from duologue_consent.decisions.names import skeleton
from duologue_schemas import iter_faults

ZOE, OTHER_ZOE, THIRD_ZOE = "Zo\u00eb", "Zoe\u0308", "ZOE\u0308"
AT = "2026-02-20T09:00:00Z"
MARCH = datetime(2026, 3, 1, tzinfo=UTC)
BOTH = ("--purpose", "recording", "--purpose", "training_inhouse")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "consent.db"
    Ledger.create(path)
    return path


def consent(path: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--ledger", str(path)])


def done(path: Path, *arguments: str) -> str:
    result = consent(path, *arguments)
    assert result.exit_code == 0, result.output
    return result.output


def refused(path: Path, *arguments: str) -> str:
    size = Ledger.open(path).size()
    result = consent(path, *arguments)
    assert result.exit_code == 2, result.output
    assert Ledger.open(path).size() == size
    return result.output


def allows(path: Path, speaker: str) -> bool:
    snapshot = Ledger.open(path).snapshot()
    return snapshot.decide(speaker, purpose="training_inhouse", recorded_at=MARCH, as_of=datetime.now(UTC)).allowed


def test_a_grant_under_a_look_alike_is_refused_and_names_both(path: Path) -> None:
    done(path, "grant", ZOE, *BOTH, "--at", AT)
    said = refused(path, "grant", OTHER_ZOE, *BOTH, "--at", AT)
    assert r"'Zoe\u0308' is not in the ledger, but looks like 'Zoë'" in said
    assert "--new-person" in said


@pytest.mark.parametrize(
    "command", [("withdraw",), ("revoke", "--by", "controller"), ("invalidate", "--by", "authority"), ("refuse", *BOTH)]
)
def test_a_no_under_a_look_alike_finds_the_person(path: Path, command: tuple[str, ...]) -> None:
    done(path, "grant", ZOE, *BOTH, "--at", AT)
    said = done(path, command[0], OTHER_ZOE, *command[1:])
    assert r"'Zoe\u0308' is not in the ledger; this is entered for 'Zoë', which looks like it" in said
    assert Ledger.open(path).snapshot().speakers == (ZOE,)
    assert not allows(path, ZOE)


def older_ledger(path: Path) -> None:
    """Both spellings entered before ids were compared."""
    ledger = Ledger.open(path)
    for speaker in (ZOE, OTHER_ZOE):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("duologue_consent.ledger.speakers.look_alikes", lambda *_: ())
            ledger.grant(speaker, [Purpose.RECORDING, Purpose.TRAINING_INHOUSE], at=MARCH - timedelta(days=9))


@pytest.mark.parametrize("spelling", [ZOE, OTHER_ZOE, THIRD_ZOE])
def test_a_no_is_for_all_of_an_older_ledger_who_may_be_meant(path: Path, spelling: str) -> None:
    older_ledger(path)
    assert allows(path, ZOE)
    said = done(path, "withdraw", spelling)
    assert r"ë'" in said
    assert r"\u0308'" in said
    assert [allows(path, each) for each in (ZOE, OTHER_ZOE)] == [False, False]
    assert Ledger.open(path).size() == 4 + 4  # each purpose of each once


def test_a_no_before_ids_were_compared_counts_for_both(path: Path) -> None:
    older_ledger(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("duologue_consent.ledger.speakers.look_alikes", lambda *_: ())
        Ledger.open(path).withdraw(ZOE, at=MARCH + timedelta(days=9))
    decision = (
        Ledger.open(path)
        .snapshot()
        .decide(OTHER_ZOE, purpose="training_inhouse", recorded_at=MARCH, as_of=datetime.now(UTC))
    )
    assert decision.reason == "consent_look_alike"
    assert r"looks like 'Zoë'" in decision.detail


def test_who_is_another_person_is_meant_by_the_very_id_alone(path: Path) -> None:
    done(path, "grant", ZOE, *BOTH, "--at", AT)
    done(path, "grant", OTHER_ZOE, *BOTH, "--at", AT, "--new-person")
    said = done(path, "withdraw", ZOE)
    assert r"'Zoe\u0308' looks like 'Zoë'; this is not entered for 'Zoe\u0308'" in said
    assert [allows(path, each) for each in (ZOE, OTHER_ZOE)] == [False, True]
    assert "on record as different people" in refused(path, "withdraw", THIRD_ZOE)


def test_the_word_is_not_kept_where_nobody_looks_alike(path: Path) -> None:
    done(path, "grant", ZOE, *BOTH, "--at", AT, "--new-person")
    assert not any(event.new_person for event in Ledger.open(path).snapshot().history(ZOE))


def test_a_record_is_refused_or_finds_the_person(path: Path, tmp_path: Path) -> None:
    done(path, "grant", ZOE, *BOTH, "--at", AT)
    file = tmp_path / "record.json"
    record = {"schema": "consent_record/1.0", "speaker_id": OTHER_ZOE, "at": AT}
    file.write_text(
        json.dumps({**record, "decisions": [{"purpose": "likeness", "action": "grant", "forms": ["audio"]}]})
    )
    assert "--new-person" in refused(path, "grant", "--record", str(file))
    file.write_text(json.dumps({**record, "decisions": [{"purpose": "training_inhouse", "action": "withdraw"}]}))
    assert r"this is entered for 'Zoë'" in done(path, "grant", "--record", str(file))
    assert not allows(path, ZOE)


def test_status_shows_both(path: Path) -> None:
    older_ledger(path)
    for spelling in (ZOE, THIRD_ZOE):
        said = done(path, "status", spelling)
        assert r"note: 'Zoe\u0308' and 'Zoë' look alike; they may be one person" in said
        document = json.loads(done(path, "status", spelling, "--format", "json"))
        assert {row["speaker_id"] for row in document["consents"]} == {ZOE, OTHER_ZOE}


def test_receipt_and_forget_name_who_looks_like_it(path: Path) -> None:
    done(path, "grant", ZOE, *BOTH, "--at", AT)
    assert r"which looks like 'Zoë'; write that id" in refused(path, "receipt", OTHER_ZOE)
    assert r"which looks like 'Zoë'; write the id" in refused(path, "forget", OTHER_ZOE, "--yes")
    done(path, "grant", OTHER_ZOE, *BOTH, "--at", AT, "--new-person")
    assert r"'Zoe\u0308', which looks like it, is still in the ledger" in done(path, "forget", ZOE, "--yes")
    done(path, "grant", "zoe\u0308", *BOTH, "--at", AT, "--new-person")


def test_who_was_forgotten_looks_like_nobody(path: Path) -> None:
    ledger = Ledger.open(path)
    ledger.grant(ZOE, [Purpose.RECORDING], at=MARCH)
    ledger.forget(ZOE)
    ledger.grant(OTHER_ZOE, [Purpose.RECORDING], at=MARCH)
    assert ledger.snapshot().speakers == (OTHER_ZOE,)
    assert skeleton(ZOE) == skeleton(OTHER_ZOE)


def test_when_a_decision_was_entered_is_shown_where_it_was_later(path: Path) -> None:
    before = datetime.now(UTC)
    done(path, "grant", "spk-1", *BOTH, "--at", AT)
    done(path, "grant", "spk-2", *BOTH)
    snapshot = Ledger.open(path).snapshot()
    entered = snapshot.history("spk-1")[0].entered_at
    assert entered is not None
    assert before <= entered <= datetime.now(UTC)
    said = done(path, "status", "--details")
    assert f"note: grant of recording by spk-1: given at {AT}, entered at {entered:%Y-%m-%dT%H:%M:}" in said
    assert "by spk-2" not in said
    document = json.loads(done(path, "receipt", "spk-1", "--format", "json"))
    assert list(iter_faults("consent_receipt", document)) == []
    assert document["decisions"][0]["entered_at"] == snapshot.history("spk-1")[0].to_fields()["entered_at"]
    assert "- Entered: " in done(path, "receipt", "spk-1")
    assert "- Entered: " not in done(path, "receipt", "spk-2")
