"""``duologue card``: what is written, what is refused, and the exit statuses."""

from pathlib import Path

from typer.testing import CliRunner

from duologue_pipeline.cli.app import app


def card(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["card", *arguments])
    return result.exit_code, result.output


def test_an_empty_statement_is_written_once(tmp_path: Path) -> None:
    path = tmp_path / "dataset.yaml"
    assert card("init", str(path))[0] == 0
    assert "publisher:\n" in path.read_text()
    assert card("init", str(path)) == (
        2,
        f"duologue: {path}: is there already, and is left as it is; choose another name\n",
    )


def test_cards_are_built_checked_and_compared(tmp_path: Path, release: Path) -> None:
    statement = tmp_path / "dataset.yaml"
    statement.write_text("publisher: Example Lab\n")
    assert card("check", str(release))[0] == 0
    code, told = card("build", str(release), "--card", str(statement))
    assert (code, "cards/dataset.yaml\n" in told) == (0, True)
    assert card("diff", str(release), str(release)) == (0, "nothing differs\n")
    (release / "README.md").write_text("nothing\n")
    code, told = card("check", str(release))
    assert (code, "README.md: line 1 says 'nothing'" in told) == (1, True)


def test_where_there_is_no_release_it_is_a_fault_of_usage(tmp_path: Path) -> None:
    for command in (("build",), ("check",), ("diff", str(tmp_path))):
        assert card(*command, str(tmp_path))[0] == 2
