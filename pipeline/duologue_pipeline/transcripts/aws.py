"""Reads transcripts of Amazon Transcribe: times as text in seconds, channels ``ch_0`` and ``ch_1``.

Batch with channel identification: ``results.channel_labels.channels[].items[]``. Without it there is only
``results.items[]`` (with ``speaker_label`` it is diarization). Items of type ``punctuation`` have no times; ``[PII]``
stands for what was taken out. The synchronous form lists ``Items[]`` with ``ChannelLabel``, ``StartTime``, ``Content``.

Source: docs.aws.amazon.com/transcribe: "Example channel identification output (batch)", "Data input and output".
"""

import re
from collections.abc import Mapping
from typing import Any

from duologue_pipeline.transcripts.model import Stream, Transcript, TranscriptError
from duologue_pipeline.transcripts.place import Untimed, placed, sorted_words
from duologue_pipeline.transcripts.source import Source
from duologue_pipeline.transcripts.values import as_list, as_mapping, confidence, text_of, time_pair

__all__ = ["is_aws", "read_aws"]


def is_aws(source: Source) -> bool:
    """Tells whether a file holds a transcript of Amazon Transcribe."""
    results = _results(source.document)
    return "channel_labels" in results or ("items" in results and "transcripts" in results) or "Items" in results


def read_aws(source: Source) -> Transcript:
    """Reads a transcript of Amazon Transcribe: a stream a channel.

    Raises:
        TranscriptError: times or fields are not as they should be.
    """
    results, name = _results(source.document), source.name
    if "channel_labels" in results:
        labels = as_mapping(results["channel_labels"], where=f"{name}: channel_labels")
        streams = []
        for number, each in enumerate(as_list(labels.get("channels"), where=f"{name}: channels")):
            where = f"{name}: channels[{number}]"
            channel = as_mapping(each, where=where)
            label = _channel(channel.get("channel_label"), where)
            streams.append(_stream(as_list(channel.get("items"), where=where), label, where))
        return Transcript("aws", tuple(sorted(streams, key=lambda stream: stream.channel or 0)), "channel")
    items = as_list(results.get("Items", results.get("items")), where=f"{name}: items")
    by_channel: dict[int | None, list[Any]] = {}
    for number, each in enumerate(items):
        item = as_mapping(each, where=f"{name}: items[{number}]")
        label = item.get("ChannelLabel", item.get("channel_label"))
        by_channel.setdefault(None if label is None else _channel(label, f"{name}: items[{number}]"), []).append(item)
    if set(by_channel) - {None}:
        rest = by_channel.pop(None, [])
        found = tuple(
            _stream(by_channel[key], key, f"{name}: items") for key in sorted(by_channel, key=lambda k: k or 0)
        )
        told = [f"{len(rest)} items name no channel and are left out"] if rest else []
        return Transcript("aws", found, "channel", tuple(told))
    voices = {text_of(item.get("speaker_label")) for item in items if isinstance(item, dict)} - {""}
    separation = "diarized" if len(voices) > 1 else "track"
    return Transcript(
        "aws", (_stream(items, None, f"{name}: items"),), "diarized" if separation == "diarized" else "track"
    )


def _results(document: Any) -> Mapping[str, Any]:
    if not isinstance(document, dict):
        return {}
    results = document.get("results", document if "Items" in document else None)
    return results if isinstance(results, dict) else {}


def _channel(label: object, where: str) -> int:
    found = re.fullmatch(r"ch_(\d{1,2})", text_of(label))
    if found is None:
        raise TranscriptError(f"{where}: found the channel label {label!r}, expected ch_0 or ch_1"[:200])
    return int(found[1])


def _stream(items: Any, channel: int | None, where: str) -> Stream:
    said = []
    for number, each in enumerate(items):
        at = f"{where}.items[{number}]"
        item = as_mapping(each, where=at)
        if text_of(item.get("type", item.get("Type"))) == "punctuation":
            continue
        best = as_list(item.get("alternatives"), where=at)
        first = as_mapping(best[0] if best else item, where=at)
        text = first.get("content", first.get("Content"))
        if not isinstance(text, str):
            raise TranscriptError(f"{at}: has no content")
        names = ("start_time", "end_time") if "StartTime" not in item else ("StartTime", "EndTime")
        said.append(
            Untimed(
                text,
                *time_pair(item, where=at, names=names),
                confidence(first.get("confidence", first.get("Confidence"))),
            )
        )
    return Stream(sorted_words(placed(said, where=where)), channel=channel)
