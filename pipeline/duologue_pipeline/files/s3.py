"""Reaches S3 through boto3: by bucket and key as they stand, tried again within bounds, with each fault as a sentence.

Endpoint, region and credentials come from where boto3 looks for them (``AWS_ENDPOINT_URL``, ``AWS_DEFAULT_REGION``,
``AWS_ACCESS_KEY_ID``, profiles, roles). Without credentials requests are not signed, which public buckets allow.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

from duologue_pipeline.files.file_fault import FileFault, FileMissing, StoreFaultError, told
from duologue_pipeline.files.names import object_name, shown
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.files import FilesRules

__all__ = ["NO_BUCKET", "s3_code", "s3_fault", "s3_faults", "s3_object", "s3_status"]

_CONNECTIONS: Final = 64  # the reader alone fetches with 16 threads
_FULL: Final = {"QuotaExceeded", "XMinioStorageFull", "XMinioStorageQuotaExceeded", "InsufficientStorage"}
_OF_WHO_ASKS: Final = {
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "TokenRefreshRequired",
}
"""Codes of a 403 that says nothing of the object: credentials that are none any more, a clock that is wrong."""

NO_BUCKET: Final = "NoSuchBucket"
"""The code of a 404 that says that the bucket is missing, and not the object."""


def s3_object(uri: str) -> tuple[Any, str, str]:
    """Gives what boto3 needs for an object: the client, the bucket, and the key, of an ``s3://`` uri.

    Raises:
        FileFault: it can name no object, or no client can be made of what the environment says.
    """
    bucket, key = object_name(uri)
    with s3_faults(uri, "reached"):
        return _s3_client(os.environ.get("AWS_ENDPOINT_URL"), os.getpid()), bucket, key


@cache
def _s3_client(endpoint: str | None, process: int) -> Any:
    """Makes the client of boto3 for the store that ``AWS_ENDPOINT_URL`` names, once, because that takes a while.

    Once a process: a forked one has the sockets of its parent, and two may not talk on one.
    """
    import boto3  # here, because it takes half a second and few need it
    from botocore import UNSIGNED
    from botocore.config import Config

    rules = load_rules(FilesRules)
    session = boto3.session.Session()
    config = Config(
        connect_timeout=rules.connect_s,
        read_timeout=rules.silence_s,
        retries={"mode": "standard", "total_max_attempts": rules.store_attempts},
        max_pool_connections=_CONNECTIONS,
        signature_version=UNSIGNED if session.get_credentials() is None else None,
    )
    return session.client("s3", endpoint_url=endpoint, config=config)


def s3_status(error: Any) -> int:
    """Gives the HTTP status of a ``ClientError`` of boto3."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def s3_code(error: Any) -> str:
    """Gives the code that S3 names a fault by, of a ``ClientError`` of boto3; empty where it gives none."""
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def s3_faults(uri: str, done: str, *, but: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Turns what boto3 raises in the block into a FileFault that says what to do.

    Args:
        uri: of the object.
        done: what cannot be done with it, e.g. ``read``.
        but: what the caller deals with itself.
    """
    # boto3 is not imported here: what it raises is known by the modules that define it.
    try:
        yield
    except FileFault:
        raise
    except Exception as error:
        if isinstance(error, but):
            raise
        module = type(error).__module__.partition(".")[0]
        if module not in ("boto3", "botocore", "s3transfer", "urllib3") and not isinstance(
            error, (OSError, ValueError)
        ):
            raise
        raise s3_fault(error, uri, done) from None


def s3_fault(error: Exception, uri: str, done: str) -> FileFault:
    """Says in a sentence what boto3 raised; the arguments are those of :func:`s3_faults`."""
    place = f"{shown(uri)}: cannot be {done}"
    response = getattr(error, "response", None)
    if not isinstance(response, dict):
        return StoreFaultError(
            f"{place} ({told(error)}); check AWS_ENDPOINT_URL, region and credentials, and run the command again",
            {"fault": "store"},
        )
    status, code = s3_status(error), s3_code(error)
    values = {"status": status}
    if code == NO_BUCKET:
        return FileMissing(f"{place}: there is no such bucket", values=values)
    if status == 404:
        return FileMissing(f"{place}: there is no such object", values=values)
    if status == 412:
        return FileFault(f"{place}: the object was changed meanwhile; run the command again", "changed", values)
    if code in _OF_WHO_ASKS:
        return StoreFaultError(
            f"{place}: the store does not take these credentials ({code}); renew them, see that the clock is right, and run the "
            "command again",
            values,
        )
    if status in (401, 403):
        return FileFault(
            f"{place}: the store does not allow it ({code or status}); use credentials that may do it",
            "forbidden",
            values,
        )
    if status == 507 or code in _FULL:
        return StoreFaultError(
            f"{place}: the store is full ({code or status}); make room and run the command again", values
        )
    tried = 1 + int(response.get("ResponseMetadata", {}).get("RetryAttempts", 0))
    return StoreFaultError(
        f"{place}: the store answers {status} {code}, tried {tried} times; run the command again later", values
    )
