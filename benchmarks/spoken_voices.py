"""Speaks the marked scripts of ``spoken_scripts.json`` in simulated conversations, so that every disfluency is known.

The words of a clip carry their mark (``um/f``, ``the/r``) through the simulation; :func:`bare_truth` takes the marks off
again and makes events and tagged words of them.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import soxr

from duologue_pipeline.records import SPEAKERS
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.simulate import SimulateRules
from duologue_pipeline.simulate.synthesis import engine_voices, synthesise
from duologue_pipeline.simulate.synthesised import read_phrases
from duologue_pipeline.simulate.voices import CLIP_RATE_HZ, Clip, VoiceClips, trim, unit_rms
from duologue_pipeline.words.lexicon import normal_form

__all__ = ["ScriptBank", "bare_truth", "marked_words", "runs", "scripts"]

_MARKS: Final = {"{": "f", "<": "e", "[": "r"}
_RUNS: Final = {"reparandum": "r", "filled_pause": "f"}


def scripts(language: str) -> Mapping[str, Sequence[str]]:
    """Reads the script of a language: ``phrases`` with marks and ``backchannels``."""
    read = json.loads(Path(__file__).with_name("spoken_scripts.json").read_text(encoding="utf-8"))
    script: Mapping[str, Sequence[str]] = read[language.split("-")[0]]
    return script


def marked_words(text: str) -> Iterator[tuple[str, str]]:
    """Splits a phrase into words, each with its mark: ``f`` in braces, ``e`` in angle brackets, ``r`` in square ones, else empty."""
    for group in re.findall(r"\{[^}]*\}|<[^>]*>|\[[^\]]*\]|[^\s{<\[]+", text):
        mark = _MARKS.get(group[0], "")
        yield from ((word, mark) for word in (group[1:-1] if mark else group).split())


class ScriptBank:
    """Speaks marked phrases, and as many fluent ones of ``duologue simulate``, with the voices of some engines.

    Args:
        engines: with commas between.
        language: a BCP 47 tag.
    """

    def __init__(self, engines: str, language: str) -> None:
        own, primary = scripts(language), language.split("-")[0]
        fluent = read_phrases().get(primary, {"phrases": []})["phrases"]
        self._phrases = [*own["phrases"], *fluent[: len(own["phrases"])]]
        self._backchannels = own["backchannels"]
        self._names = sorted(voice for engine in engines.split(",") for voice in engine_voices(engine, language))
        self._made: dict[str, VoiceClips] = {}

    def voices(self) -> Sequence[str]:
        """Lists the names of the voices, sorted."""
        return self._names

    def clips(self, voice: str) -> VoiceClips:
        """Gives what a voice can say; phrases within which the engine pauses are left out."""
        if voice not in self._made:
            phrases = self._clips(voice, self._phrases)
            most_s = load_rules(SimulateRules).backchannel_max_s
            short = [clip for clip in self._clips(voice, self._backchannels) if clip.duration_s <= most_s]
            self._made[voice] = VoiceClips(phrases, short)
        return self._made[voice]

    def _clips(self, voice: str, texts: Sequence[str]) -> list[Clip]:
        marked = [list(marked_words(text)) for text in texts]
        said = synthesise(voice, [" ".join(word for word, _ in words) for words in marked])
        found = []
        for words, spoken in zip(marked, said, strict=True):
            pcm = soxr.resample(spoken.pcm, spoken.sample_rate_hz, CLIP_RATE_HZ, quality="VHQ")
            ranges = trim(pcm, CLIP_RATE_HZ)
            if len(ranges) == 1:
                (first, last), length_s = ranges[0], (ranges[0][1] - ranges[0][0]) / CLIP_RATE_HZ
                times = [
                    [min(max(at_s - first / CLIP_RATE_HZ, 0.0), length_s) for at_s in each]
                    for each in spoken.word_times_s
                ]
                times[0][0], times[-1][1] = 0.0, length_s
                tokens = [
                    (f"{word}/{mark}", begin, end) for (word, mark), (begin, end) in zip(words, times, strict=True)
                ]
                found.append(Clip(unit_rms(pcm[first:last]), tokens))
        return found


def bare_truth(truth: dict[str, Any]) -> dict[str, Any]:
    """Takes the marks off the words of a truth document, and makes events and runs of tagged words of them.

    A filled pause outside of a repair is a ``filler``; what is taken back and said again word for word a ``repetition``.
    ``runs`` has the times in ms of the words in a row that are marked, by speaker and tag.
    """
    bare: dict[str, Any] = truth | {"words": {}, "runs": {}, "events": list(truth["events"])}
    for speaker in SPEAKERS:
        words, marks = [], []
        for row in truth["words"][speaker]:
            word, mark = row["word"].rsplit("/", 1)
            words.append(row | {"word": word + "-" * mark.endswith("-")})
            marks.append(mark.rstrip("-"))
        times = [(round(1000 * row["start_s"]), round(1000 * row["end_s"])) for row in words]
        bare["words"][speaker] = words
        bare["runs"][speaker] = {
            tag: runs([(*time, own == mark) for time, own in zip(times, marks, strict=True)])
            for tag, mark in _RUNS.items()
        }
        normals = [normal_form(row["word"]) for row in words]
        bare["events"] += [
            {"kind": kind, "speaker": speaker, "start_s": words[first]["start_s"], "end_s": words[last]["end_s"]}
            for kind, first, last in _disfluencies(normals, marks)
        ]
    return bare


def runs(words: Sequence[tuple[int, int, bool]]) -> list[tuple[int, int]]:
    """Joins the times of words in a row that are marked."""
    found: list[tuple[int, int]] = []
    before = False
    for start_ms, end_ms, marked in words:
        if marked and before:
            found[-1] = found[-1][0], end_ms
        elif marked:
            found.append((start_ms, end_ms))
        before = marked
    return found


def _disfluencies(normals: Sequence[str], marks: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    at = 0
    while at < len(marks):
        if marks[at] == "r":
            edit = at
            while edit < len(marks) and marks[edit] == "r":
                edit += 1
            resume = edit
            while resume < len(marks) and marks[resume] in ("e", "f"):
                resume += 1
            again = list(normals[resume : resume + edit - at])
            if again == list(normals[at:edit]):
                yield "repetition", at, resume + edit - at - 1
            at = resume
        else:
            if marks[at] == "f":
                yield "filler", at, at
            at += 1
