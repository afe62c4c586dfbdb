"""Objects of both stores: keys are names, bodies are whole, and a store that fails is a sentence."""

import gc
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from duologue_pipeline.files import google, google_files, s3, s3_files, s3_streams, storage
from duologue_pipeline.files.conditional import ConflictError, read_version, swap_bytes
from duologue_pipeline.files.file_fault import FileFault, FileMissing, StoreFaultError
from duologue_pipeline.files.names import scheme
from duologue_pipeline.files.object_store import object_store
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.files import FilesRules
from duologue_pipeline.withdrawal.release_folder import keeps_old_versions
from tests.object_store import ENDPOINTS, Bucket
from tests.servers import Proxy

BODY = bytes(range(256)) * 2000
KEYS = (
    "take",
    "take#2.wav",
    "take%232.wav",
    "a b.wav",
    "a+b.wav",
    "a%20b.wav",
    "Gespräch.wav",
    "Gespra\u0308ch.wav",
    "a[1].wav",
    "a?b=c.wav",
    "a//b.wav",
    "a/../b.wav",
    "a/./b.wav",
    "..",
    "./x",
    "~x",
    "a\\b.wav",
    "a*b{c}|d^e`f<g>.wav",
    "a&b=c;d,e@f$g!.wav",
    "會話.wav",
    "🎙.wav",
    "a\tb.wav",
    "a:b.wav",
    "s3://x/y.wav",
    "100%.wav",
    "'quoted\".wav",
    "a%.wav",
    "a%2Fb.wav",
    "-a",
    "x" * 1024,
)


@pytest.fixture
def proxy(store: Bucket, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """The same bucket behind a proxy that spoils what it is told to."""
    quick = replace(load_rules(FilesRules), backoff_s=0.01, max_backoff_s=0.02, store_attempts=4)
    for module in (s3_streams, s3, google):
        monkeypatch.setattr(module, "load_rules", lambda _: quick)
    s3._s3_client.cache_clear()
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0.01)
    proxy = Proxy(store.endpoint)
    monkeypatch.setenv(ENDPOINTS[scheme(store.uri)], proxy.uri)
    yield proxy
    proxy.close()


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of 5 MiB, the smallest that S3 takes."""
    for module in (s3_streams, google_files):
        monkeypatch.setattr(module, "_PART_BYTES", 5 << 20)


# --- keys are names -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", KEYS)
def test_an_object_is_read_and_written_by_the_key_as_it_stands(store: Bucket, bucket: str, key: str) -> None:
    content = f"of {key}".encode()
    uri = f"{bucket}/{key}"
    if key == ".." and scheme(bucket) == "gs":
        with pytest.raises(FileFault, match="no object of Google's store can have this name"):
            storage.read_bytes(uri)
        return
    store.put(key, content)
    assert storage.read_bytes(uri) == content
    assert storage.exists(uri)
    assert storage.file_size(uri) == len(content)
    found = read_version(uri)
    assert found is not None
    assert found.data == content
    with storage.local_copy(uri) as path:
        assert path.read_bytes() == content
        assert len(path.name) < 40
    storage.write_bytes(uri, b"new")
    assert store.get(key) == b"new"
    storage.move(uri, f"{bucket}/moved/{key}"[:1000])
    assert not storage.exists(uri) or key == "a"


def test_no_key_is_taken_for_another(store: Bucket, bucket: str) -> None:
    for key in KEYS:
        store.put(f"all/{key}"[:1024], key.encode())
    listed = storage.list_files(f"{bucket}/all")
    assert set(listed) == {f"all/{key}"[:1024].removeprefix("all/") for key in KEYS}
    for key in KEYS:
        assert storage.read_bytes(f"{bucket}/all/{key}"[: len(bucket) + 1025]) == key.encode()
    storage.delete_directory(f"{bucket}/all")
    assert storage.list_files(f"{bucket}/all") == []


def test_the_scheme_is_known_in_any_case(bucket: str) -> None:
    storage.write_bytes(f"{bucket}/case", b"1")
    assert storage.read_bytes(bucket.replace(scheme(bucket), scheme(bucket).upper()) + "/case") == b"1"
    assert read_version(bucket.replace(scheme(bucket), scheme(bucket).upper()) + "/case") is not None


def test_a_folder_is_listed_with_the_folders_in_it(store: Bucket, bucket: str) -> None:
    for name in ("b", "a", ".hidden", "c/inner", "c/d/e"):
        storage.write_bytes(f"{bucket}/listed/{name}", b"")
    store.put("listed/", b"")  # as consoles make folders
    assert storage.list_entries(f"{bucket}/listed") == [".hidden", "a", "b", "c"]
    assert storage.list_files(f"{bucket}/listed/") == [".hidden", "a", "b", "c/d/e", "c/inner"]
    assert storage.list_entries(f"{bucket}/none") == []
    assert (storage.exists(f"{bucket}/listed"), storage.exists(f"{bucket}/liste")) == (True, False)
    storage.delete_directory(f"{bucket}/listed")
    assert not storage.exists(f"{bucket}/listed")


@pytest.mark.parametrize(
    "uri", ["s3://", "s3:///key", "gs://b/key", "s3://a b/key", "gs://key:secret@bucket/x", "gs://bucket/a\0b"]
)
def test_what_can_be_no_object_is_refused_before_a_store_is_asked(uri: str) -> None:
    with pytest.raises(FileFault) as raised:
        storage.read_bytes(uri)
    assert raised.value.kind == "not_allowed"
    assert "secret" not in str(raised.value)


def test_a_missing_object_or_bucket_is_missing(bucket: str) -> None:
    for uri, told in (
        (f"{bucket}/none", "there is no such object"),
        (f"{scheme(bucket)}://no-such-bucket/x", "there is no such bucket"),
    ):
        with pytest.raises(FileMissing, match=told):
            storage.read_bytes(uri)


# --- large objects --------------------------------------------------------------------------------------------------


def test_a_large_object_is_written_in_parts_and_appears_whole(bucket: str, small_parts: None) -> None:
    content = bytes(range(256)) * 50_000
    with storage.open_output(f"{bucket}/large") as out:
        for start in range(0, len(content), 999_999):
            out.write(content[start : start + 999_999])
            assert not storage.exists(f"{bucket}/large")
    assert storage.read_bytes(f"{bucket}/large") == content


def test_a_write_that_fails_leaves_nothing(store: Bucket, bucket: str, small_parts: None) -> None:
    for size in (10, 12 << 20):
        with pytest.raises(KeyError), storage.open_output(f"{bucket}/half") as out:
            out.write(bytes(size))
            raise KeyError
        assert not storage.exists(f"{bucket}/half")
    assert not store.unfinished()


# --- a store that fails ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["503", "500", "429", "reset"])
def test_what_fails_for_a_while_is_tried_again(what: str, bucket: str, proxy: Proxy) -> None:
    proxy.fault = lambda method, path, before: what if before < 3 else ""
    storage.write_bytes(f"{bucket}/{what}/file", BODY)
    assert storage.read_bytes(f"{bucket}/{what}/file") == BODY
    assert storage.list_entries(f"{bucket}/{what}") == ["file"]
    storage.move(f"{bucket}/{what}/file", f"{bucket}/{what}/moved")
    assert storage.file_size(f"{bucket}/{what}/moved") == len(BODY)
    with storage.local_copy(f"{bucket}/{what}/moved") as path:
        assert path.read_bytes() == BODY


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("503", "the store answers 503 SlowDown, tried 4 times; run the command again later"),
        ("500", "the store answers 500 InternalError, tried 4 times"),
        ("reset", "credentials"),
        ("403", "the store does not allow it"),
        ("507", "the store is full"),
    ],
)
def test_what_fails_for_good_is_a_sentence(what: str, told: str, bucket: str, proxy: Proxy) -> None:
    storage.write_bytes(f"{bucket}/good", BODY)
    version = read_version(f"{bucket}/good")
    proxy.fault = lambda method, path, before: what
    for work in (
        lambda: storage.read_bytes(f"{bucket}/good"),
        lambda: storage.write_bytes(f"{bucket}/other", BODY),
        lambda: storage.exists(f"{bucket}/good"),
        lambda: storage.list_files(f"{bucket}/"),
        lambda: storage.move(f"{bucket}/good", f"{bucket}/better"),
        lambda: storage.delete_file(f"{bucket}/good"),
        lambda: storage.delete_directory(f"{bucket}/good"),
        lambda: read_version(f"{bucket}/good"),
        lambda: swap_bytes(f"{bucket}/good", b"new", old=version),
        lambda: object_store(f"{bucket}/good")[0].keeps_versions("duologue-files/good"),
    ):
        with pytest.raises(FileFault) as raised:
            work()
        if told not in str(raised.value):
            # the answer to a HEAD has no body, and so no code
            assert f"the store answers {what}" in str(raised.value) or what == "507"
        assert len(proxy.asked) < 200
    proxy.fault = lambda method, path, before: ""
    assert storage.read_bytes(f"{bucket}/good") == BODY


def test_a_body_that_is_cut_is_taken_up_where_it_ended(bucket: str, proxy: Proxy) -> None:
    storage.write_bytes(f"{bucket}/cut", BODY)
    proxy.fault = lambda method, path, before: "cut" if method == "GET" and before < 2 else ""
    assert storage.read_bytes(f"{bucket}/cut") == BODY
    proxy.asked.clear()
    found = read_version(f"{bucket}/cut")
    assert found is not None
    assert found.data == BODY


def test_a_body_that_is_always_cut_is_never_taken_for_the_whole(bucket: str, proxy: Proxy) -> None:
    storage.write_bytes(f"{bucket}/cut", BODY)
    proxy.fault = lambda method, path, before: "cut" if method == "GET" else ""
    for work in (
        lambda: storage.read_bytes(f"{bucket}/cut"),
        lambda: read_version(f"{bucket}/cut"),
        lambda: storage.digest(f"{bucket}/cut"),
    ):
        with pytest.raises(FileFault, match=r"/cut: cannot be (read|looked at)"):
            work()
    with pytest.raises(FileFault, match=r"/cut: cannot be (read|looked at)"), storage.local_copy(f"{bucket}/cut"):
        pass


def test_the_rest_of_another_object_is_not_taken(
    store: Bucket, bucket: str, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(google_files, "_PART_BYTES", 1 << 18)
    storage.write_bytes(f"{bucket}/changed", BODY)
    read = 0

    def fault(method: str, path: str, before: int) -> str:
        nonlocal read
        if method != "GET" or ("alt=media" not in path and scheme(bucket) == "gs"):
            return ""
        read += 1
        if read == 1:
            return "" if scheme(bucket) == "gs" else "cut"
        if read == 2:
            store.put("changed", BODY[::-1])
        return ""

    proxy.fault = fault
    with pytest.raises(FileFault) as raised:
        storage.read_bytes(f"{bucket}/changed")
    assert raised.value.kind == "changed"


@pytest.mark.parametrize("store", ["gs"], indirect=True)
@pytest.mark.parametrize("after", [BODY[::-1], b"short", b""])
def test_an_object_that_is_replaced_before_its_first_part_is_read_as_it_is_then(
    store: Bucket, bucket: str, proxy: Proxy, after: bytes
) -> None:
    storage.write_bytes(f"{bucket}/swapped", BODY)

    def fault(method: str, path: str, before: int) -> str:
        if "alt=media" in path and not swapped:
            swapped.append(path)
            store.put("swapped", after)
        return ""

    swapped: list[str] = []
    proxy.fault = fault
    assert storage.read_bytes(f"{bucket}/swapped") == after
    (asked,) = swapped
    assert "&generation=" not in asked
    assert "?generation=" not in asked


@pytest.mark.parametrize("store", ["gs"], indirect=True)
def test_an_object_that_is_replaced_at_every_look_is_a_sentence(store: Bucket, bucket: str, proxy: Proxy) -> None:
    storage.write_bytes(f"{bucket}/restless", BODY)

    def fault(method: str, path: str, before: int) -> str:
        if "alt=media" in path:
            store.put("restless", BODY)
        return ""

    proxy.fault = fault
    with pytest.raises(FileFault, match="the object was changed meanwhile") as raised:
        storage.read_bytes(f"{bucket}/restless")
    assert raised.value.kind == "changed"


@pytest.mark.parametrize("store", ["s3"], indirect=True)
def test_etags_that_change_at_every_answer_are_a_conflict_or_a_sentence(bucket: str, proxy: Proxy) -> None:
    version = swap_bytes(f"{bucket}/etag", b"1", old=None)
    proxy.fault = lambda method, path, before: "etag"
    assert storage.read_bytes(f"{bucket}/etag") == b"1"
    wrong = read_version(f"{bucket}/etag")
    with pytest.raises(ConflictError):
        swap_bytes(f"{bucket}/etag", b"2", old=wrong)
    proxy.fault = lambda method, path, before: ""
    assert read_version(f"{bucket}/etag") == version


def test_a_conditional_write_whose_answer_was_lost_is_no_conflict(bucket: str, proxy: Proxy) -> None:
    version = swap_bytes(f"{bucket}/lost", b"1", old=None)
    proxy.fault = lambda method, path, before: "late" if method in ("PUT", "POST") and not before else ""
    proxy.asked.clear()
    second = swap_bytes(f"{bucket}/lost", b"2", old=version)
    assert (second.data, read_version(f"{bucket}/lost")) == (b"2", second)
    assert [method in ("PUT", "POST") for method, _ in proxy.asked[:2]] == [True, True]
    with pytest.raises(ConflictError):
        swap_bytes(f"{bucket}/lost", b"3", old=version)


def test_no_store_at_all_is_a_sentence(monkeypatch: pytest.MonkeyPatch, bucket: str, proxy: Proxy) -> None:
    for endpoint in ("http://127.0.0.1:9", "no url", "http://[bad"):
        monkeypatch.setenv(ENDPOINTS[scheme(bucket)], endpoint)
        with pytest.raises(StoreFaultError, match=r"check (AWS_ENDPOINT_URL|the network)"):
            storage.read_bytes(f"{bucket}/x")


# --- nothing in parts -----------------------------------------------------------------------------------------------

_WRITER = """
import sys
from duologue_pipeline.files import google_files, s3_streams, storage
google_files._PART_BYTES = s3_streams._PART_BYTES = 5 << 20
with storage.open_output(sys.argv[1]) as out:
    out.write(bytes(int(sys.argv[2])))
    print("written", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("size", [10, 12 << 20])
def test_a_writer_that_is_killed_changes_nothing(place: str, size: int) -> None:
    uri = f"{place}/killed"
    storage.write_bytes(uri, b"as it was")
    command = [sys.executable, "-c", _WRITER, uri, str(size)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"written\n"
        writer.kill()
    assert storage.read_bytes(uri) == b"as it was"
    assert [name for name in storage.list_entries(place) if not name.startswith(".")] == ["killed"]


@pytest.mark.parametrize("size", [10, 12 << 20])
@pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt, SystemExit])
def test_a_writer_that_fails_changes_nothing(
    place: str, size: int, error: type[BaseException], small_parts: None
) -> None:
    uri = f"{place}/failed"
    storage.write_bytes(uri, b"as it was")
    with pytest.raises(error), storage.open_output(uri) as out:
        out.write(bytes(size))
        raise error
    del out
    gc.collect()  # a stream that is forgotten must not end its upload
    assert storage.read_bytes(uri) == b"as it was"
    assert storage.list_entries(place) == ["failed"]


@pytest.mark.parametrize("size", [10, 12 << 20])
def test_a_store_that_fails_while_it_is_written_to_keeps_what_it_had(
    store: Bucket, bucket: str, proxy: Proxy, size: int, small_parts: None
) -> None:
    storage.write_bytes(f"{bucket}/failing/file", b"as it was")
    proxy.fault = lambda method, path, before: "503" if method in ("PUT", "POST") else ""
    with pytest.raises(StoreFaultError), storage.open_output(f"{bucket}/failing/file") as out:
        out.write(bytes(size))
    proxy.fault = lambda method, path, before: ""
    assert storage.read_bytes(f"{bucket}/failing/file") == b"as it was"


@pytest.mark.parametrize("size", [5 << 20, (12 << 20) + 1])
def test_an_object_of_any_size_is_moved(
    store: Bucket, bucket: str, proxy: Proxy, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S3 copies up to 5 GB in one request, Google's store as much as it likes; both bounds are lowered here."""
    monkeypatch.setattr(s3_files, "_COPY_BYTES", 5 << 20)
    content = bytes(range(251)) * (size // 251 + 1)
    storage.write_bytes(f"{bucket}/large", content[:size])
    proxy.asked.clear()
    before = store.unfinished()
    storage.move(f"{bucket}/large", f"{bucket}/moved")
    parts = [path for _, path in proxy.asked if "partNumber" in path or "rewriteTo" in path]
    assert len(parts) >= size // (5 << 20)
    assert storage.read_bytes(f"{bucket}/moved") == content[:size]
    assert not storage.exists(f"{bucket}/large")
    assert store.unfinished() == before


@pytest.mark.parametrize("size", [10, 12 << 20])
def test_a_write_whose_answer_is_lost_is_done_all_the_same(
    store: Bucket, bucket: str, proxy: Proxy, size: int, small_parts: None
) -> None:
    content = bytes(range(251)) * (size // 251 + 1)
    proxy.fault = lambda method, path, before: "late" if method in ("PUT", "POST") and not before else ""
    storage.write_bytes(f"{bucket}/late", content)
    assert storage.read_bytes(f"{bucket}/late") == content
    storage.move(f"{bucket}/late", f"{bucket}/moved-late")
    assert storage.read_bytes(f"{bucket}/moved-late") == content
    proxy.fault = lambda method, path, before: "late" if method in ("DELETE", "POST") and not before else ""
    storage.delete_file(f"{bucket}/moved-late")
    storage.write_bytes(f"{bucket}/folder/x", b"1")
    storage.delete_directory(f"{bucket}/folder")
    assert not storage.exists(f"{bucket}/moved-late")
    assert not storage.exists(f"{bucket}/folder")


def test_whether_a_bucket_keeps_what_is_deleted_is_told(gs: Bucket) -> None:
    """New buckets of Google's store do so for seven days."""
    for settings, keeps in (
        ({}, False),
        ({"versioning": {"enabled": True}}, True),
        ({"softDeletePolicy": {"retentionDurationSeconds": "604800"}}, True),
        ({"softDeletePolicy": {"retentionDurationSeconds": "0"}}, False),
    ):
        gs.configure(settings)
        assert keeps_old_versions(f"{gs.uri}/release") == keeps


def test_whether_a_file_is_there_is_asked_once(store: Bucket, bucket: str, proxy: Proxy) -> None:
    store.put("rows.json", b"{}")
    asked = [(storage.is_file(f"{bucket}/{name}"), len(proxy.asked)) for name in ("rows.json", "none", "rows.json/x")]
    assert asked == [(True, 1), (False, 2), (False, 3)]
