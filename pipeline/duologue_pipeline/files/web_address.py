"""Takes a web address apart strictly, and writes it as it goes over the wire."""

import re
from base64 import b64encode
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote_to_bytes, urljoin

from duologue_pipeline.files.addresses import literal_address, private_addresses_allowed
from duologue_pipeline.files.file_fault import FileFault
from duologue_pipeline.files.names import scheme, shown

__all__ = ["WebAddress", "names_this_machine", "parse_web_address", "redirected"]

_LENGTH: Final = 16384
_PORTS: Final = {"http": 80, "https": 443}
_HOST: Final = re.compile(
    r"(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*\.?"
)
_PATH_SAFE: Final = "/:@!$&'()*+,;=~"
_QUERY_SAFE: Final = _PATH_SAFE + "?[]|"


@dataclass(frozen=True)
class WebAddress:
    """Holds the parts of a web address, ready to be sent.

    Attributes:
        scheme: ``http`` or ``https``.
        host: in ASCII and small letters, without the brackets of an IPv6 address.
        port: 1 to 65535.
        target: path and query, percent-encoded.
        authorization: the header that holds the name and password of the address, None where it has none.
        shown: the address for messages, without what is secret.
    """

    scheme: str
    host: str
    port: int
    target: str
    authorization: str | None
    shown: str

    @property
    def origin(self) -> tuple[str, str, int]:
        """Gives what tells one server from another: scheme, host and port."""
        return self.scheme, self.host, self.port

    @property
    def uri(self) -> str:
        """Writes the address as it is sent, without name and password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.target}"


def parse_web_address(uri: str) -> WebAddress:
    """Parses an ``http(s)://`` address; blanks and letters beyond ASCII are encoded, what is encoded already stays.

    Raises:
        FileFault: it is none, or could be read in more than one way.
    """
    if len(uri) > _LENGTH:
        raise _bad(uri, f"is {len(uri)} characters long, up to {_LENGTH} are read")
    if any(ord(each) < 0x20 or ord(each) == 0x7F for each in uri):
        raise _bad(uri, "holds control characters")
    if "#" in uri:
        raise _bad(uri, "holds #, and no server sees what follows it; write %23 where it belongs to the name")
    kind = scheme(uri)
    authority, rest = _parted(uri.partition("://")[2])
    if "\\" in authority:
        raise _bad(uri, "holds a backslash in the name of its host")
    userinfo, at, place = authority.rpartition("@")
    host, port = _host_and_port(uri, place, kind)
    path, mark, query = rest.partition("?")
    try:
        target = _encoded(path or "/", _PATH_SAFE) + mark + _encoded(query, _QUERY_SAFE)
        authorization = f"Basic {b64encode(unquote_to_bytes(userinfo)).decode()}" if at else None
    except UnicodeEncodeError:
        raise _bad(uri, "holds half of a character") from None
    return WebAddress(kind, host, port, target, authorization, shown(uri))


def names_this_machine(uri: str) -> bool:
    """Tells whether a uri is a web address of this machine, which only asking for private addresses would allow."""
    if scheme(uri) not in _PORTS or private_addresses_allowed():
        return False
    try:
        host = parse_web_address(uri).host
    except FileFault:
        return False
    literal = literal_address(host)
    return host == "localhost" or (literal is not None and literal.is_loopback)


def redirected(address: WebAddress, location: str) -> WebAddress:
    """Gives the address that a server names in the place of another one.

    Raises:
        FileFault: it is none, or one that may not be gone to from there.
    """
    with suppress(UnicodeError):
        location = location.encode("latin-1").decode("utf-8")  # http.client has read the header as latin-1
    try:
        uri = urljoin(address.uri, location.strip().partition("#")[0])
    except ValueError:
        raise _bad(address.shown, "redirects to what is no address") from None
    kind = scheme(uri)
    if kind not in _PORTS or (address.scheme == "https" and kind == "http"):
        raise FileFault(
            f"{address.shown}: redirects from {address.scheme} to {kind}, which is not followed; name the last address itself",
            "not_allowed",
            {"fault": "redirect"},
        )
    found = parse_web_address(uri)
    kept = address.authorization if found.origin == address.origin else None
    return WebAddress(found.scheme, found.host, found.port, found.target, kept, address.shown)


def _parted(rest: str) -> tuple[str, str]:
    """Splits what follows ``://`` into the authority and the rest."""
    end = min((rest.find(each) for each in "/?" if each in rest), default=len(rest))
    return rest[:end], rest[end:]


def _host_and_port(uri: str, place: str, kind: str) -> tuple[str, int]:
    if place.startswith("["):
        host, bracket, port = place[1:].partition("]")
        if not bracket or (port and not port.startswith(":")) or ":" not in host:
            raise _bad(uri, "has brackets that hold no IPv6 address")
        port = port[1:]
    else:
        host, _, port = place.partition(":")
        host = _ascii(uri, host)
        if not _HOST.fullmatch(host):
            raise _bad(uri, f"names no host ({host[:60]!r}); write http://HOST/PATH or https://HOST/PATH")
    try:
        literal_address(host)
    except ValueError:
        raise _bad(uri, f"writes the address of its host in an unusual way ({host[:60]!r}); write 192.0.2.1") from None
    if port and not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536 and len(port) < 6):
        raise _bad(uri, f"has a port that is none ({port[:20]!r}); expected 1 to 65535")
    return host, int(port) if port else _PORTS[kind]


def _ascii(uri: str, host: str) -> str:
    if host.isascii():
        return host.lower()
    import idna  # here, because few need it

    try:
        return idna.encode(host, uts46=True).decode().lower()
    except (idna.IDNAError, UnicodeError, ValueError):
        raise _bad(uri, "names a host that cannot exist") from None


def _encoded(text: str, safe: str) -> str:
    """Percent-encodes what may not stand in an address, and leaves what is percent-encoded already."""
    return re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", quote(text, safe=safe + "%"))


def _bad(uri: str, fault: str) -> FileFault:
    return FileFault(f"{shown(uri)}: cannot be fetched: the address {fault}", "not_allowed", {"fault": "address"})
