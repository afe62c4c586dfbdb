"""The embedded sample: three short synthetic conversations with words and truth (see README.md), and their consent."""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

__all__ = ["DemoFiles", "demo_files"]


@dataclass(frozen=True)
class DemoFiles:
    """Where the sample lies. Audio, words and ``truth/<recording_id>.json`` are found beside ``manifest``.

    The consent ledger is made by :func:`duologue_pipeline.demo.ledger.write_demo_ledger`.
    """

    manifest: Path


def demo_files() -> DemoFiles:
    """Gives the paths of the sample in the installed package (which has to lie in files, as pip installs it)."""
    return DemoFiles(manifest=Path(str(files(__name__))) / "manifest.jsonl")
