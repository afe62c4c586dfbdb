"""How a command begins: what it loads before it works, which words ask for help, and what a slip of the pen is answered with."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup
from typer.testing import CliRunner

from duologue_consent import Ledger
from duologue_pipeline.cli.app import app
from duologue_pipeline.cli.start import main

AT_WORK = {
    "apache_beam",
    "boto3",
    "cryptography",
    "duologue_cards",
    "duologue_schemas",
    "jinja2",
    "jsonschema",
    "numpy",
    "pyarrow",
    "rich",
    "scipy",
    "soundfile",
    "sqlalchemy",
    "torch",
    "transformers",
    "urllib3",
    "yaml",
}
"""What a command loads when it works, and none loads to say what it is for: each of them costs 20 ms to 10 s."""


def commands(group: Any, *path: str) -> Iterator[tuple[str, ...]]:
    yield path
    context: Any = None  # which the groups do not look at
    for name in group.list_commands(context) if isinstance(group, TyperGroup) else ():
        yield from commands(group.get_command(context, name), *path, name)


COMMANDS = list(commands(typer.main.get_command(app)))


def loaded_by(*arguments: str) -> set[str]:
    """Top-level names of all that a fresh Python has loaded when a command has ended."""
    script = """
import atexit, json, sys
atexit.register(lambda: print("LOADED", json.dumps(sorted({name.partition(".")[0] for name in sys.modules}))))
from duologue_pipeline.cli.start import main
sys.argv = ["duologue", *sys.argv[1:]]
main()
"""
    done = subprocess.run([sys.executable, "-c", script, *arguments], check=True, capture_output=True, text=True)
    return set(json.loads(done.stdout.rpartition("LOADED ")[2]))


@pytest.mark.parametrize("arguments", [("--version",), ("--help",), ("run", "--help"), ("annotate", "-h")])
def test_what_only_tells_loads_nothing_to_work_with(arguments: tuple[str, ...]) -> None:
    loaded = loaded_by(*arguments)
    assert "typer" in loaded
    assert loaded & AT_WORK == set()


def test_commands_of_the_ledger_load_no_pipeline_and_no_database_to_tell_what_they_are_for() -> None:
    for arguments in (("consent", "--help"), ("consent", "status", "--help"), ("consent", "grant", "-h")):
        assert loaded_by(*arguments) & (AT_WORK - {"cryptography"}) == set(), arguments


def test_showing_consent_loads_no_pipeline(tmp_path: Path) -> None:
    Ledger.create(tmp_path / "consent.db")
    loaded = loaded_by("consent", "status", "--ledger", str(tmp_path / "consent.db"))
    assert loaded & (AT_WORK - {"cryptography", "rich", "sqlalchemy", "typer"}) == set()


@pytest.mark.parametrize(
    "arguments", [[], ["-h"], ["grnat"], ["status", "-h"], ["status", "--leger"], ["grant", "x"]], ids=" ".join
)
def test_consent_begins_without_the_other_commands_and_says_the_same(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["duologue", "consent", *arguments])
    with pytest.raises(SystemExit) as whole:
        app(prog_name="duologue")
    told = capsys.readouterr()
    monkeypatch.delitem(sys.modules, "duologue_pipeline.cli.app")
    with pytest.raises(SystemExit) as alone:
        main()
    assert (alone.value.code, *capsys.readouterr()) == (whole.value.code, *told)
    assert "duologue_pipeline.cli.app" not in sys.modules


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_both_words_for_help_are_known_everywhere(path: tuple[str, ...]) -> None:
    short, long = (CliRunner().invoke(app, [*path, word]) for word in ("-h", "--help"))
    assert short.exit_code == long.exit_code == 0
    assert short.output == long.output
    assert "-h, --help" in short.output


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (("vlaidate",), "Did you mean 'validate'?"),
        (("consent", "grnat"), "Did you mean 'grant'?"),
        (("verify", "out"), "Did you mean 'duologue shards verify'?"),
        (("grant", "spk-1"), "Did you mean 'duologue consent grant'?"),
        (("consent", "status", "--leger"), "--ledger"),
        (("run", "--ot"), "--out"),
    ],
)
def test_a_slip_of_the_pen_is_answered_with_what_was_meant(written: tuple[str, ...], meant: str) -> None:
    done = CliRunner().invoke(app, written, prog_name="duologue")
    assert done.exit_code == 2
    assert meant in done.output


def test_a_word_that_is_like_no_command_is_only_refused() -> None:
    done = CliRunner().invoke(app, ["xylophone"], prog_name="duologue")
    assert done.exit_code == 2
    assert "No such command 'xylophone'." in done.output
    assert "Did you mean" not in done.output
