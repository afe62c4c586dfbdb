"""Holds the voices of two real calls against one another: what can be said of four tracks, of which nobody knows who speaks.

    python -m benchmarks.leakage_calls FOLDER --out NEW [--codec lyra:PATH]

FOLDER has ``auto_repairs_40_agent.flac`` and its like. An error rate of four tracks would say nothing, and `duologue audit leakage` gives
none. Here each track is cut into halves, and the cosines of halves are told: of one track, of both tracks of a call, of the agents, of
the callers, and of an agent and a caller of two calls. Prints means; nothing but means.
"""

import argparse
import json
import subprocess
import sys
from collections import defaultdict
from itertools import combinations
from pathlib import Path

import numpy as np
import numpy.typing as npt

from duologue_consent import ALL_FORMS, Ledger, Purpose, Terms, parse_time
from duologue_pipeline.decode import release_codec
from duologue_pipeline.leakage import measure
from duologue_pipeline.leakage.histogram import gram
from duologue_pipeline.leakage.sides import Side, choose, read_sides
from duologue_pipeline.reader import read_release
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.leakage import LeakageRules

__all__ = ["main"]

CALLS = ("40", "49")
ROLES = ("agent", "caller")


def make_release(folder: Path, out: Path, codec: str) -> Path:
    """Makes a release of both calls, with audio."""
    out.mkdir(parents=True)
    lines = []
    for call in CALLS:
        tracks = [
            {"speaker_id": f"{role}-{call}", "uri": str(folder / f"auto_repairs_{call}_{role}.flac")} for role in ROLES
        ]
        about = {"recording_id": f"call-{call}", "language": "en-US", "started_at": "2026-03-01T10:00:00Z"}
        lines.append(json.dumps({**about, "tracks": tracks}) + "\n")
    (out / "manifest.jsonl").write_text("".join(lines))
    ledger = Ledger.create(out / "consent.db")
    at = parse_time("2026-01-01T00:00:00Z")
    for speaker in (f"{role}-{call}" for call in CALLS for role in ROLES):
        ledger.grant(
            speaker, [Purpose.RECORDING, Purpose.TRAINING_INHOUSE], at=at, terms=Terms(forms=ALL_FORMS), entered_at=at
        )
    command = [sys.executable, "-m", "duologue_pipeline", "run", str(out / "manifest.jsonl")]
    more = ["--ledger", str(out / "consent.db"), "--out", str(out / "release"), "--include-audio", "--codec", codec]
    subprocess.run([*command, *more, "--segment-s", "30"], check=True)
    return out / "release"


def halves(root: Path, codec: str) -> list[Side]:
    """Reads both halves of each track, with their voices, original and decoded."""
    rules, request = load_rules(LeakageRules), measure.LeakageRequest(str(root), within=True, codec=codec)
    splits, choice = choose(str(root), request.purpose, rules, seed=0)
    release = read_release(str(root))
    heard, _ = measure._hearing(request, release, rules, release_codec(release, codec))
    sides = []
    for found in read_sides(choice, splits, rules, within=True, hear=measure._hear(heard, rules)):
        if heard is not None:
            heard.embed(found)
        sides += found
    return sides


def means(table: npt.NDArray[np.floating], sides: list[Side]) -> dict[str, float]:
    """Means of cosines by what a pair is."""
    found = defaultdict(list)
    for (i, one), (j, other) in combinations(enumerate(sides), 2):
        if one.conversation == other.conversation:
            kind = "one track" if one.track == other.track else "both tracks of a call"
        else:
            kind = f"{ROLES[one.track]}s" if one.track == other.track else "agent and caller of two calls"
        found[kind].append(float(table[i, j]))
    return {kind: round(float(np.mean(values)), 3) for kind, values in found.items()}


def main() -> None:
    """Prints what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--codec", default="embedded")
    options = parser.parse_args()
    root = make_release(options.folder.resolve(), options.out.resolve(), options.codec)
    sides = halves(root, options.codec)
    print(
        {
            "speech_s": [
                round(side.codes.shape[1] / read_release(str(root))["codec"]["frame_rate_hz"], 1) for side in sides
            ]
        }
    )
    for of in ("original", "decoded"):
        vectors = np.stack([side.voices[of][10].mean(axis=0) for side in sides])
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        print(of, means(vectors @ vectors.T, sides))
    cardinalities = read_release(str(root))["codec"]["cardinalities"]
    known = np.ones(len(sides), np.bool_)
    tables = [gram([side.codes[k] for side in sides], card, known) for k, card in enumerate(cardinalities)]
    print("histograms", means(np.mean(tables, axis=0), sides))


if __name__ == "__main__":
    main()
