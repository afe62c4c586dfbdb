"""Measures what the ledger costs: appends, opening, checking, proofs, forgetting; on SQLite or on PostgreSQL.

    python benchmarks/ledger.py --leaves 100000
    python benchmarks/ledger.py --leaves 20000 --url postgresql+psycopg://USER@HOST/EMPTY_DATABASE

Appends are measured one decision a transaction (what a form entered by hand costs) at the beginning and when the log is
full (they must not depend on its length), by one writer and by four processes; the bulk is then filled in batches.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from duologue_consent import Ledger, Purpose
from duologue_consent.ledger.publication import publish_log, published_faults
from duologue_consent.proofs.notes import open_checkpoint

MARCH = datetime(2026, 3, 1, 10, tzinfo=UTC)
BATCH = 1000


def seconds(what: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """Calls the function and prints how long it took, and how much of that this process was at work."""
    began, work_began = time.perf_counter(), time.process_time()
    result = function(*arguments)
    took, worked = time.perf_counter() - began, time.process_time() - work_began
    print(f"{what:58} {took:9.3f} s, {worked:9.3f} s of CPU", flush=True)
    return result


def append(ledger: Ledger, name: str, number: int) -> None:
    """Appends ``number`` decisions, each of another speaker and in a transaction of its own."""
    for each in range(number):
        ledger.grant(f"{name}-{each}", [Purpose.RECORDING], at=MARCH)


def rate(what: str, ledger: Ledger, name: str, number: int) -> None:
    """Prints how many decisions are appended in a second."""
    began, work_began = time.perf_counter(), time.process_time()
    append(ledger, name, number)
    took, worked = time.perf_counter() - began, time.process_time() - work_began
    print(f"{what:58} {number / took:9.0f} a second, {1000 * worked / number:.2f} ms of CPU each", flush=True)


def rate_of_processes(where: str, processes: int, number: int) -> None:
    """Prints how many decisions several writers append in a second at once, without the time of their start."""
    command = [sys.executable, __file__, "--write", str(number), "--url", where]
    writers = [
        subprocess.Popen([*command, "--name", f"p{each}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for each in range(processes)
    ]
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.readline()  # it is ready
    began = time.perf_counter()
    for writer in writers:
        writer.communicate("go\n")
    took = time.perf_counter() - began
    print(f"appends of {processes} processes at once{'':31} {processes * number / took:9.0f} a second", flush=True)


def fill(ledger: Ledger, leaves: int) -> None:
    """Appends in batches until the log holds ``leaves`` leaves; each speaker decides about five purposes."""
    fields = ledger.grant("spk-first", [Purpose.RECORDING], at=MARCH)[0].to_fields()
    size = ledger.size()
    while size < leaves:
        batch = range(size, min(leaves, size + BATCH))
        ledger.append_decisions(
            {**fields, "speaker_id": f"spk-{number // 5}", "purpose": list(Purpose)[number % 5].value}
            for number in batch
        )
        size += len(batch)


def measure(where: str, leaves: int, folder: Path) -> None:
    """Prints every figure."""
    ledger = Ledger.create(where)
    rate("appends to an empty log", ledger, "early", 200)
    rate_of_processes(where, 4, 100)
    seconds(f"filling up to {leaves} leaves in batches of {BATCH}", fill, ledger, leaves)
    rate(f"appends to a log of {leaves} leaves", ledger, "late", 200)
    note = seconds("signing a checkpoint", ledger.checkpoint)
    signed = open_checkpoint(note, ledger.verifiers)
    proof = seconds("inclusion proof of one leaf", ledger.inclusion_proof, leaves // 3, signed.size)
    seconds("opening one leaf", ledger.opening, leaves // 3)
    seconds("consistency proof from a third of the log", ledger.consistency_proof, leaves // 3, signed.size)
    opened = seconds(f"opening (checks {signed.size} leaves, opens every record)", Ledger.open, where)
    seconds("snapshot", opened.snapshot)
    seconds("check (every commitment, subtree and checkpoint)", opened.check)
    files: dict[str, bytes] = {}
    seconds("publishing the log", publish_log, ledger, files.__setitem__)
    faults = seconds(
        "checking the published log, without the ledger",
        lambda: published_faults(files["log.jsonl"], keys=files["ledger.pub"], checkpoint=files["checkpoint"]),
    )
    assert faults == []
    seconds("forgetting one speaker", ledger.forget, f"spk-{leaves // 10}")
    assert ledger.check().forgotten == 5
    print(f"{len(files['log.jsonl']) / signed.size:.0f} bytes of the public log a leaf, proof of {len(proof)} hashes")
    file = folder / "consent.db"
    if file.exists():
        print(f"{file.stat().st_size / signed.size:.0f} bytes of the database a leaf")


def main() -> None:
    """Prints what writing, opening, examining and proving cost."""
    parser = argparse.ArgumentParser(description="Measures what the ledger costs.")
    parser.add_argument("--leaves", type=int, default=100_000)
    parser.add_argument("--url", help="takes this empty PostgreSQL database (default: a SQLite file)")
    parser.add_argument("--write", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--name", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write:
        ledger = Ledger.open(options.url)
        print("ready", flush=True)
        sys.stdin.readline()
        append(ledger, options.name, options.write)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.url is None:
            measure(str(folder / "consent.db"), options.leaves, folder)
        else:
            mark = "&" if "?" in options.url else "?"
            measure(f"{options.url}{mark}keys={folder / 'keys'}", options.leaves, folder)


if __name__ == "__main__":
    main()
