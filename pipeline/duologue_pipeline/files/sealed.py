"""Seals addresses that hold a secret, so that they can lie in a file: signatures in a query, a name and a password before the host.

The key is made in the process that launches a run and is never written: worker processes of this machine inherit it in their
environment. Workers elsewhere do not have it, so that a run on them takes no such address.

A name that a worker only has to know again, as that of a tier, which may be a person's, stands there as its hash.
"""

import hashlib
import os
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.names import is_remote, is_web, shown

__all__ = ["begin_sealing", "hashed_name", "holds_secret", "seal", "unseal", "without_secrets"]

_VARIABLE: Final = "DUOLOGUE_ADDRESS_KEY"
_SEALED: Final = "sealed:"
_HASHED: Final = "sha256:"
_NONCE_BYTES: Final = 12
_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://\S+")


def holds_secret(uri: str) -> bool:
    """Tells whether a uri may hold a secret: a web address with a query, or anything with a user before the host."""
    if ("@" not in uri and "?" not in uri) or not is_remote(uri):
        return False
    rest = uri.partition("://")[2]
    authority = rest.partition("/")[0]
    return ("@" in authority and not authority.startswith("anonymous@")) or (is_web(uri) and "?" in rest)


def begin_sealing() -> None:
    """Makes the key of this process, so that copies of it which seal have the same one."""
    _key(make=True)


def hashed_name(name: str) -> str:
    """Hashes a name, so that who meets it in a file knows it again and nobody else reads it; a hash stays as it is."""
    if name.startswith(_HASHED):
        return name
    return _HASHED + hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()


def seal(uri: str) -> str:
    """Encrypts a uri that holds a secret with the key of this process (AES-256-GCM); gives others as they are."""
    if not (holds_secret(uri) or uri.startswith(_SEALED)):
        return uri
    nonce = os.urandom(_NONCE_BYTES)
    data = AESGCM(_key(make=True)).encrypt(nonce, uri.encode(errors="surrogatepass"), None)
    return _SEALED + urlsafe_b64encode(nonce + data).decode()


def without_secrets(text: str) -> str:
    """Writes a text without the signatures and passwords of addresses in it."""
    return _ADDRESS.sub(lambda found: shown(found[0]) if holds_secret(found[0]) else found[0], text)


def unseal(text: str) -> str:
    """Gives the uri that was :func:`seal`-ed by this process, or by the one that launched it.

    Raises:
        UsageError: this process does not have the key.
    """
    if not text.startswith(_SEALED):
        return text
    data = urlsafe_b64decode(text.removeprefix(_SEALED))
    try:
        return AESGCM(_key()).decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], None).decode(errors="surrogatepass")
    except InvalidTag:
        raise UsageError("an address of the manifest was sealed by another run; run the command again") from None


def _key(*, make: bool = False) -> bytes:
    if make:
        os.environ.setdefault(_VARIABLE, os.urandom(32).hex())
    held = os.environ.get(_VARIABLE)
    if held is None:
        raise UsageError(
            "the manifest names addresses with a signature or a password, and this worker has no key to them: such a manifest "
            "runs only on the machine that launches it; copy the files into a bucket, or leave out --runner"
        )
    return bytes.fromhex(held)
