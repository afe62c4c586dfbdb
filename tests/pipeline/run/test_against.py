"""A run holds its ledger against what others know of it, and against the clock, before it signs or writes anything."""

import io
import json
import shutil
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from duologue_consent import Ledger
from duologue_pipeline.cli.app import app
from duologue_pipeline.errors import UsageError
from duologue_pipeline.run import RunRequest, run
from duologue_pipeline.withdrawal.protocol import propagate_release
from tests.pipeline.withdrawal.test_continuity import ledger_files, restore, save
from tests.pipeline.withdrawal.world import GRANTED_AT, PURPOSES, World, make_world

CALL = {
    "recording_id": "call-1",
    "tracks": [{"speaker_id": "anna", "uri": "call.wav"}, {"speaker_id": "ben", "uri": "call.wav", "channel": 1}],
}
Request = Callable[..., RunRequest]


@pytest.fixture(autouse=True)
def no_beam(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apache_beam", None)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


@pytest.fixture
def request_with(world: World) -> Request:
    """A request with the ledger of the world, which writes beside its release."""
    manifest = world.path.with_name("manifest.jsonl")
    manifest.write_text(json.dumps(CALL) + "\n")

    def make(**changes: Any) -> RunRequest:
        places = {"manifest": str(manifest), "out": str(world.out.with_name("next")), "ledger": str(world.path)}
        return RunRequest(**{**places, **changes})

    return make


def begins(request: RunRequest) -> None:
    """Runs as far as Beam."""
    with pytest.raises(ImportError, match="apache_beam"):
        run(request)


def refusal(request: RunRequest, world: World) -> str:
    """What a run says that is refused: nothing is written anywhere, nor signed."""
    before, ledger = world.files(), ledger_files(world)
    with pytest.raises(UsageError) as raised:
        run(request)
    assert world.files() == before
    assert ledger_files(world) == ledger
    assert not (world.out.parent / "next").exists()
    return str(raised.value)


def rolled_back(world: World, *, more: int = 0) -> None:
    """The ledger of before a withdrawal that the release shows, with some leaves appended since."""
    backup = save(world)
    world.withdraw("carl")
    propagate_release(str(world.out), world.ledger)
    restore(world, backup)
    for number in range(more):
        world.ledger.grant(f"new-{number}", PURPOSES, at=GRANTED_AT)


def kept(world: World) -> Path:
    """The newest checkpoint of the release, kept as a file elsewhere."""
    return Path(shutil.copy(world.out / "checkpoint", world.out.parent / "kept"))


def test_a_ledger_that_continues_everything_begins(world: World, request_with: Request) -> None:
    world.withdraw("carl")
    propagate_release(str(world.out), world.ledger)
    begins(request_with(against=[str(world.out), str(kept(world)), f"file://{world.out}"]))


@pytest.mark.parametrize("more", [0, 9])
@pytest.mark.parametrize("what", ["release", "checkpoint"])
def test_a_ledger_that_was_restored_from_an_older_backup_does_not_begin(
    what: str, more: int, world: World, request_with: Request
) -> None:
    rolled_back(world, more=more)
    against = world.out if what == "release" else kept(world)
    begins(request_with(out=str(world.out.with_name("unseen"))))  # who is told nothing cannot know
    found = "its first 31 are others, so it is a fork or was edited" if more else "it is an older copy or was cut short"
    message = refusal(request_with(against=[str(against)]), world)
    assert message.startswith(f"{world.path}: does not continue {against}")
    assert f": it holds {27 + 3 * more} leaves against 31, and {found}; do not use it, restore the newest" in message


def test_every_one_that_is_named_counts(world: World, request_with: Request, tmp_path: Path) -> None:
    old = Path(shutil.copy(world.out / "checkpoint", tmp_path / "old"))
    rolled_back(world)
    begins(request_with(against=[str(old)]))
    shutil.rmtree(world.out.with_name("next"))
    assert "does not continue" in refusal(request_with(against=[str(old), str(kept(world))]), world)


def test_the_release_that_is_in_out_is_asked_by_itself(world: World, request_with: Request) -> None:
    rolled_back(world)
    assert "does not continue" in refusal(request_with(out=str(world.out)), world)


def test_a_release_of_the_lineage_is_asked_where_it_can_be_reached(world: World, request_with: Request) -> None:
    arguments = ["consent", "lineage", "add", "moshi", "--dataset", str(world.out), "--ledger", str(world.path)]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    rolled_back(world)
    assert f"does not continue {world.out}/checkpoint" in refusal(request_with(), world)
    world.out.rename(world.out.with_name("moved"))
    told = io.StringIO()
    with pytest.raises(ImportError, match="apache_beam"):
        run(request_with(), progress=told)
    assert told.getvalue() == (
        f"{world.out}: a release of the ledger's lineage, cannot be reached, and the ledger was not held against it\n"
    )


def test_a_relative_folder_of_the_lineage_is_found_from_elsewhere(
    world: World, request_with: Request, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(world.out.parent)
    arguments = ["consent", "lineage", "add", "moshi", "--dataset", "out", "--ledger", str(world.path)]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    rolled_back(world)
    assert "does not continue" in refusal(request_with(), world)


def test_the_checkpoint_of_another_ledger_is_said_to_be_of_another(
    world: World, request_with: Request, tmp_path: Path
) -> None:
    (tmp_path / "foreign").write_bytes(Ledger.create(tmp_path / "other.db", ledger_id="ledger-9").checkpoint())
    message = refusal(request_with(against=[str(tmp_path / "foreign")]), world)
    assert "/foreign, which is of another ledger, duologue/ledger-9, and this one is duologue/" in message


def test_a_checkpoint_that_was_forged_is_refused(world: World, request_with: Request) -> None:
    file = kept(world)
    file.write_bytes(file.read_bytes().replace(b"\n", b"\n1", 1))
    assert "which does not hold (the signature of " in refusal(request_with(against=[str(file)]), world)


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"\x00", b"\xff\xfe", b'{"ledger": {}}'])
def test_a_file_of_something_else_is_refused(
    content: bytes, world: World, request_with: Request, tmp_path: Path
) -> None:
    (tmp_path / "garbage").write_bytes(content)
    assert "/garbage, which is no checkpoint (" in refusal(request_with(against=[str(tmp_path / "garbage")]), world)


@pytest.mark.parametrize("against", ["/nowhere/at/all", "ftp://host/out", "s3://"])
def test_what_is_not_there_is_refused(against: str, world: World, request_with: Request) -> None:
    assert refusal(request_with(against=[against]), world).startswith(f"{against}: ")


@pytest.mark.parametrize("ledger", [None, "none.db"])
def test_without_a_ledger_there_is_nothing_to_hold(ledger: str | None, world: World, request_with: Request) -> None:
    message = refusal(request_with(ledger=ledger, against=[str(world.out)]), world)
    assert message.startswith(f"--against {world.out}: there is no ledger ")


def test_the_command_takes_it_more_than_once(world: World, request_with: Request) -> None:
    rolled_back(world)
    request = request_with()
    arguments = ["run", request.manifest, "--out", request.out, "--ledger", str(world.path)]
    result = CliRunner().invoke(app, [*arguments, "--against", str(world.out), "--against", str(kept(world))])
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"duologue: {world.path}: does not continue ")


# --- the clock --------------------------------------------------------------------------------------------------------


def test_a_withdrawal_of_tomorrow_stops_a_run_on_a_clock_that_is_behind(world: World, request_with: Request) -> None:
    world.withdraw("carl", at=datetime.now(UTC) + timedelta(days=1))
    for as_of in (None, datetime.now(UTC) + timedelta(days=2), GRANTED_AT):
        message = refusal(request_with(as_of=as_of), world)
        assert message.startswith(f"{world.path}: is ahead of this machine's clock: something in it is dated ")


def test_a_release_of_tomorrow_stops_a_run_on_a_clock_that_is_behind(world: World, request_with: Request) -> None:
    world.withdraw("carl")
    propagate_release(str(world.out), world.ledger, as_of=datetime.now(UTC) + timedelta(days=1))
    message = refusal(request_with(against=[str(world.out)]), world)
    assert message.startswith(f"{world.out}: is ahead of this machine's clock: something in it is dated ")
