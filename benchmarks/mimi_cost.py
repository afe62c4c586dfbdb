"""Measures what Mimi costs on one CPU thread: processor seconds per second of audio, and peak memory.

    python benchmarks/mimi_cost.py                          # published size, random weights
    python benchmarks/mimi_cost.py --model models/mimi      # real weights; the cost is the same
    python benchmarks/mimi_cost.py --batches                # tracks one after the other against batches of them
    python benchmarks/mimi_cost.py --bare                   # the pipeline against MimiModel.encode on the same audio

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
    from duologue_pipeline.codec.load import load_engine
    from duologue_pipeline.codec.spec import CodecSpec

    def peak_mib() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

    vars(mimi_engine)["CHUNK_FRAMES"] = chunk_frames
    engine: Any = load_engine(CodecSpec("mimi", model))
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


def measure_batches(model: str) -> None:
    """Encodes 12 s of four tracks of noise, one, two and four in a batch, twice; prints a line each."""
    import numpy as np
    import torch

    from duologue_pipeline.codec.load import load_engine
    from duologue_pipeline.codec.mimi_engine import CHUNK_FRAMES
    from duologue_pipeline.codec.spec import CodecSpec

    engine = load_engine(CodecSpec("mimi", model))
    chunk = CHUNK_FRAMES * engine.facts().samples_per_frame
    pcm = 0.3 * np.random.default_rng(0).standard_normal((4, 6 * chunk), dtype=np.float32)

    def encoded(rows: Any) -> Any:
        session = engine.start()
        codes = [engine.encode(session, rows[:, start : start + chunk]) for start in range(0, rows.shape[1], chunk)]
        engine.end(session)
        return np.concatenate(codes, axis=-1)

    torch.set_num_threads(1)
    alone = np.concatenate([encoded(pcm[row : row + 1]) for row in range(4)])
    for batch in 2 * (1, 2, 4):
        began = time.process_time()
        codes = np.concatenate([encoded(pcm[row : row + batch]) for row in range(0, 4, batch)])
        spent_s = (time.process_time() - began) / (4 * 12)
        print(
            f"batch {batch}: {spent_s:.3f} CPU s a second of track; {(codes != alone).sum()} of {codes.size} codes differ"
        )


def measure_bare(model: str, *, seconds: int = 10, repeats: int = 7) -> None:
    """Encodes both tracks of a conversation in the pipeline's way and with ``MimiModel.encode``, in turns; prints medians.

    *pipeline* decodes a WAV file of 24 kHz and encodes its tracks, as the step Tokens does; *codec* encodes the decoded samples.
    """
    import statistics

    import numpy as np
    import soundfile
    import torch

    from duologue_pipeline.codec.load import load_engine
    from duologue_pipeline.codec.mimi import MimiCodec
    from duologue_pipeline.codec.spec import CodecSpec
    from duologue_pipeline.records import Recording, Source, Track
    from duologue_pipeline.tokens.encode import encode_conversation

    engine: Any = load_engine(CodecSpec("mimi", model))
    codec = MimiCodec(engine=engine)
    path = Path(model) / "conversation.wav"
    noise = 0.1 * np.random.default_rng(0).standard_normal((seconds * codec.sample_rate_hz, 2), dtype=np.float32)
    soundfile.write(path, noise, codec.sample_rate_hz, subtype="FLOAT")
    tracks = [Track(speaker_id=f"s{side}", uri=str(path), channel=side) for side in range(2)]
    recording = Recording("call", tracks[0], tracks[1], source=Source())
    pcm = [np.ascontiguousarray(track) for track in noise.T]

    def bare() -> Any:
        with torch.inference_mode():
            signals = [torch.from_numpy(track)[None, None] for track in pcm]
            return np.stack([engine.model.encode(each, num_quantizers=8).audio_codes[0].numpy() for each in signals])

    def in_codec() -> Any:
        encoders = codec.encoder(), codec.encoder()
        pairs = zip(encoders, pcm, strict=True)
        return np.stack([np.concatenate([each.push(track), each.finish()], axis=1) for each, track in pairs])

    def in_pipeline() -> Any:
        return np.concatenate(list(encode_conversation(recording, codec)), axis=-1)

    ways = {"MimiModel.encode": bare, "codec": in_codec, "pipeline": in_pipeline}
    codes = {name: way() for name, way in ways.items()}  # the first is slower: memory is taken and kernels are chosen
    spent_s: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            began = time.process_time()
            way()
            spent_s[name].append(time.process_time() - began)
    reference = statistics.median(spent_s["MimiModel.encode"])
    for name, own in spent_s.items():
        median = statistics.median(own)
        differing = np.count_nonzero(codes[name] != codes["MimiModel.encode"])
        print(
            f"{name:17} {median / (2 * seconds):.4f} CPU s a second of track (median of {repeats}), {median / reference:.3f} of "
            f"MimiModel.encode; {differing} of {codes[name].size} codes differ"
        )


def main() -> None:
    """Runs the measurements one after the other and prints them as a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="loads Mimi's weights from this folder (default: random ones of its size)")
    parser.add_argument(
        "--batches", action="store_true", help="compares tracks one after the other with batches of them"
    )
    parser.add_argument("--bare", action="store_true", help="compares the pipeline with MimiModel.encode")
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
        if options.batches:
            return measure_batches(model)
        if options.bare:
            return measure_bare(model)
        columns = ["what", "seconds", "chunk_frames", "cpu_s_per_s", "loaded_mib", "peak_mib", "differing"]
        print("".join(f"{column:>14}" for column in columns))
        cases = [("encode", 8, frames) for frames in (1, 5, 25, 100)]
        cases += [(what, seconds, 25) for what in ("encode", "decode") for seconds in (60, 300)]
        for case in cases:
            done = subprocess.run([*itself, "--measure", *map(str, case)], check=True, capture_output=True, text=True)
            print("".join(f"{json.loads(done.stdout)[column]!s:>14}" for column in columns), flush=True)


if __name__ == "__main__":
    main()
