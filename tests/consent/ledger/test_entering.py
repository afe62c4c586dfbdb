"""A table enters a ledger whole or not at all, on SQLite and on PostgreSQL."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from duologue_consent import ALL_FORMS, Ledger, LedgerError, Purpose, Terms
from duologue_consent.bulk.entries import Entry
from duologue_consent.bulk.faults import TableError
from duologue_consent.decisions.events import Action
from duologue_consent.ledger.entering import UnclearPeopleError
from duologue_consent.ledger.transaction import Transaction

MARCH = datetime(2026, 3, 1, tzinfo=UTC)
BOTH = (Purpose.RECORDING, Purpose.TRAINING_INHOUSE)
JOSE, OTHER_JOSE = "Jos\u00e9", "Jose\u0301"


def grants(*speakers: str, start: int = 2, **options: bool) -> list[Entry]:
    return [
        Entry(row, Action.GRANT, speaker, BOTH, MARCH, None, Terms(forms=ALL_FORMS), **options)
        for row, speaker in enumerate(speakers, start)
    ]


def withdrawals(*speakers: str) -> list[Entry]:
    return [Entry(row, Action.WITHDRAW, speaker, None, None, None, Terms()) for row, speaker in enumerate(speakers, 2)]


def refused(ledger: Ledger, entries: Sequence[Entry]) -> list[str]:
    size = ledger.size()
    with pytest.raises(TableError) as error:
        ledger.append_entries(entries)
    assert ledger.size() == size
    return [str(fault) for fault in error.value.faults]


def test_every_row_is_entered_in_its_order(location: str) -> None:
    ledger = Ledger.create(location)
    entered = ledger.append_entries(grants("b", "a"))
    assert [[event.seq for event in each.events] for each in entered] == [[0, 1], [2, 3]]
    assert [each.entry.speaker_id for each in entered] == ["b", "a"]
    ended = ledger.append_entries(withdrawals("a", "b"))
    assert [[(event.seq, event.purpose) for event in each.events] for each in ended] == [
        [(4, BOTH[0]), (5, BOTH[1])],
        [(6, BOTH[0]), (7, BOTH[1])],
    ]
    assert Ledger.open(location).check().leaves == 8
    assert [ledger.snapshot().history("a")[-1].sha256] == [ended[0].events[-1].sha256]


def test_one_bad_row_keeps_all_out_and_every_bad_row_is_told(location: str) -> None:
    ledger = Ledger.create(location)
    ledger.append_entries(grants("a"))
    assert refused(ledger, withdrawals("a", "nobody", "neither")) == [
        f"row {row}, speaker: {ledger.name}: has no event of speaker {name!r}, so nothing to withdraw; see `duologue consent status`; correct the row, or take it out"
        for row, name in ((3, "nobody"), (4, "neither"))
    ]
    assert "row 2, speaker: 'a\\tb' is no speaker id" in refused(ledger, grants("a\tb", "c"))[0]


def test_a_transaction_that_breaks_off_leaves_nothing(location: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger.create(location)
    ledger.append_entries(grants("a"))
    whole = Transaction.append

    def broken(self: Transaction, items: object) -> object:
        whole(self, items)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(Transaction, "append", broken)
    with pytest.raises(KeyboardInterrupt):
        ledger.append_entries(grants("b", "c"))
    monkeypatch.undo()
    assert ledger.check().leaves == 2
    assert Ledger.open(location).snapshot().speakers == ("a",)


def test_a_dry_run_finds_what_would_be_refused_and_appends_nothing(location: str) -> None:
    ledger = Ledger.create(location)
    drafted = ledger.append_entries(grants("a", "b"), dry_run=True)
    assert [[event.seq for event in each.events] for each in drafted] == [[-1, -1], [-1, -1]]
    assert ledger.size() == 0
    with pytest.raises(TableError):
        ledger.append_entries(withdrawals("a"), dry_run=True)


def test_an_id_that_looks_like_a_known_one_or_one_of_a_row_before_is_asked_about(location: str) -> None:
    ledger = Ledger.create(location)
    with pytest.raises(UnclearPeopleError) as error:
        ledger.append_entries(grants(JOSE, "b", OTHER_JOSE))
    ((entry, alike),) = error.value.cases
    assert (entry.row, alike) == (4, (JOSE,))
    assert str(error.value.faults[0]).startswith(
        r"row 4, speaker: 'Jose\u0301' is not in the ledger, but looks like 'José'"
    )
    assert ledger.size() == 0
    ledger.append_entries(grants(JOSE))
    assert "'JOSE" in refused(ledger, grants(OTHER_JOSE.upper()))[0]

    same = ledger.append_entries(grants(OTHER_JOSE, same_person=True))
    assert {event.speaker_id for event in same[0].events} == {JOSE}
    new = ledger.append_entries(grants(OTHER_JOSE, new_person=True))
    assert {(event.speaker_id, event.new_person) for event in new[0].events} == {(OTHER_JOSE, True)}
    assert ledger.snapshot().speakers == (OTHER_JOSE, JOSE)


def test_a_no_by_either_form_finds_both(location: str) -> None:
    ledger = Ledger.create(location)
    ledger.append_entries(grants(JOSE))
    (found,) = ledger.append_entries(withdrawals(OTHER_JOSE))
    assert {event.speaker_id for event in found.events} == {JOSE}
    ledger.append_entries(grants("spk-9"))
    (found,) = ledger.append_entries(withdrawals("SPK-9"))
    assert {event.speaker_id for event in found.events} == {"spk-9"}


def test_the_same_person_is_one_and_not_two(location: str) -> None:
    ledger = Ledger.create(location)
    ledger.append_entries([*grants(JOSE), *grants(OTHER_JOSE, start=3, new_person=True)])
    third = grants("jos\u00e9", same_person=True)
    assert "who are on record as different people" in refused(ledger, third)[0]


def test_a_damaged_ledger_is_no_fault_of_a_row(location: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger.create(location)
    ledger.append_entries(grants("a"))

    def damaged(*_: object) -> object:
        raise LedgerError("is damaged at leaf 0", 0)

    monkeypatch.setattr(Transaction, "history", damaged)
    with pytest.raises(LedgerError, match="is damaged at leaf 0"):
        ledger.append_entries(withdrawals("a"))


def test_a_withdrawal_before_the_grant_is_told(location: str) -> None:
    ledger = Ledger.create(location)
    ledger.append_entries(grants("a"))
    early = Entry(2, Action.WITHDRAW, "a", BOTH, MARCH - timedelta(days=1), None, Terms())
    assert "had not granted recording, training_inhouse by 2026-02-28T00:00:00Z" in refused(ledger, [early])[0]
