"""Writes how a release is loaded, with code that runs."""

from duologue_cards import phrases
from duologue_cards.facts import Facts

__all__ = ["loading"]


def loading(facts: Facts) -> str:
    """Writes the section on loading: with duologue, torch, datasets and webdataset."""
    split = next((split.name for split in facts.splits if split.shards), "train")
    shards = next((each.shards for each in facts.splits if each.name == split), 0)
    purpose = facts.purposes[0] if facts.purposes else phrases.UNKNOWN
    # Seen with datasets 5.2 and torchcodec 0.13, on a machine without a GPU.
    audio = (
        " With audio in the shards `datasets` needs `torchcodec` and\nFFmpeg's libraries, even to pass the bytes on, and wheels of "
        "`torchcodec` that want CUDA fail without it; `duologue` and\n`webdataset` need neither."
        if facts.include_audio
        else ""
    )
    return f"""## How to load it

`DATASET` stands for the folder of the release. With `duologue`:

```python
from duologue_pipeline.reader import open_dataset

samples = open_dataset("DATASET", split="{split}", purpose="{purpose}")
sample = next(iter(samples))
codes, about = sample.codes, sample.metadata
```

In training, with torch: shuffled by a seed, and dealt out among the workers and the ranks of `torch.distributed`, each sample
once in an epoch:

```python
from duologue_pipeline.reader import open_dataset
from duologue_pipeline.torch import TorchDataset, collate
from torch.utils.data import DataLoader

samples = TorchDataset(open_dataset("DATASET", split="{split}", purpose="{purpose}", shuffle=7))
for epoch in range(3):
    samples.set_epoch(epoch)
    for batch in DataLoader(samples, batch_size=8, num_workers=4, collate_fn=collate):
        codes, frames = batch["codes"], batch["lengths"]
```

With `datasets`, which also takes the release's name on the Hub:

```python
from datasets import load_dataset

samples = load_dataset("DATASET", split="{split}", streaming=True)
sample = next(iter(samples))
codes, about = sample["codes.npy"], sample["json"]
```

With `webdataset`:

```python
from glob import glob

from webdataset import WebDataset, split_by_node

shards = sorted(glob("DATASET/shards/{split}-*.tar"))
samples = WebDataset(shards, shardshuffle=False, nodesplitter=split_by_node).decode()
sample = next(iter(samples))
codes, about = sample["codes.npy"], sample["json"]
```

`webdataset` and `datasets` deal out whole shards: of the workers of all ranks together, {phrases.count(shards, "worker")} at most
have something to do. They know nothing of what was withdrawn since.{audio}

{_tables(facts)}; `croissant.json` describes their columns."""


def _tables(facts: Facts) -> str:
    """Names the tables: ``index.parquet``, or ``index/*.parquet`` where they are folders of files."""
    paths = {entry.path for entry in facts.files}
    told = [
        f"`{name}.parquet`" if f"{name}.parquet" in paths else f"`{name}/*.parquet`"
        for name in ("index", "recordings", "events")
    ]
    return (
        f"{told[0]} has a row a sample with its place in the shards, {told[1]} a row a conversation,\n"
        f"{told[2]} a row an event"
    )
