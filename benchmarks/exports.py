"""Measures what exports cost: hours of conversation a minute, memory, size, for every format that is registered.

    OMP_NUM_THREADS=1 python -m benchmarks.exports [--conversations 200] [--minutes 3] [--only moshi-finetune dgslm]

The corpus: conversations of noise with words twice a second on each side and a turn every four seconds, in shards of ten, audio at 16 kHz, 32
codebooks; it is written by duologue's own writers, and kept in --folder for the next time. Each export is made in a process of its own, twice: once
from nothing, and once more where all is there. Memory is the highest resident set of that process; `+` is how much higher it is
than with a tenth of the corpus, so that 0 says that it does not grow with the corpus. An hour is one of conversation, whatever its tracks.

Formats that need what the corpus lacks, or a library that is not installed, are told with the reason. Prints a table in Markdown.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from duologue_pipeline.export.registry import FORMATS, find_format

_SETTINGS: dict[str, dict[str, int]] = {"d2": {"pad_id": 9000, "codec_bos_id": 2149, "codec_eos_id": 2150}}


def main() -> None:
    """Makes the corpus, exports it in every format, and prints the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--conversations", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--only", nargs="*", default=None)
    parser.add_argument("--worker", nargs=3, default=None, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        print(json.dumps(_export(*options.worker)))
        return
    folder = options.folder or Path(tempfile.gettempdir()) / "duologue-exports-benchmark"
    small, large = (
        _corpus(folder / f"{count}x{options.minutes:g}", count, options.minutes)
        for count in (max(options.conversations // 10, 10), options.conversations)
    )
    _tokenizers(folder)
    hours = options.conversations * options.minutes / 60
    print(f"{options.conversations} conversations, {hours:.1f} h\n")
    print("| format | h / min | again, s | memory, MB | + | MB / h | files |")
    print("|---|---|---|---|---|---|---|")
    for name in options.only or FORMATS:
        few, many = (_measure(name, root, folder) for root in (small, large))
        if "fault" in many:
            print(f"| {name} | {many['fault']} | | | | | |", flush=True)
            continue
        grown = many["memory_mb"] - few["memory_mb"]
        print(
            f"| {name} | {60 * hours / many['seconds']:.1f} | {many['again_s']:.1f} | {many['memory_mb']:.0f} | {grown:+.0f} "
            f"| {many['bytes'] / 1e6 / hours:.0f} | {many['files']} |",
            flush=True,
        )


def _measure(name: str, root: Path, folder: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(dir=folder) as out:
        command = [
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "benchmarks.exports",
            "--worker",
            name,
            str(root),
            f"{out}/export",
        ]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found


def _export(name: str, root: str, out: str) -> dict[str, Any]:
    from duologue_pipeline.errors import UsageError
    from duologue_pipeline.export.make import make_export
    from duologue_pipeline.export.request import ExportRequest

    made, tokenizer = find_format(name), None
    if made.tokenizer != "none":
        ending = {"sentencepiece": "model", "json": "json"}[made.tokenizer]
        tokenizer = str(Path(root).parent / f"tokenizer.{ending}")
    times = []
    try:
        for _ in range(2):
            began = time.monotonic()
            outcome = make_export(
                root, out, ExportRequest(format=name, tokenizer=tokenizer, options=_SETTINGS.get(name, {}))
            )
            times.append(time.monotonic() - began)
    except UsageError as error:
        return {"fault": str(error)}
    return {
        "seconds": times[0],
        "again_s": times[1],
        "memory_mb": _highest_mb(),
        "files": outcome.document["files"]["count"],
        "bytes": outcome.document["files"]["bytes"],
    }


def _highest_mb() -> float:
    """Reads the highest resident set of this process; what getrusage gives counts the process that started it too."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


# --- the corpus -------------------------------------------------------------------------------------------------------------


def _corpus(root: Path, count: int, minutes: float) -> Path:
    """Writes a release of so many conversations, unless it is there."""
    if (root / "out" / "dataset.json").exists():
        return root / "out"
    from dataclasses import replace

    import numpy as np
    import soundfile

    from duologue_pipeline.codec.document import release_codec_document
    from duologue_pipeline.records import Event, TaggedWord
    from duologue_pipeline.release.write import write_release
    from duologue_pipeline.shards.write import STAGING, write_shard
    from duologue_pipeline.tokens.encode import TokenizeOptions, tokenize_conversation
    from tests.conftest import TinyCodec, make_annotated, make_recording, make_release_options

    class Codec(TinyCodec):
        """Thirty-two codebooks of what one says."""

        name = "mimi"  # as far as a format looks
        codebooks = 32
        cardinalities: tuple[int, ...] = (256, 640) * 16

        def encoder(self) -> Any:
            made, inner = super().encoder(), self.codebooks // 2

            class Encoder:
                def push(self, pcm: Any) -> Any:
                    return np.tile(made.push(pcm), (inner, 1))

                def finish(self) -> Any:
                    return np.tile(made.finish(), (inner, 1))

            return Encoder()

    root.mkdir(parents=True, exist_ok=True)
    out, codec = root / "out", Codec()
    parts: dict[str, list[Any]] = {}
    rng, seconds = np.random.default_rng(1), round(minutes * 60)
    for number in range(count):
        path = root / "call.flac"
        soundfile.write(path, (0.1 * rng.standard_normal((seconds * 16000, 2))).astype(np.float32), 16000)
        recording = make_recording(path, recording_id=f"call-{number:05d}", speakers=(f"a{number}", f"b{number}"))
        words = {
            side: tuple(
                TaggedWord(f"word{place % 97}", 500 * place + shift, 500 * place + shift + 300, 0.9)
                for place in range(2 * seconds - 2)
            )
            for side, shift in (("a", 0), ("b", 200))
        }
        turns = tuple(
            Event("turn", "ab"[place % 2], 4000 * place, 4000 * place + 3800) for place in range(seconds // 4)
        )
        conversation = replace(make_annotated(recording), events=turns, words_a=words["a"], words_b=words["b"])
        tokenized = tokenize_conversation(
            conversation,
            codec=codec,
            options=TokenizeOptions(segment_s=120.0, include_audio=True),
            staging=str(out / STAGING),
        )
        parts.setdefault(f"train-{number // 10:05d}", []).append(tokenized)
    shards = [write_shard(shard, own, out=str(out)) for shard, own in parts.items()]
    options = make_release_options(codec=release_codec_document(codec), include_audio=True)
    write_release(shards, [], out=str(out), options=options)
    return out


def _tokenizers(folder: Path) -> None:
    """Makes tokenizers of small size."""
    from tests.pipeline.export.support import json_file, sentencepiece_file

    for root in (path for path in folder.iterdir() if path.is_dir()):
        sentencepiece_file(root)
        json_file(root)


if __name__ == "__main__":
    main()
