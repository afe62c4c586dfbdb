"""Makes and judges ledgers, and receipts with their keys, checkpoints and logs, for :mod:`benchmarks.fuzz`."""

import io
import json
import random
import shutil
import sqlite3
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.fuzz_changes import mutate, mutate_json
from duologue_consent import Ledger, LedgerError, Purpose, parse_time, verify


@cache
def ledger_base() -> Path:
    """A folder with a ledger of some decisions."""

    folder = Path(tempfile.mkdtemp(prefix="fuzz-ledger-"))
    ledger = Ledger.create(folder / "consent.db")
    for number in range(6):
        ledger.grant(
            f"spk-{number}", [Purpose.RECORDING, Purpose.TRAINING_INHOUSE], at=parse_time("2026-01-01T00:00:00Z")
        )
    ledger.withdraw("spk-2", at=parse_time("2026-02-01T00:00:00Z"))
    ledger.checkpoint()
    return folder


@cache
def allowed() -> dict[str, bool]:
    """Says who may be used by the ledger as it was made."""
    return _allowed(Ledger.open(ledger_base() / "consent.db"))


def _allowed(ledger: Ledger) -> dict[str, bool]:
    snapshot = ledger.snapshot()
    moment = parse_time("2026-06-01T00:00:00Z")
    return {
        speaker: snapshot.decide(
            speaker, purpose="training_inhouse", recorded_at=parse_time("2026-01-15T00:00:00Z"), as_of=moment
        ).allowed
        for speaker in sorted(snapshot.speakers)
    }


def judge_ledger(name: str, folder: Path) -> str:
    """Makes and judges a ledger."""
    rng = random.Random(f"ledger {name}")
    home = folder / "ledger"
    shutil.copytree(ledger_base(), home)
    if rng.random() < 0.5:
        paths = sorted(path for path in home.rglob("*") if path.is_file())
        path = rng.choice(paths)
        mode = path.stat().st_mode
        path.write_bytes(mutate(path.read_bytes() or b"x", rng, head=4096)[1])
        path.chmod(mode)
    else:
        with sqlite3.connect(home / "consent.db") as connection:
            _spoil(connection, rng)
        connection.close()
    try:
        found = _allowed(Ledger.open(home / "consent.db"))
    except LedgerError as error:
        return f"refused: {error}"
    more = [speaker for speaker, yes in found.items() if yes and not allowed().get(speaker, False)]
    return f"wrong accept: {more} may be used now" if more else "accepted"


def _spoil(connection: sqlite3.Connection, rng: random.Random) -> None:
    """Changes a table as somebody with the file would."""
    for kind, item in connection.execute("select type, name from sqlite_master where type = 'trigger'").fetchall():
        connection.execute(f'drop {kind} "{item}"')
    tables = [row[0] for row in connection.execute("select name from sqlite_master where type = 'table'")]
    table = rng.choice(sorted(name for name in tables if not name.startswith("sqlite_")))
    columns = [row[1] for row in connection.execute(f'pragma table_info("{table}")')]
    value = rng.choice([None, 0, -1, 2**62, 1.5, "text", "\0", b"", b"\xff" * 100, b"{" * 1000, "x" * 200_000])
    try:
        match rng.choice(("update", "update", "update", "delete", "drop", "rename", "view", "insert")):
            case "update":
                where = f"rowid = {rng.randrange(1, 20)}" if rng.random() < 0.7 else "1"
                connection.execute(f'update "{table}" set "{rng.choice(columns)}" = ? where {where}', [value])
            case "delete":
                connection.execute(f'delete from "{table}" where rowid >= {rng.randrange(0, 20)}')
            case "drop":
                connection.execute(f'drop table "{table}"')
            case "rename":
                connection.execute(f'alter table "{table}" rename column "{rng.choice(columns)}" to "other"')
            case "view":
                connection.execute(f'alter table "{table}" rename to "hidden"')
                connection.execute(f'create view "{table}" as select * from "hidden"')
            case _:
                marks = ", ".join("?" * len(columns))
                connection.execute(f'insert into "{table}" values ({marks})', [value] * len(columns))
    except (sqlite3.Error, OverflowError):
        connection.rollback()


@cache
def release_base() -> Path:
    """A folder with a release from which a speaker was taken out, its ledger, and a receipt."""

    from benchmarks.withdrawal import make_release
    from duologue_pipeline.withdrawal.protocol import propagate_release

    folder = Path(tempfile.mkdtemp(prefix="fuzz-release-"))
    out, ledger, speaker = make_release(folder, 60, floor_db=-10.0)
    ledger.withdraw(speaker, at=parse_time("2026-05-01T00:00:00Z"))
    propagate_release(str(out), ledger)
    return folder


def judge_receipt(name: str, folder: Path) -> str:
    """Makes and judges a receipt with its keys, checkpoint and log."""
    rng = random.Random(f"receipt {name}")
    base = release_base()
    ledger = Ledger.open(base / "consent.db")
    files = {
        "receipt": (base / "out" / "receipts" / "0001.json").read_bytes(),
        "key": ledger.public_key_text().encode(),
        "checkpoint": (base / "out" / "checkpoint").read_bytes(),
        "log": (base / "out" / "log.jsonl").read_bytes(),
    }
    which = rng.choice(("receipt", "receipt", "receipt", "key", "checkpoint", "log"))
    before = files[which]
    if rng.random() < 0.1:
        which = "nothing"
    elif which == "receipt" and rng.random() < 0.5:
        files[which] = mutate_json(json.loads(before), rng).encode("utf-8", "surrogatepass")
    else:
        files[which] = mutate(before, rng)[1]
    out = folder / "out"
    shutil.copytree(base / "out", out)
    receipt = out / "receipts" / "0001.json"
    for part, data in files.items():
        (receipt if part == "receipt" else folder / part).write_bytes(data)
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        try:
            options = [text for part in ("key", "checkpoint", "log") for text in (f"--{part}", str(folder / part))]
            code = verify.main([str(receipt), *options])
        except SystemExit as end:
            code = int(end.code or 0)
    if code:
        return "refused" if which != "nothing" else f"wrong refusal: {said.getvalue()}"
    same = _loaded(files["receipt"]) == _loaded((base / "out" / "receipts" / "0001.json").read_bytes())
    return "accepted" if same else f"wrong accept: a changed {which}"


def _loaded(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return data
