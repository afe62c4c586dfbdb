"""Scores one side of a release as if it were a model: the figures of people, to hold those of a model against.

Nothing is heard again: the events are those of the release's tables, so the figures are exactly theirs.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.storage import absolute_uri
from duologue_pipeline.reader.dataset import open_dataset
from duologue_pipeline.reader.tables import iter_release_table
from duologue_pipeline.records import SPLITS, Event, Speaker
from duologue_pipeline.score.document import score_document
from duologue_pipeline.score.facts import Conversation
from duologue_schemas.tables import WITHDRAWN

__all__ = ["release_conversations", "score_release"]

_EVENT_COLUMNS = (
    "recording_id",
    "kind",
    "speaker",
    "start_s",
    "end_s",
    "subtype",
    "addressee",
    "fto_s",
    "floor_taking",
    "take_over",
    "response_latency_s",
    "stop_latency_s",
    "success_latency_s",
    "penalty_latency_s",
)
_RECORDING_COLUMNS = (
    "recording_id",
    "language",
    "duration_s",
    "speech_a_s",
    "speech_b_s",
    "overlap_s",
    "isolation",
    "words_a",
    "words_b",
    "speaker_a",
    "speaker_b",
)


def score_release(
    uri: str, *, speaker: Speaker = "b", splits: Sequence[str] = SPLITS, purpose: str = "training_inhouse"
) -> dict[str, Any]:
    """Scores one speaker of every conversation of a release by its events.

    Args:
        uri: the folder of the release.
        speaker: who is scored.
        splits: of which conversations.
        purpose: what the release is read for.

    Returns:
        The document of a score; conversations of which somebody has withdrawn are not in it: what one does with the other is gone.

    Raises:
        UsageError: there is no release, it cannot be read for the purpose, or it has no conversation.
    """
    conversations, rows, rules = release_conversations(uri, speaker=speaker, splits=splits, purpose=purpose)
    if not conversations:
        raise UsageError(
            f"{uri}: has no conversation in {', '.join(splits)} that may be read for {purpose}; choose another split"
        )
    return score_document(
        conversations,
        scored=f"speaker {speaker}",
        isolation=[row["isolation"] for row in rows],
        without_words=sum(not row[f"words_{speaker}"] for row in rows),
        rules_of_events=rules,
    )


def release_conversations(
    uri: str, *, speaker: Speaker, splits: Sequence[str], purpose: str
) -> tuple[list[Conversation], list[dict[str, Any]], dict[str, str]]:
    """Reads the conversations of a release, their rows of ``recordings.parquet``, and the versions of its rules."""
    root = absolute_uri(uri)
    readable: dict[str, bool] = {}
    release: Any = None
    for split in splits:
        dataset = open_dataset(uri, split, purpose)
        release, keys = dataset.release, set(dataset.keys())
        for table in iter_release_table(root, release, "index", columns=("key", "recording_id", "split")):
            for row in table.to_pylist():
                if row["split"] == split:
                    readable[row["recording_id"]] = readable.get(row["recording_id"], True) and row["key"] in keys
    events: dict[str, list[Event]] = defaultdict(list)
    for table in iter_release_table(root, release, "events", columns=_EVENT_COLUMNS):
        for row in table.to_pylist():
            if readable.get(row["recording_id"]):
                events[row["recording_id"]].append(_event(row))
    rows = [
        row
        for table in iter_release_table(root, release, "recordings", columns=_RECORDING_COLUMNS)
        for row in table.to_pylist()
        if readable.get(row["recording_id"]) and WITHDRAWN not in (row["speaker_a"], row["speaker_b"])
    ]
    rows.sort(key=lambda row: row["recording_id"])
    conversations = [
        Conversation(
            name=row["recording_id"],
            group=row["recording_id"],
            language=row["language"],
            model=speaker,
            duration_ms=round(row["duration_s"] * 1000),
            speech_ms={"a": round(row["speech_a_s"] * 1000), "b": round(row["speech_b_s"] * 1000)},
            overlap_ms=round(row["overlap_s"] * 1000),
            events=events[row["recording_id"]],
        )
        for row in rows
    ]
    return conversations, rows, dict(release["rules"])


def _event(row: dict[str, Any]) -> Event:
    def ms(name: str) -> int | None:
        return None if row[name] is None else round(row[name] * 1000)

    return Event(
        kind=row["kind"],
        speaker=row["speaker"],
        start_ms=round(row["start_s"] * 1000),
        end_ms=round(row["end_s"] * 1000),
        subtype=row["subtype"],
        addressee=row["addressee"],
        fto_ms=ms("fto_s"),
        floor_taking=row["floor_taking"],
        take_over=row["take_over"],
        response_latency_ms=ms("response_latency_s"),
        stop_latency_ms=ms("stop_latency_s"),
        success_latency_ms=ms("success_latency_s"),
        penalty_latency_ms=ms("penalty_latency_s"),
    )
