"""Google's store is asked only where there is something to sign in with: else it is said at once what is missing."""

import socket
import sys
import time
from pathlib import Path

import pytest

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
    monkeypatch.setenv("GCE_METADATA_IP", "192.0.2.1")

    def refuse(address: tuple[str, int], timeout: float) -> socket.socket:
        assert address == ("192.0.2.1", 80)
        assert timeout <= 5
        raise TimeoutError

    monkeypatch.setattr("duologue_pipeline.files.google.socket.create_connection", refuse)
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
