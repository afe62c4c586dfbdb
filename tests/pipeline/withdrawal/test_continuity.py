"""A ledger, and the clock, are held against the release before a withdrawal writes anything."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import pytest
from typer.testing import CliRunner

from duologue_consent import Action, Decider, Form, Ledger, Terms, parse_time, verify
from duologue_pipeline.cli.app import app
from duologue_pipeline.errors import UsageError
from duologue_pipeline.withdrawal import carry_out, protocol
from duologue_pipeline.withdrawal.continuity import require_continues
from duologue_pipeline.withdrawal.protocol import Outcome, propagate_release
from tests.pipeline.withdrawal.support import release_of
from tests.pipeline.withdrawal.world import GRANTED_AT, PURPOSES, World, make_world


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


def save(world: World) -> Path:
    """Backs up database and keys together."""
    backup = world.path.with_name("backup.db")
    shutil.copy(world.path, backup)
    shutil.copytree(f"{world.path}.keys", f"{backup}.keys")
    return backup


def restore(world: World, backup: Path) -> None:
    shutil.rmtree(f"{world.path}.keys")
    shutil.copytree(f"{backup}.keys", f"{world.path}.keys")
    shutil.copy(backup, world.path)


def ledger_files(world: World) -> dict[str, bytes]:
    keys = Path(f"{world.path}.keys")
    return {path.name: path.read_bytes() for path in (world.path, *keys.iterdir())}


def propagate(world: World, **options: object) -> list[Outcome]:
    return propagate_release(str(world.out), world.ledger, **options)  # type: ignore[arg-type]


def refusal(world: World, **options: object) -> str:
    """What a propagation says that is refused; nothing of the release or of the ledger is changed by it."""
    before, ledger = world.files(), ledger_files(world)
    with pytest.raises(UsageError) as raised:
        propagate(world, **options)
    assert world.files() == before
    assert ledger_files(world) == ledger
    return str(raised.value)


# --- continuity -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_ledger_from_before_the_release_withdraws_nothing_from_it(dry_run: bool, tmp_path: Path) -> None:
    world = make_world(tmp_path)
    backup = save(world)
    world.withdraw("carl")
    propagate(world)
    restore(world, backup)
    world.withdraw("anna")
    assert refusal(world, dry_run=dry_run) == (
        f"{world.path}: does not continue {world.out}/checkpoint: it holds {world.ledger.size()} leaves against 31, and it is "
        "an older copy or was cut short; do not use it, restore the newest backup of ledger and keys"
    )


def test_a_fork_publishes_no_second_history(world: World) -> None:
    backup = save(world)
    world.withdraw("carl")
    propagate(world)
    restore(world, backup)
    for speaker in ("anna", "ben", "dora", "emil"):
        world.withdraw(speaker)
    assert "and its first 31 are others, so it is a fork or was edited" in refusal(world)


def test_the_newest_backup_goes_on_where_it_was(world: World) -> None:
    world.withdraw("carl")
    propagate(world)
    restore(world, save(world))
    world.withdraw("anna")
    (outcome,) = propagate(world)
    assert outcome.new_version == "3.0.0"
    assert verify.main([str(world.out / "receipts" / "0002.json")]) == 0


def test_a_propagation_that_was_killed_is_not_finished_with_an_older_ledger(world: World) -> None:
    backup = save(world)
    world.withdraw("carl")
    with patch.object(carry_out, "_rewrite", side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        propagate(world)
    assert (world.out / ".propagate" / "journal.json").exists()
    restore(world, backup)
    assert f"does not continue the propagation of {world.out} that was begun: it holds" in refusal(world)


@pytest.mark.parametrize("more", [0, 5])
def test_who_was_revoked_by_a_leaf_that_is_gone_shows_that_the_ledger_is_older(more: int, world: World) -> None:
    backup = save(world)
    world.withdraw("carl")
    with patch.object(protocol, "decide", side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        propagate(world)
    shutil.rmtree(world.out / ".propagate", ignore_errors=True)
    for lock in world.out.glob(".*lock"):
        lock.unlink()
    restore(world, backup)
    for number in range(more):
        world.ledger.grant(f"new-{number}", PURPOSES, at=GRANTED_AT)
    found = "that leaf is something else" if more else f"it holds {world.ledger.size()} leaves"
    message = refusal(world)
    assert f"does not continue {world.out}/revocations.jsonl, by which leaf " in message
    assert f" took consent away: {found}, so it is an older copy or a fork" in message


def test_a_release_of_another_ledger_is_named_as_such(world: World, tmp_path: Path) -> None:
    other = Ledger.create(tmp_path / "other.db")
    with pytest.raises(UsageError, match=r"was made with the ledger .*; give the ledger that it was made with"):
        propagate_release(str(world.out), other)


def test_a_checkpoint_that_was_forged_in_the_release_stops_it(world: World) -> None:
    note = (world.out / "checkpoint").read_bytes()
    (world.out / "checkpoint").write_bytes(note.replace(b"\n", b"\n9", 1))
    world.withdraw("carl")
    assert f"cannot be held against {world.out}/checkpoint, which does not hold (the signature of " in refusal(world)


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x00" * 50, "ä".encode("latin-1"), b"{}"])
def test_a_file_that_is_no_checkpoint_is_refused(content: bytes, world: World, tmp_path: Path) -> None:
    (tmp_path / "kept").write_bytes(content)
    with pytest.raises(UsageError, match=r"cannot be held against .*/kept, which is no checkpoint \("):
        require_continues(str(tmp_path / "kept"), world.ledger, now=datetime.now(UTC))


@pytest.mark.parametrize("make", [lambda path: None, Path.mkdir], ids=["nothing", "an empty folder"])
def test_where_nothing_is_there_to_be_held_against(make: Callable[[Path], None], world: World, tmp_path: Path) -> None:
    make(tmp_path / "kept")
    with pytest.raises(
        UsageError, match=r"/kept: there is no checkpoint of a ledger; name a release that was made with"
    ):
        require_continues(str(tmp_path / "kept"), world.ledger, now=datetime.now(UTC))


@pytest.mark.parametrize("document", ["{", "[]", "{}", '{"ledger": 3}', '{"ledger": {"checkpoint": 3}}'])
def test_a_damaged_release_is_no_witness(document: str, world: World, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "dataset.json").write_text(document)
    with pytest.raises(UsageError, match=r"/kept: (its dataset.json is damaged|there is no checkpoint of a ledger)"):
        require_continues(str(tmp_path / "kept"), world.ledger, now=datetime.now(UTC))


def test_commands_that_take_a_dataset_ask_too(world: World) -> None:
    backup = save(world)
    world.withdraw("carl")
    propagate(world)
    restore(world, backup)
    (world.out.parent / "uses.jsonl").write_text("")
    for command in (
        ("lineage", "add", "moshi-1", "--dataset", world.out),
        ("settle", world.out, "--uses", world.out.parent / "uses.jsonl"),
        ("explain", "call-1", "--dataset", world.out),
        ("propagate", world.out),
        ("propagate", world.out, "--dry-run"),
    ):
        result = CliRunner().invoke(app, ["consent", *map(str, command), "--ledger", str(world.path)])
        assert result.exit_code == 2, (command, result.output)
        (line,) = result.stderr.splitlines()
        assert f"{world.path}: does not continue {world.out}/checkpoint: it holds 27 leaves against 31" in line
    result = CliRunner().invoke(app, ["consent", "check", str(world.path), "--against", str(world.out)])
    assert (result.exit_code, "does not continue" in result.stderr) == (2, True)
    assert CliRunner().invoke(app, ["consent", "check", str(world.path)]).exit_code == 0


def test_of_several_releases_none_is_written_where_the_ledger_does_not_continue_one(
    world: World, tmp_path: Path
) -> None:
    backup = save(world)
    older = shutil.copytree(world.out, tmp_path / "older")
    world.withdraw("carl")
    propagate(world)
    restore(world, backup)
    world.withdraw("anna")
    before = {path: path.read_bytes() for path in older.rglob("*") if path.is_file()}
    command = ["consent", "propagate", str(older), str(world.out), "--ledger", str(world.path)]
    result = CliRunner().invoke(app, command)
    assert (result.exit_code, f"does not continue {world.out}/checkpoint" in result.stderr) == (2, True)
    assert {path: path.read_bytes() for path in older.rglob("*") if path.is_file()} == before


# --- the clock --------------------------------------------------------------------------------------------------------

SOON = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)


def test_a_withdrawal_of_tomorrow_stops_a_propagation_on_a_clock_that_is_behind(world: World) -> None:
    world.withdraw("carl", at=SOON)
    assert refusal(world).startswith(f"{world.path}: is ahead of this machine's clock: something in it is dated ")
    assert refusal(world, as_of=SOON + timedelta(days=1)).startswith(f"{world.path}: is ahead of this machine's clock")


def test_a_withdrawal_counts_also_where_an_earlier_moment_is_asked_for(world: World) -> None:
    world.withdraw("carl")
    (outcome,) = propagate(world, as_of=parse_time("2026-04-01T00:00:00Z"), dry_run=True)  # it was in May
    assert outcome.refusals == {"consent_withdrawn": 1}


@pytest.mark.parametrize("action", [Action.WITHDRAW, Action.REVOKE, Action.INVALIDATE])
def test_a_denial_from_before_the_grant_that_is_entered_late_is_carried_out(action: Action, world: World) -> None:
    terms = None if action is Action.WITHDRAW else Terms(decided_by=Decider.AUTHORITY)
    world.ledger.grant("carl", PURPOSES, at=parse_time("2026-02-01T00:00:00Z"))
    world.ledger.withdraw("carl", at=parse_time("2026-01-15T00:00:00Z"), terms=terms, action=action)
    (outcome,) = propagate(world, dry_run=True)
    assert sum(outcome.refusals.values()) == 1


def test_a_release_that_was_revoked_tomorrow_is_ahead_of_the_clock(world: World) -> None:
    world.withdraw("carl")
    propagate(world, as_of=SOON)
    world.withdraw("anna")
    assert refusal(world).startswith(f"{world.out}: is ahead of this machine's clock: something in it is dated ")


# --- what is held -----------------------------------------------------------------------------------------------------


def test_words_that_a_recogniser_made_are_asked_for_in_what_was_written(world: World) -> None:
    """As an earlier version wrote them: the tables say that there are words, whoever made them."""
    without = Terms(forms=(Form.AUDIO, Form.TOKENS, Form.ANNOTATIONS))
    world.ledger.grant("carl", PURPOSES, at=GRANTED_AT, terms=without)
    (outcome,) = propagate(world)
    assert outcome.refusals == {"consent_form_not_covered": 1}
    assert outcome.counts["samples_dropped"] == 2
    assert release_of(world.out)["version"] == "2.0.0"
