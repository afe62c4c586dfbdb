"""Reaches S3 through boto3, for what ``pyarrow.fs`` has no call for: conditional writes, and the versions of a bucket."""

import os
from functools import cache
from typing import Any

__all__ = ["bucket_keeps_versions", "s3_object", "s3_status"]


def bucket_keeps_versions(uri: str) -> bool:
    """Tells whether the bucket of an ``s3://`` uri keeps what is deleted in it as earlier versions."""
    client, bucket, _ = s3_object(uri)
    return client.get_bucket_versioning(Bucket=bucket).get("Status") is not None


def s3_object(uri: str) -> tuple[Any, str, str]:
    """Gives what boto3 needs for an object: the client, the bucket, and the key, of an ``s3://`` uri."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return _s3_client(os.environ.get("AWS_ENDPOINT_URL")), bucket, key


@cache
def _s3_client(endpoint: str | None) -> Any:
    """Makes the client of boto3 for the store that ``AWS_ENDPOINT_URL`` names, once, because that takes a while."""
    import boto3  # here, because it takes half a second and few need it

    return boto3.client("s3", endpoint_url=endpoint)


def s3_status(error: Any) -> int:
    """Gives the HTTP status of a ``ClientError`` of boto3."""
    return int(error.response["ResponseMetadata"]["HTTPStatusCode"])
