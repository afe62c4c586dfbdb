"""Makes connections to web servers, each to an address that was checked, and keeps the last one of a thread for its next request.

What is asked of one server comes over one connection where the server allows it: parts of a shard, files of one host. A kept one goes
only to the very address that was checked for it, is used by its own thread and process alone, and no longer than :data:`KEPT_S`.
"""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final
from urllib.request import getproxies_environment, proxy_bypass

from duologue_pipeline.files.addresses import allowed_addresses, literal_address, private_addresses_allowed
from duologue_pipeline.files.pace import Pace
from duologue_pipeline.files.web_address import WebAddress, parse_web_address
from duologue_pipeline.rules.files import FilesRules

__all__ = ["KEPT_S", "connected"]

KEPT_S: Final = 5.0
"""How long a connection that is not used is kept; servers close theirs after 5 s and more."""

_mine = threading.local()


@contextmanager
def connected(address: WebAddress, pace: Pace, *, named: bool, rules: FilesRules) -> Iterator[Any]:
    """Gives a connection to a server while the block runs, which the watch over the transfer can cut off.

    It is kept for the next request where the block sets its ``may_go_on``, when the answer has been read to its end.

    Args:
        address: of the file.
        pace: watches over the transfer.
        named: whether the manifest itself names the host.
        rules: the bounds.

    Raises:
        FileFault: the host may not be connected to.
    """
    proxy = _proxy(address)
    key = (address.origin, named, private_addresses_allowed(), proxy, os.getpid())
    connection = _taken(key) or _made(address, proxy, named=named, rules=rules)
    pace.stop = connection.cut
    connection.may_go_on = False
    try:
        yield connection
    finally:
        if connection.may_go_on and not pace.too_slow:
            connection.idle_since_s = time.monotonic()
            _mine.kept = key, connection
        else:
            _end(connection)


def _taken(key: object) -> Any:
    """Takes the connection that this thread has kept, if it goes there and still stands; another one is closed."""
    kept, connection = getattr(_mine, "kept", (None, None))
    _mine.kept = None, None
    if connection is None:
        return None
    if kept == key and time.monotonic() - connection.idle_since_s < KEPT_S and connection.is_connected:
        return connection
    if kept is not None and kept[-1] == os.getpid():  # a forked process leaves the sockets of its parent alone
        _end(connection)
    return None


def _end(connection: Any) -> None:
    connection.close()
    connection.forget()


def _made(address: WebAddress, proxy: WebAddress | None, *, named: bool, rules: FilesRules) -> Any:
    """Makes a connection that goes to addresses which were checked, and which another thread can cut off."""
    from urllib3.connection import HTTPConnection, HTTPSConnection

    if proxy is None:
        places, port = allowed_addresses(address.host, address.port, shown=address.shown, named=named), address.port
    else:
        if literal_address(address.host) is not None:
            allowed_addresses(address.host, address.port, shown=address.shown, named=named)
        places, port = [proxy.host], proxy.port
    base: Any = HTTPSConnection if address.scheme == "https" else HTTPConnection

    class Checked(base):  # type: ignore[misc]
        proxied_in_the_open = proxy is not None and address.scheme == "http"
        may_go_on = False
        idle_since_s = 0.0
        _double: socket.socket | None = None

        def _new_conn(self) -> socket.socket:
            fault: OSError = OSError("no address")
            for place in places:
                try:
                    sock = socket.create_connection((place, port), timeout=rules.connect_s)
                except OSError as error:
                    fault = error
                    continue
                sock.settimeout(rules.silence_s)
                self.forget()
                self._double = sock.dup()  # TLS takes the socket itself away
                return sock
            raise fault

        def cut(self) -> None:
            double = self._double
            if double is not None:
                with suppress(OSError):
                    double.shutdown(socket.SHUT_RDWR)

        def forget(self) -> None:
            double, self._double = self._double, None
            if double is not None:
                double.close()

    host = address.host if proxy is None or address.scheme == "https" else proxy.host
    connection = Checked(host, address.port if proxy is None else port, timeout=rules.silence_s)
    if proxy is not None and address.scheme == "https":
        connection.set_tunnel(address.host, address.port)
    return connection


def _proxy(address: WebAddress) -> WebAddress | None:
    """Gives the proxy that the environment names for an address; this machine is always asked directly."""
    literal = literal_address(address.host)
    if address.host == "localhost" or (literal is not None and literal.is_loopback):
        return None
    named = getproxies_environment().get(address.scheme)
    if not named or proxy_bypass(address.host):
        return None
    return parse_web_address(named if "://" in named else f"http://{named}")
