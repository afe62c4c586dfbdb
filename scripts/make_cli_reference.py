"""Writes docs/cli.md from the help texts of the command line, or says with ``--check`` whether it is up to date."""

import os
import sys
from pathlib import Path

import typer
from typer.testing import CliRunner

from duologue_pipeline.export.registry import FORMATS

TARGET = Path(__file__).resolve().parents[1] / "docs" / "cli.md"

COMMANDS = (
    (),
    ("run",),
    ("demo",),
    ("validate",),
    ("annotate",),
    ("isolation",),
    ("simulate",),
    ("decode",),
    ("retokenize",),
    ("score-duplex",),
    ("manifest",),
    ("manifest", "from-folder"),
    ("manifest", "from-table"),
    ("corpus",),
    ("corpus", "list"),
    ("corpus", "prepare"),
    ("corpus", "check"),
    ("words",),
    ("words", "import"),
    ("shards",),
    ("shards", "verify"),
    ("export",),
    *(("export", name) for name in (*FORMATS, "refresh", "status")),
    ("audit",),
    ("audit", "tokens"),
    ("audit", "leakage"),
    ("card",),
    ("card", "init"),
    ("card", "build"),
    ("card", "check"),
    ("card", "diff"),
    ("card", "sign"),
    ("card", "read"),
    ("consent",),
    ("consent", "init"),
    ("consent", "grant"),
    ("consent", "refuse"),
    ("consent", "withdraw"),
    ("consent", "revoke"),
    ("consent", "invalidate"),
    ("consent", "status"),
    ("consent", "receipt"),
    ("consent", "explain"),
    ("consent", "checkpoint"),
    ("consent", "log"),
    ("consent", "check"),
    ("consent", "check-log"),
    ("consent", "forget"),
    ("consent", "rotate-key"),
    ("consent", "lineage"),
    ("consent", "lineage", "add"),
    ("consent", "lineage", "list"),
    ("consent", "lineage", "notices"),
    ("consent", "lineage", "acknowledge"),
    ("consent", "settle"),
    ("consent", "propagate"),
)


def reference() -> str:
    """Writes the text of docs/cli.md."""
    os.environ.update(COLUMNS="100", TERMINAL_WIDTH="100", NO_COLOR="1", TERM="dumb")
    from duologue_pipeline.cli.app import app

    parts = ["# Command line\n\nMade by `python scripts/make_cli_reference.py` from the commands' own help.\n"]
    runner = CliRunner()
    for command in COMMANDS:
        result = runner.invoke(app, [*command, "--help"], prog_name="duologue")
        if result.exit_code:
            raise SystemExit(f"duologue {' '.join(command)} --help failed:\n{result.output}")
        text = "\n".join(line.rstrip() for line in result.output.strip().splitlines())
        parts.append(f"## {' '.join(['duologue', *command])}\n\n```text\n{text}\n```\n")
    return "\n".join(parts)


def main(check: bool = False) -> None:
    """Writes the reference, or exits with 1 where it differs from the file."""
    text = reference()
    if not check:
        TARGET.write_text(text, encoding="utf-8")
    elif not TARGET.exists() or TARGET.read_text(encoding="utf-8") != text:
        sys.exit(f"{TARGET.name} is not up to date: run python scripts/make_cli_reference.py")


if __name__ == "__main__":
    typer.run(main)
