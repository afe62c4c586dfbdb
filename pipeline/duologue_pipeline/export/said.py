"""Says of a sample what an export may: what is heard and said, and whose voice it is only where that is no secret."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from duologue_pipeline.export.format import Context
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.records import SPEAKERS, Speaker
from duologue_pipeline.views.words import SpokenWord

__all__ = ["sample_document", "speaker_name", "words_said"]

_PLAIN: Final = ("segment", "start_s", "end_s", "split", "language", "setting", "topic", "register")


def speaker_name(sample: Sample, speaker: Speaker, context: Context) -> str:
    """Names a speaker: by the commitment, which is the same in all recordings; in a public export by recording and side."""
    if context.public:
        return f"{context.conversation(sample)}-{speaker}"
    commitment: str = sample.metadata["speakers"][speaker]["commitment"]
    return commitment


def words_said(sample: Sample, words: Mapping[Speaker, Sequence[SpokenWord]]) -> list[dict[str, Any]]:
    """Lists words as ``KEY.json`` does, with confidence and tags, those that an account gave and no others."""
    kept = {(side, word.text, word.start_s, word.end_s) for side in SPEAKERS for word in words[side]}
    return [
        {name: row[name] for name in ("speaker", "word", "start_s", "end_s", "confidence", "tags")}
        for row in sample.metadata["words"]
        if (row["speaker"], row["word"].strip(), row["start_s"], row["end_s"]) in kept
    ]


def sample_document(sample: Sample, words: Mapping[Speaker, Sequence[SpokenWord]], context: Context) -> dict[str, Any]:
    """Describes a sample as JSON.

    Fields are named one by one: what a later version of ``KEY.json`` says is not in an export until somebody has thought about
    it. Not here are ids and hashes of audio, proofs of consent and measures of whole tracks.

    Args:
        sample: the sample.
        words: speaker -> words that are written.
        context: what is exported.
    """
    about = sample.metadata
    codec = about["codec"]
    conditions = about.get("conditions", {})
    return {
        "key": context.name(sample),
        "conversation": context.conversation(sample),
        **{name: about[name] for name in _PLAIN},
        "speakers": {side: speaker_name(sample, side, context) for side in SPEAKERS},
        "roles": {side: conditions.get(side, {}).get("role", "") for side in SPEAKERS},
        "role_prompts": {side: conditions.get(side, {}).get("role_prompt", "") for side in SPEAKERS},
        "codec": {
            "name": codec["name"],
            "frame_rate_hz": codec["frame_rate_hz"],
            "codebooks": codec["codebooks"],
            "weights_sha256": codec["weights_sha256"],
        },
        "isolation": about["isolation"]["verdict"],
        "transcripts": {side: about["transcripts"][side] for side in SPEAKERS},
        "activity": [{name: row[name] for name in ("speaker", "start_s", "end_s")} for row in about["activity"]],
        "events": about["events"],
        "words": words_said(sample, words),
    }
