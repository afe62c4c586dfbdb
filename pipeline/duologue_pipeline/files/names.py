"""Takes the name of a file apart: local paths, and uris of the schemes that duologue reads.

A name in an object store is a key, not a uri: every character after the bucket belongs to it as it stands. A local
``file:`` uri and a web address are uris, with percent-encoding.
"""

import re
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from duologue_pipeline.files.file_fault import FileFault

__all__ = [
    "SCHEMES",
    "absolute_uri",
    "check_name",
    "hint",
    "is_remote",
    "is_web",
    "join",
    "local_only",
    "local_path",
    "object_name",
    "scheme",
    "shown",
    "sibling_uri",
    "suffix",
]

SCHEMES: Final = ("s3", "gs", "http", "https", "file")
"""What a uri may begin with, in any case; everything else is refused before a library sees it."""

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_NO_PATHS: Final = re.compile(r"(data|javascript|blob|about|mailto|urn|ftp|https?|s3|gs):", re.IGNORECASE)
_WINDOWS: Final = re.compile(r"[A-Za-z]:[\\/]|\\\\")
_BUCKET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")
_KEY_BYTES: Final = 1024
_SHOWN: Final = 300


def scheme(uri: str) -> str:
    """Gives the scheme of a uri in small letters; ``file`` for a local path."""
    found = _SCHEME.match(uri)
    return found.group(1).lower() if found else "file"


def is_remote(uri: str) -> bool:
    """Tells whether the uri names another place than the local disk."""
    return scheme(uri) != "file"


def is_web(uri: str) -> bool:
    """Tells whether the uri is an address of a web server."""
    return scheme(uri) in ("http", "https")


def check_name(uri: str) -> None:
    """Checks that a name is one of a place that duologue knows.

    Raises:
        FileFault: it is not.
    """
    if scheme(uri) not in SCHEMES:
        raise FileFault(
            f"{shown(uri)}: cannot be reached ({scheme(uri)} is no place that duologue reads from); "
            "use a local path, s3:// or gs://, for audio and words also https://",
            "not_allowed",
            {"fault": "scheme"},
        )
    if _WINDOWS.match(uri):
        raise FileFault(
            f"{shown(uri)}: not a file name of this machine but a path of Windows; write the path that it has here",
            "not_allowed",
            {"fault": "windows"},
        )
    if not is_remote(uri) and _NO_PATHS.match(uri):
        raise FileFault(
            f"{shown(uri)}: not a file name ({uri.partition(':')[0]}: begins no address that duologue reads); "
            "write a path, or s3://, gs://, http:// or https:// in full",
            "not_allowed",
            {"fault": "scheme"},
        )


def absolute_uri(uri: str) -> str:
    """Makes a local path absolute, so that workers with another working directory find it; leaves the rest."""
    return uri if is_remote(uri) or _is_no_path(uri) else str(local_path(uri).absolute())


def sibling_uri(base: str, uri: str) -> str:
    """Resolves ``uri`` as a manifest means it: absolute as it stands, else beside the file ``base``."""
    if is_remote(uri) or _is_file_uri(uri) or _is_no_path(uri):
        return uri
    if is_remote(base):
        return uri if uri.startswith("/") else _beside(base, uri)
    return str(local_path(base).absolute().parent / uri)


def join(folder: str, *names: str) -> str:
    """Puts names under a folder uri."""
    return "/".join([folder.rstrip("/") or "/", *names])


def local_only(uri: str) -> Path:
    """Gives the local path of what is written on this machine alone.

    Raises:
        FileFault: the uri names another place.
    """
    check_name(uri)
    if is_remote(uri):
        raise FileFault(
            f"{shown(uri)}: cannot be written by this command (only this machine's disks); name a local path, and copy what is "
            "in it afterwards",
            "not_allowed",
        )
    return local_path(uri)


def local_path(uri: str) -> Path:
    """Gives the local path that a local uri names.

    Raises:
        FileFault: a ``file:`` uri names another machine.
    """
    if not _is_file_uri(uri):
        return Path(uri).expanduser()
    rest = uri[len("file:") :]
    if rest.startswith("//"):
        host, slash, path = rest[2:].partition("/")
        if host.lower() not in ("", "localhost"):
            raise FileFault(
                f"{shown(uri)}: not a file name of this machine ({host!r} stands where a host does); "
                "write file:///absolute/path",
                "not_allowed",
                {"fault": "host"},
            )
        rest = slash + path
    return Path(unquote(rest, errors="surrogateescape"))


def object_name(uri: str) -> tuple[str, str]:
    """Gives the bucket and the key of an ``s3://`` or ``gs://`` uri; the key is all that follows, as it stands.

    Raises:
        FileFault: the bucket or the key cannot be one.
    """
    bucket, _, key = uri.partition("://")[2].partition("/")
    if not _BUCKET.fullmatch(bucket.removeprefix("anonymous@")):
        raise FileFault(
            f"{scheme(uri)}://…: {shown(bucket.rpartition('@')[2])!r} cannot be the name of a bucket; write {scheme(uri)}://BUCKET/KEY, and "
            "give credentials and endpoint by the environment",
            "not_allowed",
            {"fault": "bucket"},
        )
    try:
        length = len(key.encode())
    except UnicodeEncodeError:
        length = _KEY_BYTES + 1
    if length > _KEY_BYTES or "\0" in key:
        raise FileFault(
            f"{shown(uri)}: no object can have this name; a key is up to {_KEY_BYTES} bytes of UTF-8", "not_allowed"
        )
    return bucket, key


def shown(uri: str) -> str:
    """Writes a uri for messages: on one line, of bounded length, without password and query."""
    text = uri
    if is_remote(uri):
        head, _, rest = uri.partition("://")
        rest, query, _ = rest.partition("?") if scheme(uri) in ("http", "https") else (rest, "", "")
        host, slash, path = rest.partition("/")
        text = f"{head}://{host.rpartition('@')[2]}{slash}{path}{'?…' if query else ''}"
    text = "".join(each if each.isprintable() else each.encode("unicode_escape", "replace").decode() for each in text)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN // 2]}…{text[-_SHOWN // 2 :]}"


def hint(uri: str) -> str:
    """Guesses why there is no local file of this name; empty where nothing is known."""
    if "/~" in uri:
        return "; ~ is not expanded in a manifest: write the whole path"
    return "; \\ parts no folders on this machine: write /" if "\\" in uri else ""


def suffix(uri: str) -> str:
    """Gives the extension of a file name, from its dot on; empty where it is none that a local file may have."""
    path = uri.partition("?")[0] if scheme(uri) in ("http", "https") else uri
    found = re.search(r"\.[A-Za-z0-9]{1,8}$", path.rpartition("/")[2])
    return found.group() if found else ""


def _is_no_path(uri: str) -> bool:
    """Tells whether a name without a scheme means something else than a file here; :func:`check_name` refuses it."""
    return bool(_NO_PATHS.match(uri) or _WINDOWS.match(uri))


def _is_file_uri(uri: str) -> bool:
    return uri[:6].lower() == "file:/"


def _beside(base: str, relative: str) -> str:
    """Resolves a relative reference beside an object; ``.`` and ``..`` in it are steps, which never leave the bucket."""
    bucket, _, key = base.partition("://")[2].partition("/")
    parts = key.split("/")[:-1]
    for part in relative.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part != ".":
            parts.append(part)
    return f"{scheme(base)}://{bucket}/{'/'.join(parts)}"
