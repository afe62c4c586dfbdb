"""What several tests of words listen to."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from duologue_pipeline.records import Recording, Track


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    """70 s of two constant levels: .3 on a, and on b, which began 1 s late, .6."""
    for name, level, length_s in (("a", 0.3, 70), ("b", 0.6, 69)):
        soundfile.write(tmp_path / f"{name}.wav", np.full(length_s * 8000, level, np.float32), 8000, subtype="FLOAT")
    return Recording("r", Track("a", str(tmp_path / "a.wav")), Track("b", str(tmp_path / "b.wav"), offset_s=1.0))
