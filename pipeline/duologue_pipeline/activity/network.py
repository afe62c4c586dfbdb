"""Runs Silero VAD's 16 kHz network over many frames at once, to the probabilities of its frame-by-frame loop.

The network is a stateless encoder of 32 ms frames and a small LSTM over them. Only the LSTM has to run in order, so the
encoder takes hundreds of frames at a time, and the LSTM a whole block in one call. What is computed is what the packaged
model computes, to float32 rounding, in cheaper ways: the spectrum by a fast Fourier transform instead of a convolution
with its basis, and the convolutions as products of matrices, without their products with padding. That is a quarter
to a third of the cost of the packaged model over many streams at once (docs/annotation.md).
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import silero_vad
import torch

from duologue_pipeline.errors import UsageError

__all__ = ["CONTEXT", "FRAME", "State", "VadModel", "load_vad"]

FRAME: Final = 512
"""Samples that the network judges at a time."""
CONTEXT: Final = 64
"""Samples of the frame before that the network also sees."""

_WINDOW: Final = 256  # of the spectrum; four in a frame and its context
_HOP: Final = 128
_WINDOWS: Final = 4
_BINS: Final = _WINDOW // 2 + 1
_HIDDEN: Final = 128

_RATE_HZ: Final = 16_000
_FRAMES_COMPARED: Final = 3
_TOLERANCE: Final = 1e-3  # probabilities agree to 1e-6 on the frames compared, and to 2e-4 on long tracks

F32 = npt.NDArray[np.float32]
State = tuple[torch.Tensor, torch.Tensor]
"""What the LSTM remembers of a track."""


class VadModel:
    """Holds Silero's 16 kHz network, taken apart; it has no state of a track and may be shared.

    Args:
        packaged: the model of ``silero_vad``, a TorchScript module.

    Raises:
        UsageError: the model is built otherwise than the one that this module knows.
    """

    def __init__(self, packaged: Any) -> None:
        basis = packaged.stft.forward_basis_buffer[:, 0]
        self._hann = torch.hann_window(_WINDOW)
        expected = torch.fft.rfft(torch.eye(_WINDOW) * self._hann).T
        if basis.shape != (2 * _BINS, _WINDOW) or not torch.allclose(
            basis, torch.cat([expected.real, expected.imag]), atol=1e-5
        ):
            raise _unknown("takes another spectrum than the one that is known")
        layers = [getattr(packaged.encoder, str(place)).reparam_conv for place in range(4)]
        # [out, in, 3] -> [3 * in, out], a tap after the other. The last two layers see one frame beside padding: only the
        # taps that meet it are kept.
        taps = [slice(0, 3), slice(0, 3), slice(1, 3), slice(1, 2)]
        self._weights = [
            layer.weight[:, :, kept].permute(2, 1, 0).reshape(-1, len(layer.weight)).contiguous()
            for layer, kept in zip(layers, taps, strict=True)
        ]
        self._biases = [layer.bias for layer in layers]
        self._lstm = torch.nn.LSTM(input_size=_HIDDEN, hidden_size=_HIDDEN)
        self._lstm.load_state_dict({f"{name}_l0": value for name, value in packaged.decoder.rnn.state_dict().items()})
        self._lstm.eval()
        last = getattr(packaged.decoder.decoder, "2")
        self._last_weight, self._last_bias = last.weight.reshape(1, _HIDDEN).T.contiguous(), last.bias

    def start(self, tracks: int) -> State:
        """Gives what the LSTM remembers before the first frames of some tracks."""
        return torch.zeros(1, tracks, _HIDDEN), torch.zeros(1, tracks, _HIDDEN)

    def judge(self, pcm: F32, state: State) -> tuple[F32, State]:
        """Judges how probably each frame of some tracks is speech; the LSTM takes a step of all of them together.

        Args:
            pcm: float32 [tracks, CONTEXT + frames * FRAME] in [-1, 1] at 16 kHz: what came before the first frame, and the
                frames.
            state: of :meth:`start`, or of the frames before.

        Returns:
            float32 [tracks, frames] in [0, 1], and the state for the frames after.
        """
        with torch.inference_mode():
            encoded = [self._encoded(torch.from_numpy(row).unfold(0, CONTEXT + FRAME, FRAME)) for row in pcm]
            hidden, state = self._lstm(torch.stack(encoded, dim=1), state)
            score = torch.relu(hidden) @ self._last_weight + self._last_bias
            probabilities: F32 = torch.sigmoid(score).squeeze(-1).T.numpy()
        return probabilities, state

    def _encoded(self, frames: torch.Tensor) -> torch.Tensor:
        """Encodes frames: float32 [N, CONTEXT + FRAME] to float32 [N, 128]."""
        count = len(frames)
        mirrored = torch.cat([frames, frames[:, -CONTEXT - 1 : -1].flip(1)], dim=1)
        squares = torch.view_as_real(torch.fft.rfft(mirrored.unfold(1, _WINDOW, _HOP) * self._hann))
        squares.square_()
        flat = (squares[..., 0] + squares[..., 1]).sqrt_().view(count, _WINDOWS * _BINS)  # abs() takes thrice as long
        # Convolutions of three taps: places that follow each other lie beside each other in memory, so a run of them is
        # one row of a product. At the first and last place a tap meets padding, and is left out.
        first = torch.empty(count, _WINDOWS, _HIDDEN)
        for place in range(_WINDOWS):
            left, right = max(place - 1, 0), min(place + 2, _WINDOWS)
            taps = self._weights[0][(left - place + 1) * _BINS : (right - place + 1) * _BINS]
            first[:, place] = torch.addmm(self._biases[0], flat[:, left * _BINS : right * _BINS], taps)
        flat = torch.relu_(first).view(count, _WINDOWS * _HIDDEN)
        second = torch.empty(count, 2, len(self._biases[1]))  # every other place
        second[:, 0] = torch.addmm(self._biases[1], flat[:, : 2 * _HIDDEN], self._weights[1][_HIDDEN:])
        second[:, 1] = torch.addmm(self._biases[1], flat[:, _HIDDEN:], self._weights[1])
        third = torch.relu(torch.addmm(self._biases[2], torch.relu_(second).view(count, -1), self._weights[2]))
        return torch.relu(torch.addmm(self._biases[3], third, self._weights[3]))


def load_vad() -> VadModel:
    """Loads Silero VAD from the weights that its package carries.

    It is the loader that ``beam.utils.shared.Shared`` takes. Sets torch to one thread: with more, small LSTMs have been
    seen to stall for seconds.

    Raises:
        UsageError: the packaged model is built otherwise than the one that this module knows, or judges otherwise than what is
            computed here from its parts: labels would be others without a word.
    """
    torch.set_num_threads(1)
    packaged = silero_vad.load_silero_vad()
    try:
        model = VadModel(packaged._model)
    except (AttributeError, RuntimeError, KeyError) as error:
        raise _unknown("has other layers than those that are known") from error
    _check_same(model, packaged)
    return model


def _check_same(model: VadModel, packaged: Any) -> None:
    """Compares the probabilities of both on a few frames of a vowel, about which the network is of two minds."""
    time_s = np.arange(_FRAMES_COMPARED * FRAME) / _RATE_HZ
    pitch_hz, formants_hz = 120, np.array([[700], [1200]])
    harmonics_hz = pitch_hz * np.arange(1, 31)
    loudness = (1 / (1 + ((harmonics_hz - formants_hz) / 100) ** 2)).sum(axis=0)
    vowel = loudness @ np.sin(2 * np.pi * np.outer(harmonics_hz, time_s))
    pcm = (0.2 * vowel / np.abs(vowel).max()).astype(np.float32)
    judged, _ = model.judge(np.pad(pcm, (CONTEXT, 0))[np.newaxis], model.start(1))
    packaged.reset_states()
    with torch.inference_mode():
        expected = [packaged(torch.from_numpy(frame), _RATE_HZ).item() for frame in pcm.reshape(-1, FRAME)]
    packaged.reset_states()
    if not np.allclose(judged[0], expected, rtol=0, atol=_TOLERANCE):
        raise _unknown("judges speech otherwise than what is computed here from its parts")


def _unknown(fault: str) -> UsageError:
    return UsageError(f"the model of this silero-vad {fault}; install a version that was tested (`-c constraints.txt`)")
