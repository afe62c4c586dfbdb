"""Runs the Mimi codec (Défossez et al. 2024, https://arxiv.org/abs/2410.00037) through ``transformers.MimiModel``.

Moshi, PersonaPlex and their kin are trained on Mimi's tokens: 24 kHz speech as 12.5 frames a second, of whose 32
codebooks of 2,048 entries the models use the first 8. The weights are not part of duologue; they are read from a
folder, or from the local Hugging Face cache.

How chunks are encoded: :mod:`duologue_pipeline.codec.engine_codec`. A code that is nearly a tie could differ from that of one
pass of ``MimiModel.encode`` over the whole track; none did where both were made (benchmarks/mimi_cost.py).
"""

from duologue_pipeline.codec.engine import Engine
from duologue_pipeline.codec.engine_codec import EngineCodec
from duologue_pipeline.codec.load import load_engine
from duologue_pipeline.codec.spec import CodecSpec

__all__ = ["MimiCodec"]


class MimiCodec(EngineCodec):
    """Encodes and decodes with Mimi, as a :class:`~duologue_pipeline.codec.base.Codec`.

    Makes torch compute in one thread, for the whole process: scale by processes.

    Args:
        model: a folder with ``config.json`` and safetensors weights, or the id of a model on the Hugging Face hub.
        codebooks: how many of the model's codebooks to use, the coarsest first.
        allow_network: lets a hub id that is not in the local cache be downloaded. A folder never uses the network.
        device: where torch computes, as in :class:`~duologue_pipeline.codec.spec.CodecSpec`.
        engine: the network, loaded; it decides all of these where it is given.

    Raises:
        UsageError: the model is not there, is damaged or is not Mimi.
    """

    def __init__(
        self,
        model: str = "",
        *,
        codebooks: int = 8,
        allow_network: bool = False,
        device: str = "cpu",
        engine: Engine | None = None,
    ) -> None:
        if engine is None:
            spec = CodecSpec("mimi", model, codebooks=codebooks, device=device)
            engine = load_engine(spec, allow_network=allow_network)
        super().__init__(
            "mimi", engine, title="Mimi (arXiv:2410.00037), the codec that Moshi is trained on", fit="fit for training"
        )
