"""Fetches a file over http and https: whole or not at all, within bounds of bytes, time and redirections.

``urllib3`` speaks the protocol; what it would do by itself (resolve, redirect, decode, try again) is done here, so that each
address is checked before a connection is made to it.
"""

import errno
import http.client
import shutil
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, TypeVar

from duologue_pipeline.files.backoff import wait
from duologue_pipeline.files.faults import NoRoomError, no_room
from duologue_pipeline.files.file_fault import FileFault, FileMissing, told, too_large
from duologue_pipeline.files.pace import Pace
from duologue_pipeline.files.temporary import temporary_place
from duologue_pipeline.files.web_address import WebAddress, parse_web_address, redirected
from duologue_pipeline.files.web_connections import connected
from duologue_pipeline.made_by import MADE_BY
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.files import FilesRules

if TYPE_CHECKING:
    import urllib3

__all__ = ["NO_SUCH_RANGE", "PART", "ForAWhileError", "announced_size", "ask_for", "fetch", "receive", "try_again"]

PART: Final = 206
NO_SUCH_RANGE: Final = 416
"""Answers to who asks for a part of a file: here it is, and that it does not reach so far."""

_BLOCK_BYTES: Final = 1 << 16
_CUT: Final = "cut it into conversations"
_REDIRECTS: Final = (301, 302, 303, 307, 308)
_FOR_A_WHILE: Final = (408, 425, 429, 500, 502, 503, 504)
_REFUSED: Final = {
    401: "the server asks who you are (401): put name and password, or a presigned address, into the manifest",
    403: "the server forbids it (403): a presigned address may have run out",
    404: "there is no such file (404)",
    407: "the proxy asks who you are (407)",
    410: "the file is gone for good (410)",
    451: "the server may not give it for legal reasons (451)",
}

_Answered = TypeVar("_Answered")


class ForAWhileError(Exception):
    """Says that a fetch failed in a way that may be over soon.

    Args:
        fault: what happened.
        wait_s: how long the server asks to wait.
    """

    def __init__(self, fault: str, wait_s: float = 0.0) -> None:
        super().__init__(fault)
        self.wait_s = wait_s


def fetch(uri: str, handle: IO[bytes], *, max_bytes: int, rules: FilesRules | None = None) -> None:
    """Fetches what lies at a web address into an open file.

    Args:
        uri: ``http://`` or ``https://``.
        handle: an empty file; it is written from its beginning at each attempt.
        max_bytes: a longer file is refused.
        rules: the bounds; the packaged ones by default.

    Raises:
        FileFault: it cannot be had, or not whole; FileMissing where the server has no such file.
        NoRoomError: the disk is full.
    """
    rules = rules or load_rules(FilesRules)
    address = parse_web_address(uri)

    def whole_of(found: WebAddress, answer: Any, pace: Pace) -> None:
        handle.seek(0)
        handle.truncate()
        receive(found, answer, handle, pace, max_bytes)

    try_again(address, rules, lambda pace: ask_for(address, pace, rules, whole_of))


def try_again(address: WebAddress, rules: FilesRules, ask: Callable[[Pace], _Answered]) -> _Answered:
    """Asks, and asks again where a fault may be over soon.

    Raises:
        FileFault: it cannot be had, as often as the rules allow.
    """
    for attempt in range(1, rules.attempts + 1):
        try:
            with Pace(rules) as pace, _faults(address, pace):
                answered = ask(pace)
            if pace.too_slow:  # a connection that was cut off may look like one that has ended
                raise _slow(address, pace.too_slow)
            return answered
        except ForAWhileError as error:
            if attempt == rules.attempts:
                raise FileFault(
                    f"{address.shown}: cannot be fetched, tried {attempt} times ({error}); run the command again later",
                    values={"fault": "server", "attempts": attempt},
                ) from None
            wait(attempt, rules, asked_s=error.wait_s)
    raise AssertionError("a fetch is tried at least once")


@contextmanager
def _faults(address: WebAddress, pace: Pace) -> Iterator[None]:
    """Turns everything that a fetch can raise into what is to be done about it."""
    import urllib3

    try:
        yield
    except (FileFault, ForAWhileError, NoRoomError):
        if pace.too_slow:
            raise _slow(address, pace.too_slow) from None
        raise
    except TimeoutError as error:
        raise _slow(address, pace.too_slow or str(error)) from None
    except (urllib3.exceptions.TimeoutError, urllib3.exceptions.HTTPError) as error:
        if pace.too_slow:
            raise _slow(address, pace.too_slow) from None
        if isinstance(error, urllib3.exceptions.TimeoutError):
            raise _slow(address, "it does not answer") from None
        if isinstance(error, urllib3.exceptions.SSLError):
            raise _untrusted(address, error) from None
        raise ForAWhileError(told(error)) from None
    except (http.client.HTTPException, OSError) as error:
        if pace.too_slow:
            raise _slow(address, pace.too_slow) from None
        if isinstance(error, ssl.SSLError):
            raise _untrusted(address, error) from None
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NoRoomError(
                f"{temporary_place()}: the disk is full; make room, or name another folder in TMPDIR, and run the command again"
            ) from None
        raise ForAWhileError(told(error)) from None
    except (ValueError, UnicodeError, LookupError, RecursionError) as error:
        raise FileFault(
            f"{address.shown}: cannot be fetched ({told(error)}); the server does not follow the protocol",
            values={"fault": "protocol"},
        ) from None


def ask_for(
    address: WebAddress,
    pace: Pace,
    rules: FilesRules,
    take: Callable[[WebAddress, Any, Pace], _Answered],
    headers: Mapping[str, str] | None = None,
) -> _Answered:
    """Asks for a file, follows where the server says that it lies, and takes the answer.

    Args:
        address: of the file.
        pace: watches over the transfer.
        rules: the bounds.
        take: gets the address that answered, the answer with its head read and its body open, and the pace.
        headers: what is asked beside; then the answers to who asks for a part are taken as well.

    Raises:
        FileFault: the server does not give it; FileMissing where it has no such file.
    """
    named, first = True, address
    for _ in range(rules.max_redirects + 1):
        origin = named or address.origin == first.origin
        with _answer(address, pace, named=origin, rules=rules, headers=headers or {}) as answer:
            location = answer.headers.get("Location")
            if answer.status not in _REDIRECTS or location is None:
                _check_status(address, answer, (PART, NO_SUCH_RANGE) if headers else ())
                return take(address, answer, pace)
            address, named = redirected(address, location), False
    raise FileFault(
        f"{first.shown}: redirects more than {rules.max_redirects} times; name the last address itself",
        values={"fault": "redirects", "limit": rules.max_redirects},
    )


@contextmanager
def _answer(
    address: WebAddress, pace: Pace, *, named: bool, rules: FilesRules, headers: Mapping[str, str]
) -> Iterator["urllib3.response.BaseHTTPResponse"]:
    """Asks for the file; gives the answer with its head read and its body open."""
    with connected(address, pace, named=named, rules=rules) as connection:
        told = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": MADE_BY.replace(" ", "/"), **headers}
        if address.authorization is not None:
            told["Authorization"] = address.authorization
        target = address.uri if connection.proxied_in_the_open else address.target
        connection.request("GET", target, headers=told, preload_content=False, enforce_content_length=False)
        if connection.sock is not None:
            connection.sock.settimeout(rules.silence_s)
        answer = connection.getresponse()
        yield answer
        if answer.length_remaining == 0 and connection.sock is not None:
            answer.drain_conn()
            connection.may_go_on = True


def _check_status(address: WebAddress, answer: Any, also: tuple[int, ...]) -> None:
    status = int(answer.status)
    if status == 200 or status in also:
        return
    if status in _FOR_A_WHILE:
        asked = answer.headers.get("Retry-After", "")
        raise ForAWhileError(
            f"the server answers {status} {answer.reason or ''}".strip()[:80], float(asked) if asked.isdigit() else 0.0
        )
    fault = _REFUSED.get(status, f"the server answers {status} and not with the file")
    sentence = f"{address.shown}: cannot be fetched: {fault}"
    if status in (404, 410):
        raise FileMissing(sentence, values={"status": status})
    raise FileFault(sentence, "forbidden" if status in _REFUSED else "unreachable", {"status": status})


def receive(address: WebAddress, answer: Any, handle: IO[bytes], pace: Pace, max_bytes: int) -> None:
    """Writes the body of an answer, and refuses one that is longer than allowed or shorter than announced."""
    coding = answer.headers.get("Content-Encoding", "identity").strip().lower()
    if coding not in ("identity", ""):
        raise FileFault(
            f"{address.shown}: cannot be fetched: the server sends it in a coding ({coding[:20]!r}) that was not asked for; "
            "have it sent as it is",
            values={"fault": "coding"},
        )
    announced = announced_size(address, answer)
    if announced is not None:
        _check_room(address, announced, max_bytes, handle)
    received = 0
    while block := answer.read1(_BLOCK_BYTES, decode_content=False):
        received += len(block)
        pace.received += len(block)
        if received > max_bytes:
            raise too_large(address.shown, received, max_bytes, remedy=_CUT)
        handle.write(block)
    if announced is not None and received != announced:
        raise ForAWhileError(f"{received} of {announced} bytes came")
    handle.flush()


def announced_size(address: WebAddress, answer: Any) -> int | None:
    """Gives the length that a server announces, None where it announces none."""
    text = answer.headers.get("Content-Length")
    if text is None or "chunked" in answer.headers.get("Transfer-Encoding", "").lower():
        return None
    lengths = {each.strip() for each in text.split(",")}
    if len(lengths) != 1 or not (length := lengths.pop()).isascii() or not length.isdigit() or len(length) > 20:
        raise FileFault(
            f"{address.shown}: cannot be fetched: the server announces a length that is none ({text[:40]!r})",
            values={"fault": "protocol"},
        )
    return int(length)


def _check_room(address: WebAddress, announced: int, max_bytes: int, handle: IO[bytes]) -> None:
    if announced > max_bytes:
        raise too_large(address.shown, announced, max_bytes, remedy=_CUT)
    name = getattr(handle, "name", None)
    free = shutil.disk_usage(name).free if isinstance(name, str) else announced
    if announced > free:
        raise no_room(address.shown, announced, free, Path(str(name)).parent)


def _slow(address: WebAddress, fault: str) -> FileFault:
    return FileFault(
        f"{address.shown}: cannot be fetched: the server is too slow ({fault}); run the command again later, or copy the file "
        "here first",
        values={"fault": "too_slow"},
    )


def _untrusted(address: WebAddress, error: Exception) -> FileFault:
    return FileFault(
        f"{address.shown}: cannot be fetched: the connection cannot be trusted ({told(error)}); have the server's "
        "certificate put right, or name its authority in SSL_CERT_FILE",
        values={"fault": "certificate"},
    )
