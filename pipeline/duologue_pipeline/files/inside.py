"""Reads files of a folder that somebody else may have made: regular files only, which lie in it, and no more than is allowed.

A name is looked up before the file is opened, so that a pipe or a device, which would never end, is not opened at all.
"""

import io
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from duologue_pipeline.files.names import is_web
from duologue_pipeline.files.storage import file_size, is_remote, join, local_path, open_input
from duologue_pipeline.files.web import fetch
from duologue_pipeline.files.web_parts import web_size

__all__ = ["inside_size", "irregular_faults", "read_inside"]


def inside_size(root: str, path: str) -> int:
    """Gives the size of a file of a folder in bytes.

    Args:
        root: the folder.
        path: the file, relative to it.

    Raises:
        FileNotFoundError: there is no such file.
        OSError: it may not be looked at.
        ValueError: it is no regular file, or a link that leads out of the folder.
    """
    if is_remote(root):
        uri = join(root, path)
        size = web_size(uri) if is_web(root) else file_size(uri)
        if size is None:
            raise FileNotFoundError(f"{join(root, path)}: no such file")
        return size
    folder = Path(os.path.realpath(local_path(root)))
    found = os.stat(folder / path)
    if not stat.S_ISREG(found.st_mode):
        raise ValueError(f"it is {_kind(found.st_mode)} and not a file; remove it and fetch the release again")
    target = Path(os.path.realpath(folder / path))
    if not any(target.is_relative_to(allowed) for allowed in (folder, *_blobs(folder))):
        raise ValueError("it is a link that leads out of the folder; put the file itself there")
    return found.st_size


def irregular_faults(root: str, names: Iterable[str] = ()) -> Iterator[str]:
    """Finds in a folder what is no file and no folder, links that lead out, and folders where files should be.

    Whoever goes through all files of a folder would wait for a pipe without end, or read what is elsewhere.

    Args:
        root: the folder.
        names: what must be a file where it is there.

    Yields:
        The path and what is wrong, in one sentence.
    """
    if is_remote(root):
        return
    top = local_path(root)
    paths = {os.path.relpath(os.path.join(folder, name), top) for folder, _, files in os.walk(top) for name in files}
    for path in sorted({*paths, *names}):
        try:
            inside_size(root, path)
        except FileNotFoundError:
            if path in paths:
                yield f"{join(root, path)}: it is a link to nothing; remove it"
        except (OSError, ValueError) as error:
            yield f"{join(root, path)}: {getattr(error, 'strerror', None) or error}"


def read_inside(root: str, path: str, *, max_bytes: int) -> bytes:
    """Reads a whole file of a folder.

    Raises:
        OSError, ValueError: as :func:`inside_size`; or the file is longer than ``max_bytes``.
    """
    if is_web(root):
        buffer = io.BytesIO()
        fetch(join(root, path), buffer, max_bytes=max_bytes)
        return buffer.getvalue()
    size = inside_size(root, path)
    if size > max_bytes:
        raise ValueError(f"it has {size} bytes, and at most {max_bytes} are read")
    with open_input(join(root, path)) as stream:
        data = bytes(stream.read(max_bytes + 1))
    if len(data) > max_bytes:
        raise ValueError(f"it has more than {max_bytes} bytes, and no more are read")
    return data


def _blobs(folder: Path) -> list[Path]:
    """Gives where the files of a snapshot in the cache of ``huggingface_hub`` lie, which holds nothing but links to them."""
    return [folder.parent.parent / "blobs"] if folder.parent.name == "snapshots" else []


def _kind(mode: int) -> str:
    names = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    return names.get(stat.S_IFMT(mode), "a device")
