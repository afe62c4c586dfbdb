"""Writes a release as Shar for NeMo's duplex speech-to-speech models: the user's track as the recording, the model's as its target.

    train/cuts.train-00000.jsonl.gz            a mono cut for each sample and each side that the model speaks
    train/recording.train-00000.tar            what the model hears: the user's track
    train/target_audio.train-00000.tar         what it says: its track, at target_rate_hz

Roles stand in ``supervision.speaker``: ``user`` or ``agent``. NeMo resamples the recording (``cuts.resample``) but not
``target_audio``, which must lie at the model's ``target_sample_rate``. A supervision is a turn, a backchannel, or words in neither,
with its whole text; NeMo writes BOS and the text from its first frame of 80 ms on and EOS at its end.

Source: NVIDIA/NeMo@8cfedd7 nemo/collections/speechlm2/data/s2s_dataset.py (``DuplexS2SDataset``). It knows no side of which the text
is unknown: no supervision reads as silence. So a sample is left out where the model's side has no transcript; where the
user's has none, the sample is written with the model's text alone.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, Final

from duologue_consent import Form
from duologue_pipeline.errors import UsageError
from duologue_pipeline.export.account import Account, PartResult
from duologue_pipeline.export.format import Context, Need, Option, Part
from duologue_pipeline.export.lhotse_cuts import ShardFiles, cut_document, recording_document, supervision_document
from duologue_pipeline.export.sound import Sound, pcm_16, track_of
from duologue_pipeline.export.told import told_sides, why_untold
from duologue_pipeline.export.units import spoken_units
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.records import Speaker
from duologue_pipeline.views.sides import other_speaker
from duologue_pipeline.views.words import SpokenWord

__all__ = ["NemoDuplex"]

_LEAST_HZ: Final = 8000
_MOST_HZ: Final = 96000


class NemoDuplex:
    """Writes Shar with the roles user and agent and a target_audio for NeMo's duplex models."""

    name: Final = "nemo-duplex"
    description: Final = "Write Shar with the roles user and agent and target_audio for NeMo's duplex speech models."
    needs: Final[frozenset[Need]] = frozenset({"audio", "words"})
    tokenizer: Final = "none"
    options: Final[Mapping[str, Option]] = {
        "target_rate_hz": Option(22050, "Give the model's target_sample_rate, which NeMo does not resample to.")
    }
    version: Final = 1

    def forms(self, context: Context) -> tuple[Form, ...]:
        """Lists the forms of a recording that the files hold."""
        return (Form.AUDIO, Form.TRANSCRIPT, Form.ANNOTATIONS)

    def part(self, samples: Iterator[Sample], out: Path, context: Context) -> PartResult:
        """Writes a cut and two tracks for each sample and each side that the model speaks."""
        rate_hz = context.options["target_rate_hz"]
        if not _LEAST_HZ <= rate_hz <= _MOST_HZ:
            raise UsageError(
                f"target_rate_hz {rate_hz}: expected {_LEAST_HZ} to {_MOST_HZ}, the target_sample_rate of the model"
            )
        account = Account()
        first = next(samples, None)
        if first is None:
            return account.result([])
        with ShardFiles(out / first.metadata["split"], context.part, ["recording", "target_audio"]) as files:
            for sample in chain([first], samples):
                sides = told_sides(sample, context)
                if not sides:
                    account.leave(sample, why_untold(sample, context))
                    continue
                words = account.take(sample)
                for model in sides:
                    _write(files, sample, words, model, rate_hz, f"{context.name(sample)}-{model}")
        return account.result([])

    def finish(self, out: Path, parts: Iterable[Part], context: Context) -> None:
        """Writes nothing: Shar has no file that speaks of the whole."""


def _write(
    files: ShardFiles,
    sample: Sample,
    words: Mapping[Speaker, list[SpokenWord]],
    model: Speaker,
    rate_hz: int,
    name: str,
) -> None:
    heard, held_hz = track_of(sample, other_speaker(model))
    spoken, _ = track_of(sample, model, rate_hz)
    sound, target = Sound(held_hz, len(heard)), Sound(rate_hz, len(spoken))
    recording, agent = recording_document(name, sound, [0]), recording_document(name, target, [0])
    end_ms = min(sound.duration_ms, target.duration_ms)
    supervisions: list[dict[str, Any]] = [
        supervision_document(
            unit,
            name=f"{name}-{number:05d}",
            recording=name,
            channel=0,
            speaker="agent" if unit.speaker == model else "user",
            language=sample.metadata["language"],
            end_ms=end_ms,
        )
        for number, unit in enumerate(spoken_units(sample, words, end_ms=end_ms))
    ]
    cut = cut_document(name, sound, [0], recording, supervisions, {"target_audio": agent})
    files.add(
        cut,
        recording=(pcm_16(heard, held_hz, kind="FLAC"), recording),
        target_audio=(pcm_16(spoken, rate_hz, kind="FLAC"), agent),
    )
