"""The embedded sample: three short synthetic conversations with words, truth and a consent ledger (see README.md)."""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

__all__ = ["DemoFiles", "demo_files"]


@dataclass(frozen=True)
class DemoFiles:
    """Where the sample lies. Audio, words and ``truth/<recording_id>.json`` are found beside ``manifest``."""

    manifest: Path
    ledger: Path


def demo_files() -> DemoFiles:
    """Gives the paths of the sample in the installed package (which has to lie in files, as pip installs it)."""
    folder = Path(str(files(__name__)))
    return DemoFiles(manifest=folder / "manifest.jsonl", ledger=folder / "consent.db")
