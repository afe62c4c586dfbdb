"""Lists every file of a folder once, so that each can be accounted for."""

import os
import stat
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from duologue_pipeline.errors import UsageError
from duologue_pipeline.intake.model import RefusedFile

__all__ = ["Listing", "composed", "list_folder"]


@dataclass(frozen=True)
class Listing:
    """Holds the files below a folder.

    Attributes:
        root: the folder, absolute and without links.
        files: their paths below it with ``/``, sorted.
        refused: what is there and is no file that can be named.
    """

    root: Path
    files: tuple[str, ...]
    refused: tuple[RefusedFile, ...]

    @property
    def looked_at(self) -> int:
        """Counts all that was found."""
        return len(self.files) + len(self.refused)


def composed(name: str) -> str:
    """Writes a name in composed letters (NFC): a Mac takes them apart in the names of files, and tables seldom do."""
    return unicodedata.normalize("NFC", name)


def list_folder(folder: Path, *, without: Path) -> Listing:
    """Lists all files in and below a folder; links to files are followed, links to folders are not.

    Args:
        folder: to list.
        without: a folder that is left out where it lies within: that of the results.

    Raises:
        UsageError: there is no such folder, or a part of it cannot be read.
    """
    if str(folder).startswith(("s3:/", "gs:/", "http:/", "https:/")):
        raise UsageError(
            f"{folder}: lies elsewhere; only folders of this machine are listed, use from-table with a table of the addresses"
        )
    if not folder.is_dir():
        what = "is a file and no folder" if folder.exists() else "there is no such folder"
        raise UsageError(f"{folder}: {what}; name the folder that holds the recordings")
    root = folder.resolve()
    files: list[str] = []
    refused: list[RefusedFile] = []
    for path, is_link_to_folder in _walk(root, without.resolve()):
        name = path.relative_to(root).as_posix()
        if any("\ud800" <= letter <= "\udfff" for letter in name):
            shown = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
            refused.append(RefusedFile(file=shown, reason="name_not_text", detail="rename the file"))
        elif is_link_to_folder:
            detail = "is a link to a folder, which is not followed; name that folder itself, or put the files here"
            refused.append(RefusedFile(file=name, reason="not_a_file", detail=detail))
        elif (fault := _fault(path)) is not None:
            refused.append(RefusedFile(file=name, reason="not_a_file", detail=fault))
        else:
            files.append(name)
    return Listing(root, tuple(sorted(files)), tuple(sorted(refused)))


def _walk(root: Path, without: Path) -> Iterator[tuple[Path, bool]]:
    def cannot(error: OSError) -> None:
        raise UsageError(f"{error.filename}: cannot be listed ({error.strerror}); correct the rights") from None

    for folder, names, files in os.walk(root, onerror=cannot):
        here = Path(folder)
        names[:] = [name for name in names if here / name != without]
        yield from ((here / name, True) for name in names if (here / name).is_symlink())
        yield from ((here / name, False) for name in files)


def _fault(path: Path) -> str | None:
    try:
        found = path.stat()
    except OSError as error:
        return f"cannot be looked at ({error.strerror}); is it a link to nowhere?"
    if not stat.S_ISREG(found.st_mode):
        return "is no regular file (a socket, a pipe or a device)"
    return None
