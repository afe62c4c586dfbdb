"""The torchaudio shim, each case in a process of its own: what is imported stays imported."""

import os
import subprocess
import sys
from pathlib import Path

# A torchaudio whose library cannot be loaded, as its loader fails when libc10_cuda.so is not there.
_BROKEN_EXTENSION = "raise OSError('Could not load this library: _torchaudio.abi3.so')"


def run(code: str, *, fakes: Path | None = None) -> str:
    """Runs ``code`` in a fresh interpreter that finds the packages in ``fakes`` first; gives what it prints."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYANNOTE_METRICS_ENABLED": "1"}
    if fakes is not None:
        environment["PYTHONPATH"] = str(fakes)
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def make_fakes(folder: Path, *, extension: str, cuda: str | None = None, package: str = "") -> Path:
    """A folder with a torchaudio whose ``_extension`` holds the code ``extension``, and a torch built for ``cuda``."""
    for file, code in {
        "torch/__init__.py": f"class version:\n    cuda = {cuda!r}",
        "torchaudio/__init__.py": f"from . import _extension, functional\n{package}",
        "torchaudio/_extension.py": extension,
        "torchaudio/functional.py": "from torchaudio._extension import fail_if_no_align as decorator",
    }.items():
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).write_text(code, encoding="utf-8")
    return folder


def test_the_plain_import_is_left_alone_where_it_works(tmp_path: Path) -> None:
    fakes = make_fakes(tmp_path, extension="fail_if_no_align = 'its own'")
    code = "from duologue_pipeline.models.torchaudio_cpu import *; print(import_torchaudio().functional.decorator)"
    assert run(code, fakes=fakes) == "its own"


def test_a_library_that_cannot_be_loaded_is_replaced_on_cpu_torch(tmp_path: Path) -> None:
    fakes = make_fakes(tmp_path, extension=_BROKEN_EXTENSION)
    code = """
import sys
from duologue_pipeline.models.torchaudio_cpu import import_torchaudio
torchaudio = import_torchaudio()
assert torchaudio is import_torchaudio() is sys.modules["torchaudio"]
assert torchaudio._extension is sys.modules["torchaudio._extension"]
assert torchaudio._extension._IS_TORCHAUDIO_EXT_AVAILABLE is False
import torchaudio as plain
print(plain is torchaudio)
"""
    assert run(code, fakes=fakes) == "True"


def test_a_cuda_build_of_torch_keeps_its_error(tmp_path: Path) -> None:
    fakes = make_fakes(tmp_path, extension=_BROKEN_EXTENSION, cuda="12.6")
    code = """
import sys
from duologue_pipeline.models.torchaudio_cpu import import_torchaudio
try:
    import_torchaudio()
except OSError as error:
    print(error, "torchaudio._extension" in sys.modules)
"""
    assert run(code, fakes=fakes) == "Could not load this library: _torchaudio.abi3.so False"


def test_an_error_of_another_cause_leaves_nothing_behind(tmp_path: Path) -> None:
    fakes = make_fakes(tmp_path, extension=_BROKEN_EXTENSION, package="raise OSError('disk on fire')")
    code = """
import sys
from duologue_pipeline.models.torchaudio_cpu import import_torchaudio
try:
    import_torchaudio()
except OSError as error:
    print(error, "torchaudio._extension" in sys.modules)
"""
    assert run(code, fakes=fakes) == "disk on fire False"


def test_threads_that_import_at_once_get_the_same_module(tmp_path: Path) -> None:
    fakes = make_fakes(tmp_path, extension=f"import time\ntime.sleep(0.1)\n{_BROKEN_EXTENSION}")
    code = """
from concurrent.futures import ThreadPoolExecutor
from duologue_pipeline.models.torchaudio_cpu import import_torchaudio
with ThreadPoolExecutor(4) as pool:
    modules = list(pool.map(lambda _: import_torchaudio(), range(4)))
print(len(set(map(id, modules))), modules[0].functional.__name__)
"""
    assert run(code, fakes=fakes) == "1 torchaudio.functional"


def test_the_installed_torchaudio_resamples_and_makes_mel_spectra() -> None:
    code = """
import math
import torch
from duologue_pipeline.models.torchaudio_cpu import import_torchaudio
torch.set_num_threads(1)
torchaudio = import_torchaudio()
tone = torch.sin(2 * math.pi * 1000 * torch.arange(16000) / 16000)

halved = torchaudio.functional.resample(tone, 16000, 8000)
expected = torch.sin(2 * math.pi * 1000 * torch.arange(8000) / 8000)
error = (halved - expected)[100:-100].abs().max().item()

mel = torchaudio.transforms.MelSpectrogram(16000, n_fft=400, hop_length=160, n_mels=40)(tone)
# 42 edges equally spaced in mel over 0 to 8000 Hz: the filter that peaks nearest to 1000 Hz is the 14th (index 13).
print(tuple(halved.shape), error < 0.01, tuple(mel.shape), set(mel.argmax(dim=0)[2:-2].tolist()))
"""
    assert run(code) == "(8000,) True (40, 101) {13}"


def test_forced_alignment_says_what_it_lacks() -> None:
    code = """
import torch
from duologue_pipeline.models.torchaudio_cpu import import_torchaudio
torchaudio = import_torchaudio()
if torchaudio._extension._IS_ALIGN_AVAILABLE:
    print("available")
else:
    try:
        torchaudio.functional.forced_align(torch.zeros(1, 4, 3), torch.ones(1, 2, dtype=torch.int64))
    except RuntimeError as error:
        print(error)
"""
    assert run(code) in {
        "forced_align needs torchaudio's compiled library, which cannot be loaded with CPU torch.",
        "available",
    }


def test_pyannote_audio_is_imported_with_its_telemetry_off() -> None:
    code = """
from duologue_pipeline.models.torchaudio_cpu import import_pyannote_audio
pyannote_audio = import_pyannote_audio()
from pyannote.audio.telemetry.metrics import is_metrics_enabled
print(pyannote_audio.__name__, hasattr(pyannote_audio, "Inference"), is_metrics_enabled())
"""
    assert run(code) == "pyannote.audio True False"
