"""Reads the manifest of a release, ``dataset.json``, of whoever made it."""

import errno
from itertools import islice
from typing import Any, Final

from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.file_fault import FileFault
from duologue_pipeline.files.inside import read_inside
from duologue_pipeline.files.storage import join
from duologue_pipeline.files.text import parse_json
from duologue_schemas import iter_faults

__all__ = [
    "MANIFEST",
    "SCHEMA",
    "DamagedReleaseError",
    "manifest_faults",
    "parse_release",
    "read_manifest",
    "read_release",
]

MANIFEST: Final = "dataset.json"
"""The file of a release that names all others; it is written last."""

SCHEMA: Final = "release/1.0"
"""The version of the manifest (schemas/release.schema.json)."""

_MAX_BYTES: Final = 1 << 25  # a hundred thousand shards


class DamagedReleaseError(UsageError, ValueError):
    """Tells that a release cannot be read as it is: damaged, incomplete, or made to do harm. The message names the file."""


def read_release(uri: str) -> dict[str, Any]:
    """Reads the ``dataset.json`` of a release, which then follows its schema.

    Raises:
        DamagedReleaseError: it is not a manifest of ours.
        UsageError: there is none.
    """
    return parse_release(read_manifest(uri), join(uri, MANIFEST))


def read_manifest(uri: str) -> bytes:
    """Reads the bytes of the ``dataset.json`` of a release; raises as :func:`read_release`."""
    name = join(uri, MANIFEST)
    try:
        return read_inside(uri, MANIFEST, max_bytes=_MAX_BYTES)
    except NotADirectoryError:
        raise UsageError(f"{uri}: is a file; give the output folder of a run, in which {MANIFEST} lies") from None
    except OSError as error:
        if isinstance(error, FileFault) and error.kind in ("not_allowed", "forbidden", "unreachable"):
            raise  # it says what is to be done, and nothing is known to be damaged
        if not isinstance(error, FileNotFoundError) and error.errno != errno.ENAMETOOLONG:
            raise DamagedReleaseError(f"{name}: cannot be read ({error})") from None
        raise UsageError(f"{name}: no such file; is {uri} the output folder of a complete run?") from None
    except ValueError as error:
        raise DamagedReleaseError(f"{name}: cannot be read ({error})") from None


def parse_release(data: bytes, name: str) -> dict[str, Any]:
    """Reads the bytes of a ``dataset.json``.

    Args:
        data: the bytes.
        name: of the file, for messages.

    Raises:
        DamagedReleaseError: it is not a manifest of ours.
    """
    document = _document(data, name)
    faults = list(islice(iter_faults("release", document), 2))
    if faults:
        more = "; `duologue shards verify` lists all faults" if len(faults) > 1 else ""
        raise DamagedReleaseError(f"{name}: {faults[0]}{more}"[:1000])
    return document


def manifest_faults(data: bytes, name: str) -> tuple[dict[str, Any], list[str]]:
    """Reads the bytes of a ``dataset.json`` and lists its faults, each with its field.

    Raises:
        DamagedReleaseError: it is no manifest of this version at all.
    """
    document = _document(data, name)
    return document, [f"{MANIFEST}: {fault}" for fault in iter_faults("release", document)]


def _document(data: bytes, name: str) -> dict[str, Any]:
    try:
        document = parse_json(data)
    except ValueError as error:
        raise DamagedReleaseError(f"{name}: cannot be read ({error})") from None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise DamagedReleaseError(f"{name}: not a release manifest of version {SCHEMA}")
    return document
