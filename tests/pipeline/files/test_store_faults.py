"""What a fault of a store becomes: a refusal where the file is at fault, and none where the store is."""

import dataclasses
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from duologue_pipeline.errors import RejectError
from duologue_pipeline.files import backoff, google, s3, s3_streams, web
from duologue_pipeline.files.file_fault import FileFault, StoreFaultError
from duologue_pipeline.files.names import scheme
from duologue_pipeline.ingest.audio import PairDecoder
from duologue_pipeline.reader.release import DamagedReleaseError, read_release
from duologue_pipeline.release.verify import verify_release
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.files import FilesRules
from duologue_pipeline.words.files import read_json
from tests.conftest import make_recording
from tests.object_store import ENDPOINTS, Bucket
from tests.servers import Proxy, send, serve

QUICK = dataclasses.replace(load_rules(FilesRules), backoff_s=0.01, max_backoff_s=0.02, store_attempts=4)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (s3_streams, s3, google, web):
        monkeypatch.setattr(module, "load_rules", lambda _: QUICK)
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0.01)
    s3._s3_client.cache_clear()


@pytest.fixture
def proxy(store: Bucket, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    proxy = Proxy(store.endpoint)
    monkeypatch.setenv(ENDPOINTS[scheme(store.uri)], proxy.uri)
    yield proxy
    proxy.close()


def audio_of(uri: str) -> Any:
    recording = make_recording()
    with PairDecoder(dataclasses.replace(recording, a=dataclasses.replace(recording.a, uri=uri))) as decoder:
        return decoder


@pytest.mark.parametrize(("status", "reason"), [("403", "missing"), ("503", None), ("429", None), ("reset", None)])
def test_only_what_is_known_of_a_file_refuses_its_recording(
    bucket: str, proxy: Proxy, status: str, reason: str | None
) -> None:
    proxy.fault = lambda method, path, before: status
    for work, kind in ((audio_of, "audio"), (read_json, "words")):
        with pytest.raises(RejectError if reason else StoreFaultError) as raised:
            work(f"{bucket}/file")
        if isinstance(raised.value, RejectError):
            assert raised.value.reason == f"{kind}_{reason}"
    proxy.fault = lambda method, path, before: ""
    for work, kind in ((audio_of, "audio"), (read_json, "words")):
        with pytest.raises(RejectError) as missing:
            work(f"{bucket}/none")
        assert missing.value.reason == f"{kind}_missing"


@pytest.mark.parametrize("store", ["s3"], indirect=True)
@pytest.mark.parametrize("code", ["ExpiredToken", "SignatureDoesNotMatch", "RequestTimeTooSkewed"])
def test_credentials_that_are_none_any_more_refuse_nobody(bucket: str, proxy: Proxy, code: str) -> None:
    proxy.fault = lambda method, path, before: f"403 {code}"
    for work in (audio_of, read_json):
        with pytest.raises(StoreFaultError, match="the store does not take these credentials"):
            work(f"{bucket}/file")


@pytest.mark.parametrize(
    ("status", "reason"), [(404, "missing"), (403, "missing"), (503, "unreachable"), (429, "unreachable")]
)
def test_a_web_server_that_fails_refuses_for_now(status: int, reason: str) -> None:
    with serve(lambda handler: send(handler, b"", status)) as (uri, _):
        for work, kind in ((audio_of, "audio"), (read_json, "words")):
            with pytest.raises(RejectError) as raised:
                work(f"{uri}/file")
            assert raised.value.reason == f"{kind}_{reason}"


def test_a_store_that_fails_is_no_damage_of_a_release(bucket: str, proxy: Proxy) -> None:
    proxy.fault = lambda method, path, before: "503"
    for work in (read_release, verify_release):
        with pytest.raises(StoreFaultError) as raised:
            work(f"{bucket}/release")
        assert not isinstance(raised.value, DamagedReleaseError)


def test_a_name_server_that_does_not_answer_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def resolve(*_: object, **__: object) -> Any:
        asked.append(1)
        raise socket.gaierror(socket.EAI_AGAIN if len(asked) < 3 else socket.EAI_NONAME, "made up")

    monkeypatch.setattr("socket.getaddrinfo", resolve)
    with pytest.raises(FileFault, match=r"there is no host 'host\.example'"):
        web.fetch("https://host.example/x", None, max_bytes=1)  # type: ignore[arg-type]
    assert len(asked) == 3


def test_the_waits_grow_with_chance_and_within_bounds() -> None:
    rules = dataclasses.replace(QUICK, backoff_s=1.0, max_backoff_s=8.0)
    waits = [[backoff.backoff_s(attempt, rules) for _ in range(50)] for attempt in (1, 2, 3, 4, 5, 99)]
    assert all(
        bound / 2 <= wait <= bound for bound, found in zip((1, 2, 4, 8, 8, 8), waits, strict=True) for wait in found
    )
    assert all(len(set(found)) > 1 for found in waits)
