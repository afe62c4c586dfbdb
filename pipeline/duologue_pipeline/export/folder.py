"""Keeps the folder of an export: which files are in it, which part each belongs to, and that nothing of anybody else is touched.

    export.json           what the export is; it is there only while all of it is
    ...                   the files of the format
    .parts/request.json   what is exported, so that it can be done again
    .parts/NAME.json      the record of a part: what it is made of, its files with their hashes, its counts
    .parts/finish.json    the record of the files that speak of the whole
    .parts/new/           what is being written

A record is written before its files are moved into the folder, and again when all are there. So whatever a killed process
leaves is known, and is removed or finished by the next one.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.faults import storage_faults
from duologue_pipeline.files.locks import exclusive
from duologue_pipeline.files.storage import absolute_uri, is_remote, local_path, write_bytes
from duologue_pipeline.files.text import parse_json

__all__ = ["DOCUMENT", "FINISH", "REQUEST", "Folder", "Record", "json_bytes"]

DOCUMENT: Final = "export.json"
"""The document of an export; it is written last, and removed before anything is changed."""

FINISH: Final = "finish"
"""The record of the files that speak of the whole export."""

REQUEST: Final = "request"

_PARTS: Final = ".parts"
_NEW: Final = "new"
_OF_PART: Final[dict[str, type]] = {
    **dict.fromkeys(("split", "shard", "shard_sha256"), str),
    **dict.fromkeys(("samples", "words", "words_listed", "duration_ms"), int),
    **dict.fromkeys(("words_left_out", "samples_left_out"), dict),
    "index": list,
}
_BLOCK: Final = 1 << 20


@dataclass(frozen=True)
class Record:
    """Holds the record of a part.

    Attributes:
        name: of the part.
        content: its JSON document, with ``id``, ``done`` and ``files`` ([path, bytes, SHA-256] each, by path).
    """

    name: str
    content: dict[str, Any]

    @property
    def split(self) -> str:
        """Names the split of the part."""
        return str(self.content["split"])

    @property
    def index(self) -> list[Any]:
        """Gives what the format noted of the part."""
        return list(self.content["index"])

    @property
    def files(self) -> list[tuple[str, int, str]]:
        """Lists the files: path, bytes, SHA-256."""
        return [(path, size, sha256) for path, size, sha256 in self.content["files"]]


class Folder:
    """Stands for the folder of an export; change it only while :meth:`held`.

    Args:
        out: a local folder; it need not be there.

    Raises:
        UsageError: it is an address of an object store, or a file.
    """

    def __init__(self, out: str) -> None:
        if is_remote(out):
            raise UsageError(f"--out {out}: an export is written to a local folder; write it there and copy the folder")
        self.root = local_path(absolute_uri(out))
        self._records = self.root / _PARTS
        if self.root.exists() and not self.root.is_dir():
            raise UsageError(f"--out {out}: is a file; name a folder")

    @contextmanager
    def held(self) -> Iterator[None]:
        """Holds the folder against other processes while the block runs.

        Raises:
            UsageError: another process writes the export; the folder holds files, and no export; or the disk takes no more.
        """
        if self.root.exists() and not self._records.is_dir():
            for path in self.root.iterdir():
                raise UsageError(
                    f"--out {self.root}: holds {path.name}, which is of no export; choose a new folder, or an empty one"
                )
        there = self.root.exists()
        try:
            with (
                storage_faults(self.root, within=True),  # whatever a format writes may find the disk full
                exclusive(str(self._records / "lock"), wait_s=0.0, waiting=lambda _: None),
            ):
                yield
        finally:
            with suppress(OSError):  # what was refused leaves no empty folder behind
                self._records.rmdir()
                if not there:
                    self.root.rmdir()

    def request(self) -> dict[str, Any] | None:
        """Reads what is exported here; None where there is no export.

        Raises:
            UsageError: the file is not as it was written.
        """
        content = self._read(REQUEST)
        if content is not None and not isinstance(content.get("told"), dict):
            raise _damaged(self._records / f"{REQUEST}.json", "it does not say what is exported")
        return content

    def document(self) -> dict[str, Any] | None:
        """Reads ``export.json``; None where there is none, or one that says nothing of a release: it is written anew."""
        content = _load(self.root / DOCUMENT)
        release = None if content is None else content.get("release")
        return content if isinstance(release, dict) and {"name", "version", "sha256"} <= release.keys() else None

    def write(self, name: str, content: dict[str, Any]) -> None:
        """Writes a record, or the request."""
        write_bytes(str(self._records / f"{name}.json"), json_bytes(content))

    def write_document(self, content: dict[str, Any]) -> None:
        """Writes ``export.json``."""
        write_bytes(str(self.root / DOCUMENT), json_bytes(content), work=str(self._records))

    def drop_document(self) -> None:
        """Removes ``export.json``: from now on the folder is unfinished."""
        with storage_faults(self.root):
            (self.root / DOCUMENT).unlink(missing_ok=True)

    def names(self) -> list[str]:
        """Lists the names of the parts that have a record, sorted; not :data:`FINISH`."""
        if not self._records.is_dir():
            return []
        found = (path.name.removesuffix(".json") for path in self._records.iterdir() if path.suffix == ".json")
        return sorted(name for name in found if name not in (REQUEST, FINISH) and not name.startswith("."))

    def record(self, name: str) -> Record | None:
        """Reads the record of a part; None where there is none.

        Raises:
            UsageError: it is not as it was written: what it names may be of anybody.
        """
        content = self._read(name)
        if content is None:
            return None
        fault = _record_fault(name, content)
        if fault:
            raise _damaged(self._records / f"{name}.json", fault)
        return Record(name, content)

    def records(self) -> Iterator[Record]:
        """Reads the records of all parts, one after the other."""
        for name in self.names():
            record = self.record(name)
            if record is not None:
                yield record

    def is_whole(self, record: Record, wanted_id: str) -> bool:
        """Tells whether a part is made of what it should be, and its files are there, as long as they should be."""
        content = record.content
        return bool(content.get("done") and content.get("id") == wanted_id) and all(
            _size(self.root / path) == size for path, size, _ in record.files
        )

    @contextmanager
    def new(self, name: str) -> Iterator[Path]:
        """Gives an empty folder to write a part into; what is left of it is removed."""
        folder = self._records / _NEW / name
        with storage_faults(folder):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(self._records / _NEW, ignore_errors=True)

    def install(self, name: str, written: Path, content: dict[str, Any]) -> Record:
        """Moves what was written for a part into the folder, and keeps its record."""
        files = sorted(_listed(written))
        for path, *_ in files:
            assert path != DOCUMENT, f"{path}: is written by the frame"
            assert not os.path.lexists(self.root / path), f"{path}: two parts write it"
        content = {**content, "files": [list(each) for each in files]}
        self.write(name, {**content, "done": False})
        for path, *_ in files:
            target = self.root / path
            with storage_faults(target):
                target.parent.mkdir(parents=True, exist_ok=True)
                os.replace(written / path, target)
        self.write(name, {**content, "done": True})
        return Record(name, {**content, "done": True})

    def remove(self, name: str) -> int:
        """Removes a part with its files; gives how many files there were."""
        record = self.record(name)
        removed = 0
        for path, *_ in record.files if record else ():
            target = self.root / path
            with storage_faults(target):
                if os.path.lexists(target):
                    target.unlink()
                    removed += 1
                _remove_empty(target.parent, self.root)
        with storage_faults(self._records):
            (self._records / f"{name}.json").unlink(missing_ok=True)
        return removed

    def check_own(self) -> None:
        """Checks that every file of the folder is of the export.

        Raises:
            UsageError: one is not; it is named, and nothing was changed.
        """
        if self._records.is_symlink():
            raise UsageError(f"--out {self.root}: {_PARTS} is a link; choose another folder")
        known = (
            sum(os.path.lexists(self.root / path) for record in self.all_records() for path, *_ in record.files)
            + (self.root / DOCUMENT).exists()
        )
        found = [0, 0]
        for path in self.walk():
            found[(self.root / path).is_dir()] += 1
        if found == [known, 0]:
            return
        own = {path for record in self.all_records() for path, *_ in record.files} | {DOCUMENT}
        for path in self.walk():
            if path not in own:
                raise UsageError(
                    f"--out {self.root}: holds {path}, which is not of the export; move it elsewhere, or choose another folder"
                )

    def walk(self) -> Iterator[str]:
        """Lists the paths of all files, and of links to folders, but those in ``.parts``."""
        for folder, folders, files in os.walk(self.root):
            if Path(folder) == self.root and _PARTS in folders:
                folders.remove(_PARTS)
            links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
            for name in sorted([*files, *links]):
                yield os.path.relpath(os.path.join(folder, name), self.root).replace(os.sep, "/")

    def all_records(self) -> Iterator[Record]:
        """Reads the records of all parts, and that of the files of the whole."""
        yield from self.records()
        finish = self.record(FINISH)
        if finish is not None:
            yield finish

    def _read(self, name: str) -> dict[str, Any] | None:
        return _load(self._records / f"{name}.json")


def json_bytes(content: dict[str, Any]) -> bytes:
    """Writes a document so that the same content gives the same bytes."""
    return json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"


def _load(path: Path) -> dict[str, Any] | None:
    try:
        found = parse_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: cannot be read ({error}); remove the folder and export again") from None
    if not isinstance(found, dict):
        raise _damaged(path, "it is no object of JSON")
    return found


def _damaged(path: Path, fault: str) -> UsageError:
    return UsageError(f"{path}: is not as it was written: {fault}; remove the folder and export again")


def _record_fault(name: str, content: dict[str, Any]) -> str:
    """Says what is wrong with a record; "" where nothing is. Its paths are removed by it, so none may lead out of the folder."""
    kinds = {"id": str, "done": bool, "files": list} | ({} if name == FINISH else _OF_PART)
    for field, kind in kinds.items():
        if not isinstance(content.get(field), kind):
            return f"{field} is missing, or no {kind.__name__}"
    for file in content["files"]:
        if not (isinstance(file, list) and list(map(type, file)) == [str, int, str]):
            return f"{file!r} is no file"
        path = PurePosixPath(file[0])
        inside = not path.is_absolute() and ".." not in path.parts and str(path) == file[0] and "\0" not in file[0]
        if not inside or path.parts[0] in (_PARTS, DOCUMENT, "."):
            return f"{file[0]!r} is no file of an export"
    return ""


def _listed(folder: Path) -> Iterator[tuple[str, int, str]]:
    for path in folder.rglob("*"):
        if path.is_file():
            sha256 = hashlib.sha256()
            with path.open("rb") as handle:
                while block := handle.read(_BLOCK):
                    sha256.update(block)
            yield path.relative_to(folder).as_posix(), path.stat().st_size, sha256.hexdigest()


def _size(path: Path) -> int | None:
    try:
        return path.lstat().st_size
    except OSError:
        return None


def _remove_empty(folder: Path, root: Path) -> None:
    while folder != root and folder.is_relative_to(root):
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent
