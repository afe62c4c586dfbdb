"""Gives the samples of a release to a torch DataLoader: shared among workers and ranks, padded or packed, and resumed exactly.

from torch.utils.data import DataLoader
from duologue_pipeline.reader import open_dataset
from duologue_pipeline.torch import TorchDataset, collate
from duologue_pipeline.views import dual_stream

dataset = TorchDataset(open_dataset("out", shuffle=7), lambda sample: dual_stream(sample, tokenizer))
for epoch in range(3):
    dataset.set_epoch(epoch)
    for batch in DataLoader(dataset, batch_size=8, num_workers=4, collate_fn=collate):
        batch["ids"]        # int64 [8, 17, longest], padded with -1
        batch["lengths"]    # int64 [8], frames

This is the only part of the reader that needs torch, which is not in the base install: ``pip install torch``.
"""

from duologue_pipeline.torch.collate import collate
from duologue_pipeline.torch.dataset import TorchDataset
from duologue_pipeline.torch.loader_state import worker_states
from duologue_pipeline.torch.packing import Packing

__all__ = ["Packing", "TorchDataset", "collate", "worker_states"]
