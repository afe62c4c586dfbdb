"""Looks for what a runner needs before it can begin: its libraries, its programs, an answer from its services.

Beam looks for these when the job is submitted, and answers with a traceback or with minutes of silence.
"""

import os
import shutil
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from apache_beam.runners.portability.flink_runner import FlinkJarJobServer
from apache_beam.runners.portability.prism_runner import PrismJobServer
from apache_beam.runners.portability.spark_runner import SparkJarJobServer
from apache_beam.utils.subprocess_server import JavaJarServer

from duologue_pipeline.engines.google import require_google
from duologue_pipeline.engines.options import Engine
from duologue_pipeline.errors import UsageError

__all__ = ["require_needs"]

_ANSWER_S: Final = 10.0


def require_needs(engine: Engine, *, tell: Callable[[str], None] = lambda _: None) -> None:
    """Refuses a run whose runner lacks something that can be looked for from here.

    Args:
        engine: the runner, with its options.
        tell: is told what goes, but not well, as lines of text.

    Raises:
        UsageError: it does; the message says what, and where to get it.
    """
    if engine.is_dataflow:
        require_google(engine, tell)
    elif engine.name == "FlinkRunner" and not engine.get("flink_submit_uber_jar"):
        _require_jar(engine, "--flink_job_server_jar", lambda: str(FlinkJarJobServer(engine.options).path_to_jar()))
    elif engine.name == "SparkRunner" and not engine.get("spark_submit_uber_jar"):
        _require_jar(engine, "--spark_job_server_jar", lambda: str(SparkJarJobServer(engine.options).path_to_jar()))
    elif engine.name == "PrismRunner":
        _require_prism(engine)
    elif engine.name == "PortableRunner":
        _require_job_server(engine)


def _require_jar(engine: Engine, option: str, path_to_jar: Callable[[], str]) -> None:
    if shutil.which("java") is None and not os.environ.get("JAVA_HOME"):
        raise UsageError(f"{engine.name} needs Java, and there is none: install Java 17")
    try:
        jar = path_to_jar()
    except ValueError:
        raise UsageError(f"{option} {engine.get(option[2:])}: there is no such jar") from None
    folder = Path(JavaJarServer.JAR_CACHE).expanduser()
    name = jar.rpartition("/")[2]
    if Path(jar).exists() or (folder / name).exists():
        return
    if (fault := _unreachable(jar)) is not None:
        raise UsageError(
            f"{engine.name} needs {name}, and {urlsplit(jar).hostname} cannot be reached from here ({fault}); download {jar} "
            f"elsewhere and put it into {folder}, or name it with {option}"
        )


def _require_prism(engine: Engine) -> None:
    try:
        address = str(PrismJobServer(engine.options).path_to_binary())
    except ValueError:
        raise UsageError(f"--prism_location {engine.get('prism_location')}: there is no such program") from None
    name = address.rpartition("/")[2]
    if Path(address).exists() or (Path(PrismJobServer.BIN_CACHE) / name).exists():
        return
    if (fault := _unreachable(address)) is not None:
        raise UsageError(
            f"PrismRunner needs the program prism, and {urlsplit(address).hostname} cannot be reached from here ({fault}); "
            f"download {address} elsewhere and name it with --prism_location, or leave --runner out to run on this machine"
        )


def _require_job_server(engine: Engine) -> None:
    endpoint = str(engine.get("job_endpoint") or "embed")
    if endpoint == "embed":
        return
    host, _, port = endpoint.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_ANSWER_S).close()
    except (OSError, ValueError) as error:
        raise UsageError(
            f"--job_endpoint {endpoint}: no job server answers there ({error}); start one, as `python -m "
            "apache_beam.runners.portability.local_job_service_main --port 8099`, and name it as HOST:PORT"
        ) from None


def _unreachable(address: str) -> str | None:
    """Tells why an address cannot be had; None where it can."""
    if urlsplit(address).scheme not in ("http", "https"):
        return "there is no such file"
    try:
        with suppress(TimeoutError), urlopen(Request(address, method="HEAD"), timeout=_ANSWER_S):
            return None
    except (URLError, OSError, ValueError) as error:
        return str(getattr(error, "reason", error))
    return f"no answer within {_ANSWER_S:g} s"
