"""What the tests of audio share."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from duologue_pipeline.errors import RejectError
from duologue_pipeline.ingest.measure import measure_audio
from duologue_pipeline.records import Recording


@pytest.fixture
def refusal(tmp_path: Path) -> Callable[[Recording], tuple[str, str]]:
    """Reason and detail of a refusal, without the test's folder."""

    def refuse(recording: Recording) -> tuple[str, str]:
        with pytest.raises(RejectError) as raised:
            measure_audio(recording)
        return raised.value.reason, raised.value.detail.replace(f"{tmp_path}/", "")

    return refuse


@pytest.fixture
def encoded() -> Callable[..., bytes]:
    """Gives an audio file as bytes, from samples, float [T, channels]; format and subtype as soundfile's."""

    def encode(pcm: npt.NDArray[np.float32], rate_hz: int = 8000, **kind: Any) -> bytes:
        buffer = io.BytesIO()
        soundfile.write(buffer, pcm, rate_hz, **kind)
        return buffer.getvalue()

    return encode
