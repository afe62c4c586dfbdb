"""Builds the pipeline from the manifest to the release; read top to bottom, it is duologue's table of contents."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import PCollection

from duologue_pipeline.activity.yamnet import LaughterModel
from duologue_pipeline.codec.spec import CodecSpec
from duologue_pipeline.conversation import analysis_steps
from duologue_pipeline.files.storage import join
from duologue_pipeline.isolation.second_opinion import SecondOpinion
from duologue_pipeline.records import Tokenized
from duologue_pipeline.release.ready import require_launch
from duologue_pipeline.release.write import ReleaseOptions
from duologue_pipeline.shards.write import STAGING
from duologue_pipeline.stages.read import ReadDecided
from duologue_pipeline.stages.refused_audio import RefusedAudio
from duologue_pipeline.stages.same_audio import HeardRefused, SameAudio
from duologue_pipeline.stages.shared_codec import open_worker_codec
from duologue_pipeline.stages.stage import Stage
from duologue_pipeline.stages.write import PlanRelease, WriteDetails, WriteRelease, WriteShard
from duologue_pipeline.tokens.encode import TokenizeOptions, tokens_stage, tokens_stage_together
from duologue_pipeline.words.asr_checkpoint import AsrModel

__all__ = ["RunOptions", "build_pipeline"]


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Holds everything that a run is told: the CLI's options, resolved.

    Attributes:
        decided: files of what the launcher decided on the recordings of the manifest; nothing else is told of the ledger.
        out: the output folder.
        launch: name of this launch of the run (:func:`duologue_pipeline.release.ready.mark_launch`).
        codec: as for ``--codec``.
        second_opinion: what pyannote.audio is asked, if anything.
        asr: what hears the words of tracks without a transcript, if anything.
        laughter: what hears the laughter of those, if anything.
        same_audio: what is done with audio that stands under several recording_ids.
        compare_refused_audio: whether the audio of refused recordings is decoded to compare it.
        tokenize: how samples are cut.
        validation_share, bridge_share, shard_s: how splits and shards are planned.
        release: what the release says about the run.
        details: a file in the staging folder for the sentences of refusals; None where there is no ledger beside which the
            launcher could keep them.
        allow_private_addresses: whether audio, words and models are fetched from private networks as well.
    """

    decided: Sequence[str]
    out: str
    launch: str
    codec: str
    second_opinion: SecondOpinion | None
    asr: AsrModel | None
    laughter: LaughterModel | None
    same_audio: str
    compare_refused_audio: bool
    tokenize: TokenizeOptions
    validation_share: float
    bridge_share: float
    shard_s: float | None
    release: ReleaseOptions
    details: str | None = None
    allow_private_addresses: bool = False


def build_pipeline(pipeline: beam.Pipeline, options: RunOptions) -> PCollection[dict[str, Any] | None]:
    """Adds every step from the manifest to the release to a Beam pipeline."""
    release, out, private = options.release, options.out, options.allow_private_addresses
    analysis = analysis_steps(
        words=release.words,
        isolation_policy=release.isolation_policy,
        listener=options.second_opinion.open if options.second_opinion else None,
        recognizer=options.asr.open if options.asr else None,
        laughter=options.laughter.open if options.laughter else None,
    )
    codec = replace(
        CodecSpec.parse(options.codec), sha256=release.codec["weights_sha256"]
    )  # what the launcher has seen
    encoding: dict[str, Any] = {
        "options": options.tokenize,
        "staging": join(out, STAGING),
        "still": partial(require_launch, out, options.launch),
    }
    encode = partial(tokens_stage, **encoding)
    together = partial(tokens_stage_together, **encoding)

    conversations, undecided, unheard = pipeline | ReadDecided(paths=options.decided)
    conversations, of_refused = conversations | RefusedAudio(refused=unheard)
    refused = [undecided, of_refused]
    # From here to the tokens nothing waits for another recording: a worker takes one from its audio to its part.
    # They are Ingest, Isolation, Activity, Words, Events; Laughter before the last, where it is listened for.
    for step in analysis:
        conversations, unusable = conversations | Stage(
            step.name, step.work, step.output, step.model, private_addresses=private
        )
        refused.append(unusable)
        if step.name == "ingest":
            ingested = conversations
            if options.compare_refused_audio:
                conversations, of_unheard = conversations | HeardRefused(refused=unheard, private_addresses=private)
                refused.append(of_unheard)
    if codec.resource_hints:  # other machines encode: what they do is dealt out anew, wherever analysis left it
        conversations |= "Spread" >> beam.Reshuffle()
    tokenized, unencoded = conversations | Stage(
        "tokens",
        encode,
        Tokenized,
        partial(open_worker_codec, codec),
        together=together,
        batch=codec.batch,
        hints=codec.resource_hints,
        private_addresses=private,
    )
    tokenized, repeated = tokenized | SameAudio(policy=options.same_audio, ingested=ingested)
    refused += [unencoded, repeated]
    plan = tokenized | "Plan" >> PlanRelease(
        validation_share=options.validation_share, bridge_share=options.bridge_share, shard_s=options.shard_s
    )
    shards = tokenized | "Shards" >> WriteShard(plan=plan, out=out, launch=options.launch)
    rejected = refused | "Rejected" >> beam.Flatten()
    if options.details is not None:
        _ = rejected | "Details" >> WriteDetails(uri=options.details, out=out, launch=options.launch)
    return shards | "Release" >> WriteRelease(rejected=rejected, out=out, launch=options.launch, options=release)
