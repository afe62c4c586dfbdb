"""Commands about the log, its checkpoints and keys, and about forgetting."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from duologue_consent import Ledger
from duologue_consent.cli.log import register
from duologue_consent.ledger.publication import publish_log
from duologue_consent.proofs.notes import open_checkpoint, parse_note

APP = typer.Typer()
register(APP)


def invoke(*arguments: str | Path, answer: str | None = None) -> Result:
    return CliRunner().invoke(APP, [str(argument) for argument in arguments], input=answer)


def test_a_checkpoint_is_printed_or_written(three_events: Path, tmp_path: Path) -> None:
    printed = invoke("checkpoint", three_events)
    assert printed.exit_code == 0
    assert printed.stdout.encode() == Ledger.open(three_events).checkpoint()
    written = invoke("checkpoint", three_events, "--out", tmp_path / "note")
    assert written.stdout == f"{tmp_path}/note: signed, 3 leaves\n"
    assert (tmp_path / "note").read_text() == printed.stdout
    failed = invoke("checkpoint", three_events, "--out", tmp_path / "nowhere" / "note")
    assert (failed.exit_code, "cannot be written (No such file or directory)" in failed.stderr) == (2, True)


def test_the_log_is_one_leaf_a_line(three_events: Path) -> None:
    lines = invoke("log", three_events).stdout.splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["consent.grant", "consent.grant", "consent.refuse"]
    assert invoke("log", three_events, "--start", "2").stdout.splitlines() == lines[2:]


def test_check_says_what_it_found(three_events: Path, tmp_path: Path) -> None:
    done = invoke("check", three_events)
    assert (done.exit_code, done.stdout) == (
        0,
        f"{three_events}: whole, 3 leaves, 2 checkpoints, 0 leaves of subjects who were forgotten\n",
    )
    (Path(f"{three_events}.keys") / "witness").unlink()
    failed = invoke("check", three_events)
    assert failed.exit_code == 2
    assert failed.stderr.startswith("duologue consent: ")
    assert len(failed.stderr.splitlines()) == 1


def test_a_published_log_is_checked_without_the_ledger(three_events: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    publish_log(Ledger.open(three_events), lambda name, content: (out / name).write_bytes(content))
    assert invoke("check-log", out).stdout == f"{out}/log.jsonl: its first 3 leaves are those that were signed\n"
    kept = tmp_path / "kept"
    kept.write_bytes((out / "checkpoint").read_bytes())
    (out / "log.jsonl").write_bytes((out / "log.jsonl").read_bytes().replace(b"refuse", b"grant"))
    failed = invoke("check-log", out, "--checkpoint", kept)
    assert failed.exit_code == 1
    assert failed.stderr.startswith(f"{out}/log.jsonl: one of its first 3 leaves is not as it was signed")
    (out / "log.jsonl").unlink()
    assert invoke("check-log", out).exit_code == 2


def test_forgetting_asks_and_then_erases(three_events: Path) -> None:
    refused = invoke("forget", "spk-17", "--ledger", three_events, answer="n\n")
    assert refused.exit_code == 2
    assert "nothing was forgotten" in refused.stderr
    assert Ledger.open(three_events).snapshot().speakers == ("spk-17", "spk-42")
    done = invoke("forget", "spk-17", "--ledger", three_events, answer="y\n")
    assert done.exit_code == 0
    assert done.stdout.removeprefix(" y\n").startswith(
        "Done: spk-17 is forgotten, 2 records of the vault are deleted; "
    )
    assert Ledger.open(three_events).snapshot().speakers == ("spk-42",)
    again = invoke("forget", "spk-17", "--ledger", three_events, "--yes")
    assert (again.exit_code, "has no event of speaker 'spk-17', so nobody to forget" in again.stderr) == (2, True)


def test_rotating_the_key_says_which_signs_now(three_events: Path) -> None:
    old = Ledger.open(three_events).signer
    done = invoke("rotate-key", three_events)
    ledger = Ledger.open(three_events)
    assert done.exit_code == 0
    assert done.stdout.splitlines()[0] == (
        f"{three_events}: signs as {ledger.signer.verifier.label} now; leaf 3 says so, signed by both keys"
    )
    assert len(parse_note(ledger.checkpoint()).signatures) == 2
    open_checkpoint(ledger.checkpoint(), [old.verifier])
    folder = Path(f"{three_events}.keys")
    secrets = [(folder / name).read_text().strip()[-40:] for name in ("signing.key", "vault.key")]
    assert not any(secret in done.output for secret in secrets)


@pytest.mark.parametrize("command", ["checkpoint", "log", "check", "check-log", "forget", "rotate-key"])
def test_help_shows_an_example(command: str) -> None:
    assert f"Example: duologue consent {command}" in invoke(command, "--help").output
