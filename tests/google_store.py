"""Google's store on loopback: enough of its JSON API for its own client, with what this project rests on told faithfully.

Generations and their preconditions (``ifGenerationMatch``, also 0), simple, multipart and resumable uploads that appear at their
end only, ranges, listing by prefix, delimiter and page, rewriting in several calls, and deletion, one by one and in batches.
"""

import base64
import email
import email.policy
import hashlib
import json
import re
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import google_crc32c
import pytest

__all__ = ["GoogleStore", "serve_google_bucket"]

_PLACE = re.compile(r"/b/(?P<bucket>[^/?]+)(?:/o(?:/(?P<key>[^/?]+))?)?(?P<rest>/[^?]*)?$")


@dataclass(frozen=True)
class Stored:
    data: bytes
    generation: int
    kind: str


class ApiError(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class GoogleStore:
    """What a server holds, and what it was asked.

    Attributes:
        buckets: name -> key -> object.
        settings: name of a bucket -> fields of its metadata, e.g. ``versioning``.
        asked: (method, path with query) of all requests.
        page: how many entries a page of a list holds.
        rewritten: how many bytes one call of ``rewriteTo`` copies.
    """

    buckets: dict[str, dict[str, Stored]] = field(default_factory=dict)
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    page: int = 1000
    rewritten: int = 5 << 20
    uri: str = ""
    _generation: int = 1_700_000_000_000_000
    _uploads: dict[str, dict[str, Any]] = field(default_factory=dict)
    _rewrites: dict[str, int] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def unfinished(self) -> int:
        """How many resumable uploads are neither finished nor cancelled."""
        return sum("answer" not in state for state in self._uploads.values())

    def put(self, bucket: str, key: str, data: bytes, kind: str = "application/octet-stream") -> Stored:
        """Lays an object there, as somebody else would."""
        with self._lock:
            self._generation += 1
            stored = Stored(data, self._generation, kind)
            self.buckets[bucket][key] = stored
            return stored

    # --- the API -------------------------------------------------------------------------------------------------------

    def answer(self, method: str, url: str, headers: Any, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Answers one request: (status, headers, body)."""
        parts = urlsplit(url)
        query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        with self._lock:
            try:
                if parts.path.startswith("/batch/"):
                    return self._batch(headers, body)
                return self._one(method, parts.path, query, headers, body)
            except ApiError as error:
                document = {"error": {"code": error.status, "message": str(error), "errors": [{"message": str(error)}]}}
                return error.status, {"Content-Type": "application/json"}, json.dumps(document).encode()

    def _one(
        self, method: str, path: str, query: dict[str, str], headers: Any, body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        if "upload_id" in query:
            return self._resume(method, query["upload_id"], headers, body)
        if path.rstrip("/").endswith("/b"):
            return self._buckets(method, query, body)
        found = _PLACE.search(path)
        if found is None:
            raise ApiError(400, f"unknown path {path}")
        bucket, key = unquote(found["bucket"]), unquote(found["key"] or "")
        objects = self.buckets.get(bucket)
        if objects is None:
            raise ApiError(404, "The specified bucket does not exist.")
        if not found["key"]:
            if path.startswith("/upload/"):
                return self._upload(bucket, query, headers, body)
            if path.rstrip("/").endswith("/o"):
                return _json(self._list(objects, query))
            return _json({"kind": "storage#bucket", "name": bucket, "id": bucket, **self.settings.get(bucket, {})})
        rest = (found["rest"] or "").split("/")[1:]
        if rest and rest[0] in ("rewriteTo", "copyTo"):
            return self._rewrite(bucket, key, unquote(rest[2]), unquote(rest[4]), query)
        stored = objects.get(key)
        self._check(stored, query)
        if stored is None or query.get("generation", str(stored.generation)) != str(stored.generation):
            raise ApiError(404, f"No such object: {bucket}/{key}")
        if method == "DELETE":
            del objects[key]
            return 204, {}, b""
        if query.get("alt") == "media":
            return self._media(stored, headers)
        return _json(_resource(bucket, key, stored))

    def _buckets(self, method: str, query: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        if method == "POST":
            document = json.loads(body)
            if document["name"] in self.buckets:
                raise ApiError(409, "The bucket exists already.")
            self.buckets[document["name"]] = {}
            self.settings[document["name"]] = {k: v for k, v in document.items() if k != "name"}
            return _json({"kind": "storage#bucket", **document})
        return _json({"kind": "storage#buckets", "items": [{"name": name} for name in sorted(self.buckets)]})

    def _list(self, objects: dict[str, Stored], query: dict[str, str]) -> dict[str, Any]:
        prefix, delimiter, after = query.get("prefix", ""), query.get("delimiter", ""), query.get("pageToken", "")
        entries: dict[str, Stored | None] = {}
        for key in sorted(objects):
            if not key.startswith(prefix):
                continue
            inner, separator, _ = key[len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
            entries[prefix + inner + separator if separator else key] = None if separator else objects[key]
        names = [name for name in sorted(entries) if name > after]
        page = names[: min(self.page, int(query.get("maxResults") or self.page))]
        items = [_resource("", name, stored) for name in page if (stored := entries[name]) is not None]
        answer: dict[str, Any] = {"kind": "storage#objects", "items": items}
        answer["prefixes"] = [name for name in page if entries[name] is None]
        if len(page) < len(names):
            answer["nextPageToken"] = page[-1]
        return answer

    def _check(self, stored: Stored | None, query: dict[str, str], prefix: str = "if") -> None:
        wanted = query.get(f"{prefix}GenerationMatch")
        if wanted is not None and int(wanted) != (stored.generation if stored else 0):
            raise ApiError(412, "At least one of the pre-conditions you specified did not hold.")
        unwanted = query.get(f"{prefix}GenerationNotMatch")
        if unwanted is not None and int(unwanted) == (stored.generation if stored else 0):
            raise ApiError(304, "Not modified")

    def _media(self, stored: Stored, headers: Any) -> tuple[int, dict[str, str], bytes]:
        data, status = stored.data, 200
        told = {
            "Content-Type": stored.kind,
            "X-Goog-Generation": str(stored.generation),
            "X-Goog-Hash": f"crc32c={_crc32c(data)},md5={_md5(data)}",
            "ETag": f'"{stored.generation}"',
        }
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", headers.get("Range") or "")
        if asked:
            start, end = int(asked[1]), min(int(asked[2] or 1 << 62), len(data) - 1)
            if start >= len(data):
                raise ApiError(416, "The requested range cannot be satisfied.")
            told["Content-Range"] = f"bytes {start}-{end}/{len(data)}"
            data, status = data[start : end + 1], 206
        return status, told, data

    def _upload(
        self, bucket: str, query: dict[str, str], headers: Any, body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        how, key = query.get("uploadType"), query.get("name", "")
        if how == "resumable":
            document = json.loads(body or b"{}")
            key = key or document["name"]
            self._check(self.buckets[bucket].get(key), query)
            upload = uuid.uuid4().hex
            kind = headers.get("X-Upload-Content-Type") or "application/octet-stream"
            self._uploads[upload] = {"bucket": bucket, "key": key, "query": query, "data": bytearray(), "kind": kind}
            place = f"http://{headers['Host']}/upload/storage/v1/b/{bucket}/o?uploadType=resumable&upload_id={upload}"
            return 200, {"Location": place, "X-GUploader-UploadID": upload}, b""
        kind = headers.get("Content-Type") or ""
        if how == "multipart":
            message = email.message_from_bytes(
                b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body, policy=email.policy.HTTP
            )
            parts: Any = message.get_payload()
            document = json.loads(parts[0].get_payload(decode=True))
            key = key or document["name"]
            boundary = b"--" + str(message.get_boundary()).encode()
            second = body.split(boundary, 2)[2]
            head, _, data = second.partition(b"\r\n\r\n")
            data = data[: data.rindex(b"\r\n" + boundary + b"--")]
            kind = (re.search(rb"content-type: *([^\r\n]+)", head, re.IGNORECASE) or [b"", b""])[1].decode()
            if "crc32c" in document and document["crc32c"] != _crc32c(data):
                raise ApiError(400, "Provided CRC32C does not match.")
        else:
            data = body
        return self._appear(bucket, key, data, kind, query)

    def _resume(self, method: str, upload: str, headers: Any, body: bytes) -> tuple[int, dict[str, str], bytes]:
        state = self._uploads.get(upload)
        if state is None:
            raise ApiError(410, "The upload is gone.")
        if method == "DELETE":
            del self._uploads[upload]
            return 499, {}, b""
        if "answer" in state:  # whoever has not heard that it is finished is told again
            answer: tuple[int, dict[str, str], bytes] = state["answer"]
            return answer
        asked = re.fullmatch(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)", headers.get("Content-Range") or "")
        data = state["data"]
        if asked and asked[1] is not None:
            if int(asked[1]) > len(data):
                raise ApiError(503, "A part is missing.")
            data[int(asked[1]) :] = body
        elif asked is None:
            data[:] = body
        whole = asked is None or (asked[3] != "*" and int(asked[3]) == len(data))
        if whole:
            state["answer"] = self._appear(state["bucket"], state["key"], bytes(data), state["kind"], state["query"])
            data.clear()
            return self._resume(method, upload, headers, b"")
        return 308, {"Range": f"bytes=0-{len(data) - 1}"} if data else {}, b""

    def _appear(
        self, bucket: str, key: str, data: bytes, kind: str, query: dict[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        self._check(self.buckets[bucket].get(key), query)
        return _json(_resource(bucket, key, self.put(bucket, key, data, kind)))

    def _rewrite(
        self, bucket: str, key: str, to_bucket: str, to_key: str, query: dict[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        source, targets = self.buckets[bucket].get(key), self.buckets.get(to_bucket)
        if source is None or targets is None:
            raise ApiError(404, f"No such object: {bucket}/{key}")
        self._check(source, query, "ifSource")
        self._check(targets.get(to_key), query)
        token, size = query.get("rewriteToken", ""), len(source.data)
        if token and token not in self._rewrites:
            raise ApiError(400, "Invalid rewrite token.")
        done = min(size, self._rewrites.get(token, 0) + self.rewritten)
        progress = {"kind": "storage#rewriteResponse", "totalBytesRewritten": str(done), "objectSize": str(size)}
        if done < size:
            token = uuid.uuid4().hex
            self._rewrites[token] = done
            return _json({**progress, "done": False, "rewriteToken": token})
        stored = self.put(to_bucket, to_key, source.data, source.kind)
        return _json({**progress, "done": True, "resource": _resource(to_bucket, to_key, stored)})

    def _batch(self, headers: Any, body: bytes) -> tuple[int, dict[str, str], bytes]:
        kind = headers["Content-Type"]
        message = email.message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
        boundary, pieces = uuid.uuid4().hex, []
        parts: Any = message.get_payload()
        for part in parts:
            head, _, content = part.get_payload(decode=True).partition(b"\r\n\r\n")
            method, url, _ = head.split(b"\r\n")[0].decode().split(" ", 2)
            status, _, answer = self.answer(method, urlsplit(url).path + "?" + urlsplit(url).query, {}, content)
            pieces.append(
                f"--{boundary}\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 {status} OK\r\n"
                f"Content-Type: application/json\r\n\r\n{answer.decode()}\r\n"
            )
        document = "".join(pieces) + f"--{boundary}--"
        return 200, {"Content-Type": f'multipart/mixed; boundary="{boundary}"'}, document.encode()


def _json(document: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    return 200, {"Content-Type": "application/json"}, json.dumps(document).encode()


def _resource(bucket: str, key: str, stored: Stored) -> dict[str, Any]:
    return {
        "kind": "storage#object",
        "bucket": bucket,
        "name": key,
        "size": str(len(stored.data)),
        "generation": str(stored.generation),
        "metageneration": "1",
        "contentType": stored.kind,
        "crc32c": _crc32c(stored.data),
        "md5Hash": _md5(stored.data),
        "updated": "2026-01-01T00:00:00.000Z",
        "timeCreated": "2026-01-01T00:00:00.000Z",
    }


def _crc32c(data: bytes) -> str:
    return base64.b64encode(google_crc32c.Checksum(data).digest()).decode()


def _md5(data: bytes) -> str:
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()


@contextmanager
def serve_google_bucket(name: str) -> Iterator[tuple[str, GoogleStore]]:
    """The uri of an empty bucket that is there, and in the environment, while the block runs; and what the server holds."""
    store = GoogleStore()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if (self.headers.get("Transfer-Encoding") or "").lower() == "chunked":
                body = b"".join(_chunks(self.rfile))
            store.asked.append((self.command, self.path))
            status, headers, answer = store.answer(self.command, self.path, self.headers, body)
            self.send_response(status)
            for header, value in headers.items():
                self.send_header(header, value)
            if status != 204:
                self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer)

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = do_PATCH = do

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    store.uri = f"http://127.0.0.1:{server.server_port}"
    store.buckets[name] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", store.uri)
        patch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
        yield f"gs://{name}", store
    server.shutdown()
    server.server_close()


def _chunks(stream: Any) -> Iterator[bytes]:
    while size := int(stream.readline().split(b";")[0], 16):
        yield stream.read(size)
        stream.readline()
    stream.readline()
