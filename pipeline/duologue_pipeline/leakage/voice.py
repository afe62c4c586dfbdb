"""Embeds voices of audio by a published network: how well speakers are linked where everything is to be heard.

The network is the speaker encoder of Resemblyzer (Jemine 2019, github.com/resemble-ai/Resemblyzer, Apache-2.0): three LSTM layers over
40 mel bands, trained with the generalised end-to-end loss (GE2E, Wan et al. 2018, arXiv 1710.10467). Its weights come with the wheel
``resemblyzer`` 0.1.4. Only they are taken from it: importing the package needs librosa, numba and webrtcvad, of which the network needs
none; what is here is what ``resemblyzer/audio.py`` and ``voice_encoder.py`` do, with speech already found by the activity.
"""

import hashlib
import importlib.util
import math
from pathlib import Path
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from duologue_pipeline.errors import UsageError

__all__ = ["VOICE_RATE_HZ", "VoiceEncoder"]

VOICE_RATE_HZ: Final = 16000
"""Sample rate of what is embedded."""

F32 = npt.NDArray[np.float32]

_SHA256: Final = "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e"
_BANDS, _WINDOW, _STEP, _PIECE, _VALUES = 40, 400, 160, 160, 256
_LEVEL_DBFS: Final = -30.0


class VoiceEncoder:
    """Embeds pieces of speech; one voice gives vectors that are alike by their cosine."""

    def __init__(self, lstm: nn.LSTM, linear: nn.Linear) -> None:
        self._lstm, self._linear = lstm.eval(), linear.eval()
        self._window = torch.hann_window(_WINDOW)
        self._mel = torch.from_numpy(_mel_bands())

    @classmethod
    def installed(cls) -> Self | None:
        """Loads the weights of the installed package; None where it is not installed.

        Raises:
            UsageError: they are other weights than those that are known here.
        """
        found = importlib.util.find_spec("resemblyzer")
        if found is None or not found.submodule_search_locations:
            return None
        path = Path(found.submodule_search_locations[0]) / "pretrained.pt"
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != _SHA256:
            raise UsageError(
                f"{path}: is not the network of resemblyzer 0.1.4, whose SHA-256 is {_SHA256[:12]}…; "
                "install that one (`pip install --no-deps resemblyzer==0.1.4`), or leave audio out with --no-audio"
            )
        state = torch.load(path, map_location="cpu", weights_only=True)["model_state"]
        lstm = nn.LSTM(_BANDS, _VALUES, 3, batch_first=True)
        linear = nn.Linear(_VALUES, _VALUES)
        for module, name in ((lstm, "lstm."), (linear, "linear.")):
            module.load_state_dict(
                {key.removeprefix(name): value for key, value in state.items() if key.startswith(name)}
            )
        return cls(lstm, linear)

    def embed(self, pcm: F32) -> F32:
        """Embeds pieces of speech of one length: the mean over stretches of 1.6 s, of unit length.

        Args:
            pcm: float32 [pieces, T] in [-1, 1] at 16 kHz; T is half a second at least.

        Returns:
            float32 [pieces, 256].
        """
        level = np.sqrt(np.mean(np.square(pcm, dtype=np.float64), axis=1, keepdims=True))
        gain = np.maximum(10 ** (_LEVEL_DBFS / 20) / np.maximum(level, 1e-9), 1.0)
        with torch.inference_mode():
            waves = torch.from_numpy(np.where(level > 0, pcm * gain, 0).astype(np.float32))
            power = (
                torch.stft(
                    waves, _WINDOW, _STEP, window=self._window, center=True, pad_mode="constant", return_complex=True
                )
                .abs()
                .square()
            )
            mels = torch.einsum("bf,pft->ptb", self._mel, power)
            frames = mels.shape[1]
            many = math.ceil(frames / _PIECE)
            starts = [round(at * (frames - _PIECE) / max(many - 1, 1)) for at in range(many)] if many > 1 else [0]
            stretches = torch.stack([mels[:, start : start + _PIECE] for start in starts], dim=1)
            _, (hidden, _) = self._lstm(stretches.flatten(0, 1))
            found = nn.functional.normalize(torch.relu(self._linear(hidden[-1])), dim=1)
            joined = nn.functional.normalize(found.view(len(pcm), len(starts), _VALUES).mean(dim=1), dim=1)
        embedded: F32 = joined.numpy()
        return embedded


def _mel_bands() -> F32:
    """Makes the triangular bands of librosa's ``filters.mel`` in its defaults (Slaney's scale and area): float32 [40, 201]."""

    def to_mel(hz: float) -> float:
        return hz / (200 / 3) if hz < 1000 else 15 + 27 * math.log(hz / 1000) / math.log(6.4)

    def to_hz(mel: float) -> float:
        return mel * (200 / 3) if mel < 15 else 1000 * math.exp((mel - 15) * math.log(6.4) / 27)

    edges = np.array([to_hz(at) for at in np.linspace(0, to_mel(VOICE_RATE_HZ / 2), _BANDS + 2)])
    bins = np.linspace(0, VOICE_RATE_HZ / 2, _WINDOW // 2 + 1)
    rise = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    fall = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    bands = np.maximum(0, np.minimum(rise, fall)) * (2 / (edges[2:] - edges[:-2]))[:, None]
    return bands.astype(np.float32)
