"""Looks after exports that are there: tells whether one is stale, brings it up to date, and searches it for what had to go."""

import hashlib
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from duologue_pipeline.errors import UsageError
from duologue_pipeline.export.folder import Folder
from duologue_pipeline.export.make import plan_version
from duologue_pipeline.export.request import ExportRequest
from duologue_pipeline.reader.release import read_release
from duologue_pipeline.reader.watch import RevocationWatch

__all__ = ["Status", "export_status", "kept_request", "scan_export"]

_BLOCK: Final = 1 << 20
_NOT_OPENED: Final = "tokenizer"
"""Stands for the tokenizer where nothing is written: its hash is known."""

_TOLD: Final = ("splits", "where", "model_speaker", "tokenizer_sha256", "public", "purpose", "options")


@dataclass(frozen=True)
class Status:
    """Says how an export stands.

    Attributes:
        name: of the format.
        holds: name and version of the release that it was made of; None where it is unfinished.
        now: name and version of the release that is there.
        changed: parts that are to be written anew, or are gone.
        parts: parts that the release makes now.
        faults: files that are not as they were written, or not of the export, a sentence each.
    """

    name: str
    holds: str | None
    now: str
    changed: int
    parts: int
    faults: tuple[str, ...]

    @property
    def is_current(self) -> bool:
        """Tells whether it is whole, and what the release would give now."""
        return self.holds is not None and not self.changed and not self.faults


def kept_request(
    folder: Folder, dataset: str | None, tokenizer: str | None
) -> tuple[str, ExportRequest, dict[str, Any]]:
    """Reads what an export is of: the release, what was asked for, and what of it decides the bytes.

    Args:
        folder: of the export.
        dataset: the release; the one that it was made of if None.
        tokenizer: its file; the one that it was made with if None.

    Raises:
        UsageError: there is no export; or it does not say where its release lies.
    """
    kept = folder.request()
    if kept is None:
        raise UsageError(f"{folder.root}: is no export; name the --out of `duologue export`")
    told = kept["told"]
    if missing := sorted({"format", *_TOLD} - told.keys()):
        raise UsageError(
            f"{folder.root}: .parts/request.json does not say {missing[0]}; remove the folder and export again"
        )
    uri = dataset or kept.get("dataset")
    if uri is None:
        raise UsageError(f"{folder.root}: is a public export and does not say where its release lies; give --dataset")
    has_tokenizer = told["tokenizer_sha256"] is not None
    file = (tokenizer or kept.get("tokenizer")) if has_tokenizer else None
    if has_tokenizer and file is None:
        raise UsageError(f"{folder.root}: does not say where its tokenizer lies; give --tokenizer")
    request = ExportRequest(
        format=told["format"],
        splits=tuple(told["splits"]),
        where=tuple(tuple(condition) for condition in told["where"]),
        model_speaker=told["model_speaker"],
        tokenizer=file,
        public=told["public"],
        purpose=told["purpose"],
        options=told["options"],
    )
    return uri, request, told


def export_status(out: str, *, dataset: str | None = None, check_files: bool = True) -> Status:
    """Tells how an export stands against its release.

    Args:
        out: the folder of the export.
        dataset: the release; the one that it was made of if None.
        check_files: whether every file is read and held against what was written.

    Raises:
        UsageError: there is no export, or no release that can be read.
    """
    folder = Folder(out)
    uri, request, kept = kept_request(folder, dataset, _NOT_OPENED)
    told = request.told(kept["tokenizer_sha256"])
    version = plan_version(uri, request, told)
    wanted = {plan.name: plan.id for plan in version.plans}
    right = {record.name for record in folder.records() if folder.is_whole(record, wanted.get(record.name, ""))}
    document = folder.document()
    holds = None if document is None else f"{document['release']['name']} {document['release']['version']}"
    faults = tuple(_file_faults(folder, read=check_files))
    other_version = document is not None and document["release"]["sha256"] != version.sha256
    changed = len(set(wanted) ^ set(folder.names())) + len((set(wanted) & set(folder.names())) - right)
    return Status(
        name=told["format"],
        holds=holds,
        now=f"{version.release['name']} {version.release['version']}",
        changed=max(changed, int(other_version)),
        parts=len(wanted),
        faults=faults,
    )


def scan_export(out: str, uri: str) -> int:
    """Searches an export for what had to go, after it was brought up to date; gives how many files were searched.

    Every file must be one that a part of the present version made, byte for byte as it was written: so it is what an export that
    is made anew holds. And neither a name nor a byte, also of what is packed with gzip, may name a sample that was withdrawn and
    is not in the release any more.

    Args:
        out: the folder of the export.
        uri: the folder of the release.

    Raises:
        UsageError: something is found; it is named.
    """
    folder = Folder(out)
    for fault in _file_faults(folder, read=True):
        raise UsageError(f"{folder.root}: {fault}; remove it, and run `duologue export refresh` again")
    gone = [key.encode() for key in _gone_keys(uri, folder)]
    searched = 0
    for path in folder.walk():
        searched += 1
        found = next((key for key in gone if key in path.encode() or _holds(folder.root / path, key)), None)
        if found is not None:
            raise UsageError(
                f"{folder.root}: {path} names the sample {found.decode()}, which was withdrawn; remove the folder and export again"
            )
    return searched


def _gone_keys(uri: str, folder: Folder) -> list[str]:
    """Lists the samples that revocations name and that the present version does not give."""
    release = read_release(uri)
    watch = RevocationWatch(uri)
    watch.look(release)
    named = {entry.key for entry in watch.known.entries}
    if not named:
        return []
    _, request, told = kept_request(folder, uri, _NOT_OPENED)
    there = {key for plan in plan_version(uri, request, told).plans for key in plan.shard.keys}
    return sorted(named - there)


def _file_faults(folder: Folder, *, read: bool) -> Iterator[str]:
    try:
        folder.check_own()
    except UsageError as error:
        yield str(error)
    for record in folder.all_records():
        for path, size, sha256 in record.files:
            file = folder.root / path
            if not file.is_file() or file.stat().st_size != size:
                yield f"{path} is not there, or not as long as it was written"
            elif read and _sha256(file) != sha256:
                yield f"{path} is not as it was written"


def _sha256(path: Path) -> str:
    sha256 = hashlib.sha256()
    with path.open("rb") as handle:
        while block := handle.read(_BLOCK):
            sha256.update(block)
    return sha256.hexdigest()


def _holds(path: Path, text: bytes) -> bool:
    """Tells whether a file holds a text, as it is or unpacked by gzip; blocks overlap by the length of the text."""
    return any(text in block for make in (_plain, _unpacked) for block in _overlapping(path, len(text), make))


def _overlapping(path: Path, length: int, make: Callable[[Path], Iterator[bytes]]) -> Iterator[bytes]:
    before = b""
    for block in make(path):
        yield before + block
        before = block[-length:]


def _plain(path: Path) -> Iterator[bytes]:
    with path.open("rb") as handle:
        while block := handle.read(_BLOCK):
            yield block


def _unpacked(path: Path) -> Iterator[bytes]:
    if not path.name.endswith(".gz"):
        return
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        for block in _plain(path):
            yield unpacker.decompress(block)
    except zlib.error:
        return
