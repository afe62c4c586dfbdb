"""Describes what a user asks of a run, and checks its options."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from duologue_consent import Purpose
from duologue_pipeline.codec.spec import CodecSpec
from duologue_pipeline.errors import UsageError
from duologue_pipeline.ingest.same_audio import SAME_AUDIO_POLICIES
from duologue_pipeline.isolation.policy import ISOLATION_POLICIES
from duologue_pipeline.words.files import WORDS_POLICIES
from duologue_schemas import load_schema

__all__ = ["RunRequest", "check_judging", "check_request"]


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """Holds what the user asks for; the defaults are those of ``duologue run``.

    Attributes:
        manifest, out: where the recordings are listed and where the release goes.
        ledger: path or PostgreSQL URL of the consent ledger; None or a missing file lets nothing pass.
        against: releases and files with a checkpoint which the ledger must continue; None for none.
        purpose: what the release is for.
        codec: ``embedded``, ``mimi`` or ``mimi:MODEL``, with options (:class:`duologue_pipeline.codec.spec.CodecSpec`).
        segment_s: length of a sample.
        include_audio: whether samples carry FLAC.
        report_audio: a key of :data:`duologue_pipeline.release.report.REPORT_AUDIO`, how the page has that audio.
        words: a key of :data:`duologue_pipeline.words.files.WORDS_POLICIES`.
        isolation_policy: a key of :data:`duologue_pipeline.isolation.policy.ISOLATION_POLICIES`.
        same_audio: a key of :data:`duologue_pipeline.ingest.same_audio.SAME_AUDIO_POLICIES`.
        compare_refused_audio: whether local audio of refused recordings is decoded, only to compare hashes of it.
        pyannote_segmentation, pyannote_embedding: checkpoints for a second opinion, as ``PATH_OR_HUB_ID@SHA256``.
        asr: a speech recogniser for tracks without a transcript (:class:`duologue_pipeline.words.asr_checkpoint.AsrModel`).
        laughter: what hears the laughter of those (:class:`duologue_pipeline.activity.yamnet.LaughterModel`).
        allow_network: whether these may be downloaded.
        allow_private_addresses: whether audio and words are fetched from private networks as well.
        name: of the dataset.
        card: path of a dataset.yaml, what a person states for the cards; None for none.
        validation_share: share of the time for the validation split.
        bridge_share: share of the time that may be set aside to have one (:mod:`duologue_pipeline.shards.bridge`).
        shard_hours: conversation time in a shard; chosen by the length of the whole if None
            (:func:`duologue_pipeline.shards.plan.chosen_shard_s`).
        as_of: the moment at which consent must be live; now if None. Denials count whatever it is.
        retry_rejected: whether what may heal is tried again, by the same command, before anything is published.
        wait_s: how long to wait for another process that works in the output folder.
        beam_args: options passed to Beam.
    """

    manifest: str
    out: str
    ledger: str | None = None
    against: Sequence[str] | None = None
    purpose: str = "training_inhouse"
    codec: str = "embedded"
    segment_s: float = 120.0
    include_audio: bool = False
    report_audio: str = "opus"
    words: str = "optional"
    isolation_policy: str = "refuse-fail"
    same_audio: str = "refuse"
    compare_refused_audio: bool = False
    pyannote_segmentation: str | None = None
    pyannote_embedding: str | None = None
    asr: str | None = None
    laughter: str | None = None
    allow_network: bool = False
    allow_private_addresses: bool = False
    name: str = "duologue-dataset"
    card: str | None = None
    validation_share: float = 0.05
    bridge_share: float = 0.15
    shard_hours: float | None = None
    as_of: datetime | None = None
    retry_rejected: bool = False
    wait_s: float = 600.0
    beam_args: Sequence[str] = field(default_factory=tuple)


def check_request(request: RunRequest) -> None:
    """Checks every option that can be checked without opening a file.

    Raises:
        UsageError: one is not what it may be; the message names it, what was found and what is expected.
    """
    from duologue_pipeline.release.report import (
        REPORT_AUDIO,  # with all cards: whoever only makes a request waits for none
    )

    check_judging(request)
    CodecSpec.parse(request.codec)
    if request.report_audio not in REPORT_AUDIO:
        raise UsageError(f"--report-audio {request.report_audio}: expected one of {', '.join(REPORT_AUDIO)}")
    if request.report_audio != "opus" and not request.include_audio:
        raise UsageError(
            f"--report-audio {request.report_audio}: says how report.html has the audio of the release, and without --include-audio it "
            "has none; add that, or leave this out"
        )
    if request.isolation_policy not in ISOLATION_POLICIES:
        raise UsageError(
            f"--isolation-policy {request.isolation_policy}: expected one of {', '.join(ISOLATION_POLICIES)}"
        )
    if not 1 <= request.segment_s <= 3600:
        raise UsageError(f"--segment-s {request.segment_s:g}: expected 1 to 3600 seconds")
    if not 0 <= request.validation_share < 1:
        raise UsageError(f"--validation-share {request.validation_share:g}: expected 0 to below 1")
    if not 0 <= request.bridge_share < 1:
        raise UsageError(f"--bridge-share {request.bridge_share:g}: expected 0 to below 1")
    if request.shard_hours is not None and not 0 < request.shard_hours < math.inf:
        raise UsageError(f"--shard-hours {request.shard_hours:g}: expected more than 0")
    if not request.wait_s >= 0:
        raise UsageError(f"--wait-s {request.wait_s:g}: expected 0 seconds or more")
    name_rule = load_schema("release")["properties"]["name"]
    if not re.fullmatch(name_rule["pattern"], request.name):
        raise UsageError(f"--name {request.name}: expected {name_rule['x-expected']}")


def check_judging(request: RunRequest) -> None:
    """Checks the options by which recordings are judged before any is worked on, which `duologue validate` has as well.

    Raises:
        UsageError: as :func:`check_request`.
    """
    if request.purpose not in list(Purpose):
        raise UsageError(f"--purpose {request.purpose}: no such purpose; expected one of {', '.join(Purpose)}")
    if request.words not in WORDS_POLICIES:
        raise UsageError(f"--words {request.words}: expected one of {', '.join(WORDS_POLICIES)}")
    if request.same_audio not in SAME_AUDIO_POLICIES:
        raise UsageError(f"--same-audio {request.same_audio}: expected one of {', '.join(SAME_AUDIO_POLICIES)}")
