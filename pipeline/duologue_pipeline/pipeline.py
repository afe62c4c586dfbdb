"""The pipeline, top to bottom: the table of contents of duologue."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import PCollection

from duologue_consent import Snapshot
from duologue_pipeline.isolation.second_opinion import SecondOpinion
from duologue_pipeline.release.write import ReleaseOptions
from duologue_pipeline.stages.analyse import ConsentGate, DetectActivity, FindEvents, Ingest, MeasureIsolation
from duologue_pipeline.stages.read import ReadManifest
from duologue_pipeline.stages.totals import CombineStatistics
from duologue_pipeline.stages.write import PlanRelease, Tokenize, WriteRelease, WriteShards
from duologue_pipeline.tokens.encode import TokenizeOptions
from duologue_pipeline.words.asr import AsrModel

__all__ = ["RunOptions", "build_pipeline"]


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Everything a run is told; the CLI's options, resolved.

    Attributes:
        manifest, out: uris.
        snapshot: the ledger's state, None where there is none.
        ledger_name: the ledger's name for messages.
        as_of: the moment at which consent must be live.
        codec: as for ``--codec``.
        second_opinion: what pyannote.audio is asked, if anything.
        asr: what hears the words of tracks without a transcript, if anything.
        tokenize: how samples are cut.
        validation_share, shard_s: how splits and shards are planned.
        release: what the release says about the run.
    """

    manifest: str
    out: str
    snapshot: Snapshot | None
    ledger_name: str
    as_of: datetime
    codec: str
    second_opinion: SecondOpinion | None
    asr: AsrModel | None
    tokenize: TokenizeOptions
    validation_share: float
    shard_s: float
    release: ReleaseOptions


def build_pipeline(pipeline: beam.Pipeline, options: RunOptions) -> PCollection[dict[str, Any] | None]:
    """Builds the whole way from the manifest to the release onto a Beam pipeline."""
    gate = ConsentGate(
        snapshot=options.snapshot,
        purpose=options.release.purpose,
        as_of=options.as_of,
        ledger_name=options.ledger_name,
        include_audio=options.tokenize.include_audio,
        words=options.release.words,
    )
    recordings, unread = pipeline | "Read" >> ReadManifest(manifest=options.manifest)
    consented, not_consented = recordings | "Consent" >> gate
    ingested, unusable = consented | "Ingest" >> Ingest()
    measured, not_isolated = ingested | "Isolation" >> MeasureIsolation(
        policy=options.release.isolation_policy, second_opinion=options.second_opinion
    )
    active, inactive = measured | "Activity" >> DetectActivity()
    annotated, wordless = active | "Events" >> FindEvents(words=options.release.words, asr=options.asr)
    plan = annotated | "Plan" >> PlanRelease(validation_share=options.validation_share, shard_s=options.shard_s)
    tokenized, unencoded = annotated | "Tokenize" >> Tokenize(
        plan=plan, codec=options.codec, options=options.tokenize, out=options.out
    )
    totals = tokenized | "Statistics" >> CombineStatistics()
    shards = tokenized | "Shards" >> WriteShards(out=options.out)
    rejected = (
        unread,
        not_consented,
        unusable,
        not_isolated,
        inactive,
        wordless,
        unencoded,
    ) | "Rejected" >> beam.Flatten()
    return shards | "Release" >> WriteRelease(
        rejected=rejected, totals=totals, out=options.out, options=options.release
    )
