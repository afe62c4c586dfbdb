"""Goes through the layers of EnCodec a chunk at a time: every layer with the columns, or the state, that it saw last.

A causal convolution looks back on ``(kernel - 1) * dilation + 1 - stride`` columns, a transposed one of stride s and kernel k on
``ceil(k / s) - 1`` inputs; an LSTM hands on its state. Where a track begins nothing has been seen, and the convolutions fill up
as the model itself does, with its own function.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch

from duologue_pipeline.models.torchaudio_cpu import import_torchaudio

import_torchaudio()  # transformers' audio models import it

from transformers.models.encodec import modeling_encodec as encodec

__all__ = ["Memory", "run_layers"]


@dataclass
class Memory:
    """Holds what each layer has seen last, in the order in which they are gone through; empty where a track begins.

    Attributes:
        seen: (tensor, which of its dimensions counts the tracks) each.
    """

    seen: list[tuple[torch.Tensor, int]] = field(default_factory=list)

    def select(self, rows: torch.Tensor) -> "Memory":
        """Gives what was seen of some tracks, in the order of ``rows``."""
        return Memory([(tensor.index_select(tracks, rows), tracks) for tensor, tracks in self.seen])


class _Pass:
    """Takes one chunk through the layers: what was seen is taken from the front, and what is seen now is noted."""

    def __init__(self, memory: Memory) -> None:
        self._before: Iterator[tuple[torch.Tensor, int]] = iter(memory.seen)
        self.seen: list[tuple[torch.Tensor, int]] = []

    def layer(self, layer: Any, x: torch.Tensor) -> torch.Tensor:
        if isinstance(layer, encodec.EncodecConv1d):
            return self._convolution(layer, x)
        if isinstance(layer, encodec.EncodecConvTranspose1d):
            return self._transposed(layer, x)
        if isinstance(layer, encodec.EncodecLSTM):
            return self._lstm(layer, x)
        if isinstance(layer, encodec.EncodecResnetBlock):
            inner = x
            for part in layer.block:
                inner = self.layer(part, inner)
            return self.layer(layer.shortcut, x) + inner
        out: torch.Tensor = layer(x)  # point by point
        return out

    def _convolution(self, layer: Any, x: torch.Tensor) -> torch.Tensor:
        reach = int(layer.padding_total)
        before = self._recall()
        fill = layer._pad1d
        x = fill(x, (reach, 0), mode=layer.pad_mode) if before is None else torch.cat([before[0], x], dim=-1)
        self._note(x[..., x.shape[-1] - reach :])
        out: torch.Tensor = layer.conv(x)
        return out

    def _transposed(self, layer: Any, x: torch.Tensor) -> torch.Tensor:
        stride, kernel = layer.conv.stride[0], layer.conv.kernel_size[0]
        reach, length = -(-kernel // stride) - 1, x.shape[-1]
        before = self._recall()
        lead = 0
        if before is not None:
            lead = before[0].shape[-1]
            x = torch.cat([before[0], x], dim=-1)
        self._note(x[..., max(0, x.shape[-1] - reach) :])
        out: torch.Tensor = layer.conv(x)[..., lead * stride : (lead + length) * stride]
        return out

    def _lstm(self, layer: Any, x: torch.Tensor) -> torch.Tensor:
        x = x.permute(2, 0, 1)
        hidden, cell = self._recall(), self._recall()
        state = None if hidden is None or cell is None else (hidden[0], cell[0])
        out, new = layer.lstm(x, state)
        for tensor in new:
            self.seen.append((tensor, 1))
        moved: torch.Tensor = (out + x).permute(1, 2, 0)
        return moved

    def _recall(self) -> tuple[torch.Tensor, int] | None:
        return next(self._before, None)

    def _note(self, columns: torch.Tensor) -> None:
        self.seen.append((columns.clone(), 0))  # as a view it would keep all of the chunk in memory


def run_layers(layers: Iterable[Any], x: torch.Tensor, memory: Memory) -> torch.Tensor:
    """Takes the next chunk through the layers of EnCodec's encoder or decoder.

    Args:
        layers: of the model.
        x: float32 [tracks, channels, T]; of the encoder T is a multiple of the samples of a frame.
        memory: of these tracks; it is changed.

    Returns:
        float32 [tracks, channels', T'].
    """
    going = _Pass(memory)
    for layer in layers:
        x = going.layer(layer, x)
    memory.seen = going.seen
    return x
