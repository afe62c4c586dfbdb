"""Makes the clips of synthesised voices once, and keeps them in a cache folder.

A voice of the cache is two files: VOICE.flac, its clips one after the other at 24 kHz, and VOICE.json, where each
begins and which words it holds. The folder's name is a hash of what is said and how, so that nothing stale is ever
read.
"""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import numpy as np
import soundfile
import soxr

from duologue_pipeline.errors import UsageError
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.simulate import SimulateRules
from duologue_pipeline.simulate.synthesis import engine_voices, synthesise
from duologue_pipeline.simulate.voices import CLIP_RATE_HZ, Clip, VoiceClips, trim, unit_rms

__all__ = ["SynthesisedBank", "read_phrases"]

_MADE_BY: Final = "clips 1"  # raise it when the same engines would give other clips, as by other rules


def read_phrases() -> dict[str, Any]:
    """Reads what voices say: primary language subtag -> ``phrases`` and ``backchannels``, lists of texts."""
    said: dict[str, Any] = json.loads(files(__package__).joinpath("phrases.json").read_text(encoding="utf-8"))
    return said


@dataclass
class SynthesisedBank:
    """Speaks with every voice of some engines in one language; makes a voice when it is first asked for.

    ``progress`` is told which one is being made.
    """

    engines: Sequence[str]
    language: str
    cache: Path
    progress: Callable[[str], None] = lambda message: None
    _names: list[str] = field(init=False)
    _loaded: dict[str, VoiceClips] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._names = sorted(name for engine in self.engines for name in engine_voices(engine, self.language))
        said = read_phrases()[self.language.split("-")[0]]
        self._phrases, self._backchannels = said["phrases"], said["backchannels"]
        key = hashlib.sha256(json.dumps([_MADE_BY, said], sort_keys=True).encode()).hexdigest()[:12]
        self._folder = self.cache / f"{self.language.split('-')[0]}-{key}"

    def voices(self) -> Sequence[str]:
        """Lists the names of the voices, sorted."""
        return self._names

    def clips(self, voice: str) -> VoiceClips:
        """Gives what a voice can say, from the cache if it is there.

        Raises:
            KeyError: there is no such voice.
            UsageError: the engine fails, or the cache cannot be written.
        """
        if voice not in self._names:
            raise KeyError(f"{voice!r} is not one of {', '.join(self._names)}")
        if voice not in self._loaded:
            path = self._folder / voice.replace(":", "-")
            if not path.with_suffix(".json").exists():
                self.progress(f"making the voice {voice} (once; kept in {self.cache})")
                try:
                    _store(path, self._make(voice))
                except OSError as error:
                    raise UsageError(
                        f"{path}: the voice cannot be kept ({error}); name another --voices-cache"
                    ) from None
            self._loaded[voice] = _load(path)  # also when just made: a cache hit and a miss give the same samples
        return self._loaded[voice]

    def _make(self, voice: str) -> VoiceClips:
        texts = [*self._phrases, *self._backchannels]
        try:
            said = synthesise(voice, texts)
        except RuntimeError as error:
            raise UsageError(str(error)) from None
        clips: list[Clip | None] = []
        for text, spoken in zip(texts, said, strict=True):
            pcm = soxr.resample(spoken.pcm, spoken.sample_rate_hz, CLIP_RATE_HZ, quality="VHQ")
            ranges = trim(pcm, CLIP_RATE_HZ)
            if len(ranges) != 1:
                clips.append(None)  # the engine pauses within the phrase: not one inter-pausal unit
                continue
            ((start, end),) = ranges
            clips.append(Clip(unit_rms(pcm[start:end]), _words_in(text, spoken.word_times_s, start, end)))
        count = len(self._phrases)
        phrases = [clip for clip in clips[:count] if clip]
        most_s = load_rules(SimulateRules).backchannel_max_s
        short = [clip for clip in clips[count:] if clip and clip.duration_s <= most_s]
        if not phrases or not short:
            raise UsageError(f"{voice} pauses in every phrase; name other voices with --voices")
        return VoiceClips(phrases, short)


def _words_in(
    text: str, times_s: Sequence[tuple[float, float]], start: int, end: int
) -> list[tuple[str, float, float]]:
    """Gives the words with their times in the clip; the first begins and the last ends with it."""
    length_s = (end - start) / CLIP_RATE_HZ
    inside_s = [
        [round(min(max(time_s - start / CLIP_RATE_HZ, 0.0), length_s), 4) for time_s in span] for span in times_s
    ]
    inside_s[0][0], inside_s[-1][1] = 0.0, length_s
    return [(word, start_s, end_s) for word, (start_s, end_s) in zip(text.split(), inside_s, strict=True)]


def _store(path: Path, clips: VoiceClips) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    everything = [*clips.phrases, *clips.backchannels]
    pcm = np.concatenate([clip.pcm for clip in everything])
    scale = 0.99 / float(np.abs(pcm).max())
    rows = [{"samples": len(clip.pcm), "words": clip.words} for clip in everything]
    index = {"scale": scale, "phrases": len(clips.phrases), "clips": rows}
    part = path.with_name(f"{path.name}.{os.getpid()}")
    soundfile.write(f"{part}.flac", pcm * scale, CLIP_RATE_HZ, subtype="PCM_16")
    Path(f"{part}.json").write_text(json.dumps(index, ensure_ascii=False), encoding="utf-8")
    for suffix in (".flac", ".json"):  # the index last: where it is, the clips are
        os.replace(f"{part}{suffix}", f"{path}{suffix}")


def _load(path: Path) -> VoiceClips:
    try:
        index = json.loads(Path(f"{path}.json").read_text(encoding="utf-8"))
        pcm, _ = soundfile.read(f"{path}.flac", dtype="float32")
    except (OSError, ValueError, soundfile.LibsndfileError) as error:
        raise UsageError(f"{path}.flac: the kept voice cannot be read ({error}); delete {path.parent}") from None
    clips, at = [], 0
    for row in index["clips"]:
        words = [(word, start_s, end_s) for word, start_s, end_s in row["words"]]
        clips.append(Clip(pcm[at : at + row["samples"]] / np.float32(index["scale"]), words))
        at += row["samples"]
    return VoiceClips(clips[: index["phrases"]], clips[index["phrases"] :])
