"""Writes held-out conversations as TurnBench keeps its data: a Parquet file of conversations with their annotations.

    validation-00000.parquet   conversation_id, speaker_1_audio, speaker_2_audio, speaker_1_annotation_a ... speaker_2_annotation_c,
                               metadata; a row a sample
    README.md                  how to score with it

``python -m turnbench.score predictions.json --dataset DIR`` reads every ``*.parquet`` of the folder. Speaker 1 is speaker a. An
annotation is a list of ``{start_s, end_s, label, text}``, one for each inter-pausal unit, for theirs is cut by voice activity too.
Its gold needs two of three annotators who agree; we have one labeller, and so its labels stand three times and nothing is in dispute.

Labels, by the role of the unit: turn: ``Normal Turn``, or ``Floor-taking Competitive/Cooperative Interruption`` where it interrupts
and takes the floor; an attempt in vain: ``Non-floor Taking ...``; a backchannel: ``Acknowledgement/Continuer/Reaction Backchannel``.
Where nothing tells of which sort it is, Competitive and Continuer stand, which TurnBench maps to the same class. ``Laughter`` is
ours as well. ``Strong Floor Hold``, ``Bounded Response``, ``Awkward Silence`` and the noises are not known and not written.

Source: SesameAILabs/turnbench@a87ffac turnbench/gold.py (``LABEL_MAP``), @0dda64e eval/data.py (columns, ``resolve_dataset``).
"""

import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import soundfile

from duologue_consent import Form
from duologue_pipeline.export.account import Account, PartResult
from duologue_pipeline.export.format import Context, Need, Option, Part
from duologue_pipeline.export.formats.full_duplex_bench import item_number
from duologue_pipeline.export.wav import tracks_of
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.records import SPEAKERS, Speaker
from duologue_pipeline.views.sides import milliseconds
from duologue_pipeline.views.spans import sample_end_ms
from duologue_pipeline.views.words import SpokenWord, is_withdrawn

__all__ = ["TurnBench", "annotation_of_sample"]

_ANNOTATORS: Final = ("a", "b", "c")
_BACKCHANNELS: Final = {
    "acknowledgement": "Acknowledgement Backchannel",
    "continuer": "Continuer Backchannel",
    "reaction": "Reaction Backchannel",
}
_EVENT: Final = pa.struct(
    [("start_s", pa.float64()), ("end_s", pa.float64()), ("label", pa.string()), ("text", pa.string())]
)
_AUDIO: Final = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
_SCHEMA: Final = pa.schema(
    [
        ("conversation_id", pa.string()),
        *((f"speaker_{number}_audio", _AUDIO) for number in (1, 2)),
        *((f"speaker_{number}_annotation_{who}", pa.list_(_EVENT)) for number in (1, 2) for who in _ANNOTATORS),
        (
            "metadata",
            pa.struct([("language", pa.string()), ("conversation", pa.string()), ("sample", pa.string())]),
        ),
    ]
)

_README: Final = """# Held-out conversations for TurnBench

{count} conversations. Score predictions for them with the code of https://github.com/SesameAILabs/turnbench:

    python -m turnbench.score predictions.json --dataset THIS_FOLDER

`conversation_id` is a number; `metadata` says which sample it is. The labels of annotators a, b and c are the same: they come from one
program, duologue, by its rules of events. So the gold has no disputes, and its figures are not to be compared with those of
TurnBench's own test set, on which three people had to agree.
"""


class TurnBench:
    """Writes Parquet files of conversations with annotations for TurnBench."""

    name: Final = "turnbench"
    description: Final = (
        "Write held-out conversations with labels of turns, interruptions and backchannels for TurnBench."
    )
    needs: Final[frozenset[Need]] = frozenset({"audio"})
    tokenizer: Final = "none"
    options: Final[Mapping[str, Option]] = {}
    version: Final = 1

    def forms(self, context: Context) -> tuple[Form, ...]:
        """Lists the forms of a recording that the files hold."""
        return (Form.AUDIO, Form.TRANSCRIPT, Form.ANNOTATIONS)

    def part(self, samples: Iterator[Sample], out: Path, context: Context) -> PartResult:
        """Writes a row for each sample, one after the other."""
        account, index = Account(), []
        writer: Any = None
        try:
            for number, sample in enumerate(samples, start=1):
                name = context.name(sample)
                if any(is_withdrawn(sample, side) for side in SPEAKERS):
                    account.leave(sample, "silenced")
                    continue
                words = account.take(sample)
                if writer is None:
                    writer = pq.ParquetWriter(out / f"{context.part}.parquet", _SCHEMA)
                told = {"language": sample.metadata["language"] or None, "conversation": context.conversation(sample)}
                row = _row(sample, item_number(context.part, number), words, told | {"sample": name})
                writer.write_table(pa.Table.from_pylist([row], _SCHEMA))
                labelled = [
                    (event["start_s"], event["end_s"], side) for side in SPEAKERS for event in _events(row, side)
                ]
                unused = sum(
                    not any(who == side and start <= word.start_s < end for start, end, who in labelled)
                    for side, own in words.items()
                    for word in own
                )
                account.leave_words("no_turn", unused)
                index.append(row["conversation_id"])
        finally:
            if writer is not None:
                writer.close()
        return account.result(index)

    def finish(self, out: Path, parts: Iterable[Part], context: Context) -> None:
        """Writes how to score with it."""
        (out / "README.md").write_text(_README.format(count=sum(len(part.index) for part in parts)), encoding="utf-8")


def _events(row: Mapping[str, Any], side: Speaker) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = row[f"speaker_{SPEAKERS.index(side) + 1}_annotation_a"]
    return found


def _row(
    sample: Sample, number: str, words: Mapping[Speaker, list[SpokenWord]], about: Mapping[str, Any]
) -> dict[str, Any]:
    tracks, rate_hz, bits = tracks_of(sample, SPEAKERS)
    row: dict[str, Any] = {"conversation_id": number, "metadata": dict(about)}
    for place, side in enumerate(SPEAKERS, start=1):
        buffer = io.BytesIO()
        whole = np.rint(tracks[place - 1] * float(1 << (bits - 1))).astype(np.int64)
        pcm = np.clip(whole, -(1 << (bits - 1)), (1 << (bits - 1)) - 1).astype(np.int32) << (32 - bits)
        soundfile.write(buffer, pcm, rate_hz, format="FLAC", subtype=f"PCM_{bits}")
        row[f"speaker_{place}_audio"] = {"bytes": buffer.getvalue(), "path": f"{number}-{place}.flac"}
        events = annotation_of_sample(sample, side, words[side])
        for who in _ANNOTATORS:
            row[f"speaker_{place}_annotation_{who}"] = events
    return row


def annotation_of_sample(sample: Sample, speaker: Speaker, words: list[SpokenWord]) -> list[dict[str, Any]]:
    """Labels what a speaker does in a sample in the terms of TurnBench.

    Args:
        sample: with events; those that cross its edge are cut there.
        speaker: who is labelled.
        words: of the speaker, by their start.

    Returns:
        ``{"start_s", "end_s", "label", "text"}`` each, by start.
    """
    own = [event for event in sample.metadata["events"] if event["speaker"] == speaker]
    interruptions = {milliseconds(event["start_s"]): event for event in own if event["kind"] == "interruption"}
    backchannels = {milliseconds(event["start_s"]): event for event in own if event["kind"] == "backchannel"}
    end_s = sample_end_ms(sample) / 1000
    found = []
    for event in own:
        if event["kind"] not in ("ipu", "laughter"):
            continue
        begin_s, until_s = max(0.0, event["start_s"]), min(end_s, event["end_s"])
        if begin_s >= until_s:
            continue
        at_ms = milliseconds(event["start_s"])
        label = _label(event, interruptions.get(at_ms), backchannels.get(at_ms))
        text = " ".join(word.text for word in words if begin_s <= word.start_s < until_s)
        found.append({"start_s": begin_s, "end_s": until_s, "label": label, "text": text})
    return sorted(found, key=lambda event: (event["start_s"], event["end_s"], event["label"]))


def _label(
    event: Mapping[str, Any], interruption: Mapping[str, Any] | None, backchannel: Mapping[str, Any] | None
) -> str:
    if event["kind"] == "laughter":
        return "Laughter"
    if event["subtype"] == "backchannel":
        return _BACKCHANNELS.get(backchannel["subtype"] if backchannel else "", _BACKCHANNELS["continuer"])
    stance = "Cooperative" if interruption and interruption["subtype"] == "cooperative" else "Competitive"
    if event["subtype"] == "attempt":
        return f"Non-floor Taking {stance} Interruption"
    if interruption is not None and interruption["floor_taking"]:
        return f"Floor-taking {stance} Interruption"
    return "Normal Turn"
