"""Parts of files from afar: what was asked for, or a sentence."""

from collections.abc import Callable

import pytest

from duologue_pipeline.files.file_fault import FileFault, FileMissing, StoreFaultError
from duologue_pipeline.files.inside import inside_size, read_inside
from duologue_pipeline.files.names import scheme
from duologue_pipeline.files.ranges import NoRangesError, read_range
from tests.object_store import ENDPOINTS, Bucket
from tests.servers import Handler, Proxy, send, serve

BODY = bytes(range(256)) * 8


def part(handler: Handler) -> None:
    """Answers as a server should."""
    start, _, stop = handler.headers["Range"].removeprefix("bytes=").partition("-")
    if int(start) >= len(BODY):
        send(handler, b"", 416)
        return
    piece = BODY[int(start) : int(stop) + 1]
    send(handler, piece, 206, Content_Range=f"bytes {start}-{int(start) + len(piece) - 1}/{len(BODY)}")


@pytest.mark.parametrize(
    ("offset", "size", "expected"),
    [(0, 1, BODY[:1]), (1000, 500, BODY[1000:1500]), (2000, 500, BODY[2000:]), (5000, 3, b"")],
)
def test_a_part_is_what_the_file_has_there(store: Bucket, bucket: str, offset: int, size: int, expected: bytes) -> None:
    with serve(part) as (uri, asked):
        assert read_range(f"{uri}/f", offset, size) == expected
        assert asked[0][1]["Range"] == f"bytes={offset}-{offset + size - 1}"
    store.put("f", BODY)
    assert read_range(f"{bucket}/f", offset, size) == expected


def test_what_is_not_there_is_missing(bucket: str) -> None:
    with serve(lambda handler: send(handler, b"", 404)) as (uri, _):
        with pytest.raises(FileMissing, match=r"there is no such file \(404\)"):
            read_range(f"{uri}/f", 0, 10)
        with pytest.raises(FileNotFoundError):
            inside_size(uri, "f")
    with pytest.raises(FileMissing, match="there is no such object"):
        read_range(f"{bucket}/none", 0, 10)


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (lambda handler: send(handler, BODY), "the server gives no parts of files"),
        (lambda handler: send(handler, BODY[:10], 206), "the server does not say which part it sends"),
        (lambda handler: send(handler, BODY[:10], 206, Content_Range="bytes 0-9/*"), "does not say which part"),
        (
            lambda handler: send(handler, BODY[:10], 206, Content_Range="bytes 7-16/2048"),
            "the server gave another part than was asked for",
        ),
        (
            lambda handler: send(handler, BODY[:11], 206, Content_Range="bytes 0-10/2048"),
            "has 11 bytes or more, and up to 10 are read",
        ),
        (lambda handler: send(handler, b"", 403), r"the server forbids it \(403\)"),
        (
            lambda handler: send(handler, b"", 302, Location="http://10.0.0.1/f"),
            "10.0.0.1",
        ),
    ],
)
def test_a_server_that_gives_something_else_is_told(answer: Callable[[Handler], None], fault: str) -> None:
    with serve(answer) as (uri, _), pytest.raises(FileFault, match=fault) as raised:
        read_range(f"{uri}/f", 0, 10)
    assert isinstance(raised.value, NoRangesError) == ("no parts" in fault)


def test_a_part_that_is_cut_off_is_asked_for_again(store: Bucket, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    store.put("f", BODY)
    proxy = Proxy(store.endpoint)
    monkeypatch.setenv(ENDPOINTS[scheme(bucket)], proxy.uri)
    proxy.fault = lambda method, path, before: "cut" if before < 2 else ""
    assert read_range(f"{bucket}/f", 100, 1000) == BODY[100:1100]
    proxy.asked.clear()
    proxy.fault = lambda method, path, before: "cut"
    with pytest.raises(StoreFaultError, match=r"cannot be read.*; .*run the command again"):
        read_range(f"{bucket}/f", 100, 1000)
    # Google's client looks at the bucket besides, in a thread of its own.
    assert len([path for _, path in proxy.asked if "alt=media" in path or scheme(bucket) == "s3"]) == 7
    proxy.close()


def test_a_file_of_a_web_server_is_read_whole_within_bounds() -> None:
    with serve(lambda handler: part(handler) if "Range" in handler.headers else send(handler, BODY)) as (uri, _):
        assert inside_size(uri, "f") == len(BODY)
        assert read_inside(uri, "f", max_bytes=len(BODY)) == BODY
        with pytest.raises(FileFault, match="has 2048 bytes or more, and up to 100 are read"):
            read_inside(uri, "f", max_bytes=100)
    with serve(lambda handler: send(handler, BODY)) as (uri, _):
        assert inside_size(uri, "f") == len(BODY)
