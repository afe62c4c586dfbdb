"""A clock that is behind what is on record is found before anything is decided."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from duologue_consent import Ledger, LedgerError, Purpose
from duologue_consent.cli.app import app
from duologue_consent.decisions.clock import CLOCK_TOLERANCE, clock_fault
from duologue_consent.decisions.standing import State, standing

NOW = datetime(2026, 3, 1, 10, tzinfo=UTC)
BOTH = [Purpose.RECORDING, Purpose.TRAINING_INHOUSE]
DATED: dict[str, object] = {
    "expires_at": "2999-01-01T00:00:00Z",
    "remark": "at",
    "n": 3,
    "used": {"at": "2999-01-01T00:00:00Z"},
}


def test_two_clocks_that_are_set_may_differ_a_little() -> None:
    assert clock_fault(None, NOW) is None
    assert clock_fault(NOW + CLOCK_TOLERANCE, NOW) is None
    assert clock_fault(NOW + CLOCK_TOLERANCE + timedelta(microseconds=1), NOW) == (
        "is ahead of this machine's clock: something in it is dated 2026-03-01T10:05:00.000001Z, and the clock shows "
        "2026-03-01T10:00:00Z; set the clock and run the command again; if it is right, another one was ahead when that was "
        "dated: wait until then"
    )


def test_a_ledger_that_is_ahead_does_not_open_for_who_asks_on_a_clock(path: Path) -> None:
    ledger = Ledger.create(path, created_at=NOW - timedelta(days=2))
    ledger.grant("anna", BOTH, at=NOW - timedelta(days=1), expires_at=NOW + timedelta(days=999), entered_at=NOW)
    assert Ledger.open(path, now=NOW).size() == 2  # an end may lie in the future
    ledger.withdraw("anna", at=NOW + timedelta(hours=1), entered_at=NOW)
    with pytest.raises(
        LedgerError, match=r"consent.db: is ahead of this machine's clock: something in it is dated 2026-03"
    ):
        Ledger.open(path, now=NOW)
    assert Ledger.open(path, now=NOW + timedelta(hours=1)).size() == 4
    assert Ledger.open(path).size() == 4  # who asks no clock


def test_whatever_is_dated_counts_and_nothing_else(path: Path) -> None:
    ledger = Ledger.create(path, created_at=NOW)
    assert ledger.snapshot().latest == NOW
    ledger.append("some.thing", DATED)
    ledger.append("some.thing", {"at": "tomorrow"})
    assert ledger.snapshot().latest == NOW
    ledger.append("notice.acknowledged", {"at": "2026-03-05T00:00:00Z"})
    assert ledger.snapshot().latest == datetime(2026, 3, 5, tzinfo=UTC)
    assert ledger.snapshot(1).latest == datetime(2026, 3, 5, tzinfo=UTC)  # the clock has been there
    ledger.grant("anna", BOTH, at=NOW, entered_at=NOW)
    ledger.forget("anna", at=datetime(2026, 3, 9, tzinfo=UTC))
    assert ledger.snapshot().latest == datetime(2026, 3, 9, tzinfo=UTC)


def test_a_ledger_that_will_be_made_tomorrow_is_ahead(path: Path) -> None:
    Ledger.create(path, created_at=NOW + timedelta(days=1))
    with pytest.raises(LedgerError, match="is ahead of this machine's clock"):
        Ledger.open(path, now=NOW)


def consent(*arguments: object) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)], prog_name="duologue consent")


COMMANDS: dict[str, tuple[str, ...]] = {
    "grant": ("grant", "anna", "--purpose", "recording"),
    "status": ("status",),
    "receipt": ("receipt", "anna"),
    "lineage add": ("lineage", "add", "m", "--dataset", "out"),
    "lineage list": ("lineage", "list"),
    "lineage notices": ("lineage", "notices"),
    "settle": ("settle",),
}

DENIALS: dict[str, tuple[str, ...]] = {
    "refuse": ("refuse", "anna", "--purpose", "recording", "--purpose", "training_inhouse"),
    "withdraw": ("withdraw", "anna"),
    "withdraw a purpose": ("withdraw", "anna", "--purpose", "recording", "--purpose", "training_inhouse"),
    "revoke": ("revoke", "anna", "--by", "controller"),
    "invalidate": ("invalidate", "anna", "--by", "authority"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_that_decides_or_shows_how_consent_stands_asks_the_clock(command: str, path: Path) -> None:
    Ledger.create(path).grant("anna", BOTH, at=datetime.now(UTC) + timedelta(days=1))
    before = path.read_bytes()
    result = consent(*COMMANDS[command], "--ledger", path)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert f"{path}: is ahead of this machine's clock: something in it is dated " in line
    assert "; set the clock and run the command again; if it is right" in line
    assert path.read_bytes() == before
    assert consent("check", path).exit_code == 0  # what does not hang on a clock goes on


EXPECTED = {
    "refuse": State.REFUSED,
    "withdraw": State.WITHDRAWN,
    "withdraw a purpose": State.WITHDRAWN,
    "revoke": State.REVOKED,
    "invalidate": State.INVALIDATED,
}


@pytest.mark.parametrize("denial", DENIALS)
def test_a_no_needs_no_clock(denial: str, path: Path) -> None:
    later = datetime.now(UTC) + timedelta(days=400)
    Ledger.create(path).grant("anna", BOTH, at=later)  # by a clock that was ahead
    result = consent(*DENIALS[denial], "--ledger", path)
    assert result.exit_code == 0, result.stderr
    stands = Ledger.open(path).snapshot().history("anna")
    for moment in (datetime.now(UTC), later + timedelta(days=1)):
        assert [standing(stands, purpose, moment).state for purpose in BOTH] == [EXPECTED[denial]] * 2
