"""Tells, without opening it, where the audio of a track lies, so that a refused track is known again under another recording_id.

The audio of somebody who has not agreed is not opened or fetched to compare it. Names are compared, and what a file system or an
object store says of a file without giving its content: the inode, the size, the ETag. A file of the very size of one that may be
read is then hashed, and nothing of it kept.
"""

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from duologue_pipeline.errors import RejectError
from duologue_pipeline.files.file_fault import FileFault, StoreFaultError
from duologue_pipeline.files.local import open_regular
from duologue_pipeline.files.names import scheme
from duologue_pipeline.files.object_store import is_object, object_store
from duologue_pipeline.files.storage import is_remote, local_path
from duologue_pipeline.records import Consented

__all__ = ["Candidate", "byte_equal", "file_size", "refuse_audio_of", "track_places"]

_NAMED: Final = 10
_HEAD_BYTES: Final = 1 << 16
_BLOCK_BYTES: Final = 1 << 20
_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}
_SIGNATURE: Final = re.compile("(x-(amz|goog)-)?signature|sig", re.IGNORECASE)
_OF_A_SIGNATURE: Final = re.compile(
    "x-(amz|goog)-.*|signature|expires|awsaccesskeyid|googleaccessid|key-pair-id|policy|s[eprv]|sig|st|skoid|sktid|skt|ske|sks|skv|sip|spr",
    re.IGNORECASE,
)


@dataclass(frozen=True, order=True)
class Candidate:
    """Names a track whose file may have the bytes of another one's."""

    uri: str
    channel: int
    recording_id: str
    is_refused: bool


def refuse_audio_of(recording: Consented, refused: Sequence[str]) -> Consented:
    """Passes a recording on whose audio stands under no refused one.

    Args:
        recording: whose consent was found.
        refused: the refused recordings that hold audio of it, sorted; usually none.

    Raises:
        RejectError: ``consent_audio_of_refused``.
    """
    if refused:
        named = ", ".join(refused[:_NAMED]) + (f" and {len(refused) - _NAMED} more" if len(refused) > _NAMED else "")
        raise RejectError(
            "consent_audio_of_refused",
            f"{recording.recording_id}: its audio stands under {named} as well, and is refused there for want of consent; correct "
            "the manifest: whoever is heard must be asked, under whatever id",
            {"refused": len(refused)},
        )
    return recording


def track_places(uri: str, channel: int) -> Iterator[str]:
    """Gives everything by which the place of a track can be told: two tracks that share one of them are the same audio.

    A local file has its resolved path and its inode, an object of a store its uri, its size and its ETag or checksum, all else its uri. No file is
    opened and nothing is fetched; where a file is not there its name alone counts.
    """
    if not is_remote(uri):
        try:
            path = local_path(uri)
            yield f"{channel} path {os.path.realpath(path)}"
            status = os.stat(path)
            yield f"{channel} inode {status.st_dev} {status.st_ino}"
        except (OSError, ValueError, RuntimeError):  # no such file; a NUL in its name, the home of an unknown user
            pass
        return
    yield f"{channel} uri {_plain(uri)}"
    if is_object(uri):
        mark = _object_mark(uri)
        if mark is not None:
            yield f"{channel} {scheme(uri)} {mark}"


def file_size(uri: str) -> int | None:
    """Gives the size of a local file in bytes; None where there is none."""
    if is_remote(uri):
        return None
    try:
        path = local_path(uri)
        return path.stat().st_size if path.is_file() else None
    except (OSError, ValueError, RuntimeError):
        return None


def byte_equal(candidates: Iterable[Candidate]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Finds the tracks that may be used and are, byte for byte, the file and channel of a refused one.

    Args:
        candidates: tracks whose local files are of one size. Nothing is opened where none is refused, or all are.

    Returns:
        (recording_id, the refused recordings' ids sorted) of each.
    """
    known = set(candidates)
    if len({each.is_refused for each in known}) < 2:
        return ()
    first = _grouped(known, lambda uri: _digest(uri, _HEAD_BYTES))
    found: dict[str, set[str]] = {}
    for group in first:
        for same in _grouped(group, lambda uri: _digest(uri, None)):
            for each in same:
                refused = {other.recording_id for other in same if other.is_refused and other.channel == each.channel}
                if not each.is_refused and refused:
                    found.setdefault(each.recording_id, set()).update(refused)
    return tuple((name, tuple(sorted(refused))) for name, refused in sorted(found.items()))


def _grouped(candidates: Iterable[Candidate], digest_of: Callable[[str], str | None]) -> Iterator[Sequence[Candidate]]:
    """Groups candidates whose files have one digest and of which some are refused and some are not."""
    digests: dict[str, str | None] = {}
    groups: dict[str, list[Candidate]] = {}
    for each in sorted(candidates):
        if each.uri not in digests:
            digests[each.uri] = digest_of(each.uri)
        digest = digests[each.uri]
        if digest is not None:
            groups.setdefault(digest, []).append(each)
    yield from (group for group in groups.values() if len({each.is_refused for each in group}) == 2)


def _digest(uri: str, limit: int | None) -> str | None:
    """Hashes a file, or its beginning; None where it cannot be read."""
    digest = hashlib.sha256()
    try:
        with open_regular(uri) as file:
            if limit is not None:
                return hashlib.sha256(file.read(limit)).hexdigest()
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
    except (OSError, ValueError, RuntimeError):
        return None
    return digest.hexdigest()


def _plain(uri: str) -> str:
    """Writes a uri in the one way in which it is compared: scheme and host small, no default port, fragment or signature."""
    kind = scheme(uri)
    if kind not in _DEFAULT_PORTS:
        return f"{kind}://{uri.partition('://')[2].removeprefix('anonymous@')}"
    try:
        parts = urlsplit(uri)
    except ValueError:
        return uri
    host = parts.netloc.rpartition("@")[2].lower().removesuffix(_DEFAULT_PORTS[kind])
    fields = parse_qsl(parts.query, keep_blank_values=True)
    if any(_SIGNATURE.fullmatch(name) for name, _ in fields):  # else `sp` or `policy` may tell one file from another
        fields = [(name, value) for name, value in fields if not _OF_A_SIGNATURE.fullmatch(name)]
    return f"{host}{unquote(parts.path)}?{urlencode(sorted(fields))}"


def _object_mark(uri: str) -> str | None:
    """Asks a store what tells the bytes of an object; None where there is none or it may not be looked at.

    Raises:
        StoreFaultError: the store could not be asked, so that nothing is known.
    """
    try:
        store, path = object_store(uri)
        return store.mark(path)
    except StoreFaultError:
        raise
    except FileFault:  # then the names alone are compared
        return None
