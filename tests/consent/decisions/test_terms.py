"""Consent records: their values, their JSON form, and what they refuse."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from duologue_consent import (
    Action,
    AgeBand,
    ConsentEvent,
    Decider,
    Evidence,
    Expression,
    Form,
    Guardian,
    Method,
    Notice,
    Purpose,
    Terms,
)
from duologue_consent.decisions.record import ConsentRecord
from duologue_schemas import iter_faults

EXAMPLES = Path(__file__).resolve().parents[3] / "schemas" / "duologue_schemas" / "examples" / "consent_record"
FULL = Terms(
    forms=(Form.TOKENS, Form.AUDIO),
    notice=Notice("a" * 64, "3", "pt-BR", "urn:example:notice:3"),
    method=Method.VERBAL,
    expression=Expression.EXPRESSED,
    decided_by=Decider.GUARDIAN,
    jurisdiction="US-IL",
    age_band=AgeBand.MINOR,
    age_years=12,
    guardian=Guardian("papers 8", "parent", "passport"),
    retention_days=1095,
    evidence=Evidence("b" * 64, "folder 12"),
    controller="Example Voice GmbH",
    recipients=("universities", "universities", "the public"),
)


def test_terms_survive_json() -> None:
    fields = json.loads(json.dumps(FULL.to_fields()))
    assert Terms.from_fields(fields) == FULL
    assert Terms.from_fields(Terms().to_fields()) == Terms()


def test_every_field_is_always_there_so_that_leaves_look_alike() -> None:
    assert FULL.to_fields().keys() == Terms().to_fields().keys()
    assert Terms().to_fields() == {
        "forms": [],
        "notice": None,
        "method": "unknown",
        "expression": "unknown",
        "decided_by": "subject",
        "jurisdiction": None,
        "age_band": "unknown",
        "age_years": None,
        "guardian": None,
        "retention_days": None,
        "evidence": None,
        "controller": None,
        "recipients": [],
    }


def test_forms_and_recipients_are_kept_once() -> None:
    assert FULL.forms == (Form.AUDIO, Form.TOKENS)
    assert FULL.recipients == ("universities", "the public")


def test_what_is_left_out_is_unknown_and_what_is_strange_passed_over() -> None:
    assert Terms.from_fields({"from_a_later_version": 1}) == Terms()


def test_a_child_in_years_is_a_minor() -> None:
    assert Terms(age_years=17).age_band is AgeBand.MINOR
    assert Terms(age_years=18).age_band is AgeBand.UNKNOWN


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "form": ({"forms": ["voice"]}, "unknown form 'voice'; expected one of audio, transcript, tokens, annotations"),
    "forms as text": ({"forms": "audio"}, "forms is 'audio'; write a list of texts"),
    "method": (
        {"method": "telepathy"},
        "unknown method 'telepathy'; expected one of written, electronic, verbal, unkn",
    ),
    "method as number": ({"method": 1}, "method is 1; write text"),
    "notice without hash": ({"notice": {"version": "3"}}, "notice lacks sha256; write an object with sha256, version"),
    "notice with more": ({"notice": {"hash": "a" * 64}}, "notice is {'hash': 'a"),
    "notice hash": ({"notice": {"sha256": "A" * 64}}, "is no SHA-256; write 64 lower-case hex digits"),
    "language": ({"notice": {"sha256": "a" * 64, "language": "German!"}}, "notice.language 'German!' is no BCP 47 tag"),
    "place": ({"jurisdiction": "germany"}, "jurisdiction 'germany' is no ISO 3166 code; write one such as DE or US-IL"),
    "retention": ({"retention_days": 0}, "retention_days is 0; write 1 to 36500 days"),
    "retention without end": ({"retention_days": 36501}, "retention_days is 36501; write 1 to 36500 days"),
    "retention as text": ({"retention_days": "3 years"}, "retention_days is '3 years'; write a whole number"),
    "truth as number": ({"age_years": True}, "age_years is True; write a whole number"),
    "old age": ({"age_years": 200}, "age_years is 200; write completed years"),
    "old minor": ({"age_band": "minor", "age_years": 21}, "age_band minor and age_years 21 contradict each other"),
    "empty evidence": ({"evidence": {}}, "evidence needs a sha256 or a reference"),
    "controller of nothing": ({"controller": " "}, "controller ' ' says nothing; write printable text or leave it out"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_terms_that_cannot_be_are_refused_with_the_field(name: str) -> None:
    fields, message = REFUSED[name]
    with pytest.raises(ValueError) as error:
        Terms.from_fields(fields)
    assert message in str(error.value)


def test_an_event_survives_json() -> None:
    at = datetime(2026, 3, 1, 10, tzinfo=UTC)
    event = ConsentEvent(
        7, "spk-17", Purpose.RECORDING, Action.GRANT, at, datetime(2028, 3, 1, tzinfo=UTC), "c" * 64, FULL
    )
    fields = json.loads(json.dumps(event.to_fields()))
    assert ConsentEvent.from_fields(fields, seq=7, sha256="c" * 64) == event
    assert {"seq", "sha256"}.isdisjoint(fields)


@pytest.mark.parametrize("missing", ["speaker_id", "purpose", "action", "at"])
def test_an_event_needs_who_what_and_when(missing: str) -> None:
    fields = {"speaker_id": "s", "purpose": "recording", "action": "refuse", "at": "2026-03-01T10:00:00Z"}
    del fields[missing]
    with pytest.raises(ValueError, match=f"{missing}: missing or no text"):
        ConsentEvent.from_fields(fields, seq=0, sha256="")


def test_only_a_grant_ends_by_itself_and_not_before_it_begins() -> None:
    fields = {"speaker_id": "s", "purpose": "recording", "at": "2026-03-01T10:00:00Z", "forms": ["tokens"]}
    for action, end, message in (
        ("refuse", "2026-04-01T10:00:00Z", "only a grant ends by itself"),
        ("grant", "2026-03-01T10:00:00Z", "not after it begins at 2026-03-01T10:00:00Z"),
    ):
        with pytest.raises(ValueError, match=message):
            ConsentEvent.from_fields({**fields, "action": action, "expires_at": end}, seq=0, sha256="")


# --- whole records ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted((EXAMPLES / "valid").glob("*.json")), ids=lambda path: path.stem)
def test_the_valid_examples_are_read(path: Path) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    record = ConsentRecord.from_document(document)
    assert [event.purpose for event in record.events] == [item["purpose"] for item in document["decisions"]]
    assert {event.speaker_id for event in record.events} == {document["speaker_id"]}


# null is refused by the schema, which a record is written against, and is unknown to the reader
@pytest.mark.parametrize(
    "path",
    [path for path in sorted((EXAMPLES / "invalid").glob("*.json")) if path.stem != "expires-null"],
    ids=lambda path: path.stem,
)
def test_the_invalid_examples_are_refused_here_too(path: Path) -> None:
    with pytest.raises(ValueError):
        ConsentRecord.from_document(json.loads(path.read_text(encoding="utf-8")))


def test_each_purpose_is_decided_once() -> None:
    document = json.loads((EXAMPLES / "valid" / "minimal.json").read_text(encoding="utf-8"))
    document["decisions"].append({"purpose": "recording", "action": "refuse"})
    with pytest.raises(ValueError, match="decisions name recording twice; decide each purpose once"):
        ConsentRecord.from_document(document)


def test_what_an_event_keeps_can_be_written_as_a_record() -> None:
    fields = {name: value for name, value in FULL.to_fields().items() if name != "forms"}
    decision = {"purpose": "recording", "action": "grant", "forms": ["audio", "tokens"]}
    document = {
        "schema": "consent_record/1.0",
        "speaker_id": "spk-17",
        "at": "2026-03-01T10:00:00Z",
        **fields,
        "decisions": [decision],
    }
    assert list(iter_faults("consent_record", document)) == []
    (event,) = ConsentRecord.from_document(document).events
    assert event.terms == FULL
