"""``duologue retokenize`` and ``duologue audit tokens`` as they are called."""

import json
from pathlib import Path

from typer.testing import CliRunner

from duologue_pipeline.cli.app import app
from duologue_schemas import iter_faults
from tests.pipeline.withdrawal.world import make_world


def test_a_release_gets_other_tokens_and_these_are_audited(tmp_path: Path) -> None:
    world, other = make_world(tmp_path), str(tmp_path / "other")
    runner = CliRunner()
    call = ["retokenize", str(world.out), "--codec", "embedded", "--out", other, "--ledger", str(world.path)]
    done = runner.invoke(app, call)
    assert done.exit_code == 0, done.output
    assert f"{other}: " in done.output
    assert "8 codebooks at 12.5 frames a second of embedded" in done.output
    again = runner.invoke(app, call)
    assert again.exit_code == 0
    assert " was there already: " in again.output
    done = runner.invoke(app, ["audit", "tokens", other, "--decode", "1", "--json"])
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert list(iter_faults("tokens_audit", document)) == []
    assert len(document["decoded"]) == 2
    text = runner.invoke(app, ["audit", "tokens", other, "--decode", "0"])
    assert text.exit_code == 0
    assert text.stdout.endswith("nothing found\n")


def test_what_cannot_be_done_is_one_line_and_status_2(tmp_path: Path) -> None:
    runner = CliRunner()
    call = [
        "retokenize",
        str(tmp_path / "none"),
        "--codec",
        "embedded",
        "--out",
        str(tmp_path / "o"),
        "--ledger",
        "l.db",
    ]
    for arguments in (call, ["audit", "tokens", str(tmp_path / "none")]):
        done = runner.invoke(app, arguments)
        assert done.exit_code == 2
        assert done.stderr.count("\n") == 1
        assert done.stderr.startswith("duologue: ")
