"""Measures what Mimi costs on one CPU thread: processor seconds per second of audio, and peak memory.

    python benchmarks/mimi_cost.py                          # published size, random weights
    python benchmarks/mimi_cost.py --model models/mimi      # real weights; the cost is the same

Every line is measured in a process of its own. ``differing`` compares the codes with those of one pass of
``MimiModel.encode`` over the whole signal, which is made for short signals only: its memory grows with the length.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

# What needs torch is imported in the measured processes only: a child starts out with its parent's peak memory.


def save_random_model(folder: Path) -> None:
    """Saves a Mimi of the published size with random weights and codebooks in the scale of its latents."""
    import torch

    from duologue_pipeline.models.torchaudio_cpu import import_torchaudio

    import_torchaudio()
    from transformers import MimiConfig, MimiModel

    torch.manual_seed(0)
    model = MimiModel(MimiConfig())
    for name, buffer in model.named_buffers():
        if name.endswith("embed_sum"):
            buffer.copy_(5.0 * torch.randn(buffer.shape))
    model.save_pretrained(folder)


def measure(model: str, what: str, seconds: int, chunk_frames: int) -> dict[str, Any]:
    """Encodes or decodes ``seconds`` of noise, handed over a second at a time, in this process."""
    import resource

    import numpy as np
    import torch

    from duologue_pipeline.codec import mimi, mimi_engine
    from duologue_pipeline.codec.spec import CodecSpec

    def peak_mib() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

    vars(mimi)["CHUNK_FRAMES"] = vars(mimi_engine)["CHUNK_FRAMES"] = chunk_frames
    engine = mimi_engine.load_engine(CodecSpec("mimi", model))
    codec = mimi.MimiCodec(engine=engine)
    random = np.random.default_rng(0)
    loaded_mib, began, differing = peak_mib(), time.process_time(), ""
    if what == "decode":
        frames = int(seconds * codec.frame_rate_hz)
        codec.decode(random.integers(0, codec.cardinalities[0], (codec.codebooks, frames), dtype=np.uint16))
        spent_s = time.process_time() - began
    else:
        encoder = codec.encoder()
        blocks = [0.3 * random.standard_normal(codec.sample_rate_hz, dtype=np.float32) for _ in range(min(seconds, 8))]
        codes = np.concatenate(
            [encoder.push(blocks[second % 8]) for second in range(seconds)] + [encoder.finish()], axis=1
        )
        spent_s = time.process_time() - began
    peak = peak_mib()
    if what == "encode" and seconds == 8:
        with torch.inference_mode():
            signal = torch.from_numpy(np.concatenate(blocks))[None, None]
            once = engine.model.encode(signal, num_quantizers=codec.codebooks).audio_codes[0].numpy()
        differing = f"{np.count_nonzero(once != codes)} of {codes.size}"
    return {
        "what": what,
        "seconds": seconds,
        "chunk_frames": chunk_frames,
        "cpu_s_per_s": f"{spent_s / seconds:.3f}",
        "loaded_mib": loaded_mib,
        "peak_mib": peak,
        "differing": differing,
    }


def main() -> None:
    """Runs the measurements one after the other and prints them as a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="loads Mimi's weights from this folder (default: random ones of its size)")
    parser.add_argument("--measure", nargs=3, metavar=("WHAT", "SECONDS", "CHUNK_FRAMES"), help=argparse.SUPPRESS)
    parser.add_argument("--make", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.make:
        return save_random_model(Path(options.model))
    if options.measure:
        what, seconds, chunk_frames = options.measure
        return print(json.dumps(measure(options.model, what, int(seconds), int(chunk_frames))))
    with tempfile.TemporaryDirectory() as folder:
        model = options.model or folder
        itself = [sys.executable, __file__, "--model", model]
        if not options.model:
            subprocess.run([*itself, "--make"], check=True, capture_output=True)
        columns = ["what", "seconds", "chunk_frames", "cpu_s_per_s", "loaded_mib", "peak_mib", "differing"]
        print("".join(f"{column:>14}" for column in columns))
        cases = [("encode", 8, frames) for frames in (1, 5, 25, 100)]
        cases += [(what, seconds, 25) for what in ("encode", "decode") for seconds in (60, 300)]
        for case in cases:
            done = subprocess.run([*itself, "--measure", *map(str, case)], check=True, capture_output=True, text=True)
            print("".join(f"{json.loads(done.stdout)[column]!s:>14}" for column in columns), flush=True)


if __name__ == "__main__":
    main()
