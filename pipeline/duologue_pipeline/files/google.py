"""Reaches Google's store through its own client: tried again within bounds, with each fault as a sentence.

Credentials come from where Google's client looks for them (``google.auth``), on Google's own machines from a service that is asked
for some seconds (``GCE_METADATA_HOST`` and the other variables of ``google.auth`` hold). ``STORAGE_EMULATOR_HOST`` names another
store, as everywhere.
"""

import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

from duologue_pipeline.files.file_fault import FileFault, FileMissing, StoreFaultError, told
from duologue_pipeline.files.names import object_name, shown
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.files import FilesRules

__all__ = ["Tries", "google_fault", "google_faults", "google_object", "google_status"]

_CONNECTIONS: Final = 64
_LOOK_AGAIN_S: Final = 30.0
_ANONYMOUS: Final = "anonymous@"
_FOR_A_WHILE: Final = (408, 425, 429, 500, 502, 503, 504)
_EMULATOR: Final = "STORAGE_EMULATOR_HOST"
_mutex = threading.Lock()
_missed: list[tuple[float, Exception]] = []
"""When credentials were looked for in vain, and what was said then."""


class Tries:
    """Bounds how often and how long one call of Google's client is tried again.

    Attributes:
        failed: how many attempts have failed in a way that may be over soon.
    """

    def __init__(self) -> None:
        self.failed = 0
        self._rules = load_rules(FilesRules)

    @property
    def arguments(self) -> dict[str, Any]:
        """Gives what every call of the client takes: ``retry`` and ``timeout``."""
        from google.api_core.retry import Retry

        rules = self._rules
        retry = Retry(
            predicate=_may_be_over_soon,
            initial=rules.backoff_s,
            maximum=rules.max_backoff_s,
            multiplier=2.0,
            timeout=rules.retry_s,
            on_error=self._count,
        )
        return {"retry": retry, "timeout": (rules.connect_s, rules.silence_s)}

    def _count(self, error: Exception) -> None:
        self.failed += 1
        if self.failed >= self._rules.store_attempts:
            raise error


def google_object(uri: str) -> tuple[Any, str]:
    """Gives what the client needs for an object: its bucket, and the key, of a ``gs://`` uri.

    Raises:
        FileFault: it can name no object; StoreFaultError where the client is not installed or nothing is there to sign in with.
    """
    bucket, key = object_name(uri)
    if key in (".", "..") or "\r" in key or "\n" in key:
        raise FileFault(
            f"{shown(uri)}: no object of Google's store can have this name; rename it", "not_allowed", {"fault": "name"}
        )
    anonymous = bucket.startswith(_ANONYMOUS)
    with google_faults(uri, "reached"):
        try:
            client = _google_client(anonymous, os.environ.get(_EMULATOR), os.getpid())
        except Exception as error:
            if type(error).__name__ != "DefaultCredentialsError":
                raise
            raise StoreFaultError(
                f"{shown(uri)}: cannot be reached (no credentials for Google's store are there: {told(error)}); name the file of a "
                "key in GOOGLE_APPLICATION_CREDENTIALS, or run `gcloud auth application-default login`, or write "
                "gs://anonymous@BUCKET/KEY for what is public"
            ) from None
        return client.bucket(bucket.removeprefix(_ANONYMOUS)), key


@cache
def _google_client(anonymous: bool, emulator: str | None, process: int) -> Any:
    """Makes the client of Google's store, once a process: two may not talk on the sockets of one."""
    try:
        from google.auth.credentials import AnonymousCredentials
        from google.cloud.storage import Client
        from requests.adapters import HTTPAdapter
    except ImportError:
        raise StoreFaultError(
            "gs:// cannot be reached: the package google-cloud-storage is not installed; run `pip install 'duologue[gcs]'`"
        ) from None
    credentials = AnonymousCredentials() if anonymous or emulator else _credentials()
    client = Client(project=None, credentials=credentials)  # objects are of buckets; who asks need have no project
    for prefix in ("https://", "http://"):
        client._http.mount(prefix, HTTPAdapter(pool_connections=_CONNECTIONS, pool_maxsize=_CONNECTIONS))
    return client


def google_status(error: BaseException) -> int:
    """Gives the HTTP status of what Google's client raised; 0 where it is none of an answer."""
    code = getattr(error, "code", None)
    if code is None:
        code = getattr(getattr(error, "response", None), "status_code", None)
    return int(code) if isinstance(code, int) else 0


@contextmanager
def google_faults(uri: str, done: str, *, but: tuple[int, ...] = ()) -> Iterator[None]:
    """Turns what Google's client raises in the block into a FileFault that says what to do.

    Args:
        uri: of the object.
        done: what cannot be done with it, e.g. ``read``.
        but: the statuses that the caller deals with itself.
    """
    # The client is not imported here: what it raises is known by the modules that define it.
    try:
        yield
    except FileFault:
        raise
    except Exception as error:
        module = type(error).__module__.partition(".")[0]
        if module not in ("google", "requests", "urllib3", "http") and not isinstance(error, (OSError, ValueError)):
            raise
        if google_status(error) in but:
            raise
        raise google_fault(error, uri, done) from None


def google_fault(error: Exception, uri: str, done: str) -> FileFault:
    """Says in a sentence what Google's client raised; the arguments are those of :func:`google_faults`."""
    place, status = f"{shown(uri)}: cannot be {done}", google_status(error)
    values = {"status": status}
    if not status:
        return StoreFaultError(
            f"{place} ({told(error)}); check the network and the credentials of Google's store, and run the command again",
            {"fault": "store"},
        )
    if status == 404:
        what = "bucket" if "bucket does not exist" in str(error) else "object"
        return FileMissing(f"{place}: there is no such {what}", values=values)
    if status == 412:
        return FileFault(f"{place}: the object was changed meanwhile; run the command again", "changed", values)
    if status == 401:  # of who asks, not of the object: no recording is refused for it
        return StoreFaultError(
            f"{place}: the store does not know who asks (401): the credentials are wrong or have run out; sign in again, and run "
            "the command again",
            values,
        )
    if status == 403:
        return FileFault(
            f"{place}: the store does not allow it ({status}); use credentials that may do it", "forbidden", values
        )
    return StoreFaultError(
        f"{place}: the store answers {status}, tried as often as the rules allow; run the command again later", values
    )


def _may_be_over_soon(error: BaseException) -> bool:
    """Tells whether it is worth to ask again: the store is at its limits, or the connection was lost."""
    status = google_status(error)
    if status:
        return status in _FOR_A_WHILE
    module = type(error).__module__.partition(".")[0]
    return isinstance(error, (ConnectionError, TimeoutError)) or module in ("requests", "urllib3", "http")


def _credentials() -> Any:
    """Finds what Google's client signs in with, by its own rules: the environment, gcloud, a machine of Google's.

    The last is a service that is asked for some seconds. That it has not answered is remembered for :data:`_LOOK_AGAIN_S`: a
    network that is away comes back.

    Raises:
        GoogleAuthError: nothing is there.
    """
    import google.auth
    from google.auth.exceptions import GoogleAuthError

    log = logging.getLogger("google.auth")
    with _mutex:
        if _missed and time.monotonic() - _missed[0][0] < _LOOK_AGAIN_S:
            raise _missed[0][1].with_traceback(None)  # else it would grow with each that is told so
        _missed.clear()
        level = log.level
        log.setLevel(logging.ERROR)  # it warns of each attempt, and of a project that is not needed
        try:
            credentials, _ = google.auth.default()
        except GoogleAuthError as error:
            _missed.append((time.monotonic(), error))
            raise
        finally:
            log.setLevel(level)
        return credentials
