"""Imports torchaudio, and what imports it, on a machine without CUDA.

The torchaudio wheels on PyPI are linked against CUDA. Beside a CPU build of torch, ``import torchaudio`` therefore dies
with ``OSError: Could not load this library``, and so does the import of everything that needs it: pyannote.audio, and
transformers' audio models. The compiled library is needed by ``forced_align``, the RNN-T loss and some fast filters
only, none of which duologue uses; all the rest of torchaudio is Python.

torchaudio loads that library in one private module, ``torchaudio._extension``. Where, and only where, the plain import
fails for this reason, a module that says "no library here" takes its place: the state that torchaudio itself has when
it was built without the library.
"""

import importlib
import os
import sys
import threading
from types import ModuleType
from typing import Any, NoReturn

__all__ = ["import_pyannote_audio", "import_torchaudio"]

_EXTENSION = "torchaudio._extension"

# Two threads that fail and seed at the same time would see each other's half-imported package.
_LOCK = threading.Lock()


def import_torchaudio() -> ModuleType:
    """Imports torchaudio, without its compiled library if that cannot be loaded beside a CPU build of torch.

    Call it before the first import of a package that imports torchaudio. Where the plain import works, that is all
    that happens.

    Returns:
        The module ``torchaudio``.

    Raises:
        ImportError: torchaudio is not installed.
        OSError: its library cannot be loaded, and torch is a CUDA build: that installation needs repair.
    """
    with _LOCK:
        try:
            return importlib.import_module("torchaudio")
        except OSError:
            if importlib.import_module("torch").version.cuda is not None:
                raise
        extension = _no_extension()
        sys.modules[_EXTENSION] = extension
        try:
            torchaudio: Any = importlib.import_module("torchaudio")
        except BaseException:
            del sys.modules[_EXTENSION]
            raise
        torchaudio._extension = extension  # the import system sets this for modules that it has loaded itself
        return torchaudio


def import_pyannote_audio() -> ModuleType:
    """Imports pyannote.audio where :func:`import_torchaudio` makes it importable, with its telemetry switched off.

    pyannote.audio 4 reports to its makers what is run with it unless ``PYANNOTE_METRICS_ENABLED`` says otherwise.
    Recordings of people are nobody else's business, so it is set to 0 in the environment, for child processes too.

    Returns:
        The module ``pyannote.audio``.

    Raises:
        ImportError, OSError: as :func:`import_torchaudio`.
    """
    os.environ["PYANNOTE_METRICS_ENABLED"] = "0"
    import_torchaudio()
    return importlib.import_module("pyannote.audio")


def _no_extension() -> ModuleType:
    """Makes a module with the names of ``torchaudio._extension``, in the state without a compiled library."""
    extension: Any = ModuleType(_EXTENSION, "Stands in for torchaudio's CUDA-linked library on CPU torch.")
    extension._IS_TORCHAUDIO_EXT_AVAILABLE = False
    extension._IS_ALIGN_AVAILABLE = False
    extension._check_cuda_version = lambda: None
    extension.fail_if_no_align = _fail_if_no_align
    return extension


def _fail_if_no_align(function: object) -> object:
    """Replaces a function that needs the library by one that raises when it is called."""

    def unavailable(*args: object, **kwargs: object) -> NoReturn:
        raise RuntimeError("forced_align needs torchaudio's compiled library, which cannot be loaded with CPU torch.")

    return unavailable
