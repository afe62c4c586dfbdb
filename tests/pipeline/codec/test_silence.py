"""What a codec makes of silence is one frame over and over, or it is not known."""

from typing import Any

import numpy as np
import numpy.typing as npt

from duologue_pipeline.codec.base import silence_tokens
from duologue_pipeline.codec.document import release_codec_document
from duologue_pipeline.codec.embedded import EmbeddedCodec


def test_the_embedded_codec_has_a_frame_that_is_silence() -> None:
    tokens = silence_tokens(EmbeddedCodec())
    assert tokens == (1399, 263, 41, 184, 806, 1188, 1651, 69)
    codes = np.tile(np.array(tokens, np.uint16)[:, None], (1, 50))
    assert not EmbeddedCodec().decode(codes).any()
    assert release_codec_document(EmbeddedCodec())["silence"] == list(tokens)


def test_a_codec_that_does_not_settle_has_none(tiny_codec: Any) -> None:
    class Restless:
        """Counts its frames."""

        def push(self, pcm: npt.NDArray[np.float32]) -> npt.NDArray[np.uint16]:
            frames = len(pcm) // 640
            return np.stack([np.arange(frames), np.zeros(frames)]).astype(np.uint16)

        def finish(self) -> npt.NDArray[np.uint16]:
            return np.zeros((2, 0), np.uint16)

    assert silence_tokens(tiny_codec) == (0, 0)
    tiny_codec.encoder = Restless
    assert silence_tokens(tiny_codec) is None
    assert "silence" not in release_codec_document(tiny_codec)
