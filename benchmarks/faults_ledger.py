"""Edits a ledger's database, its keys' folder and its published log at random places, and counts the edits not found.

    python benchmarks/faults_ledger.py --edits 1000 --seed 0

Every edit is made on a fresh copy of a ledger with 40 leaves, five checkpoints, a rotated key and somebody forgotten: a
byte of a file, or a value, row or order of rows of a table (its guards dropped first, as somebody with the file would).
An edit is found if `check` refuses the database, or `check-log` the published files. Prints one line for each that is
not, and the counts.
"""

import argparse
import random
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from duologue_consent import Ledger, LedgerError, Purpose
from duologue_consent.ledger.publication import publish_log, published_faults
from duologue_consent.ledger.seeded import seeded_entropy

TABLES = ("meta", "leaves", "nodes", "head", "checkpoints", "vault_subjects", "vault_records")
PUBLISHED = {"log": "log.jsonl", "key": "ledger.pub", "checkpoint": "checkpoint"}


def make_ledger(folder: Path) -> Path:
    """Makes a ledger with a history, and publishes its log beside it."""
    path = folder / "consent.db"
    ledger = Ledger.create(path, ledger_id="ledger-1", entropy=seeded_entropy(b"faults"))
    march = datetime(2026, 3, 1, 10, tzinfo=UTC)
    for number in range(12):
        ledger.grant(f"spk-{number}", [Purpose.RECORDING, Purpose.TRAINING_INHOUSE], at=march)
        if number % 4 == 0:
            ledger.checkpoint()
    ledger.withdraw("spk-3", at=march)
    ledger.append("dataset.released", {"name": "demo", "version": "1.0.0"})
    ledger.forget("spk-5")
    ledger.rotate_key()
    for number in range(10):
        ledger.append("shard.revoked", {"number": number}, subject=f"spk-{number % 3}")
    publish_log(ledger, lambda name, content: (folder / name).write_bytes(content))
    return path


def edit_bytes(data: bytes, rng: random.Random) -> bytes:
    """Flips, removes, inserts or doubles one byte, cuts a piece out or moves it, or cuts off the end."""
    at = rng.randrange(len(data))
    match rng.randrange(5):
        case 0:
            return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]
        case 1:
            return data[:at] + data[at + 1 :]
        case 2:
            return data[:at] + bytes([rng.randrange(256)]) + data[at:]
        case 3:
            return data[:at]
        case _:
            end = min(len(data), at + rng.randrange(1, 64))
            return data[at:end] + data[:at] + data[end:]


def edit_lines(data: bytes, rng: random.Random) -> bytes:
    """Removes or doubles a line, or exchanges it with another one."""
    lines = data.splitlines(keepends=True)
    one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    match rng.randrange(3):
        case 0:
            del lines[one]
        case 1:
            lines.insert(other, lines[one])
        case _:
            lines[one], lines[other] = lines[other], lines[one]
    return b"".join(lines)


def edit_published(folder: Path, rng: random.Random) -> str:
    """Edits one published file, and says what it edited."""
    name = rng.choice(list(PUBLISHED.values()))
    path = folder / name
    before = path.read_bytes()
    edit = rng.choice((edit_bytes, edit_lines)) if name == "log.jsonl" else edit_bytes
    after = edit(before, rng)
    path.write_bytes(after)
    return f"{name}, {edit.__name__}" if after != before else ""


def edit_database(folder: Path, rng: random.Random) -> str:
    """Edits one row of a table, and says what it edited."""
    table = rng.choice(TABLES)
    with sqlite3.connect(folder / "consent.db") as connection:
        connection.execute("PRAGMA synchronous = OFF")
        for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {trigger}")
        cursor = connection.execute(f"SELECT rowid, * FROM {table}")
        columns = [each[0] for each in cursor.description][1:]
        rows = cursor.fetchall()
        one, other = rng.choice(rows), rng.choice(rows)
        place = rng.randrange(len(columns))
        column, value, kind = columns[place], one[place + 1], rng.randrange(6)
        try:
            if kind == 0:
                connection.execute(f"DELETE FROM {table} WHERE rowid = ?", (one[0],))
                return f"{table}, row deleted"
            if kind == 1:  # one value of another row
                new = other[place + 1]
            elif isinstance(value, int):
                new = value + rng.choice((-1, 1, 5, 1 << 40))
            elif isinstance(value, str):
                new = edit_bytes(value.encode(), rng).decode(errors="replace")
            else:
                new = edit_bytes(value, rng) if value else b"x" * 32
            if new == value:
                return ""
            connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (new, one[0]))
        except sqlite3.IntegrityError:
            return ""  # the database itself refused
        return f"{table}.{column}, {value!r:.40} -> {new!r:.40}"


def edit_witness(folder: Path, rng: random.Random) -> str:
    """Edits the witness or the public keys beside the database, and says what it edited."""
    path = folder / "consent.db.keys" / rng.choice(("witness", "vault.key"))
    before = path.read_bytes()
    after = edit_bytes(before, rng)
    path.write_bytes(after)
    return f"{path.name}, {before[-20:]!r} -> {after[-20:]!r}" if after != before else ""


def is_found_in_ledger(folder: Path) -> str | None:
    """Gives the message by which the edit of the ledger was found; None where it was not."""
    try:
        Ledger.open(folder / "consent.db").check()
    except LedgerError as error:
        return str(error)
    return None


def is_found_in_publication(folder: Path) -> str | None:
    """Gives the message by which the edit of a published file was found; None where it was not."""
    contents = {what: (folder / name).read_bytes() for what, name in PUBLISHED.items()}
    faults = published_faults(contents["log"], keys=contents["key"], checkpoint=contents["checkpoint"])
    return "; ".join(f"{PUBLISHED[what]}: {fault}" for what, fault in faults) or None


EDITS: dict[str, tuple[Callable[[Path, random.Random], str], Callable[[Path], str | None], int]] = {
    "rows of the database": (edit_database, is_found_in_ledger, 5),
    "published files": (edit_published, is_found_in_publication, 4),
    "files beside the database": (edit_witness, is_found_in_ledger, 1),
}


def run(folder: Path, edits: int, seed: int) -> tuple[Counter[str], list[str], Counter[str]]:
    """Makes the edits; gives how many of each kind, which were not found, and the messages without their figures."""
    original = folder / "original"
    original.mkdir()
    make_ledger(original)
    rng, made, missed, messages = random.Random(seed), Counter[str](), list[str](), Counter[str]()
    kinds, weights = list(EDITS), [weight for *_, weight in EDITS.values()]
    while made.total() < edits:
        (kind,) = rng.choices(kinds, weights)
        edit, is_found, _ = EDITS[kind]
        copy = folder / "copy"
        shutil.copytree(original, copy)
        what = edit(copy, rng)
        if what:
            made[kind] += 1
            message = is_found(copy)
            if message is None:
                missed.append(f"{kind}: {what}")
            else:
                messages["".join("#" if c.isdigit() else c for c in message.replace(str(copy), ""))[:90]] += 1
        shutil.rmtree(copy)
    return made, missed, messages


def main() -> None:
    """Makes the edits and prints which were not found."""
    parser = argparse.ArgumentParser(
        description="Edits a ledger at random places and counts the edits that are not found."
    )
    parser.add_argument("--edits", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--messages", action="store_true", help="prints the messages, and how often each was given")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        made, missed, messages = run(Path(folder), options.edits, options.seed)
    for line in missed:
        print(f"NOT FOUND: {line}")
    if options.messages:
        for message, count in messages.most_common():
            print(f"{count:6} {message}")
    print(f"{made.total()} edits: " + ", ".join(f"{count} of {kind}" for kind, count in made.items()))
    print(f"{made.total() - len(missed)} found, {len(missed)} not")


if __name__ == "__main__":
    main()
