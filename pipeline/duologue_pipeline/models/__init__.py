"""Opens models of others: checkpoints with pinned hashes, and torchaudio on a machine without CUDA."""
