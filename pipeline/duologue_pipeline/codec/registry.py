"""Opens codecs by the name that ``--codec`` gives."""

from dataclasses import replace

from duologue_pipeline.codec.base import Codec
from duologue_pipeline.codec.engine import Engine
from duologue_pipeline.codec.spec import CodecSpec

__all__ = ["codec_of", "open_codec"]


def open_codec(spec: str | CodecSpec, *, codebooks: int | None = None) -> Codec:
    """Opens a codec and imports only what that codec needs: ``embedded`` works without torch.

    Args:
        spec: as for ``--codec``: ``embedded``; ``mimi``, from the local Hugging Face cache; ``mimi:MODEL``, ``encodec:MODEL``
            or ``dac:MODEL``, with a folder, a uri or a hub id; ``lyra:FOLDER``; all but the first with
            ``?key=value&…`` (:class:`duologue_pipeline.codec.spec.CodecSpec`).
        codebooks: how many codebooks are used, whatever the spec says; the embedded codec always uses its 8.

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
    if spec.name == "lyra":
        from duologue_pipeline.codec.lyra import LyraCodec

        return LyraCodec(spec.model, codebooks=spec.codebooks, sha256=spec.sha256)
    from duologue_pipeline.codec.load import load_engine

    return codec_of(spec.name, load_engine(spec))


def codec_of(name: str, engine: Engine) -> Codec:
    """Makes the codec of a name of an engine that was loaded for it, here or in another process."""
    from duologue_pipeline.codec.engine_codec import EngineCodec

    if name == "mimi":
        from duologue_pipeline.codec.mimi import MimiCodec

        return MimiCodec(engine=engine)
    titles = {
        "encodec": "EnCodec (arXiv:2210.13438), a codec for sound of every kind",
        "dac": "DAC (arXiv:2306.06546), a codec for sound of every kind",
    }
    return EngineCodec(name, engine, title=titles[name], fit="fit for models that are trained on its tokens")
