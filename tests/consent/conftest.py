"""Ledgers to start from, on SQLite and on PostgreSQL."""

import itertools
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from duologue_consent import Ledger, Purpose
from tests.consent.postgres import postgres_server


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
    ledger.checkpoint()
    return path


@pytest.fixture
def three_events(three_events_once: Path, path: Path) -> Path:
    """A signed ledger in which spk-17 granted recording (0) and training (1) and spk-42 refused recording (2)."""
    return copy_ledger(three_events_once, path)


def copy_ledger(source: Path, target: Path) -> Path:
    """Copies a SQLite ledger with its keys."""
    shutil.copytree(f"{source}.keys", f"{target}.keys")
    return Path(shutil.copy(source, target))


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a running server, without a database."""
    with postgres_server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a new ledger can be made, once for each store."""
    if request.param == "sqlite":
        return str(tmp_path / "consent.db")
    new_database: Callable[[], str] = request.getfixturevalue("new_database")
    return f"{new_database()}?keys={tmp_path / 'keys'}"


@pytest.fixture(scope="session")
def new_database(postgres: str) -> Callable[[], str]:
    """Makes an empty PostgreSQL database; gives its URL."""
    numbers = itertools.count()
    engine = sa.create_engine(f"{postgres}/postgres", isolation_level="AUTOCOMMIT")

    def make() -> str:
        name = f"ledger_{next(numbers)}"
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        return f"{postgres}/{name}"

    return make
