"""Makes folders of two calls as corpora are delivered: their names, tables and forms of text, over audio of our own."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

RATE_HZ = 8000


def sphere(path: Path, channels: int = 2, *, seed: int = 1, seconds: float = 6.0) -> Path:
    """Writes mu-law SPHERE, as the LDC does: noise in turns, first on the one channel, then on the other."""
    return audio(path, channels, seed=seed, seconds=seconds, format="NIST", subtype="ULAW")


def audio(path: Path, channels: int = 2, *, seed: int = 1, seconds: float = 6.0, **options: Any) -> Path:
    """Writes noise in turns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    count = int(seconds * RATE_HZ)
    samples = np.random.default_rng(seed).normal(0, 0.1, (count, channels))
    turn = (np.arange(count) * 2 // RATE_HZ) % 2
    for channel in range(channels):
        samples[:, channel] *= 0.001 + (turn == channel % 2)
    soundfile.write(path, samples, RATE_HZ, **options)
    return path


def text(path: Path, content: str, *, encoding: str = "utf-8") -> Path:
    """Writes a text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode(encoding))
    return path


def document(path: Path, content: Any) -> Path:
    """Writes JSON."""
    return text(path, json.dumps(content))


def lines(path: Path) -> list[dict[str, Any]]:
    """Reads JSON Lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def table(path: Path) -> list[dict[str, str]]:
    """Reads CSV."""
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))
