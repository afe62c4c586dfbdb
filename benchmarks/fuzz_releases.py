"""Damages a small real release in many ways and looks at what `shards verify`, the reader and `propagate` make of it.

    python benchmarks/fuzz_releases.py --inputs 2000 --seed 1

Every input is a copy of a release (as made, and after a withdrawal), changed by one mutation that the seed decides. Counted are
tracebacks (anything but a list of faults, a UsageError or a ValueError of the reader that is one), hangs (more than 60 s), and
wrong accepts: a listed file that was changed, or a file added, removed or renamed, of which `shards verify` says nothing.
"""

import argparse
import contextlib
import hashlib
import io
import json
import multiprocessing
import os
import random
import resource
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

HANG_S = 60.0
TABLES = ("index", "recordings", "events")


@dataclass(frozen=True)
class Outcome:
    """What came of one input: ``fault`` is "" or one of ``traceback``, ``wrong accept``, ``hang``."""

    seed: int
    mutation: str
    fault: str
    detail: str = ""


# --- the releases ---------------------------------------------------------------------------------------------------


def make_bases(folder: Path) -> list[Path]:
    """Makes the releases that are damaged: a folder each with ``out`` and ``consent.db``, somebody's withdrawal pending."""
    first = folder / "first"
    first.mkdir(parents=True)
    _duologue("demo", "--out", str(first / "out"))
    for path in sorted(first.glob("out.consent.*")):  # the ledger and the folder of its keys
        path.rename(path.with_name(path.name.removeprefix("out.")))
    _withdraw(first, "spk-alder")
    second = folder / "second"
    shutil.copytree(first, second)
    _duologue("consent", "propagate", str(second / "out"), "--ledger", str(second / "consent.db"))
    _withdraw(second, "spk-cedar")
    return [first, second]


def _withdraw(base: Path, speaker: str) -> None:
    _duologue("consent", "withdraw", speaker, "--ledger", str(base / "consent.db"))


def _duologue(*arguments: str) -> None:
    command = [sys.executable, "-m", "duologue_pipeline", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)}: {done.stdout}{done.stderr}")


# --- mutations: of bytes and of the folder --------------------------------------------------------------------------


def files_of(out: Path) -> list[Path]:
    """Every file of a release."""
    return sorted(path for path in out.rglob("*") if path.is_file() and not path.is_symlink())


def mutate_bytes(out: Path, rng: random.Random) -> str:
    """Changes the bytes of one file, whatever it is."""
    path = rng.choice(files_of(out))
    before = path.read_bytes()
    data = bytearray(before)
    kind = rng.choice(["flip", "flips", "cut", "append", "empty", "zeros", "noise", "swap", "repeat"])
    if kind in ("flip", "flips"):
        for _ in range(1 if kind == "flip" else rng.randint(2, 40)):
            if data:
                data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif kind == "cut":
        data = data[: rng.randrange(len(data) + 1)]
    elif kind == "append":
        data += rng.choice([b"\n", b"\0" * 512, rng.randbytes(100)])
    elif kind == "empty":
        data = bytearray()
    elif kind == "zeros" and data:
        at = rng.randrange(len(data))
        data[at : at + 64] = bytes(len(data[at : at + 64]))
    elif kind == "noise":
        data = bytearray(rng.randbytes(len(data)))
    elif kind == "swap":
        data = bytearray(rng.choice(files_of(out)).read_bytes())
    elif kind == "repeat":
        data *= 2
    path.write_bytes(bytes(data))
    # Of dataset.json itself nothing but a receipt tells the hash, and the first version has none.
    silent = data == before or path.name == "dataset.json"
    return f"{'may: ' if silent else ''}{kind} {path.relative_to(out)}"


def mutate_folder(out: Path, rng: random.Random) -> str:
    """Changes what lies in the folder, not what is in the files."""
    path = rng.choice(files_of(out))
    name = path.relative_to(out).as_posix()
    kind = rng.choice(["remove", "rename", "copy", "hidden", "folder", "pipe", "loop", "link", "sub", "odd", "staging"])
    if kind == "remove":
        path.unlink()
    elif kind == "rename":
        path.rename(path.with_name(path.name + "x"))
    elif kind == "copy":
        shutil.copy(path, path.with_name("copy-" + path.name))
    elif kind == "hidden":
        (path.parent / f".{rng.choice(['x', 'index.parquet.0f.tmp', 'x.lock'])}").write_bytes(b"x")
    elif kind == "staging":
        (out / rng.choice([".staging", ".propagate"])).mkdir()
        (out / rng.choice([".staging", ".propagate", "shards", "receipts"])).mkdir(exist_ok=True)
    elif kind == "sub":
        (path.parent / "sub").mkdir()
    elif kind == "odd":
        (path.parent / rng.choice(["a b", "ä", "x\ny", "\x1b[31m", "-rf"])).write_bytes(b"x")
    else:
        path.unlink()
        if kind == "folder":
            path.mkdir()
        elif kind == "pipe":
            os.mkfifo(path)
        elif kind == "loop":
            path.symlink_to(path.name)
        else:
            path.symlink_to(rng.choice(["/etc/passwd", "/dev/zero", "/", "../../nothing"]))
    return f"{kind} {name}"


# --- mutations: of what the formats say, with all hashes made to fit ------------------------------------------------


def mutate_json_text(data: bytes, rng: random.Random) -> bytes:
    """Makes JSON that one reader takes so and another so, or that is none."""
    kind = rng.randrange(8)
    if kind == 0:
        return data.replace(b"{", b'{"schema": 1, ', 1)
    if kind == 1:
        return data.replace(b":", b": NaN, " + rng.choice([b'"a"', b'"schema"']) + b":", 1)
    if kind == 2:
        return b"[" * rng.choice([100, 100_000]) + data
    if kind == 3:
        return b'{"a":' * rng.choice([100, 100_000]) + b"1" + b"}" * rng.choice([100, 100_000])
    if kind == 4:
        return b"\xef\xbb\xbf" + data
    if kind == 5:
        return data.replace(b"0", b"1" * rng.choice([30, 5000]), 1)
    if kind == 6:
        return data.replace(b'"', b'"\xff', 1)
    return data.replace(b"{", b'{"\\ud800": 1, ', 1)


ODD: list[Any] = [
    *(None, True, False, -1, 0, 1, 5.0, 0.5, 2**31, 2**63 - 1, -(2**63), 1e308, -0.0, "", "0", "x" * 100_000),
    *(
        "../../etc/passwd",
        "/etc/passwd",
        "a\\b",
        "\x00",
        "é",
        [],
        {},
        [[]],
        [{}],
        {"a": {}},
        ["x", 1, None],
        [0] * 10_000,
    ),
]


def mutate_value(document: Any, rng: random.Random) -> Any:
    """Changes one or a few places of a document: another value, another type, a field less, a field more."""
    for _ in range(rng.choice([1, 1, 2, 5])):
        places: list[tuple[Any, Any]] = []
        stack = [document]
        while stack:
            value = stack.pop()
            keys = (
                list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
            )
            places += [(value, key) for key in keys]
            stack += [value[key] for key in keys]
        if not places:
            return document
        holder, key = rng.choice(places)
        kind = rng.randrange(6)
        if kind == 0 and isinstance(holder, dict):
            del holder[key]
        elif kind == 1 and isinstance(holder, dict):
            holder[rng.choice(["x", "schema", "", "../x", "path"])] = rng.choice(ODD)
        elif kind == 2 and isinstance(holder, list):
            holder.append(holder[key])
        elif kind == 3:
            deep: Any = 1
            for _ in range(rng.choice([10, 70, 900])):
                deep = [deep]
            holder[key] = deep
        else:
            holder[key] = rng.choice(ODD)
    return document


def mutate_manifest(out: Path, rng: random.Random) -> str:
    """Changes ``dataset.json``."""
    path = out / "dataset.json"
    if rng.random() < 0.3:
        path.write_bytes(mutate_json_text(path.read_bytes(), rng))
    else:
        path.write_bytes(json.dumps(mutate_value(json.loads(path.read_bytes()), rng)).encode())
    return "may: dataset.json"


def mutate_document(out: Path, rng: random.Random) -> str:
    """Changes a file of JSON or of JSON Lines and makes the hash fit."""
    paths = [
        *out.glob("receipts/*.json"),
        *out.glob("*.json"),
        *out.glob("*.jsonl"),
        out / "ledger.pub",
        out / "checkpoint",
    ]
    path = rng.choice([path for path in sorted(paths) if path.name != "dataset.json"])
    *lines, last = path.read_bytes().split(b"\n") if path.name != "croissant.json" else [path.read_bytes(), b""]
    lines = lines or [b"{}"]
    place = rng.randrange(len(lines))
    try:
        changed = json.dumps(mutate_value(json.loads(lines[place]), rng)).encode()
    except ValueError:
        changed = lines[place][::-1]
    lines[place] = mutate_json_text(lines[place], rng) if rng.random() < 0.3 else changed
    path.write_bytes(b"\n".join([*lines, last]))
    seal(out, path)
    return f"may: json {path.relative_to(out)}"


def mutate_table(out: Path, rng: random.Random) -> str:
    """Changes a table and makes the hash fit: its bytes, its columns, its types, its values, what it unpacks to."""
    name = rng.choice(TABLES)
    path = out / f"{name}.parquet"
    kind = rng.choice(["bytes", "bytes", "bytes", "column", "type", "value", "value", "rows", "bomb", "codec"])
    if kind == "bytes":
        data = bytearray(path.read_bytes())
        for _ in range(rng.choice([1, 2, 30])):
            data[rng.randrange(len(data))] = rng.randrange(256)
        path.write_bytes(bytes(data if rng.random() < 0.8 else data[: rng.randrange(len(data))]))
    else:
        table = pq.read_table(path)
        options: dict[str, Any] = {}
        column = rng.choice(table.column_names)
        place = table.column_names.index(column)
        if kind == "column":
            table = table.drop_columns([column]) if rng.random() < 0.5 else table.append_column("x", table[column])
        elif kind == "type":
            other = rng.choice([pa.nulls(len(table)), pa.array([{"a": 1}] * len(table)), pa.array([[1]] * len(table))])
            table = table.set_column(place, column, other)
        elif kind == "value":
            rows = table.to_pylist()
            odd: list[Any] = [
                None,
                -1,
                2**31 - 1,
                0,
                float("nan"),
                float("inf"),
                "",
                "x",
                "../x",
                "shards/x.tar",
                [],
                "z" * 10_000,
            ]
            schema = pa.schema([field.with_nullable(True) for field in table.schema])
            for row in rng.sample(rows, min(len(rows), rng.choice([1, 3]))):
                row[column] = rng.choice(odd)
            try:
                table = pa.Table.from_pylist(rows, schema=schema)
            except (pa.ArrowException, TypeError):
                kind = "same"
        elif kind == "rows":
            table = rng.choice(
                [
                    table.slice(0, 0),
                    table.slice(1),
                    pa.concat_tables([table, table]),
                    table.take(pa.array(range(len(table))[::-1])),
                ]
            )
        elif kind == "codec":
            options = {
                "compression": rng.choice(["zstd", "gzip", "brotli", "lz4", "none"]),
                "use_dictionary": rng.random() < 0.5,
            }
        elif kind == "bomb":
            options = {"compression": "zstd"}
            size = 1 << rng.choice([20, 26, 27])
            table = rng.choice(
                [
                    pa.table({"key": pa.array(["x" * size])}),
                    table.set_column(place, column, repeated("y" * (size // 64), len(table))),
                    pa.table({"purposes": pa.array([[""] * (size // 16)])}),
                    pa.concat_tables([table] * (1 + 20_000 // max(1, len(table)))),
                ]
            )
        pq.write_table(table, path, **options)
    seal(out, path)
    return f"may: table {kind} {name}"


def repeated(text: str, rows: int) -> pa.Array:
    """One text in every row, held once."""
    return pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array([text]))


def mutate_shard(out: Path, rng: random.Random) -> str:
    """Changes a shard and makes hashes, names and index fit as well as they can."""
    release = json.loads((out / "dataset.json").read_bytes())
    entry = rng.choice(release["shards"])
    old = out / entry["path"]
    with tarfile.open(old) as archive:
        members = [(info.name, archive.extractfile(info).read()) for info in archive]  # type: ignore[union-attr]
    kind = rng.choice(["json", "npy", "flac", "tar", "tar", "bytes"])
    target = rng.choice(
        [place for place, (name, _) in enumerate(members) if kind in ("tar", "bytes") or name.endswith(kind)] or [0]
    )
    name, content = members[target]
    if kind == "json":
        if rng.random() < 0.3:
            content = mutate_json_text(content, rng)
        elif name.endswith(".json"):
            content = json.dumps(mutate_value(json.loads(content), rng)).encode()
        members[target] = name, content
    elif kind == "npy":
        members[target] = name, odd_npy(content, rng)
    elif kind == "flac":
        audio = bytearray(content)
        for _ in range(rng.choice([1, 5])):
            audio[rng.randrange(min(len(audio), rng.choice([42, len(audio)])))] = rng.randrange(256)
        members[target] = name, bytes(audio)
    data = odd_tar(members, rng) if kind == "tar" else plain_tar(members)
    if kind == "bytes":
        flipped = bytearray(data)
        for _ in range(rng.choice([1, 10])):
            flipped[rng.randrange(rng.choice([2048, len(flipped)]))] = rng.randrange(256)
        data = bytes(flipped)
    digest = hashlib.sha256(data).hexdigest()
    new = old.with_name(f"{old.name.rpartition('-')[0]}-{digest[:12]}.tar")
    old.unlink()
    new.write_bytes(data)
    path = f"shards/{new.name}"
    release["totals"]["bytes"] += len(data) - entry["bytes"]
    was = entry["path"]
    entry |= {"path": path, "sha256": digest, "bytes": len(data)}
    (out / "dataset.json").write_bytes(json.dumps(release).encode())
    for table in ("index", "recordings"):
        rows = pq.read_table(out / f"{table}.parquet")
        place = rows.column_names.index("shard")
        renamed = pa.array([path if value == was else value for value in rows["shard"].to_pylist()])
        pq.write_table(rows.set_column(place, rows.schema.field(place), renamed), out / f"{table}.parquet")
        seal(out, out / f"{table}.parquet")
    return f"may: shard {kind}"


def odd_npy(content: bytes, rng: random.Random) -> bytes:
    """Makes a ``.npy`` file that says more than it holds, or something else."""
    shape = rng.choice(
        ["(2, 8, 99999999999)", "(-1, 8, 3)", "()", "(2,)", "(0, 0, 0)", f"{'(' * 90}2{')' * 90}", "(1e9,)"]
    )
    descr = rng.choice(["'<u2'", "'|O'", "'<f8'", "'<U999999999'", "[('a', '<u2')]", "'<m8'", "__import__('os')"])
    text = f"{{'descr': {descr}, 'fortran_order': {rng.choice(['True', 'False', '1'])}, 'shape': {shape}, }}\n".encode()
    kind = rng.randrange(5)
    if kind == 0:
        return content[:8] + len(text).to_bytes(2, "little") + text + content[128:]
    if kind == 1:
        return content[: rng.randrange(len(content))]
    if kind == 2:
        return content + b"\0\0"
    if kind == 3:
        buffer = io.BytesIO()
        np.save(buffer, rng.choice([np.zeros((2, 8), "<u2"), np.full((2, 8, 5), 65535, "<u2"), np.zeros((2, 8, 5))]))
        return buffer.getvalue()
    return content[:6] + bytes([rng.randrange(5), 0]) + rng.randbytes(4) + content[12:]


def plain_tar(members: list[tuple[str, bytes]]) -> bytes:
    """Writes an archive as duologue does, but for its padding."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def odd_tar(members: list[tuple[str, bytes]], rng: random.Random) -> bytes:
    """Writes an archive that holds what a shard never holds."""
    kind = rng.choice(["link", "twice", "name", "pax", "long", "size", "sparse", "none", "end", "order"])
    place = rng.randrange(len(members))
    name, content = members[place]
    if kind == "twice":
        members.insert(place, members[place])
    elif kind == "name":
        members[place] = (
            rng.choice(["/etc/x", "../x.json", "a/b.json", "x", ".json", "é.json", "a b.json", name + ".gz"]),
            content,
        )
    elif kind == "long":
        members[place] = "n" * rng.choice([101, 5000]) + ".json", content
    elif kind == "order":
        rng.shuffle(members)
    elif kind == "none":
        return rng.choice([b"", bytes(1024), bytes(10 * 1024), b"PK\3\4" + bytes(600), b"\x1f\x8b" + bytes(600)])
    data = bytearray(plain_tar(members))
    if kind == "end":
        return bytes(data.rstrip(b"\0")) if rng.random() < 0.5 else bytes(data) + rng.randbytes(600)
    if kind in ("link", "sparse", "size", "pax"):
        at = data.index(name.encode()) if name.encode() in data else 0
        header = data[at : at + 512]
        if kind == "size":
            header[124:136] = rng.choice(
                [b"77777777777\0", b"\x80" + b"\xff" * 11, b"\xff" * 12, b"-0000000001\0", b"abc" + bytes(9)]
            )
        else:
            header[156:157] = {"link": rng.choice([b"1", b"2", b"3", b"5", b"6"]), "sparse": b"S", "pax": b"x"}[kind]
            header[157:167] = name.encode()[:10].ljust(10, b"\0")
        header[148:156] = b" " * 8
        header[148:156] = b"%06o\0 " % sum(header)
        data[at : at + 512] = header
    return bytes(data)


def seal(out: Path, path: Path) -> None:
    """Puts hash and size of a file as it is now into ``dataset.json``."""
    try:
        release = json.loads((out / "dataset.json").read_bytes())
        for entry in release["files"]:
            if entry["path"] == path.relative_to(out).as_posix():
                entry |= {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size}
    except (ValueError, KeyError, TypeError):
        return
    (out / "dataset.json").write_bytes(json.dumps(release).encode())


MUTATIONS: list[Callable[[Path, random.Random], str]] = [
    *(mutate_bytes, mutate_bytes, mutate_folder, mutate_manifest, mutate_manifest),
    *(mutate_document, mutate_table, mutate_table, mutate_shard, mutate_shard, mutate_shard),
]


# --- one input ------------------------------------------------------------------------------------------------------


def try_one(bases: list[Path], seed: int, scratch: Path, *, propagate: bool = True) -> Outcome:
    """Damages a copy of a release and shows it to everything that reads one."""
    from duologue_consent import Ledger
    from duologue_pipeline.errors import UsageError
    from duologue_pipeline.reader import open_dataset
    from duologue_pipeline.release.verify import verify_release
    from duologue_pipeline.withdrawal.protocol import propagate_release

    rng = random.Random(seed)
    base = rng.choice(bases)
    copy = scratch / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(base, copy)
    out = copy / "out"
    mutation = rng.choice(MUTATIONS)(out, rng)
    step = "verify"
    try:
        try:
            found = verify_release(str(out)).faults
        except UsageError as error:
            found = (str(error),)
        if not found and not mutation.startswith("may: "):
            return Outcome(seed, mutation, "wrong accept")
        for split in ("train", "validation"):
            step = f"read {split}"
            with contextlib.suppress(UsageError):
                for sample in open_dataset(str(out), split=split):
                    _ = sample.audio
        if propagate:
            step = "propagate"
            before = {path: path.read_bytes() for path in files_of(out)} if rng.random() < 0.8 else None
            with contextlib.suppress(UsageError):
                propagate_release(str(out), Ledger.open(copy / "consent.db"), dry_run=before is not None, wait_s=1)
            if before is not None and before != {path: path.read_bytes() for path in files_of(out)}:
                return Outcome(seed, mutation, "traceback", "a dry run has written")
    except Exception:  # noqa: BLE001 - that there is none is what is asked
        return Outcome(seed, mutation, "traceback", f"{step}: {traceback.format_exc()}")
    return Outcome(seed, mutation, "")


# --- many -----------------------------------------------------------------------------------------------------------


def run(bases: list[Path], seeds: range) -> Iterator[Outcome]:
    """Tries the seeds in a process of its own, which is killed and replaced when it hangs."""
    waiting = list(seeds)
    while waiting:
        ours, theirs = multiprocessing.Pipe()
        child = multiprocessing.Process(target=_work, args=(theirs, bases, waiting))
        child.start()
        theirs.close()
        try:
            while waiting:
                if not ours.poll(HANG_S):
                    yield Outcome(waiting.pop(0), "?", "hang")
                    break
                yield ours.recv()
                waiting.pop(0)
        except EOFError:
            yield Outcome(waiting.pop(0), "?", "traceback", "the process died")
        child.kill()
        child.join()


def _work(pipe: Connection, bases: list[Path], seeds: list[int]) -> None:
    with tempfile.TemporaryDirectory(prefix="fuzz-") as scratch:
        for seed in seeds:
            outcome = try_one(bases, seed, Path(scratch))
            memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            pipe.send(Outcome(outcome.seed, outcome.mutation, outcome.fault, outcome.detail or f"{memory_mb} MB"))


def main() -> int:
    """Runs it and prints the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--bases", type=Path, help="where the releases lie, or are made")
    options = parser.parse_args()
    began, counts, kinds, peak = time.monotonic(), Counter[str](), Counter[str](), 0
    with tempfile.TemporaryDirectory(prefix="fuzz-") as made:
        folder = options.bases or Path(made) / "bases"
        bases = [folder / "first", folder / "second"] if folder.exists() else make_bases(folder)
        for outcome in run(bases, range(options.seed, options.seed + options.inputs)):
            counts[outcome.fault or "well"] += 1
            kinds[" ".join(outcome.mutation.split()[:3])] += 1
            if outcome.fault:
                print(f"seed {outcome.seed}: {outcome.mutation}: {outcome.fault}\n{outcome.detail}", flush=True)
            elif outcome.detail.endswith(" MB"):
                peak = max(peak, int(outcome.detail.split()[0]))
    print(f"{options.inputs} inputs in {time.monotonic() - began:.0f} s, at most {peak} MB of memory")
    for name in ("well", "traceback", "hang", "wrong accept"):
        print(f"{name}: {counts[name]}")
    return int(counts["well"] != options.inputs)


if __name__ == "__main__":
    sys.exit(main())
