"""Makes legal recording ids of the names that a source has, each from its own name alone where that is possible."""

import hashlib
import re
from collections.abc import Iterable
from typing import Final

from duologue_consent.decisions.names import skeleton

__all__ = ["recording_ids"]

_LEGAL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_NOT_LEGAL: Final = re.compile(r"[^A-Za-z0-9_-]+")
_DIGITS: Final = 12
_KEPT: Final = 96


def recording_ids(names: Iterable[str], *, hashed: bool = False) -> dict[str, str]:
    """Gives every name its recording id.

    A legal name is its own id. In any other one what is not allowed becomes ``-`` and the beginning of the SHA-256 of the
    whole name follows, so that the id is that of this name whatever else there is. Names of which the ids would look
    alike (``call-1`` and ``Call-1``), which a run refuses, all get the hash.

    Args:
        names: of recordings, each once.
        hashed: whether nothing of the name is to be seen in the id: ids are published, names of files may name people.

    Returns:
        name -> id.
    """
    ids = {name: f"rec-{_digest(name)}" if hashed else _own_id(name) for name in names}
    seen: dict[str, list[str]] = {}
    for name, recording_id in ids.items():
        seen.setdefault(skeleton(recording_id), []).append(name)
    for alike in seen.values():
        if len(alike) > 1:
            ids |= {name: _with_hash(name) for name in alike}
    return ids


def _own_id(name: str) -> str:
    return name if _LEGAL.fullmatch(name) else _with_hash(name)


def _with_hash(name: str) -> str:
    plain = _NOT_LEGAL.sub("-", name).strip("-_")[:_KEPT].rstrip("-_")
    return f"{plain or 'rec'}-{_digest(name)}"


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
