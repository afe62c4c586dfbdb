"""One option names the ledger, everywhere, and the environment does where it is left out."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from duologue_consent import Ledger
from duologue_consent.cli.options import LEDGER_VARIABLE
from duologue_pipeline.cli.app import app

WITHOUT_LEDGER = {"lineage", "check-log"}


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    path = tmp_path / "consent.db"
    Ledger.create(path)
    return path


def duologue(*arguments: object, environment: Path | None = None) -> Result:
    env = {LEDGER_VARIABLE: str(environment) if environment else ""}
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env=env)


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    context = typer.Context(group)
    for name in group.list_commands(context) if hasattr(group, "list_commands") else ():
        command = group.get_command(context, name)  # some groups load their commands when they are asked for
        yield from commands(command, (*path, name))
        yield (*path, name), command


def test_the_option_is_one_everywhere() -> None:
    found = {}
    for path, command in commands(typer.main.get_command(app)):
        for parameter in command.params:
            if "--ledger" in parameter.opts:
                found[path] = (parameter.metavar, parameter.envvar, parameter.help)
    assert len(set(found.values())) == 1, found
    assert next(iter(found.values()))[1] == LEDGER_VARIABLE
    consent = {path[1] for path, _ in commands(typer.main.get_command(app)) if path[0] == "consent" and len(path) == 2}
    assert {path[1] for path in found if path[0] == "consent" and len(path) == 2} == consent - WITHOUT_LEDGER
    assert {("run",), ("card", "build"), ("consent", "lineage", "add")} <= found.keys()


@pytest.mark.parametrize(
    "command",
    [
        ("status",),
        ("grant", "a", "--purpose", "recording"),
        ("refuse", "a", "--purpose", "recording"),
        ("check",),
        ("log",),
        ("checkpoint",),
        ("rotate-key",),
        ("lineage", "list"),
        ("settle",),
    ],
)
def test_the_environment_names_the_ledger(ledger: Path, command: tuple[str, ...]) -> None:
    result = duologue("consent", *command, environment=ledger)
    assert result.exit_code == 0, result.output
    missing = duologue("consent", *command)
    assert missing.exit_code == 2
    assert LEDGER_VARIABLE in missing.stderr


def test_init_makes_the_ledger_that_the_environment_names(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    assert duologue("consent", "init", environment=path).stdout.startswith(f"{path}: made")
    assert path.exists()


@pytest.mark.parametrize("command", ["check", "checkpoint", "log", "rotate-key"])
def test_a_ledger_may_stand_by_its_place_and_goes_before_the_environment(
    ledger: Path, command: str, tmp_path: Path
) -> None:
    assert duologue("consent", command, ledger, environment=tmp_path / "no.db").exit_code == 0
    assert duologue("consent", command, "--ledger", ledger, environment=tmp_path / "no.db").exit_code == 0
    both = duologue("consent", command, ledger, "--ledger", tmp_path / "other.db")
    assert (both.exit_code, both.stderr) == (
        2,
        f"duologue consent: {ledger} and --ledger {tmp_path / 'other.db'}: two ledgers are named; leave one out\n",
    )


def test_the_option_goes_before_the_environment(ledger: Path, tmp_path: Path) -> None:
    assert duologue("consent", "status", "--ledger", ledger, environment=tmp_path / "no.db").exit_code == 0


def test_a_password_in_the_environment_is_never_shown() -> None:
    secret = "postgresql://steward:hunter2@127.0.0.1:1/none"
    result = CliRunner().invoke(app, ["consent", "status"], env={LEDGER_VARIABLE: secret})
    assert result.exit_code == 2
    assert "hunter2" not in result.output
