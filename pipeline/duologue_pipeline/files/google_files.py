"""Reads, writes and lists objects of Google's store as files, as :mod:`duologue_pipeline.files.object_store` asks.

An object is read in parts of one generation. It appears under its key when it has come whole: it is sent when all of it is there,
a large one by a resumable upload, which nobody sees before it is finished.
"""

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, suppress
from itertools import islice
from typing import IO, Any, Final

import pyarrow.fs

from duologue_pipeline.files.appearing import appearing
from duologue_pipeline.files.faults import storage_faults
from duologue_pipeline.files.file_fault import FileFault, FileMissing
from duologue_pipeline.files.google import Tries, google_faults, google_object, google_status
from duologue_pipeline.files.temporary import temporary_file, temporary_place
from duologue_pipeline.files.version import ConflictError, Version

__all__ = ["GoogleFiles"]

_PART_BYTES: Final = 1 << 24
_THREADS: Final = 16
_AT_ONCE: Final = 1000
_GONE: Final = 404
_CHANGED: Final = 412
_NO_SUCH_RANGE: Final = 416
_KIND: Final = "application/octet-stream"


class GoogleFiles:
    """Gives the objects of a bucket as files; a path is ``BUCKET/KEY``, the key as it stands."""

    type_name = "gs"

    def get_file_info(self, where: str | pyarrow.fs.FileSelector) -> Any:
        """Tells what has this name, as ``pyarrow.fs.FileInfo``; of a selector, what lies in the folder.

        Raises:
            FileFault: the store does not say it.
        """
        kinds = pyarrow.fs.FileType
        if isinstance(where, pyarrow.fs.FileSelector):
            return list(self._listed(where.base_dir, recursive=where.recursive))
        bucket, key = google_object(f"gs://{where}")
        if key:
            with suppress(FileMissing):
                return pyarrow.fs.FileInfo(where, kinds.File, size=_look(where).size)
        prefix = f"{key.rstrip('/')}/" if key else ""
        with google_faults(f"gs://{where}", "looked at"):
            found = list(bucket.list_blobs(prefix=prefix, max_results=1, **Tries().arguments))
        return pyarrow.fs.FileInfo(where, kinds.Directory if found or not key else kinds.NotFound)

    def open_input_stream(self, path: str) -> IO[bytes]:
        """Opens an object to read it in order.

        Raises:
            FileFault: it cannot be read; FileMissing where there is none.
        """
        return io.BufferedReader(_Input(path), 1 << 20)

    def open_output_stream(self, path: str) -> AbstractContextManager[IO[bytes]]:
        """Opens an object to write it; it is there when the block has ended without an error.

        Raises:
            FileFault: it cannot be written.
        """
        return appearing(_Output(path))

    def read_range(self, path: str, offset: int, size: int) -> bytes:
        """Reads a part of an object; the whole part, or as much of it as the object has.

        Raises:
            FileFault: it cannot be read; FileMissing where there is no such object.
        """
        bucket, key = google_object(f"gs://{path}")
        return _part(path, bucket.blob(key), offset, size)

    def read_version(self, path: str) -> Version:
        """Reads an object with its generation.

        Raises:
            FileFault: it cannot be read; FileMissing where there is none.
        """
        bucket, key = google_object(f"gs://{path}")
        blob = bucket.blob(key)
        with google_faults(f"gs://{path}", "read"):
            data = blob.download_as_bytes(**Tries().arguments)
        return Version(data, str(blob.generation))

    def swap(self, path: str, data: bytes, old: Version | None) -> Version:
        """Writes an object as a whole if it still is what was read before (``ifGenerationMatch``).

        Raises:
            ConflictError: it is another one by now; nothing was written.
            FileFault: it cannot be written.
        """
        bucket, key = google_object(f"gs://{path}")
        blob, tries = bucket.blob(key), Tries()
        generation = 0 if old is None else int(old.tag)
        try:
            with google_faults(f"gs://{path}", "written", but=(_CHANGED,)):
                blob.upload_from_string(data, _KIND, if_generation_match=generation, **tries.arguments)
        except Exception as error:
            if google_status(error) != _CHANGED:
                raise
            # Of two attempts the first may have been carried out, and only its answer lost.
            with suppress(FileMissing):
                if tries.failed and (found := self.read_version(path)).data == data:
                    return found
            raise ConflictError(f"gs://{path} was changed by another process") from None
        return Version(data, str(blob.generation))

    def delete_version(self, path: str, old: Version) -> bool:
        """Removes an object if it still is what was read before (``ifGenerationMatch``); gives whether it was, or is gone.

        Raises:
            FileFault: it cannot be removed.
        """
        bucket, key = google_object(f"gs://{path}")
        try:
            with google_faults(f"gs://{path}", "removed", but=(_CHANGED, _GONE)):
                bucket.blob(key).delete(if_generation_match=int(old.tag), **Tries().arguments)
        except Exception as error:
            if google_status(error) not in (_CHANGED, _GONE):
                raise
            try:
                _look(path)  # one that is gone may be answered as one that was changed
            except FileMissing:
                return True
            return False
        return True

    def keeps_versions(self, path: str) -> bool:
        """Tells whether the bucket keeps what is deleted in it: as earlier versions, or for a while as soft-deleted.

        Raises:
            FileFault: the store does not say it.
        """
        bucket, _ = google_object(f"gs://{path}")
        with google_faults(f"gs://{path}", "asked for its versions"):
            bucket.reload(**Tries().arguments)
        return bool(bucket.versioning_enabled or bucket.soft_delete_policy.retention_duration_seconds)

    def mark(self, path: str) -> str:
        """Gives what two objects share that hold the same bytes: size and CRC-32C, and the MD5 where the store has it.

        Raises:
            FileFault: the store does not say it.
        """
        blob = _look(path)
        return f"{blob.size} {blob.crc32c} {blob.md5_hash}"

    def move(self, source: str, target: str) -> None:
        """Copies an object to another key, of whatever size, and removes it when the copy is there."""
        bucket, key = google_object(f"gs://{source}")
        target_bucket, target_key = google_object(f"gs://{target}")
        blob, copy, token = bucket.blob(key), target_bucket.blob(target_key), None
        with google_faults(f"gs://{source}", "moved"):
            while True:
                token, _, _ = copy.rewrite(blob, token=token, **Tries().arguments)
                if token is None:
                    break
        self.delete_file(source)

    def delete_file(self, path: str) -> None:
        """Removes an object."""
        bucket, key = google_object(f"gs://{path}")
        with google_faults(f"gs://{path}", "removed"):
            _delete(bucket, key)

    def delete_dir(self, path: str) -> None:
        """Removes all objects of a folder."""
        bucket, _ = google_object(f"gs://{path}")
        keys = (key for key, _ in self._keys(path, None))
        with google_faults(f"gs://{path}", "removed"), ThreadPoolExecutor(_THREADS) as pool:
            while batch := list(islice(keys, _AT_ONCE)):
                list(pool.map(lambda key: _delete(bucket, key), batch))

    def _listed(self, folder: str, *, recursive: bool) -> Iterator[pyarrow.fs.FileInfo]:
        bucket = folder.partition("/")[0]
        for key, size in self._keys(folder, None if recursive else "/"):
            path, kinds = f"{bucket}/{key.rstrip('/')}", pyarrow.fs.FileType
            if size is None or key.endswith("/"):
                if path != folder.rstrip("/"):
                    yield pyarrow.fs.FileInfo(path, kinds.Directory)
            else:
                yield pyarrow.fs.FileInfo(path, kinds.File, size=size)

    def _keys(self, folder: str, delimiter: str | None) -> Iterator[tuple[str, int | None]]:
        """Lists the keys below a folder with their sizes; those of inner folders, with None, where a delimiter is given."""
        bucket, key = google_object(f"gs://{folder}")
        prefix = f"{key.rstrip('/')}/" if key else ""
        with google_faults(f"gs://{folder}", "listed"):
            fields = "items(name,size),prefixes,nextPageToken"
            found = bucket.list_blobs(prefix=prefix, delimiter=delimiter, fields=fields, **Tries().arguments)
            for page in found.pages:
                yield from ((blob.name, int(blob.size)) for blob in page)
            yield from ((name, None) for name in sorted(found.prefixes))


def _look(path: str) -> Any:
    """Gives an object with all that the store says of it."""
    bucket, key = google_object(f"gs://{path}")
    blob = bucket.blob(key)
    with google_faults(f"gs://{path}", "looked at"):
        blob.reload(**Tries().arguments)
    return blob


def _delete(bucket: Any, key: str) -> None:
    try:
        bucket.blob(key).delete(**Tries().arguments)
    except Exception as error:
        if google_status(error) != _GONE:
            raise


def _part(path: str, blob: Any, offset: int, size: int, **condition: int) -> bytes:
    try:
        with google_faults(f"gs://{path}", "read", but=(_NO_SUCH_RANGE,)):
            data: bytes = blob.download_as_bytes(
                start=offset, end=offset + size - 1, checksum=None, **condition, **Tries().arguments
            )
    except Exception as error:
        if google_status(error) != _NO_SUCH_RANGE:
            raise
        return b""
    if len(data) > size:
        raise FileFault(f"gs://{path}: cannot be read: the store gave more than was asked for")
    return data


class _Input(io.RawIOBase):
    """Reads an object in order, part by part of one generation: that which it had when its first part was read.

    Attributes:
        length: of the object, in bytes.
    """

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path
        self._look()
        self._position = 0
        self._held = memoryview(b"")
        self._looked_again = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._held and self._position < self.length:
            self._held = memoryview(self._next_part())
            self._position += len(self._held)
        taken = min(len(buffer), len(self._held))
        buffer[:taken] = self._held[:taken]
        self._held = self._held[taken:]
        return taken

    def _look(self) -> None:
        blob = _look(self._path)
        self._generation, self.length = int(blob.generation), int(blob.size)

    def _next_part(self) -> bytes:
        wanted = min(_PART_BYTES, self.length - self._position)
        bucket, key = google_object(f"gs://{self._path}")
        # A blob that knows its generation would ask for that one, which is missing when it was replaced; it was changed.
        blob = bucket.blob(key)
        try:
            data = _part(self._path, blob, self._position, wanted, if_generation_match=self._generation)
        except FileFault as error:
            if self._position or self._looked_again or error.kind not in ("changed", "missing"):
                raise
            # Nothing of it was given yet: it was replaced between the two requests, and is read as it is now.
            self._looked_again = True
            self._look()
            return self._next_part() if self.length else b""
        if len(data) != wanted:
            raise FileFault(
                f"gs://{self._path}: cannot be read: {self._position + len(data)} of {self.length} bytes came; run the "
                "command again later"
            )
        return data


class _Output(io.RawIOBase):
    """Collects what is to be an object, a large one on the disk, and sends it when all is there.

    A stream of the client's own would publish what has come where nobody ends it otherwise.
    """

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path
        bucket, key = google_object(f"gs://{path}")
        self._blob = bucket.blob(key, chunk_size=_PART_BYTES)
        self._held = ExitStack()
        self._collected: IO[bytes] = io.BytesIO()
        self._written = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._written

    def write(self, data: Any) -> int:
        if isinstance(self._collected, io.BytesIO) and self._written + len(data) > _PART_BYTES:
            begun = self._collected.getvalue()
            self._collected = self._held.enter_context(temporary_file())
            self._put(begun)
        self._put(data)
        self._written += len(data)
        return len(data)

    def finish(self) -> None:
        """Makes the object appear."""
        self._collected.seek(0)
        with google_faults(f"gs://{self._path}", "written"):
            self._blob.upload_from_file(
                self._collected, size=self._written, content_type=_KIND, checksum="crc32c", **Tries().arguments
            )
        self.abort()

    def abort(self) -> None:
        """Forgets what was collected; the object stays as it was."""
        self._held.close()

    def _put(self, data: Any) -> None:
        with storage_faults(temporary_place()):
            self._collected.write(data)
