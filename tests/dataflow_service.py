"""Google's Dataflow on loopback: it takes a real submission through Beam's DataflowRunner, and runs nothing of it."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["DataflowService", "serve_dataflow"]

_JOBS = re.compile(
    r"/v1b3/projects/(?P<project>[^/]+)/locations/(?P<region>[^/]+)/jobs(?:/(?P<job>[^/?]+))?(?P<rest>/\w+)?"
)


@dataclass
class DataflowService:
    """What the service was told, and what it answers.

    Attributes:
        options: of Beam, which lead to it.
        jobs: the documents of the jobs that were created, in order.
        before: the states that are told of a job before ``state``, one each time it is asked for.
        state: of every job.
        message: an error that the log of every job tells, None for none.
        metrics: (namespace, name, user's step) -> attempted, of every job.
        fault: a status with which the creation of a job is answered, None for none.
    """

    options: list[str] = field(default_factory=list)
    jobs: list[dict[str, Any]] = field(default_factory=list)
    before: list[str] = field(default_factory=list)
    state: str = "JOB_STATE_DONE"
    message: str | None = None
    metrics: dict[tuple[str, str, str], int] = field(default_factory=dict)
    fault: int | None = None

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """Answers one request: (status, document)."""
        found = _JOBS.match(path)
        if found is None:
            return 404, {"error": {"code": 404, "message": f"unknown path {path}"}}
        if method == "POST":
            if self.fault is not None:
                return self.fault, {"error": {"code": self.fault, "message": "Dataflow API has not been used before"}}
            job = json.loads(body)
            job |= {"id": f"2026-11-26_{len(self.jobs)}", "projectId": found["project"], "location": found["region"]}
            self.jobs.append(job)
            return 200, self._told(job)
        job = next((each for each in self.jobs if each["id"] == found["job"]), None)
        if job is None:
            return 404, {"error": {"code": 404, "message": "no such job"}}
        match found["rest"]:
            case "/messages":
                told = {"id": "m", "time": "2026-11-26T10:00:00Z", "messageText": self.message}
                return 200, {
                    "jobMessages": [{**told, "messageImportance": "JOB_MESSAGE_ERROR"}] if self.message else []
                }
            case "/metrics":
                return 200, {"metrics": [self._metric(*key, value) for key, value in self.metrics.items()]}
        told = self._told(job)
        del self.before[:1]
        return 200, told

    def _told(self, job: dict[str, Any]) -> dict[str, Any]:
        return {name: job[name] for name in ("id", "projectId", "location", "name", "type") if name in job} | {
            "currentState": self.before[0] if self.before else self.state
        }

    def _metric(self, namespace: str, name: str, step: str, value: int) -> dict[str, Any]:
        context = {"step": step, "namespace": namespace, "tentative": "true"}
        return {"name": {"origin": "user", "name": name, "context": context}, "scalar": value}


@contextmanager
def serve_dataflow() -> Iterator[DataflowService]:
    """Serves on loopback while the block runs."""
    service = DataflowService()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, document = service.answer(self.command, self.path, body)
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    service.options = [
        "--runner=DataflowRunner",
        "--project=project-x",
        "--region=europe-west1",
        f"--dataflow_endpoint=http://localhost:{server.server_port}",
        "--no_auth",
    ]
    yield service
    server.shutdown()
    server.server_close()
