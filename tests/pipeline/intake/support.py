"""Makes folders of recordings as people have them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

RATE_HZ = 8000


def audio(path: Path, channels: int = 2, *, seed: int = 1) -> Path:
    """Writes a tenth of a second of noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = np.random.default_rng(seed).normal(0, 0.1, (RATE_HZ // 10, channels))
    soundfile.write(path, samples, RATE_HZ)
    return path


def lines(path: Path) -> list[dict[str, Any]]:
    """Reads JSON Lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
