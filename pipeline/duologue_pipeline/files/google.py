"""Reaches Google's store through ``pyarrow.fs``, only where it can be signed in to.

Its client asks a service of Google's own machines for credentials where the environment names none, for a minute each time. So
what is there is looked at before, and its absence is said.
"""

import os
import socket
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pyarrow.fs

from duologue_pipeline.files.file_fault import FileFault
from duologue_pipeline.files.names import object_name, shown

__all__ = ["google_file"]

_RETRY_S: Final = 30
_ANSWER_S: Final = 2.0
_ANONYMOUS: Final = "anonymous@"


def google_file(uri: str) -> tuple[Any, str]:
    """Gives the file system of a ``gs://`` uri, and the name of the object in it.

    Raises:
        FileFault: the uri can name no object, or nothing is there to sign in with.
    """
    bucket, key = object_name(uri)
    if not bucket.startswith(_ANONYMOUS) and not _has_credentials():
        raise FileFault(
            f"{shown(uri)}: cannot be reached (no credentials for Google's store are there); name the file of a key in "
            "GOOGLE_APPLICATION_CREDENTIALS, or run `gcloud auth application-default login`, or write "
            "gs://anonymous@BUCKET/KEY for what is public"
        )
    try:
        # Encoded, because pyarrow takes the uri apart: what follows ? or # in a key belongs to the key.
        return pyarrow.fs.FileSystem.from_uri(f"gs://{bucket}/{quote(key)}?retry_limit_seconds={_RETRY_S}")
    except (OSError, ValueError) as error:
        raise FileFault(f"{shown(uri)}: cannot be reached ({error}); use a local path, s3:// or gs://") from None


def _has_credentials() -> bool:
    """Tells whether Google's client will find credentials: named, left by gcloud, of an emulator, or of a machine of Google's."""
    if os.environ.get("GOOGLE_APPLICATION_CREDENTIALS") or os.environ.get("CLOUD_STORAGE_EMULATOR_ENDPOINT"):
        return True
    folder = Path(os.environ.get("CLOUDSDK_CONFIG") or Path("~/.config/gcloud").expanduser())
    return (folder / "application_default_credentials.json").is_file() or _answers(
        os.environ.get("GCE_METADATA_IP", "169.254.169.254")
    )


@cache
def _answers(address: str) -> bool:
    """Tells whether the service that gives credentials to Google's own machines answers; an address, as names take long."""
    try:
        socket.create_connection((address, 80), timeout=_ANSWER_S).close()
    except (OSError, ValueError):
        return False
    return True
