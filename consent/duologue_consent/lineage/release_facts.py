"""Reads what stewards need of a release: its name, its hash, how long each speaker is recorded in it, and its checkpoints."""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from duologue_consent.decisions.vocabulary import Form
from duologue_consent.errors import ConsentError
from duologue_consent.lineage.settlement import release_hours
from duologue_consent.proofs.dsse import load_json

__all__ = ["LARGEST_FILE", "ReleaseError", "ReleaseFacts", "read_checkpoints", "read_release_facts", "read_stores_with"]

_COLUMNS: Final = ["recording_id", "duration_s", "speaker_a", "speaker_b"]
_WORDS: Final = ["words_a", "words_b"]
_IN_FOLDER: Final = re.compile(r"recordings/[A-Za-z0-9_-]+\.parquet")
_PSEUDONYM_LENGTH: Final = 64
_LARGEST_CHECKPOINT: Final = 1_000_000
LARGEST_FILE: Final = 1 << 30
"""What is larger is not read, in bytes."""

Read = Callable[[str], bytes | None]
"""Gives what a file holds by its uri, None where there is none."""

_stores: list[Read] = []


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
        forms: of the recordings that it holds, in the words of :class:`~duologue_consent.decisions.vocabulary.Form`.
        recorded_ms: milliseconds per speaker's pseudonym; who was silenced in it is left out.
        checkpoints: what names each checkpoint of its ledger in messages -> the signed note.
    """

    sha256: str
    name: str
    version: str
    purposes: tuple[str, ...]
    ledger_id: str | None
    forms: tuple[str, ...]
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
    import pyarrow.parquet as pq

    read = _reader(uri)
    try:
        manifest = _there(read, f"{uri}/dataset.json")
    except OSError as error:
        raise ReleaseError(
            f"{uri}: is no release that can be read ({_told(error)}); name the folder of a run"
        ) from None
    try:
        document = load_json(manifest, "dataset.json")
        if document["schema"] != "release/1.0":
            raise ReleaseError(f"{uri}/dataset.json: of schema {document['schema']!r}, expected release/1.0")
        rows: list[dict[str, Any]] = []
        for path, named in _tables(document):
            try:
                table = _there(read, f"{uri}/{path}")
            except OSError as error:
                raise ReleaseError(
                    f"{uri}: is no release that can be read ({_told(error)}); name the folder of a run"
                ) from None
            if hashlib.sha256(table).hexdigest() != named:
                raise ReleaseError(
                    f"{uri}/{path}: is not the file that dataset.json names; see `duologue shards verify`"
                )
            file = pq.ParquetFile(pa.BufferReader(table))
            columns = _COLUMNS + [name for name in _WORDS if name in file.schema_arrow.names]
            rows += file.read(columns).to_pylist()
        sha256 = hashlib.sha256(manifest).hexdigest()
        hours = release_hours(sha256, rows).recorded_ms
        return ReleaseFacts(
            sha256=sha256,
            name=document["name"],
            version=document["version"],
            purposes=tuple(document["purposes"]),
            ledger_id=document["ledger"]["ledger_id"],
            forms=_forms(document, rows),
            recorded_ms={who: ms for who, ms in sorted(hours.items()) if len(who) == _PSEUDONYM_LENGTH},
            checkpoints=_checkpoints(uri, read),
        )
    except ReleaseError:
        raise
    except (KeyError, TypeError, AttributeError, ValueError, pa.ArrowException) as error:
        raise ReleaseError(f"{uri}: its files are damaged ({_told(error)}); see `duologue shards verify`") from None


def _tables(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Lists the files of the table of recordings, path and hash: ``recordings.parquet``, or those of its folder."""
    found = sorted(
        (entry["path"], entry["sha256"])
        for entry in document["files"]
        if entry["path"] == "recordings.parquet" or _IN_FOLDER.fullmatch(entry["path"])
    )
    if not found:
        raise ValueError("dataset.json names no recordings.parquet")
    return found


def _forms(document: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    transcript = any(row.get(name) for row in rows for name in _WORDS)
    held = {Form.AUDIO: document.get("include_audio", False), Form.TRANSCRIPT: transcript}
    return tuple(form.value for form in Form if held.get(form, True))


def read_checkpoints(uri: str, *, read: Read | None = None) -> dict[str, bytes]:
    """Reads the signed checkpoints of a release, or the one that a file holds; nothing is verified here.

    Args:
        uri: the folder of a release or another folder with a ``checkpoint``, or a file; also ``s3://`` and ``gs://``.
        read: gives what lies at a uri, None where no file does; for whoever reaches stores in another way.

    Returns:
        What names each checkpoint in messages -> the signed note.

    Raises:
        ReleaseError: there is none, or it cannot be read.
    """
    try:
        found = _checkpoints(uri, read or _reader(uri))
    except OSError as error:
        raise ReleaseError(
            f"{uri}: cannot be read ({_told(error)}); name a release, or a file with a checkpoint"
        ) from None
    except ReleaseError:
        raise
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ReleaseError(
            f"{uri}: its dataset.json is damaged ({_told(error)}); see `duologue shards verify`"
        ) from None
    if not found:
        raise ReleaseError(
            f"{uri}: there is no checkpoint of a ledger; name a release that was made with one, or a file as `duologue consent "
            "checkpoint --out` writes it"
        )
    return found


def read_stores_with(read: Read) -> None:
    """Sets how files in object stores are read: this package reaches none itself.

    Args:
        read: gives what lies at an ``s3://`` or ``gs://`` uri, None where no file does; raises OSError where it cannot be read.
    """
    _stores[:] = [read]


def _reader(uri: str) -> Read:
    scheme, separator, _ = uri.partition("://")
    if not separator:
        return _read_file
    if scheme.lower() not in ("s3", "gs"):
        raise ReleaseError(f"{uri}: a release is read from a folder, s3:// or gs://; name one of them")
    if not _stores:
        raise ReleaseError(
            f"{uri}: nothing that reads stores is there; give the command as `duologue consent ...`, or call read_stores_with"
        )
    return _stores[0]


def _checkpoints(uri: str, read: Read) -> dict[str, bytes]:
    found = {}
    for name in ("", "/checkpoint"):
        note = read(f"{uri}{name}")
        if note is not None and len(note) <= _LARGEST_CHECKPOINT:
            found[f"{uri}{name}"] = note
    manifest = read(f"{uri}/dataset.json")
    pinned = None if manifest is None else load_json(manifest, "dataset.json")["ledger"].get("checkpoint")
    if isinstance(pinned, str):
        found[f"the checkpoint in {uri}/dataset.json"] = pinned.encode()
    return found


def _there(read: Read, uri: str) -> bytes:
    data = read(uri)
    if data is None:
        raise FileNotFoundError(f"{uri}: no such file")
    return data


def _read_file(path: str) -> bytes | None:
    file = Path(path)
    if not file.is_file():  # a pipe would be waited for without end
        return None
    if file.stat().st_size > LARGEST_FILE:
        raise OSError(f"{path}: has {file.stat().st_size} bytes, and up to {LARGEST_FILE} are read")
    return file.read_bytes()


def _told(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
