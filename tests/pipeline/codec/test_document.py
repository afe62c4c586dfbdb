"""What the outputs say about a codec."""

from typing import Any

from duologue_pipeline.codec.document import codec_document


def test_a_codec_is_described_by_what_decides_its_codes(tiny_codec: Any) -> None:
    assert codec_document(tiny_codec) == {
        "name": "tiny",
        "sample_rate_hz": 8000,
        "frame_rate_hz": 12.5,
        "codebooks": 2,
        "cardinalities": [256, 640],
        "weights_sha256": tiny_codec.weights_sha256,
    }
