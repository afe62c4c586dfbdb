"""Trains a small network that embeds speech by its tokens, on speakers other than those that it is tried on.

A table of vectors for each codebook, added up for a frame; two convolutions over frames; mean and deviation over the segment
(statistics pooling, Snyder et al. 2018); and a linear layer, trained to name its speakers by cosines (Wang et al. 2018, without a
margin). It is as small as it is so that it learns from the speakers of one release, in seconds. A larger one, trained on other speech that
was coded likewise, links better: what is measured is a lower bound.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from duologue_pipeline.rules.leakage import LeakageRules

__all__ = ["Network", "train"]


class Network(nn.Module):
    """Embeds frames of tokens.

    Args:
        cardinalities: of the codebooks that it hears.
        speakers: that it learns to name.
        rules: its sizes.
    """

    def __init__(self, cardinalities: Sequence[int], speakers: int, rules: LeakageRules) -> None:
        super().__init__()
        width, channels = rules.network_width, rules.network_channels
        self.offsets: torch.Tensor
        self.register_buffer("offsets", torch.tensor([0, *np.cumsum(cardinalities)[:-1].tolist()]).view(1, -1, 1))
        self.table = nn.Embedding(sum(cardinalities), width)
        self.first = nn.Conv1d(width, channels, 5, padding=2)
        self.second = nn.Conv1d(channels, channels, 3, padding=2, dilation=2)
        self.last = nn.Linear(2 * channels, channels)
        self.names = nn.Parameter(torch.randn(speakers, channels))
        self.dropped = nn.Dropout(rules.network_dropped_share)
        self.scale = rules.network_scale

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        """Embeds int64 [N, codebooks, F]: float32 [N, channels], of unit length."""
        frames = self.table(codes + self.offsets).sum(dim=1) / codes.shape[1] ** 0.5
        heard = torch.relu(self.first(self.dropped(frames).transpose(1, 2)))
        heard = torch.relu(self.second(heard))
        pooled = torch.cat([heard.mean(dim=2), heard.var(dim=2, unbiased=False).add(1e-5).sqrt()], dim=1)
        return nn.functional.normalize(self.last(self.dropped(pooled)), dim=1)

    def loss(self, codes: torch.Tensor, speakers: torch.Tensor) -> torch.Tensor:
        """Reckons the cross-entropy of the speakers' names."""
        return nn.functional.cross_entropy(
            self.scale * self(codes) @ nn.functional.normalize(self.names, dim=1).T, speakers
        )

    def embed(self, segments: Sequence[npt.NDArray[np.uint16]]) -> npt.NDArray[np.float32]:
        """Embeds segments of one length, uint16 [codebooks, F] each: float32 [segments, channels]."""
        self.eval()
        with torch.inference_mode():
            parts = [
                self(torch.from_numpy(np.stack(segments[at : at + 64]).astype(np.int64)))
                for at in range(0, len(segments), 64)
            ]
        embedded: npt.NDArray[np.float32] = torch.cat(parts).numpy()
        return embedded


def train(
    sides: Sequence[npt.NDArray[np.uint16]],
    speakers: Sequence[int],
    cardinalities: Sequence[int],
    *,
    frame_rate_hz: float,
    rules: LeakageRules,
    seed: int,
) -> Network:
    """Trains a network.

    The same arguments give the same network, on one thread of one machine with one version of torch.

    Args:
        sides: uint16 [codebooks, F], speech of a speaker in a conversation each.
        speakers: whose it is, any numbers; two speakers at least.
        cardinalities: of the codebooks.
        frame_rate_hz: frames a second.
        rules: sizes, and how long it is trained.
        seed: of everything that is drawn.
    """
    _, names = np.unique(speakers, return_inverse=True)
    own = [np.flatnonzero(names == name) for name in range(names.max() + 1)]
    rng = np.random.default_rng([seed, 17])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Network(cardinalities, len(own), rules)
        sparse = [network.table.weight]
        others = [value for name, value in network.named_parameters() if name != "table.weight"]
        optimiser = torch.optim.AdamW(
            [{"params": sparse, "weight_decay": 0.0}, {"params": others, "weight_decay": 0.01}], lr=rules.network_rate
        )
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, rules.network_steps)
        network.train()
        for step in range(rules.network_steps):
            length = max(1, round(rules.network_crops_s[step % len(rules.network_crops_s)] * frame_rate_hz))
            drawn = rng.integers(len(own), size=rules.network_batch)
            crops = np.stack([_crop(sides[rng.choice(own[name])], length, rng) for name in drawn])
            optimiser.zero_grad()
            network.loss(torch.from_numpy(crops), torch.from_numpy(drawn)).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
    return network


def _crop(codes: npt.NDArray[np.uint16], length: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Takes so many frames from anywhere, again from the beginning where there are too few."""
    start = int(rng.integers(max(1, codes.shape[1] - length + 1)))
    places = (start + np.arange(length)) % codes.shape[1]
    return codes[:, places].astype(np.int64)
