"""Measures how well a segmentation model of pyannote.audio hears bleed and a third voice, and what asking it costs.

    python benchmarks/second_opinion.py CHECKPOINT@SHA256 TRACK_A TRACK_B [TRACK_A TRACK_B ...]
    python benchmarks/second_opinion.py CHECKPOINT@SHA256 MANIFEST.jsonl [MANIFEST.jsonl ...]

Each pair is an isolated conversation, mono tracks. One track at a time gets the other one's voice 60 ms late, or the
first track of the next conversation, at a level relative to its own. Of a manifest (of `duologue simulate`), the
recordings are listened to as they are.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from duologue_pipeline.files.storage import absolute_uri
from duologue_pipeline.ingest.audio import conversation_blocks
from duologue_pipeline.isolation.meter import measure_isolation
from duologue_pipeline.isolation.plot import LevelMeter
from duologue_pipeline.isolation.second_opinion import Listener, SecondOpinion
from duologue_pipeline.read.whole import load_manifest
from duologue_pipeline.records import FaultReport, Recording, Track

LEVELS_DB = (-10, -20, -30, -40)
LAG_S = 0.06

Pcm = npt.NDArray[np.float32]


def cases(conversations: list[tuple[Pcm, Pcm, int]]) -> Iterator[tuple[str, Pcm, Pcm, int, str]]:
    """Gives name, both tracks (float32 [T] in [-1, 1]), their rate, and which track holds another voice."""
    for place, (a, b, rate_hz) in enumerate(conversations):
        yield "as recorded", a, b, rate_hz, ""
        third, third_rate_hz = (conversations[(place + 1) % len(conversations)][i] for i in (0, 2))
        for level_db in LEVELS_DB:
            gain = np.float32(10 ** (level_db / 20))
            for name, added in (("bleed", None), ("a third voice", np.resize(third, len(a)))):
                if added is not None and third_rate_hz != rate_hz:
                    continue
                yield (
                    f"{name}, {level_db} dB",
                    a + gain * (late(b, rate_hz) if added is None else added),
                    b,
                    rate_hz,
                    "a",
                )
                yield (
                    f"{name}, {level_db} dB",
                    a,
                    b + gain * (late(a, rate_hz) if added is None else added),
                    rate_hz,
                    "b",
                )


def late(pcm: Pcm, rate_hz: int) -> Pcm:
    """Delays float32 [T] by ``LAG_S``."""
    lag = round(LAG_S * rate_hz)
    return np.concatenate([np.zeros(lag, np.float32), pcm[:-lag]])


def ask(listener: Listener, recording: Recording) -> tuple[dict[str, FaultReport], float]:
    """Asks what is heard in a recording, and measures the CPU seconds that it takes."""
    meter = LevelMeter(8000)
    report = measure_isolation(meter.tap(conversation_blocks(recording, rate_hz=8000)), sample_rate_hz=8000)
    begun_s = time.process_time()
    heard = listener.ask(recording, report, duration_ms=meter.duration_ms)
    return heard, time.process_time() - begun_s


def listen_to_manifests(listener: Listener, manifests: list[str]) -> None:
    """Prints a row for each manifest and track."""
    print("| recordings | track | found in | share of windows |\n|---|---|---|---|")
    for manifest in manifests:
        lines = list(load_manifest(absolute_uri(manifest)))
        heard = [ask(listener, recording)[0] for recording in lines if isinstance(recording, Recording)]
        for side in "ab":
            print(
                f"| {Path(manifest).parent.name} | {side} | {cell([faults[f'other_voice_{side}'] for faults in heard])} |"
            )


def main(checkpoint: str, paths: list[str]) -> None:
    """Prints the table."""
    opinion = SecondOpinion.of(checkpoint, None, allow_network=False)
    assert opinion is not None
    listener = opinion.open()
    if paths[0].endswith(".jsonl"):
        listen_to_manifests(listener, paths)
        return
    conversations = []
    for path_a, path_b in zip(paths[::2], paths[1::2], strict=True):
        (a, rate_hz), (b, _) = (soundfile.read(path, dtype="float32") for path in (path_a, path_b))
        length = min(len(a), len(b))
        conversations.append((a[:length], b[:length], rate_hz))
    found: dict[str, list[FaultReport]] = {}
    falsely: dict[str, list[FaultReport]] = {}
    cpu_s: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, a, b, rate_hz, track in cases(conversations):
            path = str(Path(folder) / "case.wav")
            soundfile.write(path, np.stack([a, b], axis=1), rate_hz, subtype="FLOAT")
            recording = Recording("case", Track("a", path, 0), Track("b", path, 1))
            heard, spent_s = ask(listener, recording)
            cpu_s.append(spent_s)
            for side in "ab":
                (found if side == track else falsely).setdefault(name, []).append(heard[f"other_voice_{side}"])
    print("| added to one track | found in it | share of windows | found in the other | share of windows |")
    print("|---|---|---|---|---|")
    for name, reports in falsely.items():
        print(f"| {name} | {cell(found.get(name, []))} | {cell(reports)} |")
    print(f"\n{np.median(cpu_s):.1f} CPU seconds a conversation (median), at most {max(cpu_s):.1f}")


def cell(reports: list[FaultReport]) -> str:
    """Writes how often another voice was found, and the shares of windows."""
    shares = [report.value for report in reports if report.value is not None]
    if not shares:
        return "- | -"
    return (
        f"{sum(report.found is True for report in reports)} of {len(reports)} | {min(shares):.2f} to {max(shares):.2f}"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", metavar="CHECKPOINT@SHA256", help="asks this segmentation model")
    parser.add_argument("tracks", nargs="+", metavar="TRACK|MANIFEST", help="measures on these tracks, or manifests")
    options = parser.parse_args()
    main(options.checkpoint, options.tracks)
