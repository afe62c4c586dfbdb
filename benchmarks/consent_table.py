"""Measures what a table of decisions costs, as a steward enters it: start of the program, reading, transaction, confirmation.

    python benchmarks/consent_table.py --speakers 1000
    python benchmarks/consent_table.py --speakers 1000 --url postgresql+psycopg://USER@HOST/EMPTY_DATABASE

Each step is the command in a process of its own.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def command(what: str, *arguments: str, ledger: str) -> None:
    """Runs ``duologue consent`` and prints wall time and CPU time of the process."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "duologue_pipeline", "consent", *arguments],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "DUOLOGUE_LEDGER": ledger},
    )
    after, took = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - began
    worked = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{what:44} {took:8.2f} s, {worked:8.2f} s of CPU; {done.stdout.splitlines()[0]}", flush=True)


def main() -> None:
    """Measures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--speakers", type=int, default=1000, help="enter so many speakers")
    parser.add_argument("--url", help="an empty PostgreSQL database; a SQLite file if not given")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ledger = f"{options.url}?keys={folder}/keys" if options.url else f"{folder}/consent.db"
        grants, withdrawals = Path(folder, "grants.csv"), Path(folder, "withdrawals.csv")
        names = [f"spk-{number:06d}" for number in range(options.speakers)]
        rows = [f"{name},recording;training_inhouse,2026-02-20T09:00:00Z,US,adult" for name in names]
        grants.write_text("\n".join(["speaker,purpose,at,jurisdiction,age_band", *rows, ""]))
        withdrawals.write_text("\n".join(["speaker", *names, ""]))
        command("init", "init", ledger=ledger)
        command("grant one speaker", "grant", "first", "--purpose", "recording", ledger=ledger)
        command("grant --from --dry-run", "grant", "--from", str(grants), "--dry-run", ledger=ledger)
        command("grant --from", "grant", "--from", str(grants), ledger=ledger)
        command("status --wide", "status", "--wide", ledger=ledger)
        command("withdraw --from", "withdraw", "--from", str(withdrawals), ledger=ledger)


if __name__ == "__main__":
    main()
