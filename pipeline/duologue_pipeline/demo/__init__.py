"""Finds the embedded sample: three short synthetic conversations with words and truth (see README.md)."""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

__all__ = ["DemoFiles", "demo_files"]


@dataclass(frozen=True)
class DemoFiles:
    """Holds the paths of the sample; audio, words and ``truth/<recording_id>.json`` lie beside ``manifest``.

    The consent ledger is made by :func:`duologue_pipeline.demo.ledger.write_demo_ledger`.
    """

    manifest: Path


def demo_files() -> DemoFiles:
    """Finds the sample in the installed package, which has to lie in files, as pip installs it."""
    return DemoFiles(manifest=Path(str(files(__name__))) / "manifest.jsonl")
