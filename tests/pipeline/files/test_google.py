"""Google's store is asked only where there is something to sign in with: else it is said at once what is missing."""

import json
import os
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import DefaultCredentialsError

from duologue_pipeline.errors import UsageError
from duologue_pipeline.files import google
from duologue_pipeline.files.file_fault import StoreFaultError
from duologue_pipeline.files.google import google_object
from duologue_pipeline.reader.release import read_release


@pytest.fixture
def without_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Nothing in the environment, and an address at which nobody answers."""
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "STORAGE_EMULATOR_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setattr("google.auth.compute_engine._metadata.ping", lambda *_, **__: False)
    monkeypatch.setattr("google.auth.compute_engine._metadata.detect_gce_residency_linux", lambda: False)
    google._missed.clear()
    google._google_client.cache_clear()
    return tmp_path


@pytest.mark.parametrize("uri", ["gs://bucket/calls/a.wav", "GS://bucket/x", "gs://bucket"])
def test_without_credentials_it_says_what_is_missing(without_credentials: Path, uri: str) -> None:
    began = time.monotonic()
    with pytest.raises(UsageError) as refused:
        read_release(uri)
    assert "no credentials for Google's store" in str(refused.value)
    assert "GOOGLE_APPLICATION_CREDENTIALS" in str(refused.value)
    assert "gs://anonymous@BUCKET/KEY" in str(refused.value)
    assert time.monotonic() - began < 10


def test_credentials_that_are_there_are_used(without_credentials: Path) -> None:
    bucket, key = google_object("gs://anonymous@bucket/a#1")
    assert (bucket.name, key) == ("bucket", "a#1")
    google._missed.clear()
    (without_credentials / "application_default_credentials.json").write_text("{}")
    with pytest.raises(StoreFaultError, match=r"gs://bucket/a b: cannot be reached .*credentials"):
        google_object("gs://bucket/a b")


def test_without_the_client_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    google._google_client.cache_clear()
    monkeypatch.setitem(sys.modules, "google.cloud.storage", None)
    with pytest.raises(
        StoreFaultError, match=r"google-cloud-storage is not installed; run `pip install 'duologue\[gcs\]'`"
    ):
        read_release("gs://anonymous@bucket/release")


def test_credentials_that_were_not_there_are_looked_for_again_later(
    without_credentials: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, now = list[str](), time.monotonic()
    monkeypatch.setattr("duologue_pipeline.files.google.time.monotonic", lambda: now)

    def default() -> tuple[AnonymousCredentials, None]:
        asked.append("asked")
        if len(asked) == 1:
            raise DefaultCredentialsError("the service does not answer")
        return AnonymousCredentials(), None

    monkeypatch.setattr("google.auth.default", default)
    for _ in range(3):
        with pytest.raises(
            StoreFaultError, match=r"no credentials for Google's store are there: the service does not answer"
        ):
            google_object("gs://bucket/a")
    assert len(asked) == 1, "not by each of many threads"
    now += 31
    assert google_object("gs://bucket/a")[1] == "a"
    assert len(asked) == 2


def test_a_metadata_service_that_the_environment_names_is_asked(tmp_path: Path) -> None:
    """As google.auth reads its variables once, when it is loaded, this is a process of its own."""

    class Metadata(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = json.dumps({"access_token": "t", "expires_in": 3600, "email": "a@b", "scopes": []}).encode()
            self.send_response(200)
            self.send_header("Metadata-Flavor", "Google")
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(b"project-x" if self.path.endswith("project-id") else answer)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Metadata)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    host = f"127.0.0.1:{server.server_port}"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GOOGLE_", "STORAGE_"))}
    code = "from duologue_pipeline.files import google; print(type(google._credentials()).__module__)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**kept, "CLOUDSDK_CONFIG": str(tmp_path), "GCE_METADATA_HOST": host, "GCE_METADATA_IP": host},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    server.shutdown()
    server.server_close()
    assert done.stdout == "google.auth.compute_engine.credentials\n"
