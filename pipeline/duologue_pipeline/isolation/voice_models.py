"""Runs the models of pyannote.audio that tell voices apart."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from duologue_pipeline.errors import UsageError
from duologue_pipeline.models.checkpoints import Checkpoint

__all__ = ["EmbeddingModel", "SegmentationModel"]

F32 = npt.NDArray[np.float32]


class SegmentationModel:
    """Tells voices apart within a window."""

    _BATCH = 8

    def __init__(self, checkpoint: Checkpoint) -> None:
        model = checkpoint.load()
        if _resolution(model) != "FRAME" or len(model.specifications.classes) < 2:
            raise UsageError(f"{checkpoint.option} {checkpoint.source}: not a model that tells speakers apart in time")
        from pyannote.audio import Inference

        self._inference = Inference(model)  # which also turns powerset classes into voices
        self.rate_hz = int(model.audio.sample_rate)
        self.window_ms = round(1000 * self._inference.duration)

    def activity(self, windows: F32) -> F32:
        """Measures the activity of each voice: float32 [n, frames, voices] in [0, 1] from float32 [n, T] in [-1, 1]."""
        import torch

        batches = np.split(windows[:, None], range(self._BATCH, len(windows), self._BATCH))
        return np.concatenate([np.asarray(self._inference.infer(torch.from_numpy(batch))) for batch in batches])


class EmbeddingModel:
    """Describes a voice as a vector."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._model = checkpoint.load()
        if _resolution(self._model) != "CHUNK":
            raise UsageError(f"{checkpoint.option} {checkpoint.source}: not a model that embeds voices")
        self.rate_hz = int(self._model.audio.sample_rate)

    def embed(self, pieces: Sequence[F32]) -> F32:
        """Embeds n pieces of float32 [T] in [-1, 1] each: float32 [n, dimension] without unit or bounds."""
        import torch

        with torch.inference_mode():
            vectors = [self._model(torch.from_numpy(piece)[None, None]).numpy()[0] for piece in pieces]
        return np.stack(vectors) if vectors else np.zeros((0, 1), np.float32)


def _resolution(model: Any) -> str:
    """Says what a model answers for: ``FRAME`` each frame, ``CHUNK`` the whole piece, empty several tasks at once."""
    return str(getattr(getattr(model.specifications, "resolution", None), "name", ""))
