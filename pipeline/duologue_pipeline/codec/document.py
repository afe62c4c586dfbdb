"""Describes a codec for the outputs: what decides its codes, and what a release says of it besides."""

from typing import Any

from duologue_pipeline.codec.base import Codec, silence_tokens

__all__ = ["codec_document", "release_codec_document"]


def codec_document(codec: Codec) -> dict[str, Any]:
    """Describes a codec by what decides its codes, for ``KEY.json`` and the fingerprint of a run."""
    return {
        "name": codec.name,
        "sample_rate_hz": codec.sample_rate_hz,
        "frame_rate_hz": codec.frame_rate_hz,
        "codebooks": codec.codebooks,
        "cardinalities": list(codec.cardinalities),
        "weights_sha256": codec.weights_sha256,
    }


def release_codec_document(codec: Codec) -> dict[str, Any]:
    """Describes a codec for ``dataset.json``: also its quality, and its tokens of silence where it has such."""
    silence = silence_tokens(codec)
    return {
        **codec_document(codec),
        "quality": codec.quality,
        **({"silence": list(silence)} if silence is not None else {}),
    }
