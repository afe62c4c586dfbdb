"""Ledgers to start from."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from duologue_consent import Ledger, Purpose


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "consent.db"


@pytest.fixture(scope="session")
def three_events_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ledger") / "consent.db"
    march = datetime(2026, 3, 1, 10, tzinfo=UTC)
    ledger = Ledger.create(path, ledger_id="ledger-1", created_at=march)
    ledger.grant("spk-17", [Purpose.RECORDING, Purpose.TRAINING_INHOUSE], at=march)
    ledger.refuse("spk-42", [Purpose.RECORDING], at=march)
    return path


@pytest.fixture
def three_events(three_events_once: Path, path: Path) -> Path:
    """A ledger in which spk-17 granted recording (1) and training (2) and spk-42 refused recording (3)."""
    return Path(shutil.copy(three_events_once, path))
