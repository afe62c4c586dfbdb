"""Decides which addresses a web address of a manifest may lead to, so that a manifest cannot look into a private network.

Public addresses are always allowed. Addresses of a private network, of one link and of this machine are allowed when the
user asks for them. This machine is allowed besides where a local manifest itself names it, as ``localhost``, ``127.0.0.1`` or
``[::1]``: neither a name server nor a redirection can do that.
"""

import ipaddress
import os
import re
import socket
from typing import Final

from duologue_pipeline.files.file_fault import FileFault

__all__ = [
    "ALLOW_PRIVATE",
    "allow_private_addresses",
    "allowed_addresses",
    "literal_address",
    "private_addresses_allowed",
]

ALLOW_PRIVATE: Final = "DUOLOGUE_ALLOW_PRIVATE_ADDRESSES"
"""The variable of the environment that allows private addresses where it is ``1``; worker processes inherit it."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_NUMBER: Final = re.compile(r"(0[xX][0-9A-Fa-f]*|[0-9]+)")


def allow_private_addresses() -> None:
    """Allows addresses of private networks in this process and those that it starts."""
    os.environ[ALLOW_PRIVATE] = "1"


def private_addresses_allowed() -> bool:
    """Tells whether the user has asked for addresses of private networks."""
    return os.environ.get(ALLOW_PRIVATE) == "1"


def literal_address(host: str) -> Address | None:
    """Reads a host that is an address and no name.

    Args:
        host: as in a web address; an IPv6 address without its brackets.

    Raises:
        ValueError: it is an address in a notation that is read in several ways (``127.1``, ``0x7f000001``, ``017.0.0.1``).
    """
    if ":" in host:
        return ipaddress.IPv6Address(host)
    if not _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
        return None
    return ipaddress.IPv4Address(host)


def allowed_addresses(host: str, port: int, *, shown: str, named: bool) -> list[str]:
    """Resolves a host once and gives the addresses that a connection may be made to.

    Args:
        host: a name or an address.
        port: which is asked for.
        shown: the web address, for messages.
        named: whether the manifest itself names the host; false for what a redirection leads to.

    Raises:
        FileFault: there is none: the name does not resolve, or only to what is not allowed.
        OSError: the name server does not answer now (``EAI_AGAIN``).
    """
    literal = literal_address(host)
    if literal is not None:
        found = [literal]
    else:
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            if isinstance(error, OSError) and error.errno == socket.EAI_AGAIN:  # the name server does not answer now
                raise
            raise FileFault(f"{shown}: there is no host {host!r} ({error})", values={"fault": "host_unknown"}) from None
        found = list(dict.fromkeys(ipaddress.ip_address(str(each[4][0]).partition("%")[0]) for each in answers))
    own = named and (literal is not None or host == "localhost")
    allowed = [str(each) for each in found if _may_be_reached(each, own=own)]
    if not allowed:
        raise FileFault(
            f"{shown}: leads to {found[0] if found else 'no address'}, which is {_kind(found[0]) if found else 'none'}; "
            "`duologue run --allow-private-addresses` allows those",
            "not_allowed",
            {"fault": "private_address"},
        )
    return allowed


def _may_be_reached(address: Address, *, own: bool) -> bool:
    meant = _meant(address)
    if meant.is_multicast or meant.is_unspecified:
        return False
    site_local = isinstance(meant, ipaddress.IPv6Address) and meant.is_site_local
    if (meant.is_global and not site_local) or private_addresses_allowed():
        return True
    return own and address.is_loopback


def _meant(address: Address) -> Address:
    """Gives the IPv4 address that an IPv6 address stands for, where it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    packed = address.packed
    if address in _NAT64 or (not any(packed[:12]) and any(packed[12:15])):  # the second: "IPv4-compatible"
        return ipaddress.IPv4Address(packed[12:])
    return address


def _kind(address: Address) -> str:
    meant = _meant(address)
    if meant.is_loopback or meant.is_unspecified:
        return "this machine"
    if meant.is_link_local:
        return "an address of one link"
    return "an address of many" if meant.is_multicast else "an address of a private network"
