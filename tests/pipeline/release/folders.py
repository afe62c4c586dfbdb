"""Makes a release whose tables are folders of files, as one of very many recordings has them."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from duologue_pipeline.files.tables import read_table, write_table
from duologue_pipeline.release.document import cards, manifest_bytes

TABLES = ("index", "recordings", "events")


def into_folders(out: Path) -> None:
    """Turns each table of a release into a folder of two files, and makes the cards and ``dataset.json`` anew."""
    release: dict[str, Any] = json.loads((out / "dataset.json").read_bytes())
    tables = {name: read_table(str(out / f"{name}.parquet")) for name in TABLES}
    paths = []
    for name, table in tables.items():
        (out / f"{name}.parquet").unlink()
        for number, part in enumerate((table[: len(table) // 2], table[len(table) // 2 :])):
            paths.append(f"{name}/{number:05d}.parquet")
            write_table(str(out / paths[-1]), part)
    paths += [path for path in ("rejected.jsonl", "statistics.json") if (out / path).exists()]
    release["files"] = [_entry(out, path) for path in paths]
    for path, content in cards(release, tables["index"], tables["recordings"], {"audio_missing": 1}):
        (out / path).write_bytes(content)
        release["files"].append(_entry(out, path))
    (out / "dataset.json").write_bytes(manifest_bytes(release))


def table_of(out: Path, name: str) -> pa.Table:
    """A table of such a release."""
    return pa.concat_tables([pq.read_table(path) for path in sorted((out / name).glob("*.parquet"))])


def _entry(out: Path, path: str) -> dict[str, Any]:
    content = (out / path).read_bytes()
    return {"path": path, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
