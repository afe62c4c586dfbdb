"""Changes tables and shards of a release, with hashes that fit, for :mod:`benchmarks.fuzz_releases`."""

import hashlib
import io
import json
import random
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.fuzz_release_files import mutate_json_text, mutate_value, seal

TABLES = ("index", "recordings", "events")


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
