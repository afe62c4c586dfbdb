"""Real object stores on loopback, for tests of what differs from a local disk: a server of S3, and one of Google's API."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.google_store import serve_google_bucket

__all__ = ["ENDPOINTS", "Bucket", "Kind", "serve_bucket", "serve_store"]

Kind = Literal["s3", "gs"]

ENDPOINTS = {"s3": "AWS_ENDPOINT_URL", "gs": "STORAGE_EMULATOR_HOST"}
"""The variable of the environment that names the server of each store."""


@dataclass(frozen=True)
class Bucket:
    """An empty bucket that is there, and what somebody else does in it.

    Attributes:
        uri: ``s3://NAME`` or ``gs://NAME``.
        endpoint: the address of the server.
        put: lays an object there.
        get: gives what one holds.
        keys: lists all keys that begin with a text.
        unfinished: counts the uploads that were begun and neither finished nor taken back.
        configure: gives the bucket other metadata (``gs`` only).
    """

    uri: str
    endpoint: str
    put: Callable[[str, bytes], Any]
    get: Callable[[str], bytes]
    keys: Callable[[str], set[str]]
    unfinished: Callable[[], int]
    configure: Callable[[dict[str, Any]], Any] = lambda settings: None


@contextmanager
def serve_store(kind: Kind, name: str) -> Iterator[Bucket]:
    """A bucket of a store; its server is there, and in the environment, while the block runs."""
    if kind == "gs":
        with serve_google_bucket(name) as (uri, store):
            yield Bucket(
                uri,
                store.uri,
                partial(store.put, name),
                lambda key: store.buckets[name][key].data,
                lambda prefix: {key for key in store.buckets[name] if key.startswith(prefix)},
                lambda: store.unfinished,
                lambda settings: store.settings.update({name: settings}),
            )
        return
    with serve_bucket(name) as uri:
        client = boto3.client("s3")

        def keys(prefix: str) -> set[str]:
            pages = client.get_paginator("list_objects_v2").paginate(Bucket=name, Prefix=prefix)
            return {entry["Key"] for page in pages for entry in page.get("Contents", ())}

        yield Bucket(
            uri,
            str(client.meta.endpoint_url),
            lambda key, data: client.put_object(Bucket=name, Key=key, Body=data),
            lambda key: client.get_object(Bucket=name, Key=key)["Body"].read(),
            keys,
            lambda: len(client.list_multipart_uploads(Bucket=name).get("Uploads", ())),
        )


@contextmanager
def serve_bucket(name: str) -> Iterator[str]:
    """The uri of an empty bucket of S3 that is there, and in the environment, while the block runs."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }.items():
            patch.setenv(variable, value)
        boto3.client("s3").create_bucket(Bucket=name)
        yield f"s3://{name}"
    server.stop()
