"""Reads objects of S3 in order and in parts, and writes them, so that they are whole or not there.

An object is read to the length that the store announces: where a body ends before, the rest is asked for, of the same version
(``If-Match``). It appears under its key when it has come whole.
"""

import hashlib
import io
import re
from contextlib import suppress
from typing import Any, Final

from duologue_pipeline.files.backoff import wait
from duologue_pipeline.files.file_fault import FileFault, FileMissing, StoreFaultError, told
from duologue_pipeline.files.names import shown
from duologue_pipeline.files.s3 import s3_fault, s3_faults, s3_object, s3_status
from duologue_pipeline.files.version import Version
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.files import FilesRules

__all__ = ["S3Input", "S3Output", "read_object", "read_object_range"]

_PART_BYTES: Final = 1 << 24  # of 10,000 parts: objects of up to 160 GB
_PROGRESS_BYTES: Final = 1 << 16
_NO_SUCH_RANGE: Final = 416


def read_object_range(uri: str, offset: int, size: int) -> bytes:
    """Reads a part of an object; the whole part, or as much of it as the object has.

    Args:
        uri: ``s3://``.
        offset: where it begins, in bytes.
        size: how many bytes, at least 1.

    Raises:
        FileFault: it cannot be read; FileMissing where there is no such object.
    """
    from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError
    from urllib3.exceptions import HTTPError

    rules, fault = load_rules(FilesRules), ""
    for attempt in range(rules.store_attempts):
        if attempt:
            wait(attempt, rules)
        try:
            with s3_faults(uri, "read", but=(ClientError, HTTPClientError, IncompleteReadError, HTTPError, OSError)):
                client, bucket, key = s3_object(uri)
                answer = client.get_object(Bucket=bucket, Key=key, Range=f"bytes={offset}-{offset + size - 1}")
                announced = int(answer["ContentLength"])
                if announced > size:
                    raise FileFault(f"{shown(uri)}: cannot be read: the store gave more than was asked for")
                data = bytes(answer["Body"].read())
        except ClientError as error:
            if s3_status(error) == _NO_SUCH_RANGE:
                return b""
            raise s3_fault(error, uri, "read") from None
        except (HTTPClientError, IncompleteReadError, HTTPError, OSError) as error:
            if isinstance(error, FileFault):
                raise
            fault = told(error)
            continue
        if len(data) == announced:
            return data
        fault = f"{len(data)} of {announced} bytes came"
    raise StoreFaultError(
        f"{shown(uri)}: cannot be read, tried {rules.store_attempts} times ({fault}); run the command again later",
        {"fault": "store"},
    )


def read_object(uri: str) -> Version:
    """Reads a whole object with its ETag, again where its body is cut short.

    Raises:
        FileFault: it cannot be read; FileMissing where there is none.
    """
    client, bucket, key = s3_object(uri)
    rules = load_rules(FilesRules)
    for attempt in range(1, rules.store_attempts + 1):
        try:
            with s3_faults(uri, "read"):
                answer = client.get_object(Bucket=bucket, Key=key)
                return Version(answer["Body"].read(), answer["ETag"])
        except FileFault as fault:
            if "status" in fault.values or attempt == rules.store_attempts:
                raise
            wait(attempt, rules)
    raise AssertionError("the last attempt has returned or raised")


class S3Input(io.RawIOBase):
    """Reads an object in order; a body that ends too early is taken up again where it ended.

    Attributes:
        length: of the object, in bytes.
    """

    def __init__(self, uri: str) -> None:
        super().__init__()
        self._uri = uri
        self._rules = load_rules(FilesRules)
        self._position = 0
        self._reopened = 0
        with s3_faults(uri, "read"):
            self._client, self._bucket, self._key = s3_object(uri)
            answer = self._client.get_object(Bucket=self._bucket, Key=self._key)
        self._body = answer["Body"]
        self.length = int(answer["ContentLength"])
        self._etag = answer.get("ETag")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        wanted = min(len(buffer), self.length - self._position)
        if not wanted:
            return 0
        block = self._read(wanted)
        buffer[: len(block)] = block
        self._position += len(block)
        return len(block)

    def close(self) -> None:
        if not self.closed and hasattr(self, "_body"):
            self._body.close()
        super().close()

    def cut(self) -> None:
        """Ends the transfer from another thread."""
        raw: Any = getattr(self._body, "_raw_stream", None)
        if hasattr(raw, "shutdown"):
            raw.shutdown()

    def _read(self, wanted: int) -> bytes:
        """Reads on; where nothing comes, the rest is asked for again, as often as the rules allow."""
        from botocore.exceptions import HTTPClientError, IncompleteReadError
        from urllib3.exceptions import HTTPError

        fault = "its body ends too early"
        for attempt in range(self._rules.store_attempts):
            if attempt:
                self._reopen(attempt)
            try:
                with s3_faults(self._uri, "read", but=(HTTPClientError, IncompleteReadError, HTTPError, OSError)):
                    block = bytes(self._body.read(wanted))
            except (HTTPClientError, IncompleteReadError, HTTPError, OSError) as error:
                if isinstance(error, FileFault):
                    raise
                fault = told(error)
                continue
            if block:
                return block
        raise self._too_short(fault)

    def _reopen(self, attempt: int) -> None:
        self._reopened += 1
        if self._reopened > self._rules.store_attempts + self._position // _PROGRESS_BYTES:
            raise self._too_short("it ends again and again")
        wait(attempt, self._rules)
        condition = {"Range": f"bytes={self._position}-"} if self._position else {}
        if self._etag:
            condition["IfMatch"] = self._etag
        self._body.close()
        with s3_faults(self._uri, "read"):
            answer = self._client.get_object(Bucket=self._bucket, Key=self._key, **condition)
        self._body = answer["Body"]
        part = f"bytes {self._position}-{self.length - 1}/{self.length}"
        whole = not self._position and int(answer["ContentLength"]) == self.length
        if answer.get("ETag") != self._etag or not (whole or answer.get("ContentRange") == part):
            raise FileFault(
                f"{shown(self._uri)}: cannot be read: the store gave another object for its rest; run the command again",
                "changed",
            )

    def _too_short(self, fault: str) -> StoreFaultError:
        return StoreFaultError(
            f"{shown(self._uri)}: cannot be read: {self._position} of {self.length} bytes came, tried "
            f"{self._rules.store_attempts} times ({fault}); run the command again later",
            {"fault": "store"},
        )


class S3Output(io.RawIOBase):
    """Writes an object: in one request where it is small, else in parts that become an object at the end."""

    def __init__(self, uri: str) -> None:
        super().__init__()
        self._uri = uri
        self._client, self._bucket, self._key = s3_object(uri)
        self._buffer = bytearray()
        self._written = 0
        self._upload: str | None = None
        self._parts: list[dict[str, Any]] = []

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._written

    def write(self, data: Any) -> int:
        self._buffer += data
        self._written += len(data)
        while len(self._buffer) > _PART_BYTES:
            self._put_part(bytes(self._buffer[:_PART_BYTES]))
            del self._buffer[:_PART_BYTES]
        return len(data)

    def finish(self) -> None:
        """Makes the object appear."""
        with s3_faults(self._uri, "written"):
            if self._upload is None:
                self._client.put_object(Bucket=self._bucket, Key=self._key, Body=bytes(self._buffer))
                return
            self._put_part(bytes(self._buffer))
            try:
                with s3_faults(self._uri, "written"):
                    self._client.complete_multipart_upload(
                        Bucket=self._bucket,
                        Key=self._key,
                        UploadId=self._upload,
                        MultipartUpload={"Parts": self._parts},
                    )
            except (
                FileMissing
            ):  # the upload is gone: of two attempts the first was carried out, and only its answer lost
                if not self._is_there():
                    raise StoreFaultError(
                        f"{shown(self._uri)}: cannot be written: the store has lost what was sent; run the command again"
                    ) from None
            self._upload = None

    def abort(self) -> None:
        """Takes back what was sent; the object stays as it was."""
        if self._upload is not None:
            with suppress(FileFault), s3_faults(self._uri, "taken back"):
                self._client.abort_multipart_upload(Bucket=self._bucket, Key=self._key, UploadId=self._upload)
            self._upload = None

    def _is_there(self) -> bool:
        """Tells whether the object is what was sent, by the ETag that S3 makes of those of its parts."""
        tags = [each["ETag"].strip('"') for each in self._parts]
        if not all(re.fullmatch("[0-9a-f]{32}", tag) for tag in tags):
            return False
        joined = hashlib.md5(bytes.fromhex("".join(tags)), usedforsecurity=False).hexdigest()
        head = self._client.head_object(Bucket=self._bucket, Key=self._key)
        return str(head["ETag"]).strip('"') == f"{joined}-{len(tags)}"

    def _put_part(self, data: bytes) -> None:
        with s3_faults(self._uri, "written"):
            if self._upload is None:
                self._upload = self._client.create_multipart_upload(Bucket=self._bucket, Key=self._key)["UploadId"]
            number = len(self._parts) + 1
            answer = self._client.upload_part(
                Bucket=self._bucket, Key=self._key, UploadId=self._upload, PartNumber=number, Body=data
            )
            self._parts.append({"ETag": answer["ETag"], "PartNumber": number})
