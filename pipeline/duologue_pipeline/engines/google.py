"""Looks, before a job goes to Dataflow, whether it can: options, Google's libraries, credentials, buckets."""

import importlib.util
import threading
from collections.abc import Callable
from typing import Any, Final

from duologue_pipeline.engines.options import Engine
from duologue_pipeline.errors import UsageError

__all__ = ["require_google"]

_ANSWER_S: Final = 20.0
_NEEDED: Final = (
    ("project", "the project that pays, as --project=my-project"),
    ("region", "where the machines are, near the bucket, as --region=europe-west1"),
    ("temp_location", "a folder for what the job needs while it runs, as --temp_location=gs://BUCKET/tmp"),
)


def require_google(engine: Engine, tell: Callable[[str], None]) -> None:
    """Refuses a job for Dataflow that could not be submitted.

    Args:
        engine: with the options of the job.
        tell: is told what will cost more than it has to, as a line of text.

    Raises:
        UsageError: an option is missing or wrong, Google's libraries are not installed, or its services do not answer.
    """
    for option, what in _NEEDED:
        if not engine.get(option):
            raise UsageError(f"DataflowRunner needs --{option} after --: {what} (docs/dataflow.md)")
    for option in ("temp_location", "staging_location"):
        place = engine.get(option)
        if place and not (place.startswith("gs://") and place[len("gs://") :].strip("/")):
            raise UsageError(f"--{option} {place}: Dataflow takes a folder of Google's store only, as gs://BUCKET/tmp")
    if not (_is_installed("google.cloud.storage") and _is_installed("google.cloud.dataflow")):
        raise UsageError('DataflowRunner needs Google\'s libraries: `pip install "duologue[pipeline,gcp]"`')
    places = {engine.get(option) for option in ("temp_location", "staging_location", "template_location")}
    for bucket in sorted({place.split("/")[2] for place in places if place and place.startswith("gs://")}):
        found, region = _bucket(engine, bucket), str(engine.get("region"))
        if found.location_type == "region" and found.location.lower() != region.lower():
            tell(
                f"gs://{bucket} lies in {found.location.lower()} and the job runs in {region}: what goes from region to region is "
                "slow and is paid for"
            )


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # of a package that it would lie in
        return False


def _bucket(engine: Engine, bucket: str) -> Any:
    """Asks for a bucket as Beam will, but once and within a bound."""
    from google.api_core.exceptions import Forbidden, GoogleAPICallError, NotFound, Unauthorized
    from google.auth.exceptions import GoogleAuthError

    try:
        return _within(lambda: _client(engine).get_bucket(bucket, timeout=_ANSWER_S, retry=None))
    except NotFound:
        raise UsageError(
            f"gs://{bucket}: there is no such bucket; make it with `gcloud storage buckets create gs://{bucket} "
            f"--location={engine.get('region')}`"
        ) from None
    except (Forbidden, Unauthorized) as error:
        raise UsageError(
            f"gs://{bucket}: may not be read with these credentials ({error.message}); give them the role "
            "roles/storage.admin for this bucket, or sign in with others (`gcloud auth application-default login`)"
        ) from None
    except GoogleAuthError as error:
        raise UsageError(
            f"gs://{bucket}: no credentials for Google can be used ({_first_line(error)}); run `gcloud auth "
            "application-default login`, or name the file of a key in GOOGLE_APPLICATION_CREDENTIALS"
        ) from None
    except (GoogleAPICallError, OSError) as error:
        raise UsageError(
            f"gs://{bucket}: Google's store cannot be reached ({_first_line(error)}); nothing was submitted: check the "
            "network, and run the command again"
        ) from None


def _client(engine: Engine) -> Any:
    import google.auth
    from apache_beam.io.gcp.gcsio import create_storage_client

    credentials = not engine.get("no_auth")
    if credentials:
        google.auth.default()  # Beam would go on without any, and fail later
    return create_storage_client(engine.options, credentials)


def _within(ask: Callable[[], Any]) -> Any:
    """Asks in a thread of its own: what looks for credentials, and names of hosts, may take minutes."""
    answers: list[Any] = []
    raised: list[BaseException] = []

    def asked() -> None:
        try:
            answers.append(ask())
        except BaseException as error:  # noqa: BLE001 - goes on in the thread that waits
            raised.append(error)

    thread = threading.Thread(target=asked, daemon=True, name="bucket")
    thread.start()
    thread.join(_ANSWER_S)
    if thread.is_alive():
        raise TimeoutError(f"no answer within {_ANSWER_S:g} s")
    if raised:
        raise raised[0]
    return answers[0]


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
