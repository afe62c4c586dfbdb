"""Opens codecs by the name that ``--codec`` gives."""

from dataclasses import replace

from duologue_pipeline.codec.base import Codec
from duologue_pipeline.codec.spec import CodecSpec

__all__ = ["open_codec"]


def open_codec(spec: str | CodecSpec, *, codebooks: int | None = None) -> Codec:
    """Opens a codec and imports only what that codec needs: ``embedded`` works without torch.

    Args:
        spec: as for ``--codec``: ``embedded``; ``mimi``, from the local Hugging Face cache; ``mimi:MODEL``, with a folder,
            a uri or a hub id; ``mimi:MODEL?key=value&…`` (:class:`duologue_pipeline.codec.spec.CodecSpec`).
        codebooks: how many codebooks Mimi uses, whatever the spec says; the embedded codec always uses its 8.

    Returns:
        The codec, its weights loaded.

    Raises:
        UsageError: there is no codec of this name, or its model cannot be loaded.
    """
    if isinstance(spec, str):
        spec = CodecSpec.parse(spec)
    if codebooks is not None:
        spec = replace(spec, codebooks=codebooks)
    if spec.name == "embedded":
        from duologue_pipeline.codec.embedded import EmbeddedCodec

        return EmbeddedCodec()
    from duologue_pipeline.codec.mimi import MimiCodec
    from duologue_pipeline.codec.mimi_engine import load_engine

    return MimiCodec(engine=load_engine(spec))
