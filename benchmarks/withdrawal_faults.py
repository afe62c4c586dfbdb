"""Tests a withdrawal: it is killed at random moments, and what it leaves behind is edited at single places.

    OMP_NUM_THREADS=1 python -m benchmarks.withdrawal_faults [--kills 100] [--edits 1000]

Kills: `duologue consent propagate` runs in a process of its own and gets SIGKILL after a random time, uniform over what
an undisturbed one needs (measured in such a process, again before every 20 kills); after each the release is read, and
the command is run again. A *leak* is a withdrawn sample that a reader got after revocations.jsonl was there, or that is
in any file afterwards; an *inconsistent state* is a release that `duologue shards verify` finds faults in after the
rerun, a receipt that does not hold, a leaf that is in the ledger twice, a file too many, or bytes of the release that
are not those of an undisturbed propagation.

Edits: one byte of a shard, the receipt, log.jsonl, dataset.json, a table, the checkpoint or revocations.jsonl is
changed, taken out or put in, and `verify.py` is asked, with the checkpoint and the keys from elsewhere where these are
not what was edited. An edit of what only readers check (revocations.jsonl beyond what the receipt pins) is not made.
Prints one JSON document; the exit status is 1 where anything was missed.
"""

import argparse
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.withdrawal import make_release
from duologue_consent import Ledger, parse_time
from duologue_consent.verify import verify_receipt
from duologue_pipeline.files.tables import read_table
from duologue_pipeline.reader import open_dataset
from duologue_pipeline.release.verify import verify_release
from duologue_pipeline.withdrawal.protocol import propagate_release

SAMPLES = 60
_RUN = """
import sys
from duologue_consent import Ledger
from duologue_pipeline.withdrawal.protocol import propagate_release
print("ready", flush=True)
sys.stdin.readline()
propagate_release(sys.argv[1], Ledger.open(sys.argv[2]), tell=lambda text: print(text, flush=True))
print("done", flush=True)
"""
_MEASURED_EVERY = 20


def prepare(folder: Path) -> set[str]:
    """Makes a small release of which a speaker has withdrawn; gives the keys of the samples that must go."""
    out, ledger, speaker = make_release(folder, SAMPLES, floor_db=-10.0)
    commitment = ledger.snapshot().commitment(speaker)
    ledger.withdraw(speaker, at=parse_time("2026-05-01T00:00:00Z"))
    rows = read_table(str(out / "index.parquet")).to_pylist()
    return {row["key"] for row in rows if commitment in (row["speaker_a"], row["speaker_b"])}


def start(folder: Path) -> subprocess.Popen[str]:
    """Starts a process that has imported everything and propagates from now on."""
    command = [sys.executable, "-c", _RUN, str(folder / "out"), str(folder / "consent.db")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdout.readline()
    process.stdin.write("\n")
    process.stdin.flush()
    return process


def undisturbed_s(made: Path, folder: Path) -> float:
    """Measures how many seconds a propagation takes that nobody kills: the middle one of three."""
    times = []
    for _ in range(3):
        shutil.copytree(made, folder)
        process = start(folder)
        began = time.monotonic()
        assert process.stdout is not None
        while process.stdout.readline().strip() != "done":
            pass
        times.append(time.monotonic() - began)
        process.communicate()
        shutil.rmtree(folder)
    return sorted(times)[1]


def kill_once(folder: Path, after_s: float) -> str | None:
    """Kills a propagation; gives the last step that it began, None where it ended before it was killed."""
    process = start(folder)
    assert process.stdout is not None
    time.sleep(after_s)
    process.send_signal(signal.SIGKILL)
    said = process.stdout.read().splitlines()
    process.communicate()
    if said[-1:] == ["done"]:
        return None
    return said[-1].split(",")[0].split(" of ")[0] if said else "before the first step"


def state_faults(folder: Path, gone: set[str], expected: dict[str, bytes], leaves: int) -> list[str]:
    """Lists what is wrong with a release after the propagation has run again."""
    out, ledger = folder / "out", Ledger.open(folder / "consent.db")
    faults = list(verify_release(str(out)).faults)
    files = files_of(out)
    if files.keys() != expected.keys():
        faults.append(f"other files: {sorted(files.keys() ^ expected.keys())}")
    faults += [
        f"{path} has other bytes"
        for path in expected
        if path.startswith("shards/") or path.endswith((".parquet", ".md"))
        if files.get(path) != expected[path]
    ]
    faults += [
        finding.text
        for finding in verify_receipt(
            (out / "receipts" / "0001.json").read_bytes(),
            keys=ledger.public_key_text(),
            checkpoint=(out / "checkpoint").read_bytes(),
            dataset=out,
            log=(out / "log.jsonl").read_bytes(),
        )
        if finding.kind == "fault"
    ]
    if ledger.size() != leaves:
        faults.append(f"the ledger has {ledger.size()} leaves, expected {leaves}")
    return faults


def files_of(out: Path) -> dict[str, bytes]:
    """The bytes of every file of a release, by its path in it."""
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def kills(count: int, seed: int) -> dict[str, Any]:
    """Kills ``count`` propagations."""
    draw = random.Random(seed)
    leaks, inconsistent, steps = list[str](), list[str](), Counter[str]()
    with tempfile.TemporaryDirectory(prefix="duologue-kills-") as temporary:
        made, whole = Path(temporary) / "made", Path(temporary) / "whole"
        made.mkdir()
        gone = prepare(made)
        shutil.copytree(made, whole)
        propagate_release(str(whole / "out"), Ledger.open(whole / "consent.db"))
        needs_s, ended = list[float](), 0
        expected, leaves = files_of(whole / "out"), Ledger.open(whole / "consent.db").size()
        number = 0
        while number < count:
            folder = Path(temporary) / "killed"
            if number == _MEASURED_EVERY * len(needs_s):
                needs_s.append(undisturbed_s(made, folder))
            shutil.copytree(made, folder)
            step = kill_once(folder, draw.uniform(0, needs_s[-1]))
            if step is None:  # this machine is not always as busy: it ended first, which is no kill
                ended += 1
                shutil.rmtree(folder)
                continue
            steps[step] += 1
            number += 1
            if (folder / "out" / "revocations.jsonl").exists():
                seen = {sample.key for sample in open_dataset(str(folder / "out"))}
                leaks += [f"kill {number}: a reader got {key}" for key in sorted(seen & gone)]
            propagate_release(str(folder / "out"), Ledger.open(folder / "consent.db"))
            inconsistent += [f"kill {number}: {fault}" for fault in state_faults(folder, gone, expected, leaves)]
            leaks += [
                f"kill {number}: {path} holds {key}"
                for path, data in files_of(folder / "out").items()
                if path != "revocations.jsonl"
                for key in gone
                if key.encode() in data
            ]
            shutil.rmtree(folder)
    return {
        "kills": count,
        "ended_before_the_kill_and_not_counted": ended,
        "killed_within_s": {"least": round(min(needs_s), 2), "most": round(max(needs_s), 2)},
        "last_step_before_the_kill": dict(steps.most_common()),
        "leaks": leaks,
        "inconsistent_states": inconsistent,
    }


def edits(count: int, seed: int) -> dict[str, Any]:
    """Edits one place at a time, ``count`` times."""
    draw = random.Random(seed)
    missed, kinds = list[str](), Counter[str]()
    with tempfile.TemporaryDirectory(prefix="duologue-edits-") as temporary:
        folder = Path(temporary)
        prepare(folder)
        out, ledger = folder / "out", Ledger.open(folder / "consent.db")
        propagate_release(str(out), ledger)
        keys, checkpoint = ledger.public_key_text(), ledger.checkpoint()
        good = files_of(out)

        def faulty() -> bool:
            # the key and the checkpoint of the auditor's own, and those that lie beside the receipt
            findings = verify_receipt(
                (out / "receipts" / "0001.json").read_bytes(),
                keys=keys,
                checkpoint=(out / "checkpoint").read_bytes(),
                dataset=out,
                log=(out / "log.jsonl").read_bytes(),
            )
            return any(finding.kind == "fault" for finding in findings)

        assert not faulty()
        assert checkpoint == good["checkpoint"]
        paths = sorted(path for path in good if path != "ledger.pub")
        for _ in range(count):
            path = draw.choice(paths)
            data = good[path]
            place = draw.randrange(len(data)) if data else 0
            changed = bytes([data[place] ^ draw.randrange(1, 256)]) if data else b"x"
            what = draw.choice(("changed", "taken out", "put in")) if data else "put in"
            middle = {"changed": changed, "taken out": b"", "put in": data[place : place + 1] + changed}[what]
            (out / path).write_bytes(data[:place] + middle + data[place + 1 :])
            kinds[path.split("/")[0]] += 1
            try:
                found = faulty()
            except Exception as error:  # noqa: BLE001 - a verifier that stumbles has not found anything
                found = False
                missed.append(f"{path} at byte {place}: the verifier stumbled ({error!r})")
            if not found:
                missed.append(f"{path} at byte {place}: one byte {what}")
            (out / path).write_bytes(data)
    return {"edits": count, "of": dict(kinds.most_common()), "missed": missed}


def main() -> int:
    """Runs both and prints their figures; gives the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--edits", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    document = {
        "kills": kills(options.kills, options.seed) if options.kills else None,
        "edits": edits(options.edits, options.seed) if options.edits else None,
    }
    print(json.dumps(document, indent=2))
    bad = [fault for part in document.values() if part for name in part for fault in _list(part[name])]
    return int(bool(bad))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


if __name__ == "__main__":
    sys.exit(main())
