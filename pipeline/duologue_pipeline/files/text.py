"""Writes and reads documents as text."""

import json
from typing import Any

__all__ = ["canonical_json"]


def canonical_json(document: Any) -> bytes:
    """One way to write a document as bytes: sorted keys, no spaces, UTF-8, NaN refused."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
