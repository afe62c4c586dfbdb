"""Opens codecs by the name that ``--codec`` gives."""

from typing import Final

from duologue_pipeline.codec.base import Codec
from duologue_pipeline.errors import UsageError

__all__ = ["CODEC_NAMES", "open_codec"]

CODEC_NAMES: Final = ("embedded", "mimi")


def open_codec(spec: str, *, codebooks: int = 8) -> Codec:
    """Opens a codec and imports only what that codec needs: ``embedded`` works without torch.

    Args:
        spec: ``embedded``; ``mimi``, from the local Hugging Face cache; ``mimi:PATH`` or ``mimi:HUB_ID``.
        codebooks: how many codebooks Mimi uses; the embedded codec always uses its 8.

    Returns:
        The codec, its weights loaded.

    Raises:
        UsageError: there is no codec of this name, or its model cannot be loaded.
    """
    name, colon, model = spec.partition(":")
    if name == "embedded" and not colon:
        from duologue_pipeline.codec.embedded import EmbeddedCodec

        return EmbeddedCodec()
    if name == "mimi" and (model or not colon):
        from duologue_pipeline.codec.mimi import MimiCodec
        from duologue_pipeline.codec.mimi_weights import HUB_ID

        return MimiCodec(model or HUB_ID, codebooks=codebooks)
    raise UsageError(
        f"unknown codec {spec!r}; known are {' and '.join(CODEC_NAMES)}. "
        "Give for example `--codec embedded`, `--codec mimi` or `--codec mimi:models/mimi`."
    )
