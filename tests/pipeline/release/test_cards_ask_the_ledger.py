"""``duologue card build --ledger`` asks the ledger anew, and so does a withdrawal: what the cards say of consent is what it says."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from duologue_consent import Purpose, format_time, parse_time
from duologue_pipeline.cli.app import app
from duologue_pipeline.files.tables import read_table
from duologue_pipeline.release.card_check import card_faults
from duologue_pipeline.release.card_files import build_cards
from duologue_pipeline.release.verify import verify_release
from duologue_pipeline.withdrawal.protocol import propagate_release
from tests.pipeline.withdrawal.support import CALLS, Call
from tests.pipeline.withdrawal.world import World, make_world

MANY = (*CALLS, *(Call(f"more-{each}", "train-00001", f"p{each}", f"q{each}", 4.0) for each in range(6)))


def silent(_: str) -> None:
    """Nobody listens."""


def world_in(folder: Path, **options: Any) -> World:
    folder.mkdir()
    return make_world(folder, **options)


def coverage_of(world: World) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((world.out / "dataset.json").read_text())["consent"]
    return found


def card(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["card", *arguments])
    return result.exit_code, result.output


def test_the_ledger_of_another_release_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    ours, other = world_in(tmp_path / "ours"), world_in(tmp_path / "other")
    before = ours.files()
    code, told = card("build", str(ours.out), "--ledger", str(other.path))
    assert code == 2
    assert f"was made with the ledger {ours.ledger.snapshot().ledger_id}, and this is" in " ".join(told.split())
    assert ours.files() == before


def test_the_same_ledger_gives_the_same_bytes(tmp_path: Path) -> None:
    world = world_in(tmp_path / "world")
    code, told = card("build", str(world.out), "--ledger", str(world.path))
    assert (code, "cards/consent_statement.json\n" in told) == (0, True)
    latest = world.ledger.snapshot().latest
    assert latest is not None
    assert coverage_of(world)["checked_at"] == format_time(latest)  # of the last record, and no clock
    assert coverage_of(world)["coverage"]["redistribution"]["recordings"] == 5
    once = world.files()
    assert card("build", str(world.out), "--ledger", str(world.path))[1].endswith("all cards were as they should be\n")
    assert world.files() == once
    assert card_faults(str(world.out)) == []
    assert verify_release(str(world.out)).faults == ()


@pytest.mark.parametrize(("moment", "left"), [("2026-03-01T00:00:00Z", 11), ("2026-04-02T00:00:00Z", 6)])
def test_the_ledger_is_asked_for_the_moment_that_is_named(tmp_path: Path, moment: str, left: int) -> None:
    end = parse_time("2026-04-01T00:00:00Z")
    world = world_in(tmp_path / "world", calls=MANY, expires={f"p{each}": end for each in range(5)})
    build_cards(str(world.out), snapshot=world.ledger.snapshot(), as_of=parse_time(moment), tell=silent)
    found = coverage_of(world)
    assert found["checked_at"] == moment
    assert {name: found["coverage"][name]["recordings"] for name in ("training_inhouse", "likeness")} == {
        "training_inhouse": left,
        "likeness": 0,
    }
    assert card_faults(str(world.out)) == []


def test_that_one_does_not_allow_it_any_more_is_not_counted_out(tmp_path: Path) -> None:
    """Ten of eleven would tell of the one; that it does not cover all is said."""
    world = world_in(tmp_path / "world", calls=MANY, expires={"gina": parse_time("2026-04-01T00:00:00Z")})
    moment = parse_time("2026-04-02T00:00:00Z")
    build_cards(str(world.out), snapshot=world.ledger.snapshot(), as_of=moment, tell=silent)
    found = coverage_of(world)["coverage"]["training_inhouse"]
    assert (found["kept_back"], "recordings" in found) == (True, False)
    assert "not all conversations are covered any more for training" in (world.out / "README.md").read_text()
    assert card_faults(str(world.out)) == []


def test_after_a_withdrawal_coverage_is_what_the_ledger_says_of_those_who_are_left(tmp_path: Path) -> None:
    """Carl takes everything back, and p3 that it is passed on; then 10 are left; of how many they say no more than that it is not all, as before it was 11."""
    world = world_in(tmp_path / "world", calls=MANY)
    build_cards(str(world.out), snapshot=world.ledger.snapshot(), tell=silent)
    assert coverage_of(world)["coverage"]["redistribution"]["recordings"] == 11
    world.withdraw("carl")
    world.withdraw("p3", Purpose.REDISTRIBUTION)
    propagate_release(str(world.out), world.ledger, tell=silent)
    rows = read_table(str(world.out / "recordings.parquet")).to_pylist()
    assert len(rows) == 10
    length_s = {row["recording_id"]: row["duration_s"] for row in rows}
    found = coverage_of(world)["coverage"]
    for purpose in ("recording", "training_inhouse"):
        assert found[purpose]["recordings"] == 10
        assert found[purpose]["duration_s"] == pytest.approx(sum(length_s.values()))
    assert {name: found["redistribution"].get(name) for name in ("kept_back", "recordings", "duration_s")} == {
        "kept_back": True,
        "recordings": None,
        "duration_s": None,
    }
    assert found["likeness"]["recordings"] == 0
    statement = json.loads((world.out / "cards" / "consent_statement.json").read_text())
    assert statement["coverage"]["redistribution"]["unknown"].startswith("not counted out")
    assert statement["checked_at"] == coverage_of(world)["checked_at"]
    assert card_faults(str(world.out)) == []
