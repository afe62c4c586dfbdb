"""Measures what each view costs, and `dual_stream` against encoding with Mimi while training.

    OMP_NUM_THREADS=1 python -m benchmarks.views [--repeats 5] [--seconds 20] [--model PATH]

Views: over the samples of simulated conversations, two minutes each, with words and audio, which are read once before; the time is
that of the view alone, on one thread. Tokenizer: a byte is a token. Mimi: what moshi-finetune's loader does with a stereo WAV at 24
kHz, decode it and encode both channels in one pass (finetune/data/interleaver.py), against `open_dataset` with `dual_stream`, both as
seconds of conversation a second of one thread. Without ``--model`` Mimi has the published size and random weights, which cost the
same.

Prints a table in Markdown.
"""

import argparse
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from duologue_pipeline import views
from duologue_pipeline.reader import Sample, open_dataset

View = Callable[[Sample], Any]


def tokenizer(text: str) -> list[int]:
    """Gives a token a byte."""
    return [4 + byte for byte in text.encode()]


class Pieces:
    """Stands in for sentencepiece: a piece is a character."""

    def encode(self, text: str) -> list[int]:
        """Gives ids."""
        return tokenizer(text)

    def encode_as_pieces(self, text: str) -> list[str]:
        """Gives pieces."""
        return list("▁" + text.replace(" ", "▁"))

    def piece_to_id(self, piece: str) -> int:
        """Gives the id of a piece."""
        return 4 + ord(piece) % 256


def all_views() -> dict[str, View]:
    """Gives each view with the settings of a model."""
    delays = [0, *(2 * [0, *([1] * 7)])]
    spread: dict[str, Any] = {"placement": "spread", "delays": delays, "tail": "keep", "initial": True}
    silent: dict[str, Any] = {"silent_text": 3, "silent_speech": 2048, "silence": "token"}
    marks: dict[str, Any] = {"listen": 0, "begin": 1, "pad": 2, "end": 3}
    units: dict[str, Any] = {"unit": 0, "listen": 1, "speak": 2, "chunk_eos": 3, "turn_eos": 4, "unit_end": 5}
    return {
        "dual_stream": lambda sample: views.dual_stream(sample, tokenizer),
        "dual_stream, delayed, then undelay": lambda sample: views.undelay(
            views.dual_stream(sample, tokenizer, delays=delays), delays
        ),
        "dual_stream, spread": lambda sample: views.dual_stream(sample, Pieces(), **spread),
        "speaker_rows": lambda sample: views.speaker_rows(sample, Pieces()),
        "turn_frames": lambda sample: views.turn_frames(sample, tokenizer),
        "flattened, 4 streams": lambda sample: views.flattened(sample, tokenizer, streams=4, **silent),
        "flattened, 3 streams": lambda sample: views.flattened(sample, tokenizer, streams=3, align="turn", **silent),
        "flattened, 2 streams": lambda sample: views.flattened(sample, None, streams=2, **silent),
        "clock_chunks": lambda sample: views.clock_chunks(sample, tags=(2048, 2049)),
        "interleaved": lambda sample: views.interleaved(sample, tokenizer),
        "clock_blocks": lambda sample: views.clock_blocks(sample, tokenizer, **marks),
        "minicpm_units": lambda sample: views.minicpm_units(sample, tokenizer, **units),
        "nemo_turns": lambda sample: views.nemo_turns(sample, tokenizer, bos=1, eos=2),
        "turn_text": lambda sample: views.turn_text(sample, tokenizer),
        "parallel": lambda sample: views.parallel(sample, tokenizer),
        "chunk_states": views.chunk_states,
        "user_states": views.user_states,
        "activity_labels": views.activity_labels,
        "vap_labels": views.vap_labels,
        "dualturn_labels": views.dualturn_labels,
        "continuous": views.continuous,
    }


def seconds_a_call(call: Callable[[], object], repeats: int) -> float:
    """The median time of a call that is made again for at least .2 s a repeat."""
    call()
    found = []
    for _ in range(repeats):
        calls, began = 0, time.perf_counter()
        while not calls or time.perf_counter() - began < 0.2:
            call()
            calls += 1
        found.append((time.perf_counter() - began) / calls)
    return statistics.median(found)


def fresh(sample: Sample) -> Sample:
    """The same sample, with nothing decoded yet."""
    return Sample(sample.key, sample.metadata, sample.codes, sample.flac, sample.shard)


def report_views(root: Path, repeats: int) -> None:
    """Measures every view."""
    samples = list(open_dataset(str(root)))
    hours = sum(sample.metadata["end_s"] - sample.metadata["start_s"] for sample in samples) / 3600
    print(f"\n{len(samples)} samples, {3600 * hours / len(samples):.0f} s each\n")
    print("| view | samples/s | hours of conversation a second |\n| --- | ---: | ---: |")
    for name, view in all_views().items():
        spent_s = seconds_a_call(lambda view=view: [view(fresh(sample)) for sample in samples], repeats)  # type: ignore[misc]
        print(f"| {name} | {len(samples) / spent_s:,.0f} | {hours / spent_s:.1f} |")


def report_mimi(root: Path, model: Path | None, seconds: int, repeats: int) -> None:
    """Measures `dual_stream`, reading included, against Mimi."""
    import soundfile
    import torch

    from benchmarks.mimi_cost import save_random_model
    from duologue_pipeline.models.torchaudio_cpu import import_torchaudio

    import_torchaudio()
    from transformers import MimiModel

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        if model is None:
            save_random_model(Path(name))
        mimi: Any = MimiModel.from_pretrained(model or Path(name))
        mimi.eval()
        wav = Path(name) / "stereo.wav"
        noise = 0.1 * np.random.default_rng(0).standard_normal((24_000 * seconds, 2))
        soundfile.write(wav, noise, 24_000, subtype="PCM_16")

        def encode() -> object:
            pcm, _ = soundfile.read(wav, dtype="float32", always_2d=True)
            with torch.inference_mode():
                return mimi.encode(torch.from_numpy(pcm.T[:, None].copy()), num_quantizers=8).audio_codes

        encoded_s = seconds / seconds_a_call(encode, repeats)
    dataset = open_dataset(str(root), shuffle=1)
    held_s = sum(sample.metadata["end_s"] - sample.metadata["start_s"] for sample in dataset)
    read_s = held_s / seconds_a_call(lambda: [views.dual_stream(sample, tokenizer) for sample in dataset], repeats)
    print("\n| way | seconds of conversation a second | |\n| --- | ---: | ---: |")
    print(
        f"| decode WAV and encode with Mimi ({'random weights' if model is None else model}) | {encoded_s:,.1f} | 1 |"
    )
    print(f"| open_dataset and dual_stream | {read_s:,.0f} | {read_s / encoded_s:,.0f} |")


def main() -> None:
    """Makes the samples, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=20, help="of the WAV that Mimi encodes")
    parser.add_argument("--model", type=Path, help="a folder with Mimi's weights")
    parser.add_argument("--release", type=Path, help="measure this release, with audio, and make none")
    parser.add_argument("--no-mimi", action="store_true")
    arguments = parser.parse_args()
    from benchmarks.many_samples import simulate_release

    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as name:
        root = arguments.release or simulate_release(Path(name), conversations=3, minutes=4, audio=True)
        report_views(root, arguments.repeats)
        if not arguments.no_mimi:
            report_mimi(root, arguments.model, arguments.seconds, arguments.repeats)


if __name__ == "__main__":
    main()
