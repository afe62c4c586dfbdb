"""The receipt for a speaker: by its schema, in the language of the notice."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

import pytest

from duologue_consent import (
    ALL_FORMS,
    Action,
    AgeBand,
    ConsentEvent,
    Decider,
    Form,
    Method,
    Notice,
    Purpose,
    Snapshot,
    State,
    Terms,
)
from duologue_consent.decisions.consent_receipt import LANGUAGES, consent_receipt, receipt_text
from duologue_schemas import iter_faults

NOW = datetime(2026, 11, 21, 12, 0, 0, 250_000, tzinfo=UTC)
MARCH = datetime(2026, 3, 1, 10, tzinfo=UTC)
MAY = datetime(2026, 5, 1, 10, tzinfo=UTC)
DECIDERS = {Action.REVOKE: Decider.CONTROLLER, Action.INVALIDATE: Decider.AUTHORITY}


def event(seq: int, purpose: str, action: Action, at: datetime = MARCH, **terms: Any) -> ConsentEvent:
    if action is Action.GRANT:
        terms.setdefault("forms", ALL_FORMS)
    terms.setdefault("decided_by", DECIDERS.get(action, Decider.SUBJECT))
    return ConsentEvent(seq, "spk-17", Purpose(purpose), action, at, None, f"{seq:064x}", Terms(**terms))


def receipt(*events: ConsentEvent, as_of: datetime = NOW) -> dict[str, Any]:
    snapshot = Snapshot.of(
        ledger_id="ledger-1", events=9, salt=b"0" * 32, decisions=events, pseudonyms={"spk-17": "c" * 64}
    )
    document = consent_receipt(snapshot, "spk-17", as_of=as_of)
    assert list(iter_faults("consent_receipt", json.loads(json.dumps(document)))) == []
    return document


GRANTED = event(0, "recording", Action.GRANT)


def states(document: dict[str, Any]) -> list[tuple[str, str]]:
    return [(row["state"], row["state_term"]) for row in document["purposes"]]


def test_it_says_how_every_purpose_stands_in_our_words_and_in_those_of_dpv() -> None:
    document = receipt(
        GRANTED,
        event(1, "training_inhouse", Action.GRANT),
        event(2, "training_inhouse", Action.WITHDRAW, MAY),
        event(3, "redistribution", Action.REFUSE),
        event(4, "likeness", Action.GRANT),
        event(5, "likeness", Action.INVALIDATE, MAY),
    )
    assert states(document) == [
        ("given", "dpv:ConsentGiven"),
        ("withdrawn", "dpv:ConsentWithdrawn"),
        ("refused", "dpv:ConsentRefused"),
        ("not asked", "dpv:ConsentUnknown"),
        ("invalidated", "dpv:ConsentInvalidated"),
    ]
    assert [row["state_term"] for row in document["decisions"]][-2:] == ["dpv:ConsentGiven", "dpv:ConsentInvalidated"]
    assert [row["since"] for row in document["purposes"]][:2] == ["2026-03-01T10:00:00Z", "2026-05-01T10:00:00Z"]


def test_it_holds_what_was_decided_with_all_its_terms() -> None:
    terms: dict[str, Any] = {"method": Method.WRITTEN, "jurisdiction": "DE", "age_band": AgeBand.ADULT}
    (decision,) = receipt(event(0, "recording", Action.GRANT, forms=(Form.TOKENS,), **terms))["decisions"]
    assert (decision["seq"], decision["leaf_sha256"]) == (0, "0" * 64)
    assert (decision["forms"], decision["method"], decision["jurisdiction"]) == (["tokens"], "written", "DE")


def test_its_id_changes_with_the_record_and_not_with_the_clock() -> None:
    first, again = receipt(GRANTED), receipt(GRANTED, as_of=MAY)
    assert first["receipt_id"] == again["receipt_id"]
    assert first["issued_at"] != again["issued_at"]
    assert receipt(GRANTED, event(1, "likeness", Action.REFUSE))["receipt_id"] != first["receipt_id"]


@pytest.mark.parametrize(
    ("notices", "language", "title"),
    [
        ([], "en", "# Consent receipt"),
        (["de-AT"], "de-AT", "# Einwilligungsbeleg"),
        (["de", "fr"], "fr", "# Reçu de consentement"),
        (["ja"], "ja", "# 同意の受領証"),
    ],
)
def test_it_is_in_the_language_of_the_notice_shown_last(notices: Sequence[str], language: str, title: str) -> None:
    events = [
        event(number, "recording", Action.GRANT, notice=Notice("a" * 64, language=tag))
        for number, tag in enumerate(notices)
    ]
    document = receipt(*(events or [GRANTED]))
    assert document["language"] == language
    assert receipt_text(document).startswith(f"{title}\n")


def test_a_language_without_a_text_gets_english_and_is_told_so() -> None:
    text = receipt_text(receipt(event(0, "recording", Action.GRANT, notice=Notice("a" * 64, language="cy"))))
    assert text.splitlines()[:3] == [
        "# Consent receipt",
        "",
        "(There is no text in the language of the notice, cy; this one is in English.)",
    ]


def test_the_english_text_whole() -> None:
    notice = Notice("a" * 64, "3", "en", "urn:example:notice:3")
    document = receipt(event(0, "recording", Action.GRANT, notice=notice, forms=(Form.AUDIO,), retention_days=30))
    assert (
        receipt_text(document)
        == f"""# Consent receipt

This is what is on record about your consent, as of 2026-11-21T12:00:00Z.

- Speaker: spk-17
- Stands for you in published data: `{"c" * 64}`
- Ledger: ledger-1

## How it stands

| Purpose | State | Since | Until | Covers |
| --- | --- | --- | --- | --- |
| Recording the conversation and keeping it | given | 2026-03-01T10:00:00Z | – | sound |
| Training models by whoever holds the recording | not asked | – | – | – |
| Giving the data to others | not asked | – | – | – |
| Recognising you by your voice | not asked | – | – | – |
| Imitating your voice | not asked | – | – | – |

## What was decided

### Recording the conversation and keeping it: yes

- When: 2026-03-01T10:00:00Z
- Covers: sound
- How: not recorded
- By: you
- Notice: version 3, urn:example:notice:3, SHA-256 `{"a" * 64}`
- Kept for: 30 days

You can withdraw any of this at any time, as easily as you gave it. Tell whoever asked you, and name this receipt: \
{document["receipt_id"]}. A withdrawal does not make unlawful what was done before it.
"""
    )


def vocabulary(language: str) -> dict[str, Any]:
    file = files("duologue_consent.decisions") / "receipt_texts" / f"{language}.json"
    texts: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return texts


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_a_word_for_everything(language: str) -> None:
    texts = vocabulary(language)
    assert texts.keys() == vocabulary("en").keys()
    assert texts["purposes"].keys() == set(Purpose)
    assert texts["states"].keys() == set(State)
    assert texts["actions"].keys() == set(Action)
    assert texts["form_names"].keys() == set(Form)
    assert texts["methods"].keys() == set(Method)
    assert texts["deciders"].keys() == set(Decider)
    assert "{as_of}" in texts["intro"]
    assert "{receipt_id}" in texts["rights"]
    assert "{n}" in texts["days"]


def test_a_speaker_without_events_gets_none() -> None:
    snapshot = Snapshot.of(ledger_id="ledger-1", events=0, salt=b"0" * 32, decisions=(), pseudonyms={})
    with pytest.raises(ValueError, match="the ledger has no event of speaker 'spk-99'; see all with"):
        consent_receipt(snapshot, "spk-99", as_of=NOW)
