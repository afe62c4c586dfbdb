"""Changes files, folder and documents of a release, for :mod:`benchmarks.fuzz_releases`."""

import copy
import hashlib
import json
import os
import random
import shutil
from pathlib import Path
from typing import Any

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
            holder[rng.choice(["x", "schema", "", "../x", "path"])] = copy.deepcopy(rng.choice(ODD))
        elif kind == 2 and isinstance(holder, list):
            holder.append(holder[key])
        elif kind == 3:
            deep: Any = 1
            for _ in range(rng.choice([10, 70, 700])):
                deep = [deep]
            holder[key] = deep
        else:
            holder[key] = copy.deepcopy(rng.choice(ODD))
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
