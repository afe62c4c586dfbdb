"""Fetching over http: the whole file or a sentence, within bounds, and never to where it may not go."""

import errno
import io
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from duologue_pipeline.files.addresses import ALLOW_PRIVATE, allowed_addresses
from duologue_pipeline.files.faults import NoRoomError
from duologue_pipeline.files.file_fault import FileFault, FileMissing
from duologue_pipeline.files.web import fetch
from duologue_pipeline.files.web_address import parse_web_address, redirected
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.files import FilesRules
from tests.servers import Handler, send, serve, serve_bytes

BODY = bytes(range(256)) * 40
QUICK = replace(
    load_rules(FilesRules), backoff_s=0.01, max_backoff_s=0.02, pace_window_s=0.5, silence_s=0.7, connect_s=1.0
)


def fetched(uri: str, max_bytes: int = 1 << 20, **more: Any) -> bytes:
    with io.BytesIO() as handle:
        handle.name = None
        fetch(uri, handle, max_bytes=max_bytes, rules=replace(QUICK, **more))
        return handle.getvalue()


def fault(uri: str, max_bytes: int = 1 << 20, **more: Any) -> FileFault:
    with pytest.raises(FileFault) as raised:
        fetched(uri, max_bytes, **more)
    text = str(raised.value)
    assert "\n" not in text
    assert len(text) < 600
    return raised.value


# --- what comes -----------------------------------------------------------------------------------------------------


def test_the_file_comes_as_it_is() -> None:
    with serve(lambda h: send(h, BODY)) as (base, asked):
        assert fetched(f"{base}/call.wav") == BODY
    (path, headers) = asked[0]
    assert path == "/call.wav"
    assert headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize(
    ("written", "asked_for"),
    [
        ("/a b.wav", "/a%20b.wav"),
        ("/a%20b.wav", "/a%20b.wav"),
        ("/Gespräch.wav", "/Gespr%C3%A4ch.wav"),
        ("/Gespra\u0308ch.wav", "/Gespra%CC%88ch.wav"),
        ("/100%.wav", "/100%25.wav"),
        ("/a%zz.wav", "/a%25zz.wav"),
        ("/a+b.wav", "/a+b.wav"),
        ("/a[1].wav", "/a%5B1%5D.wav"),
        ("/a//b/../c.wav", "/a//b/../c.wav"),
        ("/x.wav?X-Amz-Credential=A%2Fb%2Fs3&q=ä b&s=a+b==", "/x.wav?X-Amz-Credential=A%2Fb%2Fs3&q=%C3%A4%20b&s=a+b=="),
        ("?only=query", "/?only=query"),
        ("", "/"),
    ],
)
def test_what_is_not_encoded_is_and_the_rest_stays(written: str, asked_for: str) -> None:
    with serve(lambda h: send(h, BODY)) as (base, asked):
        assert fetched(base + written) == BODY
    assert [path for path, _ in asked] == [asked_for]


def test_a_body_without_a_length_ends_with_the_connection_or_its_last_chunk() -> None:
    with serve_bytes(lambda s: s.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + BODY)) as base:
        assert fetched(f"{base}/x") == BODY
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
    with serve_bytes(lambda s: s.sendall(chunked)) as base:
        assert fetched(f"{base}/x") == b"hello world"


# --- servers that fail ----------------------------------------------------------------------------------------------


def cut(head: bytes, body: bytes) -> Callable[[socket.socket], None]:
    return lambda s: s.sendall(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n" + body)


@pytest.mark.parametrize(
    ("talk", "told"),
    [
        (cut(b"Content-Length: 100", b"x" * 50), "100"),
        (cut(b"Content-Length: 100", b""), "100"),
        (cut(b"Transfer-Encoding: chunked", b"5\r\nhello\r\n"), "tried 4 times"),
        (cut(b"Transfer-Encoding: chunked", b"5\r\nhel"), "tried 4 times"),
        (cut(b"Transfer-Encoding: chunked", b"zz\r\nhello"), "tried 4 times"),
        (cut(b"Transfer-Encoding: chunked", b"-5\r\nhello"), ""),
        (cut(b"Content-Length: -5", b"hello"), "announces a length that is none"),
        (cut(b"Content-Length: abc", b"hello"), "announces a length that is none"),
        (cut(b"Content-Length: 5\r\nContent-Length: 7", b"hello"), ""),
        (cut(b"Content-Length: 99999999999999999999999", b"hello"), ""),
        (cut(b"Content-Encoding: gzip", b"no gzip"), "a coding ('gzip') that was not asked for"),
        (lambda s: s.sendall(b"no http at all\r\n\r\n"), ""),
        (lambda s: s.sendall(b"HTTP/1.1 abc\r\n\r\n"), ""),
        (lambda s: s.sendall(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 500 + b"\r\n"), ""),
        (lambda s: s.sendall(b"HTTP/1.1 200 OK\r\nA: " + b"b" * 100_000 + b"\r\n\r\n"), ""),
        (lambda s: s.sendall(b"\x16\x03\x01\x00\x00" * 20), ""),
        (lambda s: s.close(), "tried 4 times"),
    ],
)
def test_a_transfer_that_is_not_whole_is_never_taken_for_the_whole(
    talk: Callable[[socket.socket], None], told: str
) -> None:
    with serve_bytes(talk) as base:
        found = fault(f"{base}/call.wav")
    assert told in str(found)
    assert found.kind == "unreachable"


def test_what_fails_for_a_while_is_tried_again_and_then_whole() -> None:
    answers = iter([503, 429, 0, 200])

    def answer(handler: Handler) -> None:
        status = next(answers)
        if not status:
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(BODY)))
            handler.end_headers()
            handler.wfile.write(BODY[:100])
            handler.close_connection = True
        else:
            send(handler, BODY if status == 200 else b"busy", status)

    with serve(answer) as (base, asked):
        assert fetched(f"{base}/call.wav") == BODY
    assert len(asked) == 4


@pytest.mark.parametrize(
    ("status", "times", "kind", "told"),
    [
        (400, 1, "unreachable", "answers 400"),
        (401, 1, "forbidden", "asks who you are (401)"),
        (403, 1, "forbidden", "forbids it (403): a presigned address may have run out"),
        (404, 1, "missing", "there is no such file (404)"),
        (410, 1, "missing", "is gone for good (410)"),
        (451, 1, "forbidden", "legal reasons (451)"),
        (204, 1, "unreachable", "answers 204"),
        (206, 1, "unreachable", "answers 206"),
        (304, 1, "unreachable", "answers 304"),
        (302, 1, "unreachable", "answers 302"),  # and says not where to
        (429, 4, "unreachable", "answers 429"),
        (500, 4, "unreachable", "answers 500"),
        (503, 4, "unreachable", "answers 503"),
        (999, 1, "unreachable", "answers 999"),
    ],
)
def test_each_status_has_its_sentence(status: int, times: int, kind: str, told: str) -> None:
    with serve(lambda h: send(h, b"", status)) as (base, asked):
        found = fault(f"{base}/call.wav")
    assert len(asked) == times
    assert (found.kind, isinstance(found, FileMissing)) == (kind, kind == "missing")
    assert told in str(found)


def drip(head: bytes) -> Callable[[socket.socket], None]:
    def talk(connection: socket.socket) -> None:
        connection.sendall(head)
        for _ in range(600):
            connection.sendall(b"x")
            time.sleep(0.05)

    return talk


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX-Long: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n",
    ],
)
def test_a_server_that_drips_is_not_waited_for(head: bytes) -> None:
    began = time.monotonic()
    with serve_bytes(drip(head)) as base:
        found = fault(f"{base}/call.wav")
    assert "too slow" in str(found)
    assert time.monotonic() - began < 5


def test_a_server_that_says_nothing_is_not_waited_for() -> None:
    began = time.monotonic()
    with serve_bytes(lambda s: time.sleep(8)) as base:
        assert "too slow" in str(fault(f"{base}/call.wav"))
    assert time.monotonic() - began < 5


def test_a_transfer_takes_no_longer_than_allowed_in_all() -> None:
    def talk(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(400):
            connection.sendall(b"x" * 4096)
            time.sleep(0.02)

    with serve_bytes(talk) as base:
        assert "it took longer than 0.9 s" in str(fault(f"{base}/call.wav", 1 << 30, max_fetch_s=0.9))


def test_a_body_is_read_up_to_the_limit_whatever_is_announced() -> None:
    with serve(lambda h: send(h, BODY)) as (base, _):
        found = fault(f"{base}/call.wav", max_bytes=len(BODY) - 1)
        assert (found.kind, found.values) == ("over_limit", {"found_bytes": len(BODY), "limit_bytes": len(BODY) - 1})
        assert fetched(f"{base}/call.wav", max_bytes=len(BODY)) == BODY

    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.sendall(b"1000\r\n" + bytes(4096) + b"\r\n")

    with serve_bytes(endless) as base:
        assert fault(f"{base}/call.wav", max_bytes=100_000).kind == "over_limit"


def test_more_than_the_disk_has_room_for_is_not_begun(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 10}))
    with (
        serve(lambda h: send(h, BODY)) as (base, _),
        (tmp_path / "copy").open("wb") as handle,
        pytest.raises(
            NoRoomError, match=r"/call\.wav: has 10240 bytes, and 10 are free in /.*; make room, or"
        ) as raised,
    ):
        fetch(f"{base}/call.wav", handle, max_bytes=1 << 20, rules=QUICK)
    assert raised.value.errno == errno.ENOSPC
    assert not isinstance(raised.value, FileFault)  # which would refuse the recording


# --- redirections ---------------------------------------------------------------------------------------------------


def test_a_redirection_on_one_server_is_followed() -> None:
    def answer(handler: Handler) -> None:
        if handler.path == "/old":
            send(handler, b"", 302, Location="/new name.wav")
        else:
            send(handler, BODY)

    with serve(answer) as (base, asked):
        assert fetched(f"{base}/old") == BODY
    assert [path for path, _ in asked] == ["/old", "/new%20name.wav"]


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("file:///etc/passwd", "redirects from http to file"),
        ("ftp://127.0.0.1/x", "redirects from http to ftp"),
        ("gopher://127.0.0.1/x", "redirects from http to gopher"),
        ("http://169.254.169.254/latest/meta-data/", "an address of one link"),
        ("http://10.0.0.1/", "an address of a private network"),
        ("http://[::1]:1/", "this machine"),
        ("http://localhost:1/", "this machine"),
        ("http://127.0.0.1:1/", "this machine"),
        ("http://2130706433:1/", "in an unusual way"),
        ("http://[::ffff:127.0.0.1]:1/", "this machine"),
        ("http://0.0.0.0:1/", "this machine"),
        ("http://127.0.0.1:99999999/", "a port that is none"),
        ("http://[bad/", ""),
        ("//", ""),
        ("http://", ""),
        ("/again", "redirects more than 5 times"),
    ],
)
def test_each_target_of_a_redirection_is_checked(location: str, told: str) -> None:
    with serve(lambda h: send(h, b"", 302, Location=location)) as (base, asked):
        assert told in str(fault(f"{base}/call.wav"))
    assert len(asked) <= 6


def test_https_is_not_left_for_http() -> None:
    secure = parse_web_address("https://example.org/a")
    with pytest.raises(FileFault, match=r"redirects from https to http, which is not followed"):
        redirected(secure, "http://example.org/a")
    assert redirected(secure, "/b").uri == "https://example.org:443/b"
    assert redirected(parse_web_address("http://example.org/a"), "https://example.org/b").scheme == "https"


def test_a_password_goes_to_the_server_of_the_address_only() -> None:
    address = parse_web_address("https://anna:p%40ss@example.org/a")
    assert address.authorization == "Basic YW5uYTpwQHNz"
    assert redirected(address, "/b").authorization == "Basic YW5uYTpwQHNz"
    for elsewhere in ("https://other.org/b", "https://example.org:444/b", "https://x:y@other.org/"):
        assert redirected(address, elsewhere).authorization is None
    assert "anna" not in address.shown + address.uri
    with serve(lambda h: send(h, BODY)) as (base, asked):
        assert fetched(base.replace("//", "//anna:secret@") + "/x") == BODY
    assert asked[0][1]["Authorization"] == "Basic YW5uYTpzZWNyZXQ="


# --- addresses ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "uri",
    [
        "http://",
        "http:///x",
        "http://:80/x",
        "http://host:0/",
        "http://host:65536/",
        "http://host:8080a/",
        "http://host:-1/",
        "http://host:٣/",
        "http://ho st/",
        "http://host\\@other/",
        "http://host%2eorg/",
        "http://-host.org/",
        "http://" + "a" * 64 + ".org/",
        "http://" + "a." * 200 + "org/",
        "http://[::1/",
        "http://[::1]x/",
        "http://[fe80::1%25eth0]/",
        "http://[127.0.0.1]/",
        "http://127.1/",
        "http://0177.0.0.1/",
        "http://0x7f.0.0.1/",
        "http://0x7f000001/",
        "http://2130706433/",
        "http://256.1.1.1/",
        "http://127.0.0.1./",
        "http://１２７.1/",
        "http://xn--a.org\n/",
        "http://host/a\r\nX: y",
        "http://host/a\0b",
        "http://host/take#2.wav",
        "http://host/\ud800",
        "http://\ud800/",
        "http://..org/",
        "http://host/" + "a" * 20_000,
    ],
)
def test_an_address_that_is_none_or_could_be_read_in_two_ways_is_refused(uri: str) -> None:
    found = fault(uri)
    assert found.kind == "not_allowed"
    assert str(found).isprintable()


def test_names_beyond_ascii_are_written_as_they_are_looked_up() -> None:
    assert parse_web_address("http://bücher.example/x").host == "xn--bcher-kva.example"
    assert parse_web_address("http://faß.de/").host == "xn--fa-hia.de"  # IDNA 2008: not fass.de, who is somebody else
    assert parse_web_address("HTTP://EXAMPLE.org:8080/X").uri == "http://example.org:8080/X"
    assert parse_web_address("https://[2001:db8::1]/x").uri == "https://[2001:db8::1]:443/x"


def resolve_to(monkeypatch: pytest.MonkeyPatch, *found: str) -> None:
    def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        return [(0, 0, 0, "", (address, port)) for address in found]

    monkeypatch.setattr("socket.getaddrinfo", getaddrinfo)


PRIVATE = (
    *("127.0.0.1", "127.9.9.9", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
    *("224.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "::1", "::", "fe80::1", "fc00::1", "ff02::1"),
    *("::ffff:a00:1", "::ffff:a9fe:a9fe", "64:ff9b::7f00:1", "2002:7f00:1::", "::7f00:1", "fec0::1"),
)


@pytest.mark.parametrize("address", PRIVATE)
def test_a_name_that_leads_into_a_private_network_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, address)
    with pytest.raises(
        FileFault, match=r"^shown: leads to .*; `duologue run --allow-private-addresses` allows those$"
    ) as raised:
        allowed_addresses("public.example", 80, shown="shown", named=True)
    assert raised.value.kind == "not_allowed"
    with pytest.raises(FileFault):
        allowed_addresses(address, 80, shown="shown", named=False)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_reached_when_the_user_asks_for_them(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_to(monkeypatch, address)
    monkeypatch.setenv(ALLOW_PRIVATE, "1")
    if address in ("0.0.0.0", "::", "224.0.0.1", "ff02::1"):  # no one is there
        with pytest.raises(FileFault):
            allowed_addresses("public.example", 80, shown="shown", named=True)
    else:
        assert allowed_addresses("public.example", 80, shown="shown", named=True) == [address]


@pytest.mark.parametrize(
    ("host", "named", "allowed"),
    [
        ("127.0.0.1", True, True),
        ("127.0.0.2", True, True),
        ("::1", True, True),
        ("localhost", True, True),
        ("127.0.0.1", False, False),
        ("localhost", False, False),
        ("localhost.", True, False),
        ("rebound.example", True, False),
    ],
)
def test_this_machine_is_reached_where_the_manifest_itself_names_it(
    host: str, named: bool, allowed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_to(monkeypatch, "127.0.0.1")
    if allowed:
        assert allowed_addresses(host, 80, shown="shown", named=named)
    else:
        with pytest.raises(FileFault):
            allowed_addresses(host, 80, shown="shown", named=named)


def test_a_name_is_resolved_once_and_the_checked_address_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    connected = []

    def connect(place: tuple[str, int], **_: Any) -> socket.socket:
        connected.append(place)
        raise ConnectionRefusedError("refused")

    resolve_to(monkeypatch, "10.0.0.1", "93.184.215.14", "::1")
    monkeypatch.setattr("socket.create_connection", connect)
    assert "refused" in str(fault("http://public.example:8080/x"))
    assert set(connected) == {("93.184.215.14", 8080)}


def test_a_name_that_does_not_resolve_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", getaddrinfo)
    assert "there is no host 'nowhere.example'" in str(fault("http://nowhere.example/x"))


def test_a_proxy_of_the_environment_is_asked_for_the_rest_of_the_world(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(lambda h: send(h, BODY)) as (base, asked):
        monkeypatch.setenv("http_proxy", base)
        monkeypatch.delenv("no_proxy", raising=False)
        assert fetched("http://public.example/a b") == BODY
        assert fault("http://169.254.169.254/").kind == "not_allowed"
        assert fetched(f"{base}/direct") == BODY
    assert [path for path, _ in asked] == ["http://public.example:80/a%20b", "/direct"]


def test_a_certificate_that_cannot_be_trusted_is_said() -> None:
    with serve_bytes(lambda s: s.sendall(b"HTTP/1.0 200 OK\r\n\r\nplain")) as base:
        assert "the connection cannot be trusted" in str(fault(base.replace("http:", "https:") + "/x"))


# --- connections ----------------------------------------------------------------------------------------------------


def peers(base: str, work: Callable[[], object], seen: list[tuple[str, int]]) -> int:
    """Over how many connections the server was asked."""
    seen.clear()
    work()
    return len(set(seen))


def test_what_is_asked_of_one_server_comes_over_one_connection() -> None:
    seen: list[tuple[str, int]] = []

    def answer(handler: Handler) -> None:
        seen.append(handler.client_address)
        send(handler, BODY)

    with serve(answer) as (base, _):
        assert peers(base, lambda: [fetched(f"{base}/{n}") for n in range(5)], seen) == 1
        for count in (2, 3):
            threads = [
                threading.Thread(target=lambda: [fetched(f"{base}/{n}") for n in range(4)]) for _ in range(count)
            ]
            assert peers(base, lambda t=threads: [x.start() for x in t] + [x.join() for x in t], seen) == count  # type: ignore[misc]


def test_a_connection_that_was_not_read_to_its_end_or_was_closed_is_not_used_again() -> None:
    seen: list[tuple[str, int]] = []

    def answer(handler: Handler) -> None:
        seen.append(handler.client_address)
        if handler.path == "/closed":
            handler.close_connection = True
        if handler.path == "/long":
            send(handler, BODY * 100)
        else:
            send(handler, BODY)

    with serve(answer) as (base, _):
        for path in ("/closed", "/long"):
            for _ in range(3):
                if path == "/long":
                    fault(f"{base}{path}", max_bytes=len(BODY))
                else:
                    fetched(f"{base}{path}")
        assert len(set(seen)) == 6
        assert fetched(f"{base}/x") == BODY


def test_a_kept_connection_is_one_that_was_checked_and_not_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(lambda h: send(h, BODY)) as (base, asked):
        fetched(f"{base}/x")
        monkeypatch.setattr("duologue_pipeline.files.web_connections.allowed_addresses", refuse_all)
        assert fetched(f"{base}/y") == BODY  # kept: it was checked when it was made
        monkeypatch.setattr("duologue_pipeline.files.web_connections.KEPT_S", 0.0)
        with pytest.raises(FileFault, match="not allowed here"):
            fetched(f"{base}/z")
    assert [path for path, _ in asked] == ["/x", "/y"]


def refuse_all(*_: object, **__: object) -> list[str]:
    raise FileFault("not allowed here", "not_allowed")
