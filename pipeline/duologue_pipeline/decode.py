"""Decodes the tokens of a sample of a release, to hear what a model is trained on.

from duologue_pipeline.decode import decode_sample, find_sample, release_codec

release, sample = find_sample("out", "call-0001-00003", purpose="training_inhouse")
pcm = decode_sample(sample, release_codec(release))       # float32 [2, T], speaker a first
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from duologue_pipeline.codec.base import Codec
from duologue_pipeline.codec.document import codec_document
from duologue_pipeline.codec.registry import open_codec
from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader.crop import parse_crop_key
from duologue_pipeline.reader.dataset import open_dataset
from duologue_pipeline.reader.release import DamagedReleaseError
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.records import SPEAKERS, SPLITS, Speaker

__all__ = ["decode_sample", "find_sample", "release_codec"]


def find_sample(uri: str, key: str, *, purpose: str) -> tuple[Mapping[str, Any], Sample]:
    """Reads one sample of any split of a release, as a reader may: for a purpose, and not what was withdrawn.

    Args:
        uri: the folder of the release.
        key: of the sample, as in ``index.parquet``.
        purpose: what it is read for.

    Returns:
        The document of ``dataset.json``, and the sample.

    Raises:
        PurposeError: the release was not made for this purpose.
        DamagedReleaseError: the release or the sample is damaged, or cannot be trusted.
        UsageError: there is no release, no such sample in it, or a speaker has withdrawn it.
    """
    (whole, frame), of_crop = parse_crop_key(key), False
    for split in SPLITS:
        dataset = open_dataset(uri, split, purpose)
        try:
            sample = dataset[key]
        except KeyError:
            of_crop |= frame >= 0 and whole in dataset
            continue
        return dataset.release, sample
    if of_crop:
        raise UsageError(
            f"{uri}: {key!r} names a crop, which a reader cuts with crop_s; the release holds the sample {whole!r}, of which it "
            f"begins at frame {frame}: decode that"
        )
    raise UsageError(
        f"{uri}: there is no sample {key!r} to be read for {purpose}: its key is not in the index, or a speaker has "
        "withdrawn it; the column key of index.parquet lists the samples"
    )


def release_codec(release: Mapping[str, Any], spec: str | None = None) -> Codec:
    """Opens the codec that made the tokens of a release, and makes sure that it is the very one.

    Args:
        release: the document of ``dataset.json``.
        spec: as ``--codec`` of a run (:func:`duologue_pipeline.codec.registry.open_codec`); the codec that the release
            names, from where it is found without being told, if None.

    Raises:
        UsageError: it is another codec, of other weights, or they are not there.
    """
    made_with = release["codec"]
    name = made_with["name"]
    spec = name if spec is None else spec
    if spec.partition(":")[0] != name:
        raise UsageError(f"--codec {spec}: the tokens of the release were made with {name}; give --codec {name}")
    codec = open_codec(spec, codebooks=made_with["codebooks"])
    found = codec_document(codec)
    if found["weights_sha256"] != made_with["weights_sha256"]:
        folder = (
            "of an older duologue" if name == "embedded" else f"of the model that made it, with --codec {name}:FOLDER"
        )
        raise UsageError(
            f"codec {spec}: its weights have SHA-256 {found['weights_sha256'][:12]}…, and those that made the release "
            f"{made_with['weights_sha256'][:12]}…: other weights turn its tokens into noise. Give the weights {folder}"
        )
    for field, value in found.items():
        if value != made_with[field]:
            raise DamagedReleaseError(f"codec {spec}: its {field} is {value}, and dataset.json says {made_with[field]}")
    return codec


def decode_sample(sample: Sample, codec: Codec, speakers: Sequence[Speaker] = SPEAKERS) -> npt.NDArray[np.float32]:
    """Decodes tracks of a sample.

    Args:
        sample: what to decode; its codes are taken also where it holds audio.
        codec: what made its codes (:func:`release_codec`).
        speakers: whose tracks, in this order.

    Returns:
        float32 [speakers, frames * samples_per_frame] in [-1, 1] at the codec's ``sample_rate_hz``.

    Raises:
        ValueError: the codes do not fit the codec.
    """
    return np.stack([codec.decode(np.ascontiguousarray(sample.codes[SPEAKERS.index(name)])) for name in speakers])
