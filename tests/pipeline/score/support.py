"""The demo conversations as items of a folder: speaker a as the user, b as the model."""

import json
from pathlib import Path

import numpy as np
import soundfile

from duologue_pipeline.demo import demo_files

__all__ = ["demo_items"]


def demo_items(root: Path, *, words: bool = True, names: tuple[str, ...] = ()) -> Path:
    """Writes each conversation as a folder with input.wav and output.wav that begin together, and their words."""
    manifest = demo_files().manifest
    for line in manifest.read_text().splitlines():
        recording = json.loads(line)
        if names and recording["recording_id"] not in names:
            continue
        folder = root / recording["recording_id"]
        folder.mkdir(parents=True)
        (folder / "item.json").write_text(json.dumps({"language": recording["language"]}))
        tracks = []
        for track in recording["tracks"]:
            pcm, rate_hz = soundfile.read(manifest.parent / track["uri"], dtype="int16", always_2d=True)
            late = np.zeros(round(track.get("offset_s", 0) * rate_hz), np.int16)
            tracks.append((np.concatenate([late, pcm[:, track.get("channel", 0)]]), rate_hz))
        for name, (pcm, rate_hz), track in zip(("input", "output"), tracks, recording["tracks"], strict=True):
            soundfile.write(folder / f"{name}.wav", pcm, rate_hz)
            if words and "words_uri" in track:
                document = json.loads((manifest.parent / track["words_uri"]).read_text())
                late_s = track.get("offset_s", 0)
                for word in document if isinstance(document, list) else document["words"]:
                    word["start_s"], word["end_s"] = word["start_s"] + late_s, word["end_s"] + late_s
                (folder / f"{name}.json").write_text(json.dumps(document))
    return root
