"""Reads what stewards need of a release: its name, its hash, how long each speaker is recorded in it, and its checkpoints."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from duologue_consent.errors import ConsentError
from duologue_consent.lineage.settlement import release_hours

__all__ = ["ReleaseError", "ReleaseFacts", "read_checkpoints", "read_release_facts"]

_COLUMNS: Final = ["recording_id", "duration_s", "speaker_a", "speaker_b"]
_PSEUDONYM_LENGTH: Final = 64
_LARGEST_CHECKPOINT: Final = 1_000_000


class ReleaseError(ConsentError, ValueError):
    """Tells that a folder is no release, or that its files contradict one another; the message names file, fault and remedy."""


@dataclass(frozen=True)
class ReleaseFacts:
    """Describes a release as its own files do.

    Attributes:
        sha256: of ``dataset.json``: what names this very release.
        name, version: of the dataset.
        purposes: what it may be used for.
        ledger_id: the ledger that it was made with, None where there was none.
        recorded_ms: milliseconds per speaker's pseudonym; who was silenced in it is left out.
        checkpoints: what names each checkpoint of its ledger in messages -> the signed note.
    """

    sha256: str
    name: str
    version: str
    purposes: tuple[str, ...]
    ledger_id: str | None
    recorded_ms: Mapping[str, int] = field(hash=False)
    checkpoints: Mapping[str, bytes] = field(hash=False)

    @property
    def label(self) -> str:
        """Names the release for people: ``name version``."""
        return f"{self.name} {self.version}"


def read_release_facts(uri: str) -> ReleaseFacts:
    """Reads ``dataset.json`` and ``recordings.parquet`` of a release.

    Args:
        uri: a folder, or ``s3://`` and ``gs://`` addresses.

    Raises:
        ReleaseError: it is no release, is damaged, or ``recordings.parquet`` is not the one that ``dataset.json`` names.
    """
    # Imported here: the other commands of `duologue consent` need no pyarrow and start without its half second.
    import pyarrow as pa
    import pyarrow.fs as pafs
    import pyarrow.parquet as pq

    scheme, separator, rest = uri.partition("://")
    if separator and scheme.lower() not in ("s3", "gs"):  # some others end the process in a library
        raise ReleaseError(f"{uri}: a release is read from a folder, s3:// or gs://; name one of them")
    try:
        # Encoded, because pyarrow takes the uri apart: in a key ? and # are letters as others are.
        where = f"{scheme.lower()}://{quote(rest)}"
        files, folder = pafs.FileSystem.from_uri(where) if separator else (pafs.LocalFileSystem(), uri)
        manifest = _read(files, f"{folder}/dataset.json")
        table = _read(files, f"{folder}/recordings.parquet")
    except (OSError, pa.ArrowInvalid) as error:
        raise ReleaseError(
            f"{uri}: is no release that can be read ({_told(error)}); name the folder of a run"
        ) from None
    try:
        document = json.loads(manifest)
        if document["schema"] != "release/1.0":
            raise ReleaseError(f"{uri}/dataset.json: of schema {document['schema']!r}, expected release/1.0")
        (named,) = (entry["sha256"] for entry in document["files"] if entry["path"] == "recordings.parquet")
        if hashlib.sha256(table).hexdigest() != named:
            raise ReleaseError(
                f"{uri}/recordings.parquet: is not the file that dataset.json names; see `duologue shards verify`"
            )
        rows: list[dict[str, Any]] = pq.ParquetFile(pa.BufferReader(table)).read(_COLUMNS).to_pylist()
        sha256 = hashlib.sha256(manifest).hexdigest()
        hours = release_hours(sha256, rows).recorded_ms
        return ReleaseFacts(
            sha256=sha256,
            name=document["name"],
            version=document["version"],
            purposes=tuple(document["purposes"]),
            ledger_id=document["ledger"]["ledger_id"],
            recorded_ms={who: ms for who, ms in sorted(hours.items()) if len(who) == _PSEUDONYM_LENGTH},
            checkpoints=_checkpoints(files, folder, uri),
        )
    except (KeyError, TypeError, json.JSONDecodeError, pa.ArrowException) as error:
        raise ReleaseError(f"{uri}: its files are damaged ({_told(error)}); see `duologue shards verify`") from None


def read_checkpoints(uri: str) -> dict[str, bytes]:
    """Reads the signed checkpoints of a release, or the one that a file holds; nothing is verified here.

    Args:
        uri: the folder of a release or another folder with a ``checkpoint``, or a file; also ``s3://`` and ``gs://``.

    Returns:
        What names each checkpoint in messages -> the signed note.

    Raises:
        ReleaseError: there is none, or it cannot be read.
    """
    import pyarrow as pa
    import pyarrow.fs as pafs

    try:
        scheme, separator, rest = uri.partition("://")
        where = f"{scheme}://{quote(rest)}"  # encoded, as above
        files, path = pafs.FileSystem.from_uri(where) if separator else (pafs.LocalFileSystem(), uri)
        found = _checkpoints(files, path, uri)
    except (OSError, pa.ArrowInvalid) as error:
        raise ReleaseError(
            f"{uri}: cannot be read ({_told(error)}); name a release, or a file with a checkpoint"
        ) from None
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise ReleaseError(
            f"{uri}: its dataset.json is damaged ({_told(error)}); see `duologue shards verify`"
        ) from None
    if not found:
        raise ReleaseError(
            f"{uri}: there is no checkpoint of a ledger; name a release that was made with one, or a file as `duologue consent "
            "checkpoint --out` writes it"
        )
    return found


def _checkpoints(files: Any, path: str, uri: str) -> dict[str, bytes]:
    names = ("", "/checkpoint", "/dataset.json")
    found = {}
    for name, info in zip(names, files.get_file_info([f"{path}{name}" for name in names]), strict=True):
        if not info.is_file:
            continue
        if name == "/dataset.json":
            note = json.loads(_read(files, info.path))["ledger"].get("checkpoint")
            if isinstance(note, str):
                found[f"the checkpoint in {uri}{name}"] = note.encode()
        elif info.size <= _LARGEST_CHECKPOINT:
            found[f"{uri}{name}"] = _read(files, info.path)
    return found


def _read(files: Any, path: str) -> bytes:
    with files.open_input_stream(path) as stream:
        data: bytes = stream.read()
    return data


def _told(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
