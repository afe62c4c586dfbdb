"""Writes a release as cuts of lhotse: both speakers in one recording of two channels, every word in a supervision.

    layout=cuts    train.jsonl.gz                      a cut a line, for each split
                   train-00000/NAME.flac               the audio as it lies in the release, a on channel 0, b on channel 1
    layout=shar    train/cuts.train-00000.jsonl.gz     a folder a split, a shard of the release a shard
                   train/recording.train-00000.tar

Paths in cuts are relative: ``CutSet.from_file("train.jsonl.gz").with_recording_path_prefix(DIR)``, or ``--set root=DIR``. Shar holds the audio itself:
``CutSet.from_shar(in_dir="DIR/train")``.

A supervision is a turn, a backchannel, or words that lie in neither (``custom["kind"]``); it has ``text`` and the times of words where there
is a transcript. Of a side without one there are supervisions without text, and ``custom["transcripts"]`` of the cut says which.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext
from itertools import chain
from pathlib import Path
from typing import Any, Final

from duologue_consent import Form
from duologue_pipeline.export.account import Account, PartResult
from duologue_pipeline.export.format import Context, Need, Option, Part
from duologue_pipeline.export.lhotse_cuts import (
    ShardFiles,
    cut_document,
    json_line,
    recording_document,
    supervision_document,
    write_gzip,
)
from duologue_pipeline.export.manifests import ROOT, rooted, rows_of
from duologue_pipeline.export.said import speaker_name
from duologue_pipeline.export.sound import Sound, flac_of, sound_of
from duologue_pipeline.export.units import spoken_units, untold_units
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.records import SPEAKERS, Speaker
from duologue_pipeline.views.words import SpokenWord, has_transcript

__all__ = ["Lhotse"]

_CHANNELS: Final = (0, 1)


class Lhotse:
    """Writes cuts of two channels with the words of both speakers, for lhotse."""

    name: Final = "lhotse"
    description: Final = (
        "Write cuts of two channels with supervisions and word times for lhotse, as a manifest or as Shar."
    )
    needs: Final[frozenset[Need]] = frozenset({"audio"})
    tokenizer: Final = "none"
    options: Final[Mapping[str, Option]] = {
        "root": ROOT,
        "layout": Option(
            "cuts", "Choose cuts (a manifest beside FLAC files) or shar (tars that hold the audio).", ("cuts", "shar")
        ),
    }
    version: Final = 1

    def forms(self, context: Context) -> tuple[Form, ...]:
        """Lists the forms of a recording that the files hold."""
        return (Form.AUDIO, Form.TRANSCRIPT, Form.ANNOTATIONS)

    def part(self, samples: Iterator[Sample], out: Path, context: Context) -> PartResult:
        """Writes the audio and the cut of each sample."""
        account = Account()
        index: list[Any] = []
        first = next(samples, None)
        if first is None:
            return account.result(index)
        shar = context.options["layout"] == "shar"
        folder = out / first.metadata["split"]
        with ShardFiles(folder, context.part, ["recording"]) if shar else nullcontext() as files:
            for sample in chain([first], samples):
                name, sound, words = context.name(sample), sound_of(sample), account.take(sample)
                source = "" if shar else f"{context.part}/{name}.flac"
                recording = recording_document(name, sound, _CHANNELS, source and rooted(source, context))
                cut = cut_document(
                    name,
                    sound,
                    _CHANNELS,
                    recording,
                    _supervisions(sample, words, sound, context),
                    _about(sample, context),
                )
                if files is not None:
                    files.add(cut, recording=(flac_of(sample), recording))
                else:
                    (out / context.part).mkdir(exist_ok=True)
                    (out / source).write_bytes(flac_of(sample))
                    index.append(cut)
        return account.result(index)

    def finish(self, out: Path, parts: Iterable[Part], context: Context) -> None:
        """Writes the manifest of each split."""
        if context.options["layout"] == "shar":
            return
        for split in context.splits:
            with (out / f"{split}.jsonl.gz").open("wb") as file:
                write_gzip(file, (json_line(cut) for cut in rows_of(parts, split)))


def _supervisions(
    sample: Sample, words: Mapping[Speaker, list[SpokenWord]], sound: Sound, context: Context
) -> list[dict[str, Any]]:
    end_ms, name = sound.duration_ms, context.name(sample)
    units = spoken_units(sample, words, end_ms=end_ms)
    for speaker in SPEAKERS:
        if not has_transcript(sample, speaker):
            units += untold_units(sample, speaker, end_ms=end_ms)
    units.sort(key=lambda unit: (unit.start_ms, unit.end_ms, unit.speaker))
    return [
        supervision_document(
            unit,
            name=f"{name}-{number:05d}",
            recording=name,
            channel=SPEAKERS.index(unit.speaker),
            speaker=speaker_name(sample, unit.speaker, context),
            language=sample.metadata["language"],
            end_ms=end_ms,
        )
        for number, unit in enumerate(units)
    ]


def _about(sample: Sample, context: Context) -> dict[str, Any]:
    about = sample.metadata
    return {
        "conversation": context.conversation(sample),
        "segment": about["segment"],
        "start_s": about["start_s"],
        "isolation": about["isolation"]["verdict"],
        "transcripts": {side: has_transcript(sample, side) for side in SPEAKERS},
    }
