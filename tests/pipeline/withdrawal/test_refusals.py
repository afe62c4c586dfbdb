"""Who no longer allows what a release is for: asked by all that its tables say of when a recording was made."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from duologue_consent import Ledger, Purpose
from duologue_pipeline.withdrawal.refusals import find_refusals
from duologue_schemas.tables import RECORDINGS

NOW = datetime(2026, 11, 1, tzinfo=UTC)
BOTH = [Purpose.RECORDING, Purpose.TRAINING_INHOUSE]
RELEASE = {"include_audio": False, "purposes": ["training_inhouse"]}


def on(month: int) -> datetime:
    return datetime(2026, month, 1, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Anna agreed in January; ben too, took it back in April and agreed again in June."""
    made = Ledger.create(tmp_path / "consent.db", ledger_id="ledger-1", created_at=on(1))
    for speaker in ("anna", "ben"):
        made.grant(speaker, BOTH, at=on(1))
    made.withdraw("ben", at=on(4))
    made.grant("ben", BOTH, at=on(6))
    return made


def table(ledger: Ledger, started_at: str, started_before: str | None) -> pa.Table:
    snapshot = ledger.snapshot()
    speakers = {"speaker_a": snapshot.commitment("anna"), "speaker_b": snapshot.commitment("ben")}
    row = {"recording_id": "call-1", "words_a": False, "words_b": False, **speakers}
    row |= {"started_at": started_at, "started_before": started_before, "shard": ""}
    return pa.Table.from_pylist([row], schema=RECORDINGS)


@pytest.mark.parametrize(
    ("started_at", "started_before", "refused"),
    [
        ("2026-02-10T10:00:00Z", None, []),
        ("2026-02-10", None, []),
        ("2026-02-10", "2026-03-31", []),
        ("2026-02-10", "2026-05-01", ["b"]),
        ("2026-02-10", "2026-10-01", ["b"]),
        ("2026-05-10", None, ["b"]),
        ("2026-07-10", None, []),
    ],
)
def test_both_ends_of_an_interval_are_asked_for(
    ledger: Ledger, started_at: str, started_before: str | None, refused: list[str]
) -> None:
    rows = table(ledger, started_at, started_before)
    assert [each.side for each in find_refusals(RELEASE, rows, ledger.snapshot(), as_of=NOW)] == refused


def test_a_table_of_an_earlier_version_has_moments_alone(ledger: Ledger) -> None:
    rows = table(ledger, "2026-05-10T10:00:00Z", None).drop(["started_before"])
    assert [each.side for each in find_refusals(RELEASE, rows, ledger.snapshot(), as_of=NOW)] == ["b"]
