"""Reads, writes and lists objects of S3 as files, as :mod:`duologue_pipeline.files.object_store` asks."""

import io
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from itertools import islice
from typing import IO, Any, Final

import pyarrow.fs

from duologue_pipeline.files.appearing import appearing
from duologue_pipeline.files.file_fault import FileMissing, StoreFaultError
from duologue_pipeline.files.names import shown
from duologue_pipeline.files.s3 import NO_BUCKET, s3_code, s3_fault, s3_faults, s3_object, s3_status
from duologue_pipeline.files.s3_streams import S3Input, S3Output, read_object, read_object_range
from duologue_pipeline.files.version import ConflictError, Version

__all__ = ["S3Files"]

_COPY_BYTES: Final = 1 << 30
"""What is larger is copied in parts of this size: a single CopyObject takes up to 5 GB."""

_DELETED_AT_ONCE: Final = 1000

_NO_CONDITION: Final = (400, 501)
"""How a store answers that does not know the condition of a removal."""


class S3Files:
    """Gives the objects of a bucket as files; a path is ``BUCKET/KEY``, the key as it stands."""

    type_name = "s3"

    def get_file_info(self, where: str | pyarrow.fs.FileSelector) -> Any:
        """Tells what has this name, as ``pyarrow.fs.FileInfo``; of a selector, what lies in the folder.

        Raises:
            FileFault: the store does not say it.
        """
        if isinstance(where, pyarrow.fs.FileSelector):
            return list(self._listed(where.base_dir, recursive=where.recursive))
        uri = f"s3://{where}"
        client, bucket, key = s3_object(uri)
        kinds = pyarrow.fs.FileType
        if key:
            try:
                with s3_faults(uri, "looked at"):
                    found = client.head_object(Bucket=bucket, Key=key)
                return pyarrow.fs.FileInfo(where, kinds.File, size=int(found["ContentLength"]))
            except FileMissing:
                pass
        with s3_faults(uri, "looked at"):
            prefix = f"{key.rstrip('/')}/" if key else ""
            found = client.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)
        return pyarrow.fs.FileInfo(where, kinds.Directory if found.get("KeyCount") or not key else kinds.NotFound)

    def open_input_stream(self, path: str) -> IO[bytes]:
        """Opens an object to read it in order.

        Raises:
            FileFault: it cannot be read; FileMissing where there is none.
        """
        return io.BufferedReader(S3Input(f"s3://{path}"), 1 << 20)

    def open_output_stream(self, path: str) -> AbstractContextManager[IO[bytes]]:
        """Opens an object to write it; it is there when the block has ended without an error.

        Raises:
            FileFault: it cannot be written.
        """
        return appearing(S3Output(f"s3://{path}"))

    def read_range(self, path: str, offset: int, size: int) -> bytes:
        """Reads a part of an object; the whole part, or as much of it as the object has.

        Raises:
            FileFault: it cannot be read; FileMissing where there is no such object.
        """
        return read_object_range(f"s3://{path}", offset, size)

    def read_version(self, path: str) -> Version:
        """Reads an object with its ETag.

        Raises:
            FileFault: it cannot be read; FileMissing where there is none.
        """
        return read_object(f"s3://{path}")

    def swap(self, path: str, data: bytes, old: Version | None) -> Version:
        """Writes an object as a whole if it still is what was read before (``If-Match``, ``If-None-Match``).

        Raises:
            ConflictError: it is another one by now; nothing was written.
            FileFault: it cannot be written.
        """
        uri = f"s3://{path}"
        client, bucket, key = s3_object(uri)
        condition = {"IfNoneMatch": "*"} if old is None else {"IfMatch": old.tag}
        try:
            with s3_faults(uri, "written", but=(client.exceptions.ClientError,)):
                answer = client.put_object(Bucket=bucket, Key=key, Body=data, **condition)
        except client.exceptions.ClientError as error:
            # A 404 is that of an object that was to be replaced and is gone, or of a bucket that there is not.
            if s3_status(error) not in (404, 409, 412) or s3_code(error) == NO_BUCKET:
                raise s3_fault(error, uri, "written") from None
            # Of two attempts the first may have been carried out, and only its answer lost.
            with suppress(FileMissing):
                tried_before = error.response["ResponseMetadata"].get("RetryAttempts")
                if tried_before and (found := self.read_version(path)).data == data:
                    return found
            raise ConflictError(f"{shown(uri)} was changed by another process") from None
        return Version(data, answer["ETag"])

    def delete_version(self, path: str, old: Version) -> bool:
        """Removes an object if it still is what was read before (``If-Match``); gives whether it was, or is gone.

        A store that knows no condition of a removal is asked what the object is right before.

        Raises:
            FileFault: it cannot be removed.
        """
        uri = f"s3://{path}"
        client, bucket, key = s3_object(uri)
        try:
            if self.read_version(path).tag != old.tag:  # some stores pass over the condition without a word
                return False
            with s3_faults(uri, "removed", but=(client.exceptions.ClientError,)):
                client.delete_object(Bucket=bucket, Key=key, IfMatch=old.tag)
        except FileMissing:
            return True
        except client.exceptions.ClientError as error:
            if s3_status(error) in (404, 409, 412):
                return s3_status(error) == 404
            if s3_status(error) not in _NO_CONDITION:
                raise s3_fault(error, uri, "removed") from None
            self.delete_file(path)
        return True

    def keeps_versions(self, path: str) -> bool:
        """Tells whether the bucket keeps what is deleted in it as earlier versions.

        Raises:
            FileFault: the store does not say it.
        """
        uri = f"s3://{path}"
        client, bucket, _ = s3_object(uri)
        with s3_faults(uri, "asked for its versions"):
            return client.get_bucket_versioning(Bucket=bucket).get("Status") is not None

    def mark(self, path: str) -> str:
        """Gives what two objects share that hold the same bytes and were written in the same way: size and ETag.

        Raises:
            FileFault: the store does not say it.
        """
        uri = f"s3://{path}"
        client, bucket, key = s3_object(uri)
        with s3_faults(uri, "looked at"):
            head = client.head_object(Bucket=bucket, Key=key)
        return f"{head['ContentLength']} {head['ETag']}"

    def move(self, source: str, target: str) -> None:
        """Copies an object to another key, of whatever size, and removes it when the copy is there."""
        uri = f"s3://{source}"
        client, bucket, key = s3_object(uri)
        _, target_bucket, target_key = s3_object(f"s3://{target}")
        with s3_faults(uri, "moved"):
            from boto3.s3.transfer import TransferConfig

            config = TransferConfig(use_threads=False, multipart_threshold=_COPY_BYTES, multipart_chunksize=_COPY_BYTES)
            client.copy({"Bucket": bucket, "Key": key}, target_bucket, target_key, Config=config)
            client.delete_object(Bucket=bucket, Key=key)

    def delete_file(self, path: str) -> None:
        """Removes an object."""
        client, bucket, key = s3_object(f"s3://{path}")
        with s3_faults(f"s3://{path}", "removed"):
            client.delete_object(Bucket=bucket, Key=key)

    def delete_dir(self, path: str) -> None:
        """Removes all objects of a folder."""
        uri = f"s3://{path}"
        client, bucket, _ = s3_object(uri)
        keys = (key for key, _ in self._keys(path, ""))
        while batch := [{"Key": key} for key in islice(keys, _DELETED_AT_ONCE)]:
            with s3_faults(uri, "removed"):
                answer = client.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True})
            if faults := answer.get("Errors"):
                raise StoreFaultError(
                    f"{shown(uri)}: cannot be removed: the store answers {faults[0].get('Code')} for a part of it"
                )

    def _listed(self, folder: str, *, recursive: bool) -> Iterator[pyarrow.fs.FileInfo]:
        bucket = folder.partition("/")[0]
        for key, size in self._keys(folder, "" if recursive else "/"):
            path, kinds = f"{bucket}/{key.rstrip('/')}", pyarrow.fs.FileType
            if size is None or key.endswith("/"):
                if path != folder.rstrip("/"):
                    yield pyarrow.fs.FileInfo(path, kinds.Directory)
            else:
                yield pyarrow.fs.FileInfo(path, kinds.File, size=size)

    def _keys(self, folder: str, delimiter: str) -> Iterator[tuple[str, int | None]]:
        """Lists the keys below a folder with their sizes; those of inner folders, with None, where a delimiter is given."""
        uri = f"s3://{folder}"
        client, bucket, key = s3_object(uri)
        prefix = f"{key.rstrip('/')}/" if key else ""
        with s3_faults(uri, "listed"):
            pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, Delimiter=delimiter)
            for page in pages:
                yield from ((each["Key"], int(each["Size"])) for each in page.get("Contents", ()))
                yield from ((each["Prefix"], None) for each in page.get("CommonPrefixes", ()))
