"""Hashes what decides the bytes of a release: the same fingerprint means the same release."""

import hashlib

from duologue_consent import format_time
from duologue_pipeline.activity.yamnet import LaughterModel
from duologue_pipeline.codec.document import codec_document, release_codec_document
from duologue_pipeline.codec.registry import open_codec
from duologue_pipeline.codec.spec import CodecSpec
from duologue_pipeline.consent.coverage import coverage_moment
from duologue_pipeline.files.text import canonical_json
from duologue_pipeline.isolation.second_opinion import SecondOpinion
from duologue_pipeline.made_by import MADE_BY
from duologue_pipeline.release.stated import load_statement
from duologue_pipeline.release.write import ReleaseOptions
from duologue_pipeline.rules.versions import rule_versions
from duologue_pipeline.run.ledger import PinnedLedger
from duologue_pipeline.run.request import RunRequest
from duologue_pipeline.words.asr_checkpoint import AsrModel

__all__ = ["release_options"]


def release_options(
    request: RunRequest,
    manifest_sha256: str,
    ledger: PinnedLedger | None,
    second_opinion: SecondOpinion | None,
    asr: AsrModel | None,
    laughter: LaughterModel | None,
) -> ReleaseOptions:
    """Resolves a request into what the release will say, with the fingerprint of all that decides its bytes.

    Args:
        request: what the user asks for.
        manifest_sha256: of the manifest (:class:`duologue_pipeline.read.whole.Manifest`).
        ledger: None where there is none.
        second_opinion, asr, laughter: the models that are asked, None where none are.

    Raises:
        UsageError: the codec or a checkpoint cannot be opened, or the statement cannot be read.
    """
    spec = CodecSpec.parse(request.codec)
    codec = open_codec(spec.on_cpu())  # where the run is launched there need be no GPU
    opinion_document = second_opinion.document() if second_opinion else None
    asr_document = asr.document() if asr else None  # hashes every file of the checkpoint
    laughter_document = laughter.document() if laughter else None
    rules = rule_versions()
    stated = {} if request.card is None else load_statement(request.card)
    at = None if ledger is None else coverage_moment(ledger.snapshot, request.as_of)
    pin = dict.fromkeys(("ledger_id", "events", "checkpoint")) if ledger is None else dict(ledger.pin)
    decides = {
        "made_by": MADE_BY,
        "manifest_sha256": manifest_sha256,
        "ledger": pin,
        "purpose": request.purpose,
        "codec": {**codec_document(codec), **spec.document},
        "segment_s": request.segment_s,
        "include_audio": request.include_audio,
        "words": request.words,
        "isolation_policy": request.isolation_policy,
        "same_audio": request.same_audio,
        "compare_refused_audio": request.compare_refused_audio,
        "second_opinion": opinion_document,
        "asr": asr_document,
        "name": request.name,
        "validation_share": request.validation_share,
        "bridge_share": request.bridge_share,
        "shard_hours": request.shard_hours,
        "rules": rules,
        # A moment that was named decides who may be used. Where none was it is that of the run, and a second run of the same
        # ledger gives the release that is there: what ended by itself since is for `consent propagate`.
        **({"report_audio": request.report_audio} if request.report_audio != "opus" else {}),
        **({"laughter": laughter_document} if laughter_document else {}),
        **({"as_of": format_time(request.as_of)} if request.as_of else {}),
        **({"card": stated} if stated else {}),
    }
    return ReleaseOptions(
        name=request.name,
        purpose=request.purpose,
        codec={**release_codec_document(codec), **spec.document},
        segment_s=request.segment_s,
        include_audio=request.include_audio,
        report_audio=request.report_audio,
        words=request.words,
        isolation_policy=request.isolation_policy,
        second_opinion=opinion_document,
        asr=asr_document,
        laughter=laughter_document,
        rules=rules,
        ledger=pin,
        fingerprint=hashlib.sha256(canonical_json(decides)).hexdigest(),
        manifest_sha256=manifest_sha256,
        stated=stated,
        checked_at=None if at is None else format_time(at),
    )
