"""Runs the functions of the pipeline in a plain loop, with no Beam; :mod:`benchmarks.engine` holds `duologue run` against it.

    OMP_NUM_THREADS=1 python -m benchmarks.plain_loop MANIFEST LEDGER OUT

Writes the release into OUT and prints the CPU seconds of each stage as one JSON document.
"""

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

ONCE = "load models"
"""What is done once, whatever the length of the recordings."""


def loop(manifest: Path, ledger: Path, out: Path) -> dict[str, float]:
    """Runs the functions of the pipeline in a plain loop; gives the CPU seconds of each stage."""
    from duologue_consent import Ledger
    from duologue_pipeline.activity.network import load_vad
    from duologue_pipeline.codec.document import codec_document
    from duologue_pipeline.codec.registry import open_codec
    from duologue_pipeline.consent.decide import decide
    from duologue_pipeline.consent.gate import check_consent
    from duologue_pipeline.conversation import activity_stage, events_stage, ingest_stage, isolation_stage, words_stage
    from duologue_pipeline.read.manifest import parse_line, read_lines
    from duologue_pipeline.records import Annotated, Recording
    from duologue_pipeline.release.write import ReleaseOptions, write_release
    from duologue_pipeline.rules.versions import rule_versions
    from duologue_pipeline.shards.plan import plan_shards
    from duologue_pipeline.shards.splits import PlanEntry, plan_splits
    from duologue_pipeline.shards.write import write_shard
    from duologue_pipeline.tokens.encode import TokenizeOptions, tokenize_conversation

    spent: dict[str, float] = {}

    def timed(stage: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        began = time.process_time()
        result = function(*args, **kwargs)
        spent[stage] = spent.get(stage, 0.0) + time.process_time() - began
        return result

    opened = Ledger.open(ledger)
    snapshot = opened.snapshot()
    vad = timed(ONCE, load_vad)
    codec = timed(ONCE, open_codec, "embedded")
    conversations: list[Annotated] = []
    check = partial(
        check_consent,
        snapshot=snapshot,
        purpose="training_inhouse",
        as_of=datetime.now(UTC),
        ledger_name=str(ledger),
        include_audio=False,
        words="optional",
        asr=False,
    )
    for line in read_lines(str(manifest)):
        recording = timed("read", parse_line, line, manifest_uri=str(manifest))
        assert isinstance(recording, Recording)
        consented = timed("consent", decide, recording, check)
        ingested = timed("ingest", ingest_stage, consented)
        measured = timed("isolation", isolation_stage, ingested)
        active = timed("activity", activity_stage, measured, vad)
        worded = timed("words", words_stage, active, policy="optional")
        conversations.append(timed("events", events_stage, worded))
    entries = [
        PlanEntry(c.recording.recording_id, c.consent.a.commitment, c.consent.b.commitment, c.audio.duration_ms)
        for c in conversations
    ]
    splits = plan_splits(entries, validation_share=0.05, bridge_share=0)
    shards = plan_shards(entries, splits, shard_s=36000)
    parts: dict[str, list[Any]] = {}
    for conversation in conversations:
        recording_id = conversation.recording.recording_id
        part = timed(
            "tokens",
            tokenize_conversation,
            conversation,
            codec=codec,
            options=TokenizeOptions(),
            staging=f"{out}/.staging",
        )
        parts.setdefault(shards[recording_id], []).append(part)
    written = [timed("shards", write_shard, shard, found, out=str(out)) for shard, found in sorted(parts.items())]
    options = ReleaseOptions(
        name="loop",
        purpose="training_inhouse",
        codec={**codec_document(codec), "quality": codec.quality},
        segment_s=120.0,
        include_audio=False,
        words="optional",
        isolation_policy="keep",
        second_opinion=None,
        asr=None,
        laughter=None,
        rules=rule_versions(),
        ledger=opened.release_pin(),
        fingerprint="0" * 64,
        manifest_sha256="0" * 64,
    )
    timed("release", write_release, written, [], out=str(out), options=options)
    return spent


if __name__ == "__main__":
    print(json.dumps(loop(*map(Path, sys.argv[1:]))))
