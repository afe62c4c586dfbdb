"""Draws random numbers that depend on names alone, never on the order in which anything is drawn."""

import hashlib

import numpy as np

__all__ = ["generator"]


def generator(*identity: object) -> np.random.Generator:
    """Makes the random generator of an identity, e.g. ``generator(seed, recording_id, "noise", "a")``."""
    name = "\x1f".join(str(part) for part in identity)
    return np.random.Generator(np.random.PCG64(int.from_bytes(hashlib.sha256(name.encode()).digest()[:16])))
