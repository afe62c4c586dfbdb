"""Damages consent ledgers, their keys and receipts in many ways, and looks at what reads them.

    python benchmarks/fuzz_ledgers.py --inputs 2000 --seed 1

A traceback is anything but a LedgerError (or a finding, where a receipt is verified).
"""

import argparse
import json
import os
import random
import shutil
import sqlite3
import sys
import tempfile
import time
import traceback
from collections import Counter
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.fuzz_release_files import mutate_json_text, mutate_value
from benchmarks.fuzz_releases import HANG_S, Outcome, make_bases

ODD = (None, -1, 2**62, 0.5, "", "x", "x" * 1000, b"", b"\xff", b"x" * 100_000)


def mutate_database(path: Path, rng: random.Random) -> str:
    """Changes a ledger's database: its bytes, its values, its tables."""
    kind = rng.choice(["bytes", "bytes", "cut", "value", "value", "value", "value", "table", "rows", "file"])
    if kind == "bytes":
        data = bytearray(path.read_bytes())
        for _ in range(rng.choice([1, 5, 100])):
            data[rng.randrange(rng.choice([100, 4096, len(data)]))] = rng.randrange(256)
        path.write_bytes(bytes(data))
        return kind
    if kind == "cut":
        path.write_bytes(path.read_bytes()[: rng.randrange(path.stat().st_size)])
        return kind
    if kind == "file":
        path.unlink()
        other = rng.randrange(4)
        if other == 0:
            path.mkdir()
        elif other == 1:
            os.mkfifo(path)
        elif other == 2:
            path.symlink_to(path.name)
        else:
            path.write_bytes(rng.randbytes(5000))
        return kind
    with closing(sqlite3.connect(path)) as database, suppress(sqlite3.Error), database:
        tables = [
            name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        ]
        table = rng.choice(tables)
        columns = [row[1] for row in database.execute(f"PRAGMA table_info('{table}')")]
        if kind == "value":
            column, where = rng.choice(columns), rng.choice(["", " WHERE rowid = (SELECT min(rowid) FROM {0})"])
            database.execute(f"UPDATE '{table}' SET '{column}' = ?" + where.format(f"'{table}'"), (rng.choice(ODD),))
            kind = f"value {table}.{column}"
        elif kind == "rows":
            database.execute(f"DELETE FROM '{table}' WHERE rowid % ? = 0", (rng.choice([1, 2, 5]),))
        else:
            database.execute(f"ALTER TABLE '{table}' RENAME TO 'old_{table}'")
            if rng.random() < 0.7:
                database.execute(f"CREATE VIEW '{table}' AS SELECT * FROM 'old_{table}'")
    return kind


def mutate_keys(folder: Path, rng: random.Random) -> str:
    """Changes a file of the folder of keys."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    path = rng.choice(paths)
    kind = rng.choice(["noise", "cut", "long", "remove", "folder", "pipe", "swap", "text"])
    before, another = path.read_bytes(), rng.choice(paths).read_bytes()
    path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path, 0o600)
    elif kind != "remove":
        content = {
            "noise": rng.randbytes(64),
            "cut": before[: len(before) // 2],
            "long": before * 100_000,
            "swap": another,
            "text": b"PRIVATE+KEY+x+00000000+AAAA\n",
        }[kind]
        path.write_bytes(content)
        path.chmod(0o600)
    return f"{kind} {path.name}"


def try_one(base: Path, seed: int, scratch: Path) -> Outcome:
    """Damages a copy of a ledger and uses it, or a receipt and verifies it."""
    from duologue_consent import Ledger, LedgerError, Purpose
    from duologue_consent.verify import main as verify

    rng = random.Random(seed)
    copy = scratch / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(base, copy)
    database, out = copy / "consent.db", copy / "out"
    receipts = sorted(out.glob("receipts/*.json"))
    kind = rng.choice(["database", "database", "keys", "receipt" if receipts else "keys"])
    mutation = kind
    try:
        if kind == "receipt":
            path = rng.choice(
                [*receipts, *receipts, out / "log.jsonl", out / "ledger.pub", out / "checkpoint", out / "dataset.json"]
            )
            mutation = f"receipt {path.name}"
            data = path.read_bytes()
            way = rng.randrange(5)
            if way == 0:
                path.write_bytes(mutate_json_text(data, rng))
            elif way == 1:
                flipped = bytearray(data)
                flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
                path.write_bytes(bytes(flipped))
            elif way == 2:
                path.unlink()
                other = rng.randrange(3)
                if other == 0:
                    path.mkdir()
                elif other == 1:
                    os.mkfifo(path)
                else:
                    path.symlink_to(path.name)
            else:
                with suppress(ValueError):
                    path.write_bytes(json.dumps(mutate_value(json.loads(data), rng)).encode())
            if verify([str(receipts[0])]) == 0 and path.name == receipts[0].name and path.read_bytes() != data:
                return Outcome(seed, mutation, "wrong accept")
            return Outcome(seed, mutation, "")
        if kind == "database":
            mutation = f"database {mutate_database(database, rng)}"
        else:
            mutation = (
                f"keys {mutate_keys(copy / 'consent.db.keys' if (copy / 'consent.db.keys').exists() else copy, rng)}"
            )
        ledger = Ledger.open(database)
        for use in (
            lambda: ledger.snapshot().speakers,
            lambda: ledger.checkpoint(),
            lambda: list(ledger.log_lines()),
            lambda: ledger.check(),
            lambda: ledger.grant("spk-new", [Purpose.RECORDING], at=datetime.now(UTC)),
            lambda: ledger.public_key_text(),
        ):
            with suppress(LedgerError):
                use()
    except LedgerError:
        pass
    except Exception:  # noqa: BLE001 - that there is none is what is asked
        return Outcome(seed, mutation, "traceback", traceback.format_exc())
    return Outcome(seed, mutation, "")


def main() -> int:
    """Runs it and prints the counts."""
    import faulthandler

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--bases", type=Path, help="where the releases lie, or are made")
    options = parser.parse_args()
    began, counts = time.monotonic(), Counter[str]()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as made:
        folder = options.bases or Path(made) / "bases"
        bases = [folder / "first", folder / "second"] if folder.exists() else make_bases(folder)
        for seed in range(options.seed, options.seed + options.inputs):
            faulthandler.dump_traceback_later(HANG_S, exit=True)
            outcome = try_one(bases[seed % 2], seed, Path(made))
            counts[outcome.fault or "well"] += 1
            if outcome.fault:
                print(
                    f"seed {seed}: {outcome.mutation}: {outcome.fault}\n{outcome.detail}", file=sys.stderr, flush=True
                )
    faulthandler.cancel_dump_traceback_later()
    print(f"{options.inputs} inputs in {time.monotonic() - began:.0f} s: {dict(counts)}")
    return int(counts["well"] != options.inputs)


if __name__ == "__main__":
    sys.exit(main())
