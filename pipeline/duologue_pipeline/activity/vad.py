"""Finds when a track holds speech, in one pass over it: Silero VAD decides, the waveform sets the edges.

The audio of a track is given block by block; when it ends, the stretches come out in which somebody speaks. A whole
track is never held in memory.

Silero's 16 kHz network (:mod:`duologue_pipeline.activity.network`) is used for everything: on telephone speech resampled from
8 kHz it finds short stretches that its 8 kHz branch misses (docs/annotation.md).

The network says *whether* there is speech; where it begins and ends is found in the spectrum of the waveform around the
frame at which the decision changed (:mod:`duologue_pipeline.activity.edges`), without the dying away of a room
(:mod:`duologue_pipeline.activity.reverberation`).
"""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from duologue_pipeline.activity.bands import HOP_MS, LOWEST_DBFS, BandLevels, power_of
from duologue_pipeline.activity.edges import edges_on_the_waveform, sound_scores, without_tails
from duologue_pipeline.activity.network import CONTEXT, FRAME, VadModel
from duologue_pipeline.activity.reverberation import room_decay
from duologue_pipeline.activity.runs import runs_of
from duologue_pipeline.records import Span
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.activity import ActivityRules

__all__ = ["SAMPLE_RATE_HZ", "Vad", "VadOfTracks", "levels_of", "speech_spans"]

SAMPLE_RATE_HZ: Final = 16_000

_FRAME_MS: Final = 32
_BLOCK: Final = 500 * FRAME  # samples a pass of the network: 16 s
_LEVELS_BLOCK: Final = 60_000  # hops: 10 min

_Floats = npt.NDArray[np.float32]
_Levels = npt.NDArray[np.uint8]


class VadOfTracks:
    """Finds the speech of several tracks in progress, which are equally long; each as :class:`Vad` does alone.

    Audio is held for one block (16 s); per hour of track .5 MB of probabilities and 4.3 MB of band levels are kept.

    ``levels_dbfs``, float32 [H] in dBFS for each track, is the level every 10 ms, once finished.

    Args:
        model: from :func:`load_vad`; holds no state of a track and may be shared.
        tracks: how many.
        rules: the rule set ``activity``, the packaged one if None.
    """

    def __init__(self, model: VadModel, tracks: int, rules: ActivityRules | None = None) -> None:
        self._model = model
        self._rules = load_rules(ActivityRules) if rules is None else rules
        self._waiting: list[_Floats] = []
        self._waiting_samples = 0
        self._samples = 0
        self._context = np.zeros((tracks, CONTEXT), np.float32)
        self._state = model.start(tracks)
        self._probabilities: list[_Floats] = []
        self._bands = [BandLevels() for _ in range(tracks)]
        self.levels_dbfs = [np.zeros(0, np.float32) for _ in range(tracks)]

    def push(self, blocks: Sequence[_Floats]) -> None:
        """Takes the next samples of the tracks.

        Args:
            blocks: float32 [T] in [-1, 1] at 16,000 Hz for each track, of one T, which may be anything, also 0.
        """
        pcm = np.array(blocks, np.float32)  # a copy: the caller may fill its buffer again
        self._samples += pcm.shape[1]
        for bands, row in zip(self._bands, pcm, strict=True):
            bands.push(row)
        self._waiting.append(pcm)
        self._waiting_samples += pcm.shape[1]
        if self._waiting_samples < _BLOCK:
            return
        waiting = np.concatenate(self._waiting, axis=1)
        whole = waiting.shape[1] - waiting.shape[1] % _BLOCK
        for start in range(0, whole, _BLOCK):
            self._judge(waiting[:, start : start + _BLOCK])
        self._waiting = [waiting[:, whole:].copy()]
        self._waiting_samples = waiting.shape[1] - whole

    def finish(self, *, duration_ms: int | None = None) -> list[list[Span]]:
        """Ends the tracks and gives the stretches of speech of each, as :meth:`Vad.finish` does."""
        if self._waiting_samples:
            rest = np.concatenate(self._waiting, axis=1)
            self._judge(np.pad(rest, ((0, 0), (0, -rest.shape[1] % FRAME))))
            self._waiting, self._waiting_samples = [], 0
        if not self._samples:
            return [[] for _ in self._bands]
        found = []
        for track, probabilities in enumerate(np.concatenate(self._probabilities, axis=1)):
            bands = self._bands[track].finish()
            self.levels_dbfs[track] = levels_of(bands)
            spans = speech_spans(
                probabilities,
                self.levels_dbfs[track],
                duration_ms=self._samples * 1000 // SAMPLE_RATE_HZ if duration_ms is None else duration_ms,
                rules=self._rules,
                bands=bands,
            )
            found.append(spans)
        return found

    def _judge(self, pcm: _Floats) -> None:
        """Adds the network's probabilities of speech in ``pcm``, float32 [tracks, T], T a multiple of a frame."""
        joined = np.concatenate([self._context, pcm], axis=1)
        self._context = joined[:, -CONTEXT:]
        probabilities, self._state = self._model.judge(joined, self._state)
        self._probabilities.append(probabilities)


class Vad:
    """Finds the speech of one track in progress; blocks of any length give the spans of one pass over all of it.

    Args:
        model: from :func:`load_vad`; holds no state of a track and may be shared.
        rules: the rule set ``activity``, the packaged one if None.
    """

    def __init__(self, model: VadModel, rules: ActivityRules | None = None) -> None:
        self._track = VadOfTracks(model, 1, rules)

    @property
    def levels_dbfs(self) -> _Floats:
        """Gives the level every 10 ms, float32 [H] in dBFS, once finished."""
        return self._track.levels_dbfs[0]

    def push(self, pcm: _Floats) -> None:
        """Takes the next samples of the track.

        Args:
            pcm: float32 [T] in [-1, 1] at 16,000 Hz; T may be anything, also 0.
        """
        self._track.push([pcm])

    def finish(self, *, duration_ms: int | None = None) -> list[Span]:
        """Ends the track and gives its stretches of speech.

        Args:
            duration_ms: of the conversation, where spans are cut; that of what was pushed if None. Resampling can make
                a track a sample longer than its conversation.

        Returns:
            The stretches of speech in milliseconds from the first sample, sorted, disjoint, not touching.
        """
        return self._track.finish(duration_ms=duration_ms)[0]


def levels_of(bands: _Levels) -> _Floats:
    """Adds up the bands of a track to its level between 100 Hz and 8 kHz.

    Args:
        bands: uint8 [H, B], in half dB above -120 dBFS.

    Returns:
        float32 [H] in dBFS.
    """
    power = np.empty(len(bands), np.float32)
    for start in range(0, len(bands), _LEVELS_BLOCK):  # all at once would be 17 MB an hour
        power[start : start + _LEVELS_BLOCK] = power_of(bands[start : start + _LEVELS_BLOCK]).sum(axis=1)
    levels: _Floats = 10 * np.log10(power)
    return levels


def speech_spans(
    probabilities: _Floats,
    levels_dbfs: _Floats,
    *,
    duration_ms: int,
    rules: ActivityRules | None = None,
    bands: _Levels | None = None,
) -> list[Span]:
    """Turns the network's judgement and the spectrum of the waveform into stretches of speech.

    A stretch opens where the probability reaches ``on_probability`` and closes where it falls below
    ``off_probability``. Each edge then moves to where the sound itself begins or ends
    (:mod:`duologue_pipeline.activity.edges`), at most ``edge_search_ms`` inwards and ``edge_reach_ms`` (a beginning) or
    ``edge_reach_after_ms`` (an end) outwards; where
    the track was recorded in a room, its dying away is no sound (:mod:`duologue_pipeline.activity.reverberation`).
    Last, silences under ``min_silence_ms`` are closed and stretches under ``min_speech_ms`` left out. Nothing is
    padded.

    Args:
        probabilities: float32 [F] in [0, 1], one a 32 ms frame.
        levels_dbfs: float32 [H] in dBFS, at least -120: one a 10 ms hop.
        duration_ms: of the track; spans are cut there.
        rules: the rule set ``activity``, the packaged one if None.
        bands: uint8 [H, B], the same in bands, in half dB above -120 dBFS; the level is taken for a single band if
            None.

    Returns:
        Spans in milliseconds, sorted, disjoint, not touching.
    """
    rules = load_rules(ActivityRules) if rules is None else rules
    if bands is None:
        bands = np.clip(2 * (levels_dbfs[:, np.newaxis] - LOWEST_DBFS), 0, 255).astype(np.uint8)
    frames = _hysteresis(probabilities, on=rules.on_probability, off=rules.off_probability)
    runs = _hops_of(frames, len(bands))
    sure = _hops_of(probabilities >= rules.edge_sure_probability, len(bands))
    scores, noises = sound_scores(bands, _marked(runs, len(bands)), _marked(sure, len(bands)), rules)
    edges = list(edges_on_the_waveform(runs, scores, levels_dbfs, rules))
    decay_db_per_s = room_decay(levels_dbfs, edges, rules)
    if decay_db_per_s is not None:
        scores = without_tails(scores, noises, bands, decay_db_per_s, rules)
        edges = list(edges_on_the_waveform(runs, scores, levels_dbfs, rules))
    return _joined(edges, duration_ms=duration_ms, rules=rules)


def _hops_of(frames: npt.NDArray[np.bool_], hops: int) -> list[tuple[int, int]]:
    """Gives the runs of frames of 32 ms as ``(first hop, hop after the last)``; the last frame may reach beyond the track's end."""
    runs = [(round(start * _FRAME_MS / HOP_MS), round(end * _FRAME_MS / HOP_MS)) for start, end in runs_of(frames)]
    return [(start, min(end, hops)) for start, end in runs if start < hops]


def _marked(runs: Iterable[tuple[int, int]], hops: int) -> npt.NDArray[np.bool_]:
    """Marks the hops of runs: bool [hops]."""
    marks = np.zeros(hops, np.bool_)
    for start, end in runs:
        marks[start:end] = True
    return marks


def _hysteresis(probabilities: _Floats, *, on: float, off: float) -> npt.NDArray[np.bool_]:
    """Decides for each value: yes from one >= ``on`` until one < ``off``; in between the last decision holds."""
    decisive = (probabilities >= on) | (probabilities < off)
    latest = np.maximum.accumulate(np.where(decisive, np.arange(probabilities.size), -1))
    return (latest >= 0) & (probabilities[latest] >= on)


def _joined(hops: Iterable[tuple[int, int]], *, duration_ms: int, rules: ActivityRules) -> list[Span]:
    """Joins stretches across short silences, cuts them to the duration, and leaves out short ones."""
    spans: list[Span] = []
    for onset, offset in hops:
        start_ms, end_ms = onset * HOP_MS, min(offset * HOP_MS, duration_ms)
        if spans and start_ms - spans[-1].end_ms < rules.min_silence_ms:
            spans[-1] = Span(spans[-1].start_ms, end_ms)
        else:
            spans.append(Span(start_ms, end_ms))
    return [span for span in spans if span.duration_ms >= rules.min_speech_ms]
