"""Cuts the clips of recorded voices out of a folder of audio files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import soundfile
import soxr

from duologue_pipeline.errors import UsageError
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.simulate import SimulateRules
from duologue_pipeline.simulate.voices import CLIP_RATE_HZ, F32, Clip, VoiceClips, trim, unit_rms

__all__ = ["RecordedBank"]

_AUDIO_SUFFIXES: Final = frozenset({".wav", ".flac", ".ogg", ".opus", ".mp3", ".sph"})


@dataclass
class RecordedBank:
    """Takes voices from mono clips: ``SPEAKER/*.wav``, or ``SPEAKER-*.wav`` and ``SPEAKER_*.wav`` side by side.

    Clips are cut at pauses of ``clip_joined_ms``. What is said in them is not known, so there are no words.
    """

    folder: Path

    def __post_init__(self) -> None:
        self._files: dict[str, list[Path]] = {}
        self._loaded: dict[str, VoiceClips] = {}
        for path in sorted(self.folder.rglob("*")):
            if path.suffix.lower() in _AUDIO_SUFFIXES:
                inside = path.relative_to(self.folder)
                name = inside.parts[0] if len(inside.parts) > 1 else path.stem.replace("_", "-").split("-")[0]
                self._files.setdefault(name, []).append(path)
        if len(self._files) < 2:
            raise UsageError(
                f"--voices {self.folder}: clips of {len(self._files)} speakers, and a conversation needs two; expected "
                "SPEAKER/*.wav, or SPEAKER-*.wav side by side"
            )

    def voices(self) -> Sequence[str]:
        """Lists the names of the speakers, sorted."""
        return sorted(self._files)

    def clips(self, voice: str) -> VoiceClips:
        """Gives the clips of a speaker.

        Raises:
            KeyError: there is no such speaker.
            UsageError: a file cannot be read, is not mono, or there is too little speech.
        """
        if voice not in self._loaded:
            rules = load_rules(SimulateRules)
            found = [clip for path in self._files[voice] for clip in _cut(path, rules)]
            phrases = [clip for clip in found if clip.duration_s > rules.backchannel_max_s]
            if sum(clip.duration_s for clip in phrases) < rules.recorded_voice_min_s:
                raise UsageError(
                    f"--voices {self.folder}: {voice} has less than {rules.recorded_voice_min_s:g} s of speech in pieces of "
                    f"{rules.backchannel_max_s} to {rules.clip_s[1]} s; give longer clips, or more"
                )
            short = [clip for clip in found if clip.duration_s <= rules.backchannel_max_s]
            # Without short utterances, the beginnings of long ones stand for them.
            length = round(rules.recorded_stand_in_s * CLIP_RATE_HZ)
            stand_ins = phrases[: rules.recorded_stand_ins]
            short = short or [Clip(unit_rms(clip.pcm[:length].copy())) for clip in stand_ins]
            self._loaded[voice] = VoiceClips(phrases, short)
        return self._loaded[voice]


def _cut(path: Path, rules: SimulateRules) -> list[Clip]:
    """Cuts a file into inter-pausal units, and drops those that are too long or too short."""
    try:
        pcm, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, soundfile.LibsndfileError) as error:
        raise UsageError(f"{path}: cannot be read as audio ({error})") from None
    if pcm.shape[1] != 1:
        raise UsageError(f"{path}: has {pcm.shape[1]} channels; voices are mono clips")
    resampled: F32 = soxr.resample(pcm[:, 0], rate_hz, CLIP_RATE_HZ)
    pieces = [resampled[start:end] for start, end in trim(resampled, CLIP_RATE_HZ)]
    low, high = (round(length_s * CLIP_RATE_HZ) for length_s in rules.clip_s)
    return [Clip(unit_rms(piece)) for piece in pieces if low <= len(piece) <= high]
