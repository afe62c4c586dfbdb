"""A job server and a worker pool, each a process of its own, as whoever runs Beam on machines of their own has them."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

__all__ = ["serve_portable"]

_UP_WITHIN_S = 60.0


@contextmanager
def serve_portable() -> Iterator[list[str]]:
    """Runs both on free ports while the block runs; gives the options of Beam that lead to them."""
    job_port, worker_port = _free_port(), _free_port()
    server = ["apache_beam.runners.portability.local_job_service_main", "--port", str(job_port)]
    pool = ["apache_beam.runners.worker.worker_pool_main", "--service_port", str(worker_port)]
    with ExitStack() as stack:
        for module in (server, pool):
            stack.enter_context(_process([sys.executable, "-m", *module]))
        _wait_for(job_port, worker_port)
        yield [
            "--runner=PortableRunner",
            f"--job_endpoint=localhost:{job_port}",
            "--environment_type=EXTERNAL",
            f"--environment_config=localhost:{worker_port}",
        ]


@contextmanager
def _process(command: list[str]) -> Iterator[None]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # the pool starts workers as `python`
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "PATH": path}
    )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def _wait_for(*ports: int) -> None:
    deadline = time.monotonic() + _UP_WITHIN_S
    for port in ports:
        while True:
            try:
                socket.create_connection(("localhost", port), timeout=1).close()
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
