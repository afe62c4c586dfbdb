"""Samples for the tests of formats: simulated conversations with all that ``KEY.json`` says, and audio; and what exports them."""

import copy
import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import soundfile

from duologue_pipeline.export.account import PartResult
from duologue_pipeline.export.format import Context
from duologue_pipeline.export.registry import find_format
from duologue_pipeline.reader import Sample
from tests.pipeline.views.conversations import simulated_samples

RATE_HZ = 16000
FORMATS = (
    "lhotse",
    "nemo-duplex",
    "energon",
    "hf",
    "multitalk",
    "vap",
    "dualturn",
    "textgrid",
    "rttm",
    "ctm",
    "eaf",
    "d2",
)
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "d2": {"pad_id": 9000, "codec_bos_id": 2149, "codec_eos_id": 2150},
    "vap": {"window_s": 5},
}


@dataclass
class _Part:
    name: str
    split: str
    index: list[Any]


def whole_sample(sample: Sample, recording: str, segment: int, *, audio: bool = True, **more: Any) -> Sample:
    """Adds to a sample of the views' tests what a release says of it; ``more`` goes into its document."""
    about = sample.metadata
    for entry in (*about["words"], *about["events"]):
        entry["owned"] = segment == 0 or entry["start_s"] >= 0
    key = f"{recording}-{segment:05d}"
    commitments = {side: hashlib.sha256(f"{recording}{side}".encode()).hexdigest() for side in "ab"}
    document = {
        **about,
        "key": key,
        "recording_id": recording,
        "segment": segment,
        "split": "train",
        "setting": "",
        "topic": "",
        "register": "",
        "conditions": {
            "topic": "",
            "register": "",
            "a": {"role": "agent", "role_prompt": "help"},
            "b": {"role": "caller", "role_prompt": ""},
        },
        "speakers": {side: {"commitment": commitment, "jurisdiction": ""} for side, commitment in commitments.items()},
        "isolation": {"verdict": "pass", "measurements": [], "faults": []},
        "lexicon": "none",
        "rules": {"activity": "1.0", "events": "1.0"},
        **more,
    }
    document["codec"] = {**about["codec"], "weights_sha256": "0" * 64}
    flac = None
    if audio:
        buffer = io.BytesIO()
        samples = round((about["end_s"] - about["start_s"]) * RATE_HZ)
        noise = np.random.default_rng(segment).normal(0, 0.01, (samples, 2))
        soundfile.write(buffer, noise, RATE_HZ, format="FLAC", subtype="PCM_16")
        flac = buffer.getvalue()
    return Sample(key=key, metadata=document, codes=sample.codes, flac=flac)


def conversation(*, audio: bool = True, codebooks: int = 8, **more: Any) -> list[Sample]:
    """One simulated conversation in samples of 10.24 s, the last one shorter."""
    found: list[Sample] = []
    for sample in simulated_samples():
        if found and sample.metadata["start_s"] == 0:
            break
        codes = np.random.default_rng(len(found)).integers(0, 2048, (2, codebooks, sample.codes.shape[2]))
        sample = replace(sample, codes=codes.astype(np.uint16), metadata=copy.deepcopy(sample.metadata))
        found.append(whole_sample(sample, "secret-call", len(found), audio=audio, **more))
    return found


def export(name: str, samples: Iterable[Sample], out: Path, **changes: Any) -> PartResult:
    """Writes samples as one part of the format and finishes the export; gives the counts of the part."""
    made, given = find_format(name), list(samples)
    options = {key: option.default for key, option in made.options.items()}
    options |= {**SETTINGS.get(name, {}), **changes.pop("options", {})}
    audio = bool(given and given[0].flac)
    context = Context(
        **{
            "release": {"name": "talks", "include_audio": audio},
            "options": options,
            "splits": ("train", "validation"),
            "purpose": "training_inhouse",
            "model_speaker": "both",
            "tokenizer": one_id_a_word if made.tokenizer == "json" else None,
            "public": False,
            "part": "train-00000",
            **changes,
        }
    )
    out.mkdir(parents=True, exist_ok=True)
    result = made.part(iter(given), out, context)
    made.finish(out, [_Part("train-00000", "train", result.index)], replace(context, part=""))
    return result


def one_id_a_word(text: str) -> list[int]:
    """A tokenizer: an id that tells what the word was, none for nothing."""
    return [1 + sum(map(ord, word)) % 8000 for word in text.split()]


def files(folder: Path) -> dict[str, bytes]:
    """Every file by its path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def told(folder: Path) -> bytes:
    """Everything that is in the files and in their names, unpacked."""
    found = b""
    for name, data in files(folder).items():
        found += name.encode()
        if name.endswith(".gz"):
            found += gzip.decompress(data)
        elif name.endswith(".parquet"):
            found += str(pq.read_table(io.BytesIO(data)).drop_columns(["codes"]).to_pylist()).encode()
        elif name.endswith(".tar"):
            with tarfile.open(fileobj=io.BytesIO(data)) as archive:
                found += "".join(archive.getnames()).encode() + data
        else:
            found += data
    return found


def listed(samples: Iterable[Sample]) -> int:
    """Counts the words that samples list."""
    return sum(len(sample.metadata["words"]) for sample in samples)


def own(samples: Iterable[Sample]) -> list[str]:
    """Lists the words that samples own, sorted."""
    return sorted(row["word"] for sample in samples for row in sample.metadata["words"] if row["start_s"] >= 0)
